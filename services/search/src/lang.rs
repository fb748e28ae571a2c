//! Language of a question: short texts, so function words vote before statistics do.

use whatlang::{Detector, Lang};

/// Words that stand in nearly every question of their language, and in no other of the list.
const VOTES: &[(&str, &[&str])] = &[
    (
        "en",
        &[
            "what", "which", "who", "when", "where", "how", "the", "is", "are", "does", "do", "did", "of", "for", "my",
            "can", "we", "and", "with", "from", "many", "much", "was", "were", "our", "i", "to", "must", "should",
            "have",
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

/// ISO 639-1 code of the question's language; English where nothing can be told.
pub(crate) fn detect(question: &str) -> &'static str {
    if question.contains(['¿', '¡', 'ñ']) {
        return "es";
    }
    let words: Vec<String> =
        question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_lowercase).collect();
    let votes = |list: &[&str]| words.iter().filter(|word| list.contains(&word.as_str())).count();
    let best = VOTES.iter().map(|(lang, list)| (votes(list), *lang)).rev().max_by_key(|(count, _)| *count);
    if let Some((count, lang)) = best
        && count > 0
    {
        return lang;
    }
    // Statistics over a word or two are a guess, and a wrong stemmer costs more than none.
    if words.len() < 3 {
        return "en";
    }
    let known = vec![Lang::Eng, Lang::Spa, Lang::Fra, Lang::Deu, Lang::Por, Lang::Ita];
    match Detector::with_allowlist(known).detect_lang(question) {
        Some(Lang::Spa) => "es",
        Some(Lang::Fra) => "fr",
        Some(Lang::Deu) => "de",
        Some(Lang::Por) => "pt",
        Some(Lang::Ita) => "it",
        _ => "en",
    }
}

#[cfg(test)]
mod tests {
    use super::detect;

    #[test]
    fn short_questions_are_told_apart() {
        for (question, lang) in [
            ("How many vacation days do I have?", "en"),
            ("¿Cuántos días de vacaciones tengo?", "es"),
            ("cuantos dias de vacaciones tengo", "es"),
            ("VPN", "en"),
            ("Wie viele Urlaubstage habe ich?", "de"),
            ("who approves travel", "en"),
        ] {
            assert_eq!(detect(question), lang, "{question}");
        }
    }
}
