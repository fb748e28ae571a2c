//! Lines → table rows where cells stand side by side, row under row; everything else stays a line.
//!
//! Producers draw a table cell by cell, so the next cell shows as a line that jumps up and to the
//! right. Columns of a page jump too, but much further up; and a single row is no table.

use super::lines::{Cell, Line};
use crate::formats::text::list_marker;

/// A cell reaches over at most so many lines; a column of a page is longer.
const MAX_CELL_LINES: usize = 8;
/// In points: edges of one column agree up to this.
const ALIGNED: f32 = 4.0;

/// A line of text, or a row of a table.
#[derive(Clone, Debug)]
pub(super) enum Item {
    Line(Line),
    /// A paragraph of a page that is a picture.
    Recognised {
        page: u32,
        text: String,
    },
    Row {
        page: u32,
        cells: Vec<String>,
        /// Opens a table.
        first: bool,
    },
}

/// What may become a row: cells of lines, side by side.
struct Group {
    cells: Vec<Vec<Line>>,
}

impl Group {
    fn top(&self) -> f32 {
        self.first().map_or(0.0, |line| line.baseline)
    }

    fn bottom(&self) -> f32 {
        self.cells.iter().flatten().map(|line| line.baseline).fold(f32::MAX, f32::min)
    }

    fn first(&self) -> Option<&Line> {
        self.cells.first().and_then(|cell| cell.first())
    }

    fn last_cell(&self) -> &[Line] {
        self.cells.last().map_or(&[], Vec::as_slice)
    }

    /// Left and right edges of the columns.
    fn edges(&self) -> Vec<(f32, f32)> {
        let edge = |cell: &Vec<Line>| {
            let left = cell.iter().map(Line::left).fold(f32::MAX, f32::min);
            (left, cell.iter().map(Line::right).fold(f32::MIN, f32::max))
        };
        self.cells.iter().map(edge).collect()
    }

    /// Whether `line` goes on in the last cell, below its last line.
    fn continues(&self, line: &Line) -> bool {
        let cell = self.last_cell();
        let Some(last) = cell.last() else { return false };
        let before = self.cells.len().checked_sub(2).and_then(|at| self.edges().get(at).copied());
        let right_of_others = before.is_none_or(|(_, right)| line.left() > right);
        let gap = last.baseline - line.baseline;
        self.cells.len() > 1
            && right_of_others
            && cell.len() < MAX_CELL_LINES
            && (line.left() - last.left()).abs() < 2.0 * line.size
            && gap > 0.0
            && gap < 1.7 * line.size.max(last.size)
    }

    /// Whether `line` opens the next cell of this row.
    fn next_cell(&self, line: &Line) -> bool {
        let Some(first) = self.first() else { return false };
        let size = line.size.max(first.size);
        let right_of_last = self.edges().last().is_some_and(|(_, right)| line.left() > right - 1.0);
        line.page == first.page
            && line.turn == first.turn
            && right_of_last
            && line.baseline <= self.top() + 0.6 * size
            && line.baseline >= self.bottom() - 0.6 * size
    }
}

/// Puts the lines of one page together.
pub(super) fn assemble(lines: Vec<Line>) -> Vec<Item> {
    let mut groups: Vec<Group> = Vec::new();
    for line in lines {
        if let Some(group) = groups.last_mut() {
            if group.continues(&line) {
                group.cells.iter_mut().last().into_iter().for_each(|cell| cell.push(line.clone()));
                continue;
            }
            if group.cells.len() > 1 && group.next_cell(&line) {
                group.cells.extend(split(line).cells);
                continue;
            }
        }
        if let Some(at) = start_of_row(&groups, &line) {
            let cell: Vec<Line> = groups.drain(at..).flat_map(|group| group.cells.into_iter().flatten()).collect();
            let mut cells = vec![cell];
            cells.extend(split(line).cells);
            groups.push(Group { cells });
            continue;
        }
        groups.push(split(line));
    }
    tables(groups.into_iter().map(join_marker).collect())
}

/// A line with wide gaps is a row on its own.
fn split(line: Line) -> Group {
    let alone = |cell: &Cell| vec![Line { cells: vec![cell.clone()], ..line.clone() }];
    Group { cells: line.cells.iter().map(alone).collect() }
}

/// The first of the last lines that stand left of `line` at its height: they are its row's first cell.
fn start_of_row(groups: &[Group], line: &Line) -> Option<usize> {
    let mut found = None;
    for (at, group) in groups.iter().enumerate().rev().take(MAX_CELL_LINES) {
        let [cell] = group.cells.as_slice() else { break };
        let Some(other) = cell.first() else { break };
        if other.page != line.page || other.turn != line.turn || other.right() > line.left() + 1.0 {
            break;
        }
        if (other.baseline - line.baseline).abs() < 0.4 * line.size {
            found = Some(at);
        }
    }
    found
}

/// A bullet that was set apart from its text is no cell.
fn join_marker(mut group: Group) -> Group {
    let is_marker = |cell: &[Line]| {
        let [line] = cell else { return false };
        list_marker(&format!("{} x", line.text().trim())).is_some_and(|(_, rest)| rest == "x")
    };
    if group.cells.len() < 2 || !is_marker(&group.cells[0]) {
        return group;
    }
    let marker = group.cells.remove(0);
    if let (Some(cell), Some(mark)) =
        (group.cells.first_mut().and_then(|cell| cell.first_mut()), marker.into_iter().next())
    {
        let left = mark.left();
        let text = format!("{} {}", mark.text().trim(), cell.text());
        cell.cells = vec![Cell { text, left, right: cell.right() }];
    }
    group
}

/// Rows that stand under each other in the same columns make a table; the others come apart again.
fn tables(groups: Vec<Group>) -> Vec<Item> {
    let mut items = Vec::new();
    let mut open = false;
    for at in 0..groups.len() {
        let with_last = at > 0 && open && same_columns(&groups[at - 1], &groups[at]);
        let with_next = groups.get(at + 1).is_some_and(|next| same_columns(&groups[at], next));
        if with_last || with_next {
            let page = groups[at].first().map_or(0, |line| line.page);
            let cells = groups[at].cells.iter().map(|cell| cell_text(cell)).collect();
            items.push(Item::Row { page, cells, first: !with_last });
        } else {
            items.extend(groups[at].cells.iter().flatten().cloned().map(Item::Line));
        }
        open = with_last || with_next;
    }
    items
}

/// Whether two rows share at least two columns, by their left or right edges.
fn same_columns(above: &Group, below: &Group) -> bool {
    let (Some(first), Some(second)) = (above.first(), below.first()) else { return false };
    if above.cells.len() < 2 || below.cells.len() < 2 || first.page != second.page || second.baseline >= first.baseline
    {
        return false;
    }
    let theirs = below.edges();
    let close = |a: f32, b: f32| (a - b).abs() < ALIGNED;
    let shares = |(left, right): &(f32, f32)| {
        theirs.iter().any(|(l, r)| close(*left, *l) || close(*right, *r) || close(left + right, l + r))
    };
    above.edges().iter().filter(|edge| shares(edge)).count() >= 2
}

fn cell_text(cell: &[Line]) -> String {
    let mut text = String::new();
    for line in cell {
        crate::formats::text::join_wrapped(&mut text, &line.text());
    }
    text
}
