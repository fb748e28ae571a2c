//! Texts as weighted terms: the BM25 embedder of the embedded engine, used for both engines,
//! so that a term has the same number wherever its vector is stored.
//!
//! The engine multiplies by inverse document frequency at query time; here are only term
//! frequency and length. Passages and queries of one language share tokens and stems.

use crate::index::Sparse;
use qdrant_edge::SparseVector;
use qdrant_edge::bm25_embed::{EdgeBm25, EdgeBm25Config};
use serde_json::{Value, json};
use std::sync::OnceLock;

/// Number of terms at which length normalisation is neutral. Passages (chunks of about 200
/// model tokens) have some 60 to 90 once their stop words are gone; a little above that found
/// most on XQuAD and SQuAD-es, and anything from 50 to 256 was within a point of it.
const USUAL_TERMS: f64 = 128.0;

/// How one language is cut into terms.
struct Language {
    /// ISO 639-1 codes.
    codes: &'static [&'static str],
    /// The engine's name for its stop words and stemmer; none: words as they are.
    name: Option<&'static str>,
    /// Whether words stand without spaces between them.
    unspaced: bool,
    model: OnceLock<Option<EdgeBm25>>,
}

const fn spaced(codes: &'static [&'static str], name: &'static str) -> Language {
    Language { codes, name: Some(name), unspaced: false, model: OnceLock::new() }
}

const fn unspaced(codes: &'static [&'static str], name: Option<&'static str>) -> Language {
    Language { codes, name, unspaced: true, model: OnceLock::new() }
}

static LANGUAGES: [Language; 33] = [
    spaced(&["ar"], "arabic"),
    spaced(&["az"], "azerbaijani"),
    spaced(&["bn"], "bengali"),
    spaced(&["ca"], "catalan"),
    spaced(&["da"], "danish"),
    spaced(&["de"], "german"),
    spaced(&["el"], "greek"),
    spaced(&["en"], "english"),
    spaced(&["es"], "spanish"),
    spaced(&["eu"], "basque"),
    spaced(&["fi"], "finnish"),
    spaced(&["fr"], "french"),
    spaced(&["he"], "hebrew"),
    spaced(&["hu"], "hungarian"),
    spaced(&["id"], "indonesian"),
    spaced(&["it"], "italian"),
    spaced(&["kk"], "kazakh"),
    spaced(&["ne"], "nepali"),
    spaced(&["nl"], "dutch"),
    spaced(&["no", "nb", "nn"], "norwegian"),
    spaced(&["pt"], "portuguese"),
    spaced(&["ro"], "romanian"),
    spaced(&["ru"], "russian"),
    spaced(&["sl"], "slovene"),
    spaced(&["sv"], "swedish"),
    spaced(&["tg"], "tajik"),
    spaced(&["tr"], "turkish"),
    unspaced(&["ja"], Some("japanese")),
    unspaced(&["zh"], Some("chinese")),
    unspaced(&["ko"], None),
    unspaced(&["th"], None),
    unspaced(&["km", "lo", "my"], None),
    Language { codes: &[], name: None, unspaced: false, model: OnceLock::new() },
];

/// Turns texts into [`Sparse`] vectors.
pub struct Bm25;

impl Bm25 {
    /// The weights of a passage's terms.
    #[must_use]
    pub fn document(text: &str, lang: &str) -> Sparse {
        model(lang).map_or_else(Sparse::default, |model| sparse(model.embed_document(text)))
    }

    /// The terms of a question, each once.
    #[must_use]
    pub fn query(text: &str, lang: &str) -> Sparse {
        model(lang).map_or_else(Sparse::default, |model| sparse(model.embed_query(text)))
    }
}

/// The embedder of a language, made on first use. An unknown language has neither stop words
/// nor stems, so its words still match themselves.
fn model(lang: &str) -> Option<&'static EdgeBm25> {
    let code = lang.split(['-', '_']).next().unwrap_or_default().to_ascii_lowercase();
    let known = LANGUAGES.iter().find(|language| language.codes.contains(&code.as_str()));
    let language = known.or_else(|| LANGUAGES.last())?;
    language.model.get_or_init(|| build(language)).as_ref()
}

fn build(language: &Language) -> Option<EdgeBm25> {
    let config: Result<EdgeBm25Config, _> = serde_json::from_value(config(language));
    let built = config
        .map_err(|error| error.to_string())
        .and_then(|config| EdgeBm25::new(config).map_err(|error| error.to_string()));
    built.inspect_err(|error| tracing::error!(language = language.name, error, "BM25 is off for this language")).ok()
}

fn config(language: &Language) -> Value {
    let mut config = json!({
        "avg_len": USUAL_TERMS,
        "tokenizer": if language.unspaced { "multilingual" } else { "word" },
        // People leave accents out of questions; folding makes both spellings one term. On
        // Spanish questions it found more even where the accents were there.
        "ascii_folding": true,
    });
    match language.name {
        Some(name) => config["language"] = json!(name),
        None => {
            // The engine falls back to English where no language is named: name one that has
            // no stemmer, and give it an empty list of stop words.
            config["language"] = json!("azerbaijani");
            config["stopwords"] = json!({ "languages": [], "custom": [] });
        }
    }
    config
}

fn sparse(vector: SparseVector) -> Sparse {
    Sparse { indices: vector.indices, values: vector.values }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a question shares a term with a passage of the same language.
    fn meets(question: &str, passage: &str, lang: &str) -> bool {
        let passage = Bm25::document(passage, lang);
        Bm25::query(question, lang).indices.iter().any(|term| passage.indices.contains(term))
    }

    #[test]
    fn every_listed_language_builds() {
        for language in &LANGUAGES {
            assert!(build(language).is_some(), "{:?}", language.name);
        }
    }

    #[test]
    fn inflected_and_unaccented_words_meet_within_a_language() {
        assert!(meets("vacation", "Vacations are approved.", "en"));
        assert!(meets("vacacion", "Las vacaciones se piden antes.", "es"));
        assert!(meets("dias", "Son veintitrés días.", "es"));
        assert!(meets("Urlaubstage", "Der Urlaubstag ist bezahlt.", "de"));
        assert!(meets("congés", "Le congé est accordé.", "fr-FR"));
    }

    #[test]
    fn an_unknown_language_keeps_every_word_as_it_is() {
        assert!(meets("the", "the xyzzy", "tlh"));
        assert!(!meets("xyzzys", "the xyzzy", "tlh"));
        assert!(!meets("the", "the vacation", "en"), "stop words of a known language are dropped");
    }

    #[test]
    fn a_query_weighs_each_term_once_and_nothing_gives_nothing() {
        let query = Bm25::query("holiday holiday pay", "en");
        assert_eq!(query.values, vec![1.0, 1.0]);
        assert_eq!(Bm25::query("", "en"), Sparse::default());
    }
}
