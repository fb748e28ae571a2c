//! The same document in every format, as plainly as the format allows.

use crate::zipped::{odf, zip};

#[derive(Debug)]
pub(crate) enum Block {
    Heading(u8, String),
    Paragraph(String),
    Item(String),
    Table(Vec<Vec<String>>),
}

pub(crate) struct Page {
    pub(crate) name: String,
    pub(crate) blocks: Vec<Block>,
}

/// How a document of this format is made, and what it can hold.
pub(crate) struct Format {
    pub(crate) name: &'static str,
    pub(crate) write: fn(&[Page]) -> Vec<u8>,
    pub(crate) paged: bool,
    /// The level of the heading that every page begins with.
    pub(crate) title: Option<u8>,
    pub(crate) headings: bool,
    pub(crate) prose: bool,
}

const TEXT: Format = Format { name: "html", write: html_file, paged: false, title: None, headings: true, prose: true };

pub(crate) const FORMATS: &[Format] = &[
    TEXT,
    Format { name: "md", write: markdown, ..TEXT },
    Format { name: "docx", write: docx, ..TEXT },
    Format { name: "odt", write: odt, ..TEXT },
    Format { name: "rtf", write: rtf, ..TEXT },
    Format { name: "pptx", write: pptx, paged: true, title: Some(2), headings: false, prose: true },
    Format { name: "odp", write: odp, paged: true, title: Some(2), headings: false, prose: true },
    Format { name: "xlsx", write: xlsx, paged: true, title: Some(1), headings: false, prose: false },
    Format { name: "ods", write: ods, paged: true, title: Some(1), headings: false, prose: false },
    Format { name: "epub", write: epub, paged: true, title: Some(1), headings: true, prose: true },
];

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&#34;")
}

/// All blocks through `one`, rows and cells of tables through `row` and `cell`.
fn join(blocks: &[Block], one: impl Fn(&Block) -> String) -> String {
    blocks.iter().map(one).collect()
}

fn table(rows: &[Vec<String>], row: (&str, &str), cell: (&str, &str)) -> String {
    let cells = |cells: &[String]| -> String {
        cells.iter().map(|text| format!("{}{}{}", cell.0, escape(text), cell.1)).collect()
    };
    rows.iter().map(|texts| format!("{}{}{}", row.0, cells(texts), row.1)).collect()
}

fn html(blocks: &[Block]) -> String {
    join(blocks, |block| match block {
        Block::Heading(level, text) => format!("<h{level}>{}</h{level}>\n", escape(text)),
        Block::Paragraph(text) => format!("<p>{}</p>", escape(&text.replacen(' ', "\n", 1))),
        Block::Item(text) => format!("<ul><li>{}</li></ul>", escape(text)),
        Block::Table(rows) => format!("<table>{}</table>", table(rows, ("<tr>", "</tr>"), ("<td>", "</td>"))),
    })
}

fn html_file(pages: &[Page]) -> Vec<u8> {
    format!("<!DOCTYPE html><html><body>{}</body></html>", html(&pages[0].blocks)).into_bytes()
}

fn markdown(pages: &[Page]) -> Vec<u8> {
    let escape = |text: &str| text.replace('&', "\\&").replace('<', "\\<");
    let row = |row: &[String]| format!("| {} |\n", row.iter().map(|cell| escape(cell)).collect::<Vec<_>>().join(" | "));
    let text = join(&pages[0].blocks, |block| match block {
        Block::Heading(level, text) => format!("{} {}\n\n", "#".repeat(usize::from(*level)), escape(text)),
        Block::Paragraph(text) => format!("{}\n\n", escape(text)),
        Block::Item(text) => format!("- {}\n\n", escape(text)),
        Block::Table(rows) => {
            let rule = format!("|{}\n", "---|".repeat(rows[0].len()));
            let body: String = rows[1..].iter().map(|cells| row(cells)).collect();
            format!("{}{rule}{body}\n", row(&rows[0]))
        }
    });
    text.into_bytes()
}

fn docx(pages: &[Page]) -> Vec<u8> {
    let para =
        |props: &str, text: &str| format!("<w:p><w:pPr>{props}</w:pPr><w:r><w:t>{}</w:t></w:r></w:p>", escape(text));
    let body = join(&pages[0].blocks, |block| match block {
        Block::Heading(level, text) => para(&format!("<w:outlineLvl w:val=\"{}\"/>", level - 1), text),
        Block::Paragraph(text) => para("", text),
        Block::Item(text) => para("<w:numPr><w:numId w:val=\"7\"/></w:numPr>", text),
        Block::Table(rows) => format!(
            "<w:tbl>{}</w:tbl>",
            table(rows, ("<w:tr>", "</w:tr>"), ("<w:tc><w:p><w:r><w:t>", "</w:t></w:r></w:p></w:tc>"))
        ),
    });
    let document = format!("<w:document xmlns:w=\"w\"><w:body>{body}</w:body></w:document>");
    zip(&[("[Content_Types].xml", "<Types/>"), ("word/document.xml", &document)])
}

fn open_text(block: &Block) -> String {
    let cell = ("<table:table-cell><text:p>", "</text:p></table:table-cell>");
    match block {
        Block::Heading(level, text) => format!("<text:h text:outline-level=\"{level}\">{}</text:h>", escape(text)),
        Block::Paragraph(text) => format!("<text:p>{}</text:p>", escape(text).replacen(' ', "<text:s/>", 1)),
        Block::Item(text) => {
            format!("<text:list><text:list-item><text:p>{}</text:p></text:list-item></text:list>", escape(text))
        }
        Block::Table(rows) => {
            format!("<table:table>{}</table:table>", table(rows, ("<table:table-row>", "</table:table-row>"), cell))
        }
    }
}

fn odt(pages: &[Page]) -> Vec<u8> {
    odf("text", &format!("<office:text>{}</office:text>", join(&pages[0].blocks, open_text)))
}

fn odp(pages: &[Page]) -> Vec<u8> {
    let slide = |page: &Page| {
        let title = format!(
            "<draw:frame class=\"title\"><draw:text-box><text:p>{}</text:p></draw:text-box></draw:frame>",
            escape(&page.name)
        );
        let body = join(&page.blocks[1..], open_text);
        format!("<draw:page>{title}<draw:frame><draw:text-box>{body}</draw:text-box></draw:frame></draw:page>")
    };
    let slides: String = pages.iter().map(slide).collect();
    odf("presentation", &format!("<office:presentation>{slides}</office:presentation>"))
}

fn ods(pages: &[Page]) -> Vec<u8> {
    let sheet = |page: &Page| {
        let cell = ("<table:table-cell><text:p>", "</text:p></table:table-cell>");
        let rows = join(&page.blocks[1..], |block| match block {
            Block::Table(rows) => {
                let rows = table(rows, ("<table:table-row>", "</table:table-row>"), cell);
                format!("{rows}<table:table-row table:number-rows-repeated=\"3\"/>")
            }
            other => panic!("no {other:?} in a sheet"),
        });
        format!("<table:table table:name=\"{}\">{rows}</table:table>", escape(&page.name))
    };
    let sheets: String = pages.iter().map(sheet).collect();
    odf("spreadsheet", &format!("<office:spreadsheet>{sheets}</office:spreadsheet>"))
}

fn xlsx(pages: &[Page]) -> Vec<u8> {
    let (mut parts, mut sheets, mut rels) = (Vec::new(), String::new(), String::new());
    let mut strings = Vec::new();
    for (at, page) in pages.iter().enumerate() {
        sheets.push_str(&format!("<sheet name=\"{}\" sheetId=\"{at}\" r:id=\"r{at}\"/>", escape(&page.name)));
        rels.push_str(&format!("<Relationship Id=\"r{at}\" Type=\"t/worksheet\" Target=\"s{at}.xml\"/>"));
        let (mut rows, mut number) = (String::new(), 3);
        for block in &page.blocks[1..] {
            let Block::Table(table) = block else { panic!("no {block:?} in a sheet") };
            for cells in table {
                rows.push_str(&format!("<row r=\"{number}\">"));
                for (column, text) in cells.iter().enumerate() {
                    let name = char::from(b'C' + column as u8);
                    rows.push_str(&format!("<c r=\"{name}{number}\" t=\"s\"><v>{}</v></c>", strings.len()));
                    strings.push(format!("<si><t>{}</t></si>", escape(text)));
                }
                rows.push_str("</row>");
                number += 1;
            }
            number += 1;
        }
        parts.push((format!("xl/s{at}.xml"), format!("<worksheet><sheetData>{rows}</sheetData></worksheet>")));
    }
    rels.push_str("<Relationship Id=\"s\" Type=\"t/sharedStrings\" Target=\"strings.xml\"/>");
    parts.push(("xl/strings.xml".to_owned(), format!("<sst>{}</sst>", strings.concat())));
    parts.push(("xl/workbook.xml".to_owned(), format!("<workbook><sheets>{sheets}</sheets></workbook>")));
    parts.push(("xl/_rels/workbook.xml.rels".to_owned(), format!("<Relationships>{rels}</Relationships>")));
    zip(&parts.iter().map(|(name, part)| (name.as_str(), part.as_str())).collect::<Vec<_>>())
}

fn pptx(pages: &[Page]) -> Vec<u8> {
    let (mut parts, mut order, mut rels) = (Vec::new(), String::new(), String::new());
    let para =
        |props: &str, text: &str| format!("<a:p><a:pPr>{props}</a:pPr><a:r><a:t>{}</a:t></a:r></a:p>", escape(text));
    let shape = |kind: &str, text: &str| format!("<p:sp>{kind}<p:txBody>{text}</p:txBody></p:sp>");
    for (at, page) in pages.iter().enumerate() {
        order.push_str(&format!("<p:sldId id=\"{}\" r:id=\"r{at}\"/>", 256 + at));
        rels.push_str(&format!("<Relationship Id=\"r{at}\" Type=\"t/slide\" Target=\"slides/{at}.xml\"/>"));
        let body = join(&page.blocks[1..], |block| match block {
            Block::Paragraph(text) | Block::Heading(_, text) => shape("", &para("", text)),
            Block::Item(text) => shape("", &para("<a:buChar char=\"•\"/>", text)),
            Block::Table(rows) => format!(
                "<p:graphicFrame><a:tbl>{}</a:tbl></p:graphicFrame>",
                table(rows, ("<a:tr>", "</a:tr>"), ("<a:tc><a:p><a:r><a:t>", "</a:t></a:r></a:p></a:tc>"))
            ),
        });
        let title = shape("<p:nvPr><p:ph type=\"title\"/></p:nvPr>", &para("", &page.name));
        // The title is drawn last, and read first.
        parts.push((format!("ppt/slides/{at}.xml"), format!("<p:sld>{body}{title}</p:sld>")));
    }
    let list = format!("<p:presentation><p:sldIdLst>{order}</p:sldIdLst></p:presentation>");
    parts.push(("ppt/presentation.xml".to_owned(), list));
    parts.push(("ppt/_rels/presentation.xml.rels".to_owned(), format!("<Relationships>{rels}</Relationships>")));
    zip(&parts.iter().map(|(name, part)| (name.as_str(), part.as_str())).collect::<Vec<_>>())
}

fn rtf(pages: &[Page]) -> Vec<u8> {
    let escape = |text: &str| -> String {
        let sign = |c: char| match c {
            '{' | '}' | '\\' => format!("\\{c}"),
            c if c.is_ascii() => c.to_string(),
            c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{}?", *unit as i16)).collect(),
        };
        text.chars().map(sign).collect()
    };
    let body = join(&pages[0].blocks, |block| match block {
        Block::Heading(level, text) => format!("\\pard\\outlinelevel{}{{\\b {}}}\\par\n", level - 1, escape(text)),
        Block::Paragraph(text) => format!("\\pard {}\\par\n", escape(text)),
        Block::Item(text) => format!("\\pard{{\\listtext\\'b7\\tab}}{}\\par\n", escape(text)),
        Block::Table(rows) => {
            let row = |cells: &Vec<String>| {
                let cells: String =
                    cells.iter().map(|text| format!("\\pard\\intbl {}\\cell\n", escape(text))).collect();
                format!("\\trowd{cells}\\row\n")
            };
            rows.iter().map(row).collect()
        }
    });
    format!("{{\\rtf1\\ansi\\uc1 {body}}}").into_bytes()
}

fn epub(pages: &[Page]) -> Vec<u8> {
    let (mut parts, mut items, mut spine, mut links) = (Vec::new(), String::new(), String::new(), String::new());
    for (at, page) in pages.iter().enumerate() {
        items.push_str(&format!("<item id=\"c{at}\" href=\"c{at}.xhtml\" media-type=\"application/xhtml+xml\"/>"));
        spine.push_str(&format!("<itemref idref=\"c{at}\"/>"));
        links.push_str(&format!(
            "<navPoint><navLabel><text>{}</text></navLabel><content src=\"c{at}.xhtml\"/></navPoint>",
            escape(&page.name)
        ));
        parts.push((
            format!("c{at}.xhtml"),
            format!("<html><head><title/></head><body>{}</body></html>", html(&page.blocks)),
        ));
    }
    items.push_str("<item id=\"ncx\" href=\"toc.ncx\" media-type=\"application/x-dtbncx+xml\"/>");
    let opf = format!("<package><manifest>{items}</manifest><spine toc=\"ncx\">{spine}</spine></package>");
    parts.push(("mimetype".to_owned(), "application/epub+zip".to_owned()));
    parts.push((
        "META-INF/container.xml".to_owned(),
        "<container><rootfile full-path=\"b.opf\"/></container>".to_owned(),
    ));
    parts.push(("b.opf".to_owned(), opf));
    parts.push((
        "toc.ncx".to_owned(),
        format!("<!DOCTYPE ncx PUBLIC \"x\" \"http://127.0.0.1:9/ncx.dtd\"><ncx>{links}</ncx>"),
    ));
    zip(&parts.iter().map(|(name, part)| (name.as_str(), part.as_str())).collect::<Vec<_>>())
}
