//! Language of a question: short texts, so function words vote before statistics do.

use crate::signals::Terms;
use fuente_contract::evidence::Hit;
use whatlang::{Detector, Lang};

/// Words that stand in nearly every question of their language, and in no other of the list.
const VOTES: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "what",
            "which",
            "who",
            "when",
            "where",
            "how",
            "the",
            "is",
            "are",
            "does",
            "do",
            "did",
            "of",
            "for",
            "my",
            "can",
            "we",
            "and",
            "with",
            "from",
            "many",
            "much",
            "was",
            "were",
            "our",
            "i",
            "to",
            "must",
            "should",
            "have",
            "tell",
            "about",
            "give",
            "show",
            "list",
            "find",
            "explain",
            "summarise",
            "summarize",
            "in",
            "on",
            "there",
            "any",
            "not",
            "be",
            "it",
            "will",
            "would",
            "at",
            "by",
            "this",
            "that",
        ],
    ),
    (
        "es",
        &[
            "qué", "cuál", "cuáles", "quién", "cuándo", "dónde", "cómo", "cuánto", "cuánta", "cuántos", "cuántas",
            "el", "los", "las", "del", "para", "mi", "puedo", "hay", "y", "con", "una", "es", "tengo", "se", "al",
            "por", "nuestra", "nuestro", "debo", "cuesta", "cual", "cuando", "cuanto", "cuantos", "donde", "quien",
            "cuantas", "la",
        ],
    ),
    (
        "pt",
        &[
            "qual", "quais", "quem", "quando", "onde", "quantos", "quantas", "os", "da", "do", "dos", "das", "não",
            "uma", "meu", "são",
        ],
    ),
    (
        "fr",
        &[
            "quel", "quelle", "quels", "quelles", "qui", "quand", "où", "combien", "les", "des", "est", "pour", "mon",
            "une", "du", "et",
        ],
    ),
    (
        "de",
        &[
            "was", "wer", "wann", "wie", "viele", "der", "die", "das", "ist", "für", "mein", "und", "wo", "welche",
            "welcher", "ein",
        ],
    ),
    (
        "it",
        &[
            "quale", "quali", "chi", "quando", "dove", "quanti", "quante", "il", "gli", "della", "per", "mio", "una",
            "che", "sono",
        ],
    ),
];

/// Languages that a question is taken to be in where its own words do not tell.
pub(crate) const PLAUSIBLE: [&str; 6] = ["en", "es", "fr", "de", "pt", "it"];

/// ISO 639-1 code of the question's language, where its own words tell.
pub(crate) fn told(question: &str) -> Option<&'static str> {
    if question.contains(['¿', '¡', 'ñ']) {
        return Some("es");
    }
    let words: Vec<String> =
        question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let votes = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count();
    let mut counts: Vec<(usize, &'static str)> = VOTES.iter().map(|(lang, list)| (votes(list), *lang)).collect();
    counts.sort_by_key(|(count, _)| std::cmp::Reverse(*count));
    let (first, second) = (counts[0], counts[1]);
    if first.0 > second.0 {
        return Some(first.1);
    }
    // Statistics over a word or two are a guess, and a wrong one answers people in a language they do not read.
    let known = vec![Lang::Eng, Lang::Spa, Lang::Fra, Lang::Deu, Lang::Por, Lang::Ita];
    let info = (words.len() >= 5).then(|| Detector::with_allowlist(known).detect(question)).flatten()?;
    match info.lang() {
        _ if !info.is_reliable() => None,
        Lang::Spa => Some("es"),
        Lang::Fra => Some("fr"),
        Lang::Deu => Some("de"),
        Lang::Por => Some("pt"),
        Lang::Ita => Some("it"),
        _ => Some("en"),
    }
}

/// Passages that are looked at for it, the best first.
const LOOKED_AT: usize = 30;

/// The language of a question of a word or two, by what was found for it: the one in which some passage
/// holds most of its words; English where none holds any or two hold as many.
pub(crate) fn by_hits(question: &str, hits: &[Hit]) -> &'static str {
    let hits = &hits[..hits.len().min(LOOKED_AT)];
    let held = |lang: &'static str| {
        let of_lang: Vec<&Hit> = hits.iter().filter(|hit| hit.lang == lang).collect();
        if of_lang.is_empty() {
            return 0.0;
        }
        let terms = Terms::of(question, lang, hits);
        of_lang.into_iter().map(|hit| terms.held(hit)).fold(0.0, f32::max)
    };
    let mut best = ("en", held("en"));
    for lang in PLAUSIBLE {
        let share = held(lang);
        if share > best.1 {
            best = (lang, share);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::told;

    #[test]
    fn short_questions_are_told_apart() {
        for (question, lang) in [
            ("How many vacation days do I have?", Some("en")),
            ("¿Cuántos días de vacaciones tengo?", Some("es")),
            ("cuantos dias de vacaciones tengo", Some("es")),
            ("Tell me about project Kestrel", Some("en")),
            ("Wie viele Urlaubstage habe ich?", Some("de")),
            ("Quel est le prix du repas ?", Some("fr")),
            ("who approves travel", Some("en")),
            ("VPN", None),
            ("project Kestrel price", None),
            ("sick leave certificate", None),
            ("vacaciones", None),
            ("gastos de viaje", None),
        ] {
            assert_eq!(told(question), lang, "{question}");
        }
    }
}
