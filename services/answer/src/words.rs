//! Words as they are compared: lower case, without accents, without endings, without stop words.

use std::collections::HashSet;
use unicode_segmentation::UnicodeSegmentation;

/// Words that carry no fact, in the two languages of the prompts.
const STOP: &[&str] = &[
    "a",
    "about",
    "after",
    "all",
    "also",
    "an",
    "and",
    "any",
    "are",
    "as",
    "at",
    "be",
    "been",
    "before",
    "by",
    "can",
    "company",
    "could",
    "did",
    "do",
    "does",
    "each",
    "every",
    "for",
    "from",
    "had",
    "has",
    "have",
    "he",
    "her",
    "his",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "may",
    "me",
    "more",
    "most",
    "must",
    "my",
    "no",
    "not",
    "of",
    "on",
    "one",
    "or",
    "our",
    "per",
    "she",
    "should",
    "so",
    "some",
    "source",
    "such",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "this",
    "to",
    "up",
    "us",
    "was",
    "we",
    "were",
    "what",
    "when",
    "where",
    "which",
    "who",
    "will",
    "with",
    "would",
    "yes",
    "you",
    "your",
    "according",
    "al",
    "antes",
    "asi",
    "cada",
    "como",
    "con",
    "cual",
    "cuando",
    "cuanto",
    "cuantos",
    "cuantas",
    "de",
    "del",
    "desde",
    "donde",
    "dos",
    "el",
    "ella",
    "en",
    "entre",
    "era",
    "es",
    "esa",
    "ese",
    "eso",
    "esta",
    "este",
    "esto",
    "fue",
    "fuente",
    "ha",
    "han",
    "hasta",
    "hay",
    "la",
    "las",
    "le",
    "les",
    "lo",
    "los",
    "mas",
    "me",
    "mi",
    "mis",
    "muy",
    "ni",
    "nos",
    "nuestra",
    "nuestro",
    "o",
    "para",
    "pero",
    "por",
    "puede",
    "que",
    "quien",
    "se",
    "segun",
    "ser",
    "si",
    "sin",
    "sobre",
    "son",
    "su",
    "sus",
    "te",
    "tengo",
    "tiene",
    "tu",
    "un",
    "una",
    "uno",
    "unos",
    "y",
    "ya",
    "empresa",
];

/// The words of `text` that carry a fact, in order, each reduced to its comparable form.
pub(crate) fn facts(text: &str) -> Vec<String> {
    text.unicode_words()
        .map(fold)
        .filter(|word| !word.is_empty() && !STOP.contains(&word.as_str()))
        .map(|word| stem(&word))
        .collect()
}

/// [`facts`] as a set.
pub(crate) fn fact_set(text: &str) -> HashSet<String> {
    facts(text).into_iter().collect()
}

/// Figures in `text`, without separators of thousands: "1.200 €" and "1,200" are the same figure.
pub(crate) fn figures(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut current = String::new();
    let chars: Vec<char> = text.chars().collect();
    for (at, c) in chars.iter().enumerate() {
        let between = |c: &char| c.is_ascii_digit();
        if c.is_ascii_digit() {
            current.push(*c);
        } else if matches!(c, '.' | ',' | '\u{a0}' | '\u{202f}')
            && !current.is_empty()
            && chars.get(at + 1).is_some_and(between)
        {
            // Three digits after a separator are thousands; anything else is a fraction.
            let digits = chars[at + 1..].iter().take_while(|c| c.is_ascii_digit()).count();
            if digits != 3 {
                current.push('.');
            }
        } else if !current.is_empty() {
            found.push(std::mem::take(&mut current));
        }
    }
    if !current.is_empty() {
        found.push(current);
    }
    found
}

/// Lower case without accents.
pub(crate) fn fold(word: &str) -> String {
    word.to_lowercase()
        .chars()
        .map(|c| match c {
            'á' | 'à' | 'â' | 'ä' | 'ã' => 'a',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'í' | 'ì' | 'î' | 'ï' => 'i',
            'ó' | 'ò' | 'ô' | 'ö' | 'õ' => 'o',
            'ú' | 'ù' | 'û' | 'ü' => 'u',
            'ñ' => 'n',
            'ç' => 'c',
            other => other,
        })
        .collect()
}

/// Cuts endings so that singular and plural, masculine and feminine compare as equal.
/// Crude on purpose: it compares an answer with a source, it does not analyse language.
fn stem(word: &str) -> String {
    if word.chars().any(|c| c.is_ascii_digit()) || word.len() <= 4 {
        return word.to_owned();
    }
    let cut = ["os", "as", "es", "s", "o", "a", "e"]
        .iter()
        .find_map(|end| word.strip_suffix(end).filter(|rest| rest.len() >= 4));
    cut.unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plural_and_accents_do_not_matter() {
        assert_eq!(fact_set("Los proyectos públicos"), fact_set("proyecto PUBLICO"));
        assert_eq!(fact_set("the managers"), fact_set("a manager"));
    }

    #[test]
    fn figures_ignore_thousands_and_keep_fractions() {
        assert_eq!(figures("1.200 € y 1,200; 2.5 % o 3,75"), ["1200", "1200", "2.5", "3.75"]);
    }
}
