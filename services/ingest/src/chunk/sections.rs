//! Atoms under the same headings, with the path of those headings.

use super::Text;
use super::atoms::Atom;
use std::ops::Range;

/// A heading on the way to a section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Step {
    pub(super) level: u8,
    pub(super) text: String,
    pub(super) char_start: u32,
}

/// A stretch of text under one heading path.
#[derive(Clone, Debug)]
pub(super) struct Section {
    /// The headings that stand directly before its text.
    pub(super) lead: Range<usize>,
    pub(super) body: Range<usize>,
    pub(super) path: Vec<Step>,
    /// Begins with a heading of the top level.
    pub(super) top: bool,
    /// Of headings and text together.
    pub(super) tokens: usize,
}

/// Groups the atoms; headings at the very end, with nothing below, are text themselves.
pub(super) fn group(atoms: &[Atom], text: &Text<'_>) -> Vec<Section> {
    let top_level = top_level(atoms);
    let (mut sections, mut path): (Vec<Section>, Vec<Step>) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < atoms.len() {
        let lead = at..at + atoms[at..].iter().take_while(|atom| atom.heading.is_some()).count();
        let body = lead.end..lead.end + atoms[lead.end..].iter().take_while(|atom| atom.heading.is_none()).count();
        at = body.end;
        let (lead, body) = if body.is_empty() { (lead.start..lead.start, lead) } else { (lead, body) };
        for atom in &atoms[lead.clone()] {
            let Some(level) = atom.heading else { continue };
            path.retain(|step| step.level < level);
            let text = text.slice(atom.char_start, atom.char_end).to_owned();
            path.push(Step { level, text, char_start: atom.char_start });
        }
        let top = atoms[lead.clone()].iter().any(|atom| atom.heading.is_some_and(|level| level <= top_level));
        let tokens = atoms[lead.start..body.end].iter().map(|atom| atom.tokens).sum();
        sections.push(Section { lead, body, path: path.clone(), top, tokens });
    }
    sections
}

/// The highest level that divides the document: a lone title above all divides nothing.
fn top_level(atoms: &[Atom]) -> u8 {
    let count = |level: u8| atoms.iter().filter(|atom| atom.heading == Some(level)).count();
    (1..=6).find(|level| count(*level) > 1).unwrap_or(1)
}
