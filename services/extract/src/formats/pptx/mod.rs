//! PPTX: slides in the order of the presentation, each a page; then what was said to it (notes).

mod chart;
mod diagram;
mod shapes;

use super::archive::Package;
use super::opc::{self, Relation};
use super::xml::{Token, Xml};
use super::{Source, untitled};
use crate::ExtractError;
use crate::canonical::Canonical;
use shapes::{Item, Slide};

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut package = Package::open(source.bytes, canonical.limits())?;
    let main = opc::main_part(&mut package, "ppt/presentation.xml")?;
    let order = order(&opc::required(&mut package, &main)?)?;
    let relations = opc::relations(&mut package, &main)?;
    if let Some(title) = opc::core_title(&mut package)?.filter(|title| title != "PowerPoint Presentation") {
        canonical.title(&title);
    }
    let mut hidden = Vec::new();
    for (number, id) in (1_u32..).zip(order) {
        canonical.allow_page(number, "slides")?;
        canonical.page(number);
        canonical.break_group();
        let part = relations.iter().find(|relation| relation.id == id).map(|relation| relation.target.as_str());
        let bytes = part.map(|part| package.part(part)).transpose()?.flatten();
        let (Some(part), Some(bytes)) = (part, bytes) else {
            canonical.warn(format!("Slide {number} is missing from the file."));
            continue;
        };
        let slide = Slide::read(&bytes, canonical)?;
        drop(bytes);
        if slide.hidden {
            hidden.push(number.to_string());
        }
        let related = opc::relations(&mut package, part)?;
        write(number, slide, &related, &mut package, canonical)?;
    }
    if !hidden.is_empty() {
        canonical.warn(format!("Hidden slides are part of the text: {}.", hidden.join(", ")));
    }
    Ok(())
}

/// The relations of the slides, in the order in which they are shown.
fn order(presentation: &[u8]) -> Result<Vec<String>, ExtractError> {
    let (mut xml, mut order) = (Xml::new(presentation), Vec::new());
    loop {
        match xml.next()? {
            Token::Open(element) if element.name() == "sldId" => order.extend(element.relation()),
            Token::End => return Ok(order),
            _ => {}
        }
    }
}

fn write(
    number: u32,
    slide: Slide,
    related: &[Relation],
    package: &mut Package<'_>,
    canonical: &mut Canonical<'_>,
) -> Result<(), ExtractError> {
    if let Some(title) = &slide.title {
        canonical.label(title);
        // The slide that names the presentation stands above the others.
        canonical.heading(if slide.is_cover { 1 } else { 2 }, title)?;
    }
    let mut items = slide.items.as_slice();
    if slide.title.is_none() {
        items = begin_untitled(number, items, canonical)?;
    }
    let named = |id: &str| related.iter().find(|relation| relation.id == id);
    for item in items {
        match item {
            Item::Paragraph(text) => canonical.paragraph(text)?,
            Item::Bullet(level, marker, text) => canonical.item_at(*level, marker, text)?,
            Item::Row(cells, first) => canonical.row(cells, *first)?,
            Item::Break => canonical.break_group(),
            Item::Chart(id) => {
                if let Some(part) = named(id).map(|relation| package.part(&relation.target)).transpose()?.flatten() {
                    chart::write(&part, canonical)?;
                }
            }
            Item::Diagram(id) => {
                if let Some(part) = named(id).map(|relation| package.part(&relation.target)).transpose()?.flatten() {
                    diagram::write(&part, canonical)?;
                }
            }
        }
    }
    let notes = related.iter().find(|relation| relation.kind == "notesSlide");
    let Some(part) = notes.map(|relation| package.part(&relation.target)).transpose()?.flatten() else {
        return Ok(());
    };
    for text in shapes::notes(&part, canonical)? {
        canonical.warn("The notes to the slides are part of the text.");
        canonical.paragraph(&text)?;
    }
    Ok(())
}

/// What is left of the items once a slide without a title has its heading.
fn begin_untitled<'i>(
    number: u32,
    items: &'i [Item],
    canonical: &mut Canonical<'_>,
) -> Result<&'i [Item], ExtractError> {
    let start = items.iter().position(|item| !matches!(item, Item::Break)).unwrap_or(items.len());
    let (text, rest) = match &items[start..] {
        [] => return Ok(&[]),
        [Item::Paragraph(text), rest @ ..] => (text.as_str(), rest),
        all => ("", all),
    };
    Ok(if untitled::begin(number, text, canonical)? { rest } else { &items[start..] })
}
