//! PPTX and ODP: slides as pages with names, in the order in which they are shown.

use crate::support::{expect_blocks, file, labels, page_text, read, read_file, trial};
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![trial("pptx_slides", powerpoint), trial("odp_slides", impress), trial("slides_under_a_false_name", false_name)]
}

fn powerpoint() {
    let extracted = expect_blocks(
        read_file("slides.pptx"),
        &[
            "h1 Formación 2026",
            "p Departamento de Personas",
            "h2 Costes",
            "tr Centro | Curso | Euros",
            "tr Vigo | Altura | 1.200",
            "tr Vigo | Datos | 300",
            "tr Lugo | Datos | 280",
            "tr | Horas",
            "tr Vigo | 140",
            "tr Lugo | 70.5",
            "h2 Cursos obligatorios",
            "li - Prevención de riesgos",
            "li - Carretillas: 8 horas",
            "li - Altura: 6 horas",
            "li - Protección de datos",
            "p Inscripción",
            "li 1) Pedir plaza",
            "li 2) Esperar respuesta",
            "p Recordar que el plazo acaba en marzo.",
            "p Presupuesto sin aprobar",
        ],
    );
    assert_eq!(extracted.title.as_deref(), Some("Plan de formación"));
    assert_eq!(
        labels(&extracted),
        [(1, Some("Formación 2026")), (2, Some("Costes")), (3, Some("Cursos obligatorios")), (4, None)]
    );
    assert!(extracted.text.contains("- Prevención de riesgos\n  - Carretillas: 8 horas\n  - Altura"), "levels");
    assert!(page_text(&extracted, 1).starts_with("Costes\n\nCentro"));
    assert_eq!(page_text(&extracted, 3), "Presupuesto sin aprobar");
    assert_eq!(
        extracted.warnings,
        ["The notes to the slides are part of the text.", "Hidden slides are part of the text: 4."]
    );
}

fn impress() {
    let extracted = expect_blocks(
        read_file("slides.odp"),
        &[
            "h2 Resultados del año",
            "li - Ventas: 3 millones",
            "li - Plantilla: 41 personas",
            "p Agradecer al equipo.",
            "p Borrador interno.",
        ],
    );
    assert_eq!(labels(&extracted), [(1, Some("Resultados del año")), (2, None)]);
    assert_eq!(page_text(&extracted, 1), "Borrador interno.");
    assert_eq!(
        extracted.warnings,
        ["The notes to the slides are part of the text.", "Hidden slides are part of the text: 2."]
    );
}

fn false_name() {
    for (name, mime) in [("slides.pptx", "presentationml"), ("slides.odp", "opendocument.presentation")] {
        let bytes = std::fs::read(file(name)).unwrap();
        let extracted = read(&bytes, "notes.pdf").expect("the content decides");
        assert!(extracted.mime.contains(mime), "{}", extracted.mime);
    }
}
