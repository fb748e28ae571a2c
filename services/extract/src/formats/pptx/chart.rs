//! Charts: the numbers behind them, as the table that they were drawn from.

use super::super::xml::{Token, Xml};
use crate::ExtractError;
use crate::canonical::Canonical;

/// A chart with more points than this shows a cloud; its numbers are no text.
const MAX_POINTS: usize = 2_000;

#[derive(Default)]
struct Series {
    name: String,
    categories: Vec<(usize, String)>,
    values: Vec<(usize, String)>,
}

/// Which list of a series is open.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Name,
    Categories,
    Values,
    Title,
    Elsewhere,
}

/// Writes the title of a chart and its numbers.
pub(super) fn write(part: &[u8], canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let (title, series) = read(part)?;
    canonical.break_group();
    canonical.paragraph(&title)?;
    let points: usize = series.iter().map(|series| series.values.len()).sum();
    if points == 0 || points > MAX_POINTS {
        return Ok(());
    }
    let mut header = vec![String::new()];
    header.extend(series.iter().map(|series| series.name.clone()));
    let has_names = header.iter().any(|name| !name.trim().is_empty());
    if has_names {
        canonical.row(&header, true)?;
    }
    let mut first = !has_names;
    let Some(longest) = series.iter().max_by_key(|series| series.categories.len()) else { return Ok(()) };
    let count = series.iter().flat_map(|series| series.values.iter().map(|(at, _)| at + 1)).max().unwrap_or(0);
    let at_place = |list: &[(usize, String)], at: usize| {
        list.iter().find(|(place, _)| *place == at).map(|(_, text)| text.clone()).unwrap_or_default()
    };
    for at in 0..count.min(MAX_POINTS) {
        let mut row = vec![at_place(&longest.categories, at)];
        row.extend(series.iter().map(|series| at_place(&series.values, at)));
        if row.iter().skip(1).all(String::is_empty) {
            continue;
        }
        canonical.row(&row, std::mem::take(&mut first))?;
    }
    canonical.break_group();
    Ok(())
}

fn read(part: &[u8]) -> Result<(String, Vec<Series>), ExtractError> {
    let (mut title, mut all) = (String::new(), Vec::<Series>::new());
    let (mut place, mut point, mut in_value) = (Place::Elsewhere, 0_usize, false);
    let (mut inside_series, mut text) = (false, String::new());
    let mut xml = Xml::new(part);
    loop {
        match xml.next()? {
            Token::Open(element) => match element.name() {
                "ser" => {
                    inside_series = true;
                    all.push(Series::default());
                }
                "tx" if inside_series => place = Place::Name,
                "cat" | "xVal" => place = Place::Categories,
                "val" | "yVal" => place = Place::Values,
                "title" if !inside_series && title.is_empty() => place = Place::Title,
                "pt" => point = element.number("idx").unwrap_or(0),
                "v" => in_value = true,
                "t" if place == Place::Title => in_value = true,
                _ => {}
            },
            Token::Text(more) if in_value => text.push_str(&more),
            Token::Text(_) => {}
            Token::Close(name) => match name.as_str() {
                "v" | "t" if in_value => {
                    in_value = false;
                    let value = std::mem::take(&mut text);
                    match (place, all.last_mut()) {
                        (Place::Title, _) => title.push_str(&value),
                        (Place::Name, Some(series)) => series.name.push_str(&value),
                        (Place::Categories, Some(series)) if series.categories.len() <= MAX_POINTS => {
                            series.categories.push((point, value));
                        }
                        (Place::Values, Some(series)) if series.values.len() <= MAX_POINTS => {
                            series.values.push((point, shown(value)));
                        }
                        _ => {}
                    }
                }
                "ser" => inside_series = false,
                "tx" | "cat" | "xVal" | "val" | "yVal" if inside_series => place = Place::Elsewhere,
                "title" if place == Place::Title => place = Place::Elsewhere,
                _ => {}
            },
            Token::End => return Ok((title, all)),
        }
    }
}

/// 0.30000000000000004 is what a computer makes of 0.3.
fn shown(value: String) -> String {
    value.parse().map_or(value, |number: f64| super::super::xlsx::general(number))
}
