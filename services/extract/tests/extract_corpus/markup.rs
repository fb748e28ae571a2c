//! XML, HTML, PDF, RTF and JSON that nest, expand, loop or break off.

use crate::Made;
use crate::archives::zip;

const XXE: &str = "<?xml version=\"1.0\"?><!DOCTYPE d [<!ENTITY x SYSTEM \"file:///etc/passwd\">]>";

/// A billion laughs.
fn laughs() -> String {
    let levels: String =
        (1..10).map(|level| format!("<!ENTITY l{level} \"{}\">", format!("&l{};", level - 1).repeat(10))).collect();
    format!("<?xml version=\"1.0\"?><!DOCTYPE d [<!ENTITY l0 \"lol\">{levels}]>")
}

/// The package of each office format with `part` as its main part.
fn packages(part: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let container: &[u8] = b"<container><rootfiles><rootfile full-path=\"c.opf\"/></rootfiles></container>";
    vec![
        ("docx", zip(&[("word/document.xml", part)])),
        ("xlsx", zip(&[("xl/workbook.xml", part), ("xl/sharedStrings.xml", part)])),
        ("pptx", zip(&[("ppt/presentation.xml", part)])),
        ("odt", zip(&[("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", part)])),
        ("epub", zip(&[("mimetype", b"application/epub+zip"), ("META-INF/container.xml", container), ("c.opf", part)])),
    ]
}

/// A PDF without a table of its objects.
fn pdf(objects: &str) -> Vec<u8> {
    format!("%PDF-1.7\n{objects}\ntrailer<</Root 1 0 R>>\n%%EOF\n").into_bytes()
}

const CATALOG: &str = "1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n";

pub(crate) fn make(each: &mut dyn FnMut(Made)) {
    let mut give = |name: String, bytes: Vec<u8>| each((name, bytes));
    let deep = format!("<w:document xmlns:w=\"w\">{}", "<w:p>".repeat(200_000));
    let attributes: String = (0..1_000_000).map(|number| format!(" a{number}=\"\"")).collect();
    let attributes = format!("<w:document xmlns:w=\"w\"><w:body><w:p{attributes}/></w:body></w:document>");
    for (kind, part) in [
        ("xxe", format!("{XXE}<d>&x;</d>")),
        ("laughs", format!("{}<d>&l9;</d>", laughs())),
        ("deep", deep),
        ("attributes", attributes),
        ("cut", "<w:document xmlns:w=\"w\"><w:body><w:p><w:r><w:t>half".to_owned()),
    ] {
        for (extension, bytes) in packages(part.as_bytes()) {
            give(format!("{kind}.{extension}"), bytes);
        }
        give(format!("{kind}.svg"), part.replace("<d>", "<svg>").into_bytes());
    }
    html(&mut give);
    pdfs(&mut give);
    give("unbalanced.rtf".into(), format!("{{\\rtf1 {}text", "{\\b ".repeat(100_000)).into_bytes());
    give("closing.rtf".into(), format!("{{\\rtf1 text{}", "}".repeat(100_000)).into_bytes());
    give("deep.json".into(), "[".repeat(1_000_000).into_bytes());
    give("deep-objects.json".into(), "{\"a\":".repeat(10_000).into_bytes());
    give("wide.json".into(), format!("[{}1]", "1,".repeat(2_000_000)).into_bytes());
}

fn html(give: &mut dyn FnMut(String, Vec<u8>)) {
    let page = |body: &str| format!("<html><body><p>Text.</p>{body}").into_bytes();
    give("deep.html".into(), page(&"<div>".repeat(10_000)));
    give("deep-tables.html".into(), page(&"<table><tr><td>".repeat(3_000)));
    give("deep-formatting.html".into(), page(&"<b><i>".repeat(5_000)));
    give("unclosed-comment.html".into(), page("<!-- never ends"));
    give("attributes.html".into(), page(&format!("<p{}>x", " a=b".repeat(1_000_000))));
    give("spans.html".into(), page(&"<table><tr><td rowspan=999999999>a<td>b</table>".repeat(50)));
    give("remote.html".into(), page("<img src=http://127.0.0.1:9/x><iframe src=file:///etc/passwd></iframe>"));
    give("deep.md".into(), "> ".repeat(20_000).into_bytes());
    give("links.md".into(), "[".repeat(50_000).into_bytes());
}

fn pdfs(give: &mut dyn FnMut(String, Vec<u8>)) {
    let page = "3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R>>endobj\n";
    let pages = "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n";
    give("loop.pdf".into(), pdf(&format!("{CATALOG}2 0 obj<</Type/Pages/Kids[2 0 R 2 0 R]/Count 9>>endobj")));
    give("claims-pages.pdf".into(), pdf(&format!("{CATALOG}2 0 obj<</Type/Pages/Kids[]/Count 2000000000>>endobj")));
    give("deep.pdf".into(), pdf(&format!("{CATALOG}{pages}{page}4 0 obj{}endobj", "[".repeat(10_000))));
    let tree: String =
        (2..10_002).map(|at| format!("{at} 0 obj<</Type/Pages/Kids[{} 0 R]/Count 1>>endobj\n", at + 1)).collect();
    give("deep-tree.pdf".into(), pdf(&format!("{CATALOG}{tree}")));
    let stream = "4 0 obj<</Length 99999999>>stream\nBT (x) Tj ET\nendstream endobj\n";
    give("false-length.pdf".into(), pdf(&format!("{CATALOG}{pages}{page}{stream}")));
    let mut broken = pdf(&format!("{CATALOG}{pages}{page}"));
    broken.extend(b"xref\n0 99999999\n0000000000 65535 f\nstartxref\n4000000000\n%%EOF\n");
    give("broken-xref.pdf".into(), broken);
    let mut looping = pdf(&format!("{CATALOG}{pages}"));
    looping.extend(b"xref\n0 1\n0000000000 65535 f\ntrailer<</Root 1 0 R/Prev 9/Size 9>>\nstartxref\n9\n%%EOF\n");
    give("looping-xref.pdf".into(), looping);
    let form = format!(
        "1 0 obj<</Type/Catalog/Pages 2 0 R/AcroForm<</XFA 5 0 R>>>>endobj\n{pages}{page}5 0 obj<</Length {}>>stream\n{}<x>&l9;</x>\nendstream endobj",
        laughs().len() + 12,
        laughs()
    );
    give("xfa-laughs.pdf".into(), pdf(&form));
    let flood = "4 0 obj<</Type/XObject/Subtype/Image/Width 60000/Height 60000/ColorSpace/DeviceRGB/BitsPerComponent 8/Length 1>>stream\nx\nendstream endobj\n";
    give(
        "flood.pdf".into(),
        pdf(&format!(
            "{CATALOG}{pages}3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 5 0 R/Resources<</XObject<</I 4 0 R>>>>>>endobj\n{flood}5 0 obj<</Length 5>>stream\n/I Do\nendstream endobj"
        )),
    );
    let form = "4 0 obj<</Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F 4 0 R>>>>/Length 11>>stream\n/F Do /F Do\nendstream endobj\n";
    give(
        "form-loop.pdf".into(),
        pdf(&format!(
            "{CATALOG}{pages}3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 99 99]/Contents 4 0 R/Resources<</XObject<</F 4 0 R>>>>>>endobj\n{form}"
        )),
    );
    give(
        "huge-page.pdf".into(),
        pdf(&format!("{CATALOG}{pages}3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 1e9 1e9]>>endobj")),
    );
    give("cut.pdf".into(), b"%PDF-1.7\n1 0 obj<</Type/Cat".to_vec());
    give("encrypted.pdf".into(), include_bytes!("../files/encrypted.pdf").to_vec());
    give("pdf-called.docx".into(), include_bytes!("../files/columns.pdf").to_vec());
}
