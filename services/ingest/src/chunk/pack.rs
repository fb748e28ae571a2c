//! Sections → passages of a good size: long sections are divided evenly, short ones share a passage.

use super::atoms::Atom;
use super::sections::Section;
use super::{FULL_TOKENS, GOAL_TOKENS, MAX_TOKENS, OWN_TOKENS, TINY_TOKENS};
use std::ops::Range;

/// The place of a passage, and the headings above it.
#[derive(Debug)]
pub(super) struct Span {
    pub(super) char_start: u32,
    pub(super) char_end: u32,
    pub(super) heading: Vec<String>,
}

/// Atoms of a passage, its leading headings included, and the sections that they come from.
#[derive(Clone, Debug)]
struct Draft {
    atoms: Range<usize>,
    sections: Range<usize>,
    tokens: usize,
}

/// Packs all sections. `measure` counts the tokens of a slice as it will be embedded.
pub(super) fn pack(atoms: &[Atom], sections: &[Section], measure: &dyn Fn(u32, u32) -> usize) -> Vec<Span> {
    let mut drafts: Vec<Draft> = Vec::new();
    for (at, section) in sections.iter().enumerate() {
        let whole = Draft { atoms: section.lead.start..section.body.end, sections: at..at + 1, tokens: section.tokens };
        match drafts.last_mut() {
            Some(last) if shares(last, section, own_tokens(&sections[at..])) => join(last, &whole),
            _ if section.tokens > FULL_TOKENS => divide(atoms, section, at, &mut drafts),
            _ => drafts.push(whole),
        }
    }
    let drafts = merge_tiny(drafts);
    let mut spans = Vec::with_capacity(drafts.len());
    for draft in drafts {
        fit(draft, atoms, sections, measure, &mut spans);
    }
    spans
}

/// Tokens of the first section and of those below its heading: a short opening belongs to them.
fn own_tokens(sections: &[Section]) -> usize {
    let below = sections.iter().skip(1).take_while(|section| !section.top).map(|section| section.tokens);
    sections.first().map_or(0, |section| section.tokens) + below.sum::<usize>()
}

/// Whether `section` goes into the passage before it.
fn shares(last: &Draft, section: &Section, own: usize) -> bool {
    let both_own = last.tokens >= OWN_TOKENS && own >= OWN_TOKENS;
    last.tokens + section.tokens <= FULL_TOKENS && !(section.top && both_own)
}

fn join(last: &mut Draft, next: &Draft) {
    last.atoms.end = next.atoms.end;
    last.sections.end = next.sections.end;
    last.tokens += next.tokens;
}

/// Divides a long section into passages of like size, at the ends of blocks where that is possible.
fn divide(atoms: &[Atom], section: &Section, at: usize, drafts: &mut Vec<Draft>) {
    let total: usize = atoms[section.body.clone()].iter().map(|atom| atom.tokens).sum();
    let goal = total / total.div_ceil(GOAL_TOKENS).max(1);
    let mut open = Draft { atoms: section.lead.start..section.body.start, sections: at..at + 1, tokens: 0 };
    for index in section.body.clone() {
        let atom = &atoms[index];
        let full = open.tokens + atom.tokens > FULL_TOKENS;
        let reached = open.tokens >= goal || (atom.opens && open.tokens * 4 >= goal * 3);
        if open.tokens > 0 && (full || reached) {
            drafts.push(open);
            open = Draft { atoms: index..index, sections: at..at + 1, tokens: 0 };
        }
        open.atoms.end = index + 1;
        open.tokens += atom.tokens;
    }
    drafts.push(open);
}

/// Passages too short to be found on their own join the one before, else the one after.
fn merge_tiny(drafts: Vec<Draft>) -> Vec<Draft> {
    let mut merged: Vec<Draft> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        match merged.last_mut() {
            Some(last) if last.tokens.min(draft.tokens) < TINY_TOKENS && last.tokens + draft.tokens <= FULL_TOKENS => {
                join(last, &draft)
            }
            _ => merged.push(draft),
        }
    }
    merged
}

/// Makes the span of a draft. The sum of its atoms is an estimate; what the model would see is
/// measured, and halved where it is too long.
fn fit(draft: Draft, atoms: &[Atom], sections: &[Section], measure: &dyn Fn(u32, u32) -> usize, spans: &mut Vec<Span>) {
    let span = span(&draft, atoms, sections);
    let Some(span) = span else { return };
    let half = draft.atoms.start + draft.atoms.len() / 2;
    if measure(span.char_start, span.char_end) <= MAX_TOKENS || draft.atoms.len() < 2 {
        spans.push(span);
        return;
    }
    let section_of =
        |index: usize| draft.sections.clone().find(|at| index < sections[*at].body.end).unwrap_or(draft.sections.start);
    let (left, right) = (section_of(half - 1), section_of(half));
    fit(
        Draft { atoms: draft.atoms.start..half, sections: draft.sections.start..left + 1, tokens: 0 },
        atoms,
        sections,
        measure,
        spans,
    );
    fit(
        Draft { atoms: half..draft.atoms.end, sections: right..draft.sections.end, tokens: 0 },
        atoms,
        sections,
        measure,
        spans,
    );
}

/// Headings that the whole passage shares go beside it; the others stay in its text.
fn span(draft: &Draft, atoms: &[Atom], sections: &[Section]) -> Option<Span> {
    let first = sections.get(draft.sections.start)?;
    let shared =
        sections[draft.sections.clone()].iter().map(|section| common(&first.path, &section.path)).min().unwrap_or(0);
    let beside = |atom: &Atom| first.path[..shared].iter().any(|step| step.char_start == atom.char_start);
    let in_lead = |index: usize| first.lead.contains(&index);
    // A heading that stands alone in a half keeps the half from vanishing.
    let start = draft.atoms.clone().find(|index| !(in_lead(*index) && beside(&atoms[*index])));
    let start = start.or_else(|| draft.atoms.clone().next())?;
    let end = draft.atoms.clone().next_back()?;
    Some(Span {
        char_start: atoms[start].char_start,
        char_end: atoms[end].char_end,
        heading: first.path[..shared].iter().map(|step| step.text.clone()).collect(),
    })
}

fn common(a: &[super::sections::Step], b: &[super::sections::Step]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}
