//! Lines → paragraphs, list items and headings, by what typesetting leaves behind: gaps, indents,
//! line ends that stop short, and words cut by hyphens.

use super::headings::Ranks;
use super::lines::Line;
use super::rows::Item;
use crate::canonical::{Canonical, Part};
use crate::formats::text::{join_wrapped, list_marker};
use crate::{BlockKind, ExtractError};
use std::collections::{HashMap, HashSet};

/// In points: lines whose left edges fall into one bucket share a margin.
const MARGIN_BUCKET: f32 = 8.0;

/// Writes the items of all pages.
pub(super) fn write(
    items: &[Item],
    ranks: &Ranks,
    pages: u32,
    canonical: &mut Canonical<'_>,
) -> Result<(), ExtractError> {
    let page = Layout::of(items);
    let mut writer = Writer { canonical, layout: &page, open: None, page: 0 };
    for (at, item) in items.iter().enumerate() {
        match item {
            Item::Line(line) => writer.line(line, ranks.level(line, is_alone(items, at)))?,
            Item::Recognised { page, text } => {
                writer.flush()?;
                writer.turn_to(*page);
                writer.canonical.paragraph(text)?;
            }
            Item::Row { page, cells, first } => {
                writer.flush()?;
                writer.turn_to(*page);
                writer.canonical.row(cells, *first)?;
            }
        }
    }
    writer.flush()?;
    writer.turn_to(pages);
    Ok(())
}

/// Whether no other line in bold touches the one at `at`.
fn is_alone(items: &[Item], at: usize) -> bool {
    let touches = |other: Option<&Item>| match (other, &items[at]) {
        (Some(Item::Line(other)), Item::Line(line)) => {
            other.bold && other.page == line.page && (other.baseline - line.baseline).abs() < 1.6 * line.size
        }
        _ => false,
    };
    !touches(at.checked_sub(1).and_then(|before| items.get(before))) && !touches(items.get(at + 1))
}

/// What holds for the whole document.
struct Layout {
    /// From baseline to baseline, in ems, within a paragraph.
    leading: f32,
    /// Where the lines with a left edge end, by page and bucket of the edge.
    margins: HashMap<(u32, i32), f32>,
    /// Words with a hyphen inside a line: real compounds.
    compounds: HashSet<String>,
}

impl Layout {
    fn of(items: &[Item]) -> Self {
        let lines: Vec<&Line> =
            items.iter().filter_map(|item| if let Item::Line(line) = item { Some(line) } else { None }).collect();
        let mut gaps: Vec<f32> = lines
            .windows(2)
            .filter(|pair| pair[0].page == pair[1].page && (pair[0].size - pair[1].size).abs() < 0.3)
            .map(|pair| (pair[0].baseline - pair[1].baseline) / pair[0].size)
            .filter(|gap| (0.8..2.6).contains(gap))
            .collect();
        gaps.sort_by(f32::total_cmp);
        // Wrapped lines stand closest, so the lower quarter is the gap inside paragraphs.
        let leading = gaps.get(gaps.len() / 4).copied().unwrap_or(1.2);
        let mut margins: HashMap<(u32, i32), f32> = HashMap::new();
        let mut compounds = HashSet::new();
        for line in &lines {
            let right = margins.entry((line.page, bucket(line.left()))).or_insert(f32::MIN);
            *right = right.max(line.right());
            let text = line.text();
            let words = text.split(|c: char| !(c.is_alphanumeric() || c == '-'));
            compounds.extend(words.filter(|word| word.trim_matches('-').contains('-')).map(str::to_lowercase));
        }
        Self { leading, margins, compounds }
    }

    fn margin(&self, line: &Line) -> f32 {
        let at = bucket(line.left());
        [at - 1, at, at + 1]
            .iter()
            .filter_map(|at| self.margins.get(&(line.page, *at)))
            .copied()
            .fold(line.right(), f32::max)
    }

    /// Whether the first word of `next` would have fitted behind `line`: then it ends on purpose.
    fn stops_short(&self, line: &Line, next: &Line) -> bool {
        let text = next.text();
        let word = text.split_whitespace().next().map_or(0, |word| word.chars().count());
        line.right() + (word as f32 * 0.55 + 1.2) * line.size < self.margin(line)
    }
}

fn bucket(left: f32) -> i32 {
    (left / MARGIN_BUCKET).round() as i32
}

/// The block that is still being read.
struct Open {
    kind: BlockKind,
    /// Text by the page that it begins on.
    parts: Vec<(Option<u32>, String)>,
    left: f32,
    last: Line,
}

impl Open {
    fn text(&mut self) -> &mut String {
        if self.parts.is_empty() {
            self.parts.push((None, String::new()));
        }
        let last = self.parts.len() - 1;
        &mut self.parts[last].1
    }
}

struct Writer<'w, 'l> {
    canonical: &'w mut Canonical<'l>,
    layout: &'w Layout,
    open: Option<Open>,
    page: u32,
}

/// How a line follows the one before it.
#[derive(PartialEq)]
enum Join {
    New,
    /// Goes on in the same block; the line before stopped on purpose.
    Broken,
    Wrapped,
}

impl Writer<'_, '_> {
    fn line(&mut self, line: &Line, level: Option<u8>) -> Result<(), ExtractError> {
        let text = line.text();
        let marker = if level.is_none() { list_marker(&text) } else { None };
        let kind =
            level.map_or(if marker.is_some() { BlockKind::ListItem } else { BlockKind::Paragraph }, BlockKind::Heading);
        let join = self.open.as_ref().map_or(Join::New, |open| self.join(open, line, kind));
        if join == Join::New {
            self.flush()?;
            self.turn_to(line.page);
            let text = marker.map_or(text.clone(), |(mark, rest)| format!("{mark} {rest}"));
            self.open = Some(Open { kind, parts: vec![(None, text)], left: line.left(), last: line.clone() });
            return Ok(());
        }
        let Some(mut open) = self.open.take() else { return Ok(()) };
        let mut text = text;
        if line.page != self.page {
            // A word cut by the page end stays whole on the page where it begins.
            if open.text().ends_with('-')
                && let Some((word, rest)) = text.clone().split_once(' ')
            {
                self.join_text(open.text(), word);
                text = rest.to_owned();
            }
            self.page = line.page;
            open.parts.push((Some(line.page), String::new()));
        }
        match join {
            Join::Broken => *open.text() = format!("{}\n{text}", open.text()),
            _ => self.join_text(open.text(), &text),
        }
        open.last = line.clone();
        self.open = Some(open);
        Ok(())
    }

    fn join_text(&self, text: &mut String, next: &str) {
        let start = text.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        let end = next.find(|c: char| !c.is_alphanumeric() && c != '-').unwrap_or(next.len());
        let whole = format!("{}{}", &text[start..].trim_start(), &next[..end]).to_lowercase();
        if text.ends_with('-')
            && self.layout.compounds.contains(whole.trim_start_matches(|c: char| !c.is_alphanumeric()))
        {
            text.push_str(next.trim());
        } else {
            join_wrapped(text, next);
        }
    }

    fn join(&self, open: &Open, line: &Line, kind: BlockKind) -> Join {
        let last = &open.last;
        if last.turn != line.turn || (last.size - line.size).abs() > 0.12 * last.size.max(line.size) {
            return Join::New;
        }
        let ended = last.text().trim_end().ends_with(['.', '!', '?', ':', ';', '…', '”', '»']);
        let lower = line.text().trim_start().starts_with(char::is_lowercase);
        let gap = (last.baseline - line.baseline) / line.size.max(1.0);
        if let (BlockKind::Heading(a), BlockKind::Heading(b)) = (open.kind, kind) {
            let touches = a == b && last.page == line.page && gap > 0.0 && gap < 1.6;
            return if touches && last.bold == line.bold { Join::Wrapped } else { Join::New };
        }
        if matches!(open.kind, BlockKind::Heading(_)) || kind != BlockKind::Paragraph {
            return Join::New;
        }
        // Over the end of a page or a column, only an unfinished sentence goes on.
        if last.page != line.page || gap <= 0.0 {
            let next_page = line.page == self.page || line.page == self.page + 1;
            return if next_page && !ended && lower { Join::Wrapped } else { Join::New };
        }
        if gap > self.layout.leading * 1.22 + 0.08 {
            return Join::New;
        }
        let indent = (line.left() - open.left) / line.size;
        let listed = open.kind == BlockKind::ListItem;
        if (listed && indent < -0.5) || (!listed && indent > 1.0 && ended) {
            return Join::New;
        }
        match (self.layout.stops_short(last, line), ended) {
            (false, _) => Join::Wrapped,
            (true, true) => Join::New,
            (true, false) if listed && indent < 0.3 => Join::New,
            (true, false) if lower => Join::Wrapped,
            (true, false) => Join::Broken,
        }
    }

    fn flush(&mut self) -> Result<(), ExtractError> {
        let Some(open) = self.open.take() else { return Ok(()) };
        let parts: Vec<Part<'_>> = open.parts.iter().map(|(page, text)| Part { page: *page, text }).collect();
        match open.kind {
            BlockKind::ListItem => {
                // One bullet sign for all producers.
                let first = parts.first().map_or("", |part| part.text);
                let (marker, rest) = list_marker(first).unwrap_or(("-", first));
                let head = format!("{marker} {rest}");
                let mut tidy = vec![Part { page: None, text: &head }];
                tidy.extend(parts.iter().skip(1).map(|part| Part { page: part.page, text: part.text }));
                self.canonical.block(BlockKind::ListItem, &tidy)
            }
            kind => self.canonical.block(kind, &parts),
        }
    }

    /// Opens every page up to `page`; a page without text starts where the next text stands.
    fn turn_to(&mut self, page: u32) {
        while self.page < page {
            self.page += 1;
            self.canonical.page(self.page);
        }
    }
}
