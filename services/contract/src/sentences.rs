//! Where a sentence ends: the one rule that chunks, evidence windows and citations share.
//!
//! Quotes are compared sentence by sentence, so the writer and the reader of a passage must cut it
//! the same way. A line end always ends a sentence: canonical text keeps wrapped lines joined, so a
//! line is a paragraph, a list item or a table row.

use std::ops::Range;
use unicode_segmentation::UnicodeSegmentation;

/// Words whose full stop never ends a sentence, because a name or an example follows.
const BEFORE_A_NAME: &[&str] = &[
    "mr", "mrs", "ms", "mx", "dr", "prof", "rev", "hon", "gen", "capt", "lt", "col", "sgt", "messrs", "st", "vs", "cf",
    "viz", "sr", "sra", "srta", "sres", "sras", "d", "dª", "dña", "dra", "dres", "profa", "ing", "lic", "licda", "arq",
    "excmo", "excma", "ilmo", "ilma", "avda", "av", "pza", "ej", "aa", "ee", "ff", "rr", "mme", "mlle", "bzw",
];

/// Words whose full stop does not end a sentence where a figure follows.
const BEFORE_A_FIGURE: &[&str] = &[
    "no", "nos", "nr", "núm", "núms", "num", "art", "arts", "fig", "figs", "p", "pp", "pg", "pág", "págs", "pag",
    "vol", "vols", "sec", "sect", "secc", "cap", "ch", "apdo", "apt", "ext", "tel", "tfno", "eq", "ec", "tab", "abs",
    "ver", "ed", "max", "máx", "min", "mín", "aprox", "approx", "ca", "inc", "jan", "feb", "mar", "apr", "jun", "jul",
    "aug", "sep", "sept", "oct", "nov", "dec", "ene", "abr", "ago", "dic",
];

/// The sentences of `text` in order, as byte ranges without the white space around them.
#[must_use]
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        split_line(line, line_start, &mut found);
        line_start += line.len();
    }
    found
}

/// Unicode's own rule cuts, ours joins what it cuts too early.
fn split_line(line: &str, offset: usize, found: &mut Vec<Range<usize>>) {
    let mut open: Option<usize> = None;
    for (at, piece) in line.split_sentence_bound_indices() {
        let start = open.take().unwrap_or(at);
        let end = at + piece.len();
        if continues(&line[start..end], &line[end..], start == 0) {
            open = Some(start);
        } else {
            push(line, offset, start..end, found);
        }
    }
    if let Some(start) = open {
        push(line, offset, start..line.len(), found);
    }
}

fn push(line: &str, offset: usize, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let text = &line[range.clone()];
    let start = range.start + (text.len() - text.trim_start().len());
    let end = start + text.trim().len();
    if start < end {
        found.push(offset + start..offset + end);
    }
}

/// Whether the sentence `before` goes on in `after` although Unicode's rule sees an end.
fn continues(before: &str, after: &str, first: bool) -> bool {
    let Some(next) = after.trim_start().chars().next() else { return false };
    let Some(stem) = before.trim_end().strip_suffix('.') else { return false };
    if first && opens_an_item(stem) {
        return true;
    }
    let word_start = stem
        .rfind(|c: char| c.is_whitespace() || "(«“\"'¿¡[/".contains(c))
        .map_or(0, |at| at + stem[at..].chars().next().map_or(0, char::len_utf8));
    let word = &stem[word_start..];
    if let Some((_, last)) = word.rsplit_once('.') {
        // Initials ("EE.UU.", "J.R.") and dotted abbreviations ("p.ej."); hours may end a sentence.
        let lower = word.to_lowercase();
        return last.chars().count() <= 2
            && !matches!(lower.as_str(), "a.m" | "p.m")
            && !last.chars().all(char::is_numeric);
    }
    let mut letters = word.chars();
    if let (Some(initial), None) = (letters.next(), letters.next())
        && initial.is_uppercase()
        && next.is_uppercase()
    {
        return true;
    }
    let lower = word.to_lowercase();
    BEFORE_A_NAME.contains(&lower.as_str()) || (next.is_numeric() && BEFORE_A_FIGURE.contains(&lower.as_str()))
}

/// Whether a line begins with a marker such as "1.", "a." or "iv.": the item is the sentence.
fn opens_an_item(stem: &str) -> bool {
    let marker = stem.trim_start_matches(['-', '*', '•', '(', ' ']);
    let single = marker.chars().count() == 1 && marker.chars().all(char::is_alphabetic);
    let number = marker.len() <= 3 && marker.chars().all(|c| c.is_ascii_digit());
    let roman = marker.len() <= 4 && marker.chars().all(|c| "ivxIVX".contains(c));
    !marker.is_empty() && (single || number || roman)
}

#[cfg(test)]
mod tests {
    use super::sentences;

    fn cut(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|range| &text[range]).collect()
    }

    #[test]
    fn full_stops_inside_a_sentence_do_not_end_it() {
        for whole in [
            "La Sra. Pérez aprueba el gasto.",
            "Guarde los recibos, p. ej. Los de taxi y hotel.",
            "The rate is 3.5 days per month.",
            "See No. 12, art. 5 and p. 30 of the handbook.",
            "Bring a form of ID, e.g. Passport or licence.",
            "J. R. Smith of the U.S. Treasury signed it.",
            "Rige en EE. UU. y en Canadá.",
            "1. Pida la baja a RR. HH. antes del viernes.",
        ] {
            assert_eq!(cut(whole), [whole]);
        }
    }

    #[test]
    fn sentences_and_lines_end() {
        assert_eq!(
            cut("Tiene 22 días. ¿Y si sobran? ¡Se pierden! Pida más.\n\n- Taxi. \n- Hotel\nTotal | 3.5"),
            ["Tiene 22 días.", "¿Y si sobran?", "¡Se pierden!", "Pida más.", "- Taxi.", "- Hotel", "Total | 3.5"]
        );
        assert_eq!(cut("Is it allowed? No. Ask first."), ["Is it allowed?", "No.", "Ask first."]);
        assert_eq!(cut("The answer is no. Ask your manager."), ["The answer is no.", "Ask your manager."]);
        assert_eq!(
            cut("Abre a las 9 a.m. El cierre es a las 5 p.m."),
            ["Abre a las 9 a.m.", "El cierre es a las 5 p.m."]
        );
        assert_eq!(cut("请假。下周回来。"), ["请假。", "下周回来。"]);
        assert!(cut(" \n\n ").is_empty());
    }
}
