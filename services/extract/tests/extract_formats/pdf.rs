//! PDF: layout put together again, pages, and the files that give no text.

use crate::support::{expect_blocks, expect_code, file, read, read_file, trial};
use fuente_contract::document::PageStart;
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("pdf_columns_lists_tables_and_cut_words", columns),
        trial("pdf_turned_page", turned),
        trial("pdf_without_text", without_text),
        trial("pdf_cut_or_spoilt", cut_or_spoilt),
        trial("pdf_of_too_many_pages", too_many_pages),
    ]
}

fn columns() {
    let extracted = expect_blocks(
        read_file("columns.pdf"),
        &[
            "h1 Boletín de primavera",
            "h2 Horario de verano",
            "p El horario intensivo empieza el 15 de junio y termina el 15 de septiembre. La responsabilidad de cada turno es de su jefe, que publica el cuadrante los lunes. En julio abre también la sala franco-alemana.",
            "p Quien tenga hijos menores de doce años puede elegir turno antes que los demás, siempre que lo pida antes del 1 de mayo por escrito y que su equipo quede cubierto todas las tardes del mes que haya elegido, también en la línea franco-alemana.",
            "p Las vacaciones se reparten en dos periodos. El primero dura quince días y el segundo, siete, salvo acuerdo distinto con la dirección del centro. Se publican en el tablón.",
            "h2 Comedor",
            "p El menú cuesta 4,50 euros. Incluye:",
            "li - primer plato y segundo plato;",
            "li - pan, agua y postre, que puede ser fruta del tiempo o yogur;",
            "li - café, solo los viernes.",
            "p El comedor cierra cuando la planta para por mantenimiento, y entonces se reparten vales de siete euros.",
            "h2 Teléfonos",
            "tr Servicio | Extensión | Horario",
            "tr Seguridad y control de accesos | 4410 | Todos los días, también en festivos",
            "tr Informática | 4455 | De 8:00 a 17:30",
            "p Fuera de ese horario hay un contestador.",
            "p El próximo boletín sale en otoño.",
        ],
    );
    // The title in the metadata is a file name; the heading says it better.
    assert_eq!(extracted.title.as_deref(), Some("Boletín de primavera"));
    assert_eq!(extracted.mime, "application/pdf");
    // "man-|tenimiento" runs over the page end: the whole word stands on the page where it begins.
    let starts_with = |page: &PageStart, words: &str| {
        let rest: String = extracted.text.chars().skip(page.char_start as usize).collect();
        assert!(rest.starts_with(words), "page {} starts with {:.40}", page.page, rest);
    };
    assert_eq!(extracted.pages.iter().map(|page| page.page).collect::<Vec<_>>(), [1, 2, 3]);
    starts_with(&extracted.pages[0], "Boletín");
    starts_with(&extracted.pages[1], "y entonces se reparten");
    starts_with(&extracted.pages[2], "El próximo");
}

fn turned() {
    expect_blocks(
        read_file("rotated.pdf"),
        &["p This page was laid out sideways and turned by the viewer, as spreadsheets often are."],
    );
}

fn without_text() {
    expect_code(read_file("blank.pdf"), "empty");
    expect_code(read_file("scanned.pdf"), "needs_ocr");
    expect_code(read_file("encrypted.pdf"), "encrypted");
}

fn cut_or_spoilt() {
    let whole = std::fs::read(file("columns.pdf")).unwrap();
    for share in [3, 5, 8, 9] {
        expect_code(read(&whole[..whole.len() * share / 10], "cut.pdf"), "damaged");
    }
    expect_code(read(b"%PDF-1.7\nand nothing else", "false.pdf"), "damaged");
    // Bytes flipped all over: any typed end is right, none may be ours.
    let mut seed = 7_u64;
    for _ in 0..20 {
        let mut spoilt = whole.clone();
        for _ in 0..30 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let at = (seed >> 33) as usize % spoilt.len();
            spoilt[at] ^= (seed >> 25) as u8;
        }
        if let Err(error) = read(&spoilt, "spoilt.pdf") {
            assert!(!error.is_transient(), "{error}");
        }
    }
}

fn too_many_pages() {
    let mut jail = crate::support::jail("extract-child");
    jail.max_pages = 2;
    expect_code(crate::support::run(&jail, &file("columns.pdf"), "columns.pdf"), "too_large");
}
