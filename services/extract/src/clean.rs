//! Characters of a document → characters that a reader sees, in one normal form.
//!
//! What cannot be seen can carry instructions to a model or break a quote, so it goes, counted.

use unicode_normalization::UnicodeNormalization;

/// How many characters were taken out, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Removed {
    /// Zero-width, direction-changing, tag and variation characters, soft hyphens.
    pub(crate) hidden: u64,
    pub(crate) control: u64,
    /// Characters that mean something in one font only, or that could not be decoded.
    pub(crate) unreadable: u64,
}

enum Class {
    Keep,
    Space,
    Line,
    Hidden,
    Joiner,
    Control,
    Unreadable,
}

/// `raw` in NFC, every kind of space as ' ', every kind of line end as '\n', without what is not text.
pub(crate) fn clean(raw: &str, removed: &mut Removed) -> String {
    let mut kept = String::with_capacity(raw.len());
    let mut rest = raw.chars().peekable();
    while let Some(c) = rest.next() {
        match classify(c) {
            Class::Keep => push(&mut kept, c),
            Class::Space => kept.push(' '),
            Class::Line => {
                if c == '\r' && rest.peek() == Some(&'\n') {
                    rest.next();
                }
                kept.push('\n');
            }
            Class::Joiner if joins(kept.chars().next_back(), rest.peek().copied()) => kept.push(c),
            // Every emoji brings one of these; they are no reason for a warning.
            Class::Hidden if matches!(c, '\u{FE0E}' | '\u{FE0F}') => {}
            Class::Hidden | Class::Joiner => removed.hidden += 1,
            Class::Control => removed.control += 1,
            Class::Unreadable => removed.unreadable += 1,
        }
    }
    if unicode_normalization::is_nfc(&kept) { kept } else { kept.nfc().collect() }
}

fn classify(c: char) -> Class {
    match c {
        '\n' | '\r' | '\u{0B}' | '\u{0C}' | '\u{85}' | '\u{2028}' | '\u{2029}' => Class::Line,
        '\u{200C}' | '\u{200D}' => Class::Joiner,
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}' => Class::Hidden,
        '\u{F0B7}' | '\u{F0A7}' | '\u{F0D8}' | '\u{F076}' => Class::Keep,
        '\u{E000}'..='\u{F8FF}' | '\u{F0000}'..='\u{10FFFF}' | '\u{FFFC}' | '\u{FFFD}' => Class::Unreadable,
        '\u{FDD0}'..='\u{FDEF}' => Class::Unreadable,
        _ if (u32::from(c) & 0xFFFE) == 0xFFFE => Class::Unreadable,
        _ if c.is_whitespace() => Class::Space,
        _ if c.is_control() => Class::Control,
        _ => Class::Keep,
    }
}

/// Ligatures come apart, or a search for "office" misses "oﬃce"; Symbol-font bullets become bullets.
fn push(kept: &mut String, c: char) {
    match c {
        '\u{FB00}' => kept.push_str("ff"),
        '\u{FB01}' => kept.push_str("fi"),
        '\u{FB02}' => kept.push_str("fl"),
        '\u{FB03}' => kept.push_str("ffi"),
        '\u{FB04}' => kept.push_str("ffl"),
        '\u{FB05}' | '\u{FB06}' => kept.push_str("st"),
        '\u{F0B7}' | '\u{F0A7}' | '\u{F0D8}' | '\u{F076}' => kept.push('•'),
        _ => kept.push(c),
    }
}

/// Joiners belong to the spelling of scripts from Arabic on, and to emoji; elsewhere they only hide.
fn joins(before: Option<char>, after: Option<char>) -> bool {
    let shaped = |c: char| matches!(c, '\u{600}'..='\u{1FFF}' | '\u{2190}'..='\u{2BFF}' | '\u{A800}'..='\u{ABFF}' | '\u{1F000}'..='\u{1FAFF}');
    before.is_some_and(shaped) && after.is_some_and(shaped)
}

/// One line: every run of white space is one space, none at the ends.
pub(crate) fn one_line(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(word);
    }
    folded
}

/// Several lines: each folded to one, empty ones dropped.
pub(crate) fn lines(text: &str) -> String {
    let folded: Vec<String> = text.lines().map(one_line).filter(|line| !line.is_empty()).collect();
    folded.join("\n")
}

/// Code: indentation and inner blank lines stay, trailing spaces and outer blank lines go.
pub(crate) fn code(text: &str) -> String {
    let kept: Vec<&str> = text.lines().map(str::trim_end).collect();
    let first = kept.iter().position(|line| !line.is_empty()).unwrap_or(0);
    let last = kept.iter().rposition(|line| !line.is_empty()).map_or(0, |at| at + 1);
    kept[first..last.max(first)].join("\n")
}

#[cfg(test)]
mod tests {
    use super::{Removed, clean};

    #[test]
    fn hidden_characters_go_and_meaning_stays() {
        let mut removed = Removed::default();
        let raw =
            "a\u{301}\u{202E}b\u{200B}c\u{E0041}\u{AD}d\u{7}\u{A0}e\r\nf\u{FB01} می\u{200C}خواهم 👩\u{200D}💻\u{E123}";
        assert_eq!(clean(raw, &mut removed), "ábcd e\nffi می\u{200C}خواهم 👩\u{200D}💻");
        assert_eq!(removed, Removed { hidden: 4, control: 1, unreadable: 1 });
    }
}
