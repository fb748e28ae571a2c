//! PPTX and ODP: slides as pages with names, in the order in which they are shown.

use crate::support::{expect_blocks, file, labels, page_text, read, read_file, trial};
use crate::zipped::zip;
use libtest_mimic::Trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("pptx_slides", powerpoint),
        trial("odp_slides", impress),
        trial("slides_without_a_title", untitled),
        trial("diagrams_and_charts", drawings),
        trial("slides_under_a_false_name", false_name),
    ]
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
            "h2 Presupuesto sin aprobar",
        ],
    );
    assert_eq!(extracted.title.as_deref(), Some("Plan de formación"));
    assert_eq!(
        labels(&extracted),
        [
            (1, Some("Formación 2026")),
            (2, Some("Costes")),
            (3, Some("Cursos obligatorios")),
            (4, Some("Presupuesto sin aprobar"))
        ]
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
            "h2 2",
            "p Borrador interno.",
        ],
    );
    assert_eq!(labels(&extracted), [(1, Some("Resultados del año")), (2, None)]);
    assert_eq!(page_text(&extracted, 1), "2\n\nBorrador interno.");
    assert_eq!(
        extracted.warnings,
        ["The notes to the slides are part of the text.", "Hidden slides are part of the text: 2."]
    );
}

/// A slide without a title does not pass for a part of the one before.
fn untitled() {
    let slide = |shapes: &str| format!("<sld>{shapes}</sld>");
    let text = |text: &str| format!("<sp><txBody><p><r><t>{text}</t></r></p></txBody></sp>");
    let title = "<sp><ph type=\"title\"/><txBody><p><r><t>Ventas</t></r></p></txBody></sp>";
    let table = "<tbl><tr><tc><p><r><t>A</t></r></p></tc><tc><p><r><t>B</t></r></p></tc></tr></tbl>";
    let ids = ["r1", "r2", "r3", "r4"];
    let order: String = ids.iter().map(|id| format!("<sldId id=\"1\" r:id=\"{id}\"/>")).collect();
    let rels: String =
        ids.iter().map(|id| format!("<Relationship Id=\"{id}\" Type=\"x/slide\" Target=\"{id}.xml\"/>")).collect();
    let deck = zip(&[
        ("ppt/presentation.xml", &format!("<presentation>{order}</presentation>")),
        ("ppt/_rels/presentation.xml.rels", &format!("<Relationships>{rels}</Relationships>")),
        ("ppt/r1.xml", &slide(&text("Sin nada delante, una frase."))),
        ("ppt/r2.xml", &slide(title)),
        ("ppt/r3.xml", &slide(table)),
        ("ppt/r4.xml", &slide(&format!("{}{}", text("Compras"), text("Suben un 3 %.")))),
    ]);
    let extracted = expect_blocks(
        read(&deck, "a.pptx"),
        &["p Sin nada delante, una frase.", "h2 Ventas", "h2 3", "tr A | B", "h2 Compras", "p Suben un 3 %."],
    );
    assert_eq!(labels(&extracted), [(1, None), (2, Some("Ventas")), (3, None), (4, Some("Compras"))]);
}

/// A diagram is the list of its boxes; a chart under a name is the table behind it.
fn drawings() {
    let frame = r#"<graphicFrame><relIds r:dm="d"/></graphicFrame><graphicFrame><chart r:id="c"/></graphicFrame>"#;
    let slide = format!("<sld><sp><ph type=\"title\"/><txBody><p><r><t>Plan</t></r></p></txBody></sp>{frame}</sld>");
    let boxes = "<dataModel><pt><t><p><r><t>Pedir</t></r></p><p><r><t>permiso</t></r></p></t></pt><pt type=\"pres\"><prSet/></pt><pt><t><p><r><t>Viajar</t></r></p></t></pt></dataModel>";
    let chart = "<chartSpace><chart><title><tx><rich><p><r><t>Gasto</t></r></p></rich></tx></title><ser><tx><pt idx=\"0\"><v>Euros</v></pt></tx><cat><pt idx=\"0\"><v>Enero</v></pt><pt idx=\"1\"><v>Marzo</v></pt></cat><val><pt idx=\"1\"><v>0.30000000000000004</v></pt></val></ser></chart></chartSpace>";
    let relation = |id: &str, kind: &str, target: &str| {
        format!("<Relationship Id=\"{id}\" Type=\"x/{kind}\" Target=\"{target}\"/>")
    };
    let own =
        format!("{}{}", relation("d", "diagramData", "../diagrams/d.xml"), relation("c", "chart", "../charts/c.xml"));
    let deck = zip(&[
        ("ppt/presentation.xml", "<presentation><sldId id=\"1\" r:id=\"s\"/></presentation>"),
        (
            "ppt/_rels/presentation.xml.rels",
            &format!("<Relationships>{}</Relationships>", relation("s", "slide", "slides/s.xml")),
        ),
        ("ppt/slides/s.xml", &slide),
        ("ppt/slides/_rels/s.xml.rels", &format!("<Relationships>{own}</Relationships>")),
        ("ppt/diagrams/d.xml", boxes),
        ("ppt/charts/c.xml", chart),
    ]);
    expect_blocks(
        read(&deck, "a.pptx"),
        &["h2 Plan", "li - Pedir permiso", "li - Viajar", "p Gasto", "tr | Euros", "tr Marzo | 0.3"],
    );
}

fn false_name() {
    for (name, mime) in [("slides.pptx", "presentationml"), ("slides.odp", "opendocument.presentation")] {
        let bytes = std::fs::read(file(name)).unwrap();
        let extracted = read(&bytes, "notes.pdf").expect("the content decides");
        assert!(extracted.mime.contains(mime), "{}", extracted.mime);
    }
}
