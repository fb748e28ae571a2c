//! Language of a passage: it picks the stemmer of its BM25 terms.

use whatlang::{Lang, detect};

/// ISO 639-1 code, or `fallback` where the text is too short or too mixed to tell.
pub(crate) fn of(text: &str, fallback: &str) -> String {
    match detect(text) {
        Some(info) if info.is_reliable() || text.chars().count() > 200 => {
            code(info.lang()).unwrap_or(fallback).to_owned()
        }
        _ => fallback.to_owned(),
    }
}

fn code(lang: Lang) -> Option<&'static str> {
    Some(match lang {
        Lang::Eng => "en",
        Lang::Spa => "es",
        Lang::Fra => "fr",
        Lang::Deu => "de",
        Lang::Por => "pt",
        Lang::Ita => "it",
        Lang::Nld => "nl",
        Lang::Swe => "sv",
        Lang::Dan => "da",
        Lang::Nob => "no",
        Lang::Fin => "fi",
        Lang::Ron => "ro",
        Lang::Hun => "hu",
        Lang::Tur => "tr",
        Lang::Rus => "ru",
        Lang::Cat => "ca",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn passages_are_told_apart_and_crumbs_fall_back() {
        assert_eq!(
            super::of("Las vacaciones anuales se solicitan con quince días de antelación a través del portal.", "en"),
            "es"
        );
        assert_eq!(
            super::of("Annual leave is requested through the portal at least fifteen days before it starts.", "es"),
            "en"
        );
        assert_eq!(super::of("12 | 34 | 56", "es"), "es");
    }
}
