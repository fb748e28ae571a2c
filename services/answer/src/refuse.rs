//! The words of a refusal, in the asker's language.

use crate::cite::Attributed;

/// What is said where the documents do not hold the answer.
pub(crate) fn text(lang: &str) -> &'static str {
    match lang {
        "es" => "No encuentro la respuesta en los documentos que puedes consultar.",
        "fr" => "Je ne trouve pas la réponse dans les documents que vous pouvez consulter.",
        "de" => "In den Dokumenten, die Sie lesen dürfen, finde ich keine Antwort darauf.",
        "pt" => "Não encontro a resposta nos documentos que pode consultar.",
        "it" => "Non trovo la risposta nei documenti che puoi consultare.",
        _ => "I cannot find the answer in the documents you may read.",
    }
}

/// How models say that the sources are silent.
const MARKERS: &[&str] = &[
    "not found",
    "no consta",
    "not specified",
    "not mentioned",
    "does not specify",
    "do not specify",
    "does not say",
    "do not say",
    "does not provide",
    "do not provide",
    "does not mention",
    "do not mention",
    "no se especifica",
    "no se menciona",
    "no especifica",
    "no menciona",
    "no se indica",
    "no indica",
    "no information",
    "no hay información",
    "not stated",
    "cannot find",
];

/// Whether the model's own words are a refusal: its first sentence says that the sources are silent,
/// and no source says so itself. "Leave is not specified in days" may be what the document says.
pub(crate) fn is_refusal(written: &Attributed) -> bool {
    let Some(first) = written.sentences.first() else { return true };
    let first = first.text.to_lowercase();
    let quoted = |marker: &str| {
        let cited = written.citations.iter().filter(|citation| citation.sentence == 0);
        cited.into_iter().any(|citation| citation.quote.to_lowercase().contains(marker))
    };
    MARKERS.iter().any(|marker| first.contains(marker) && !quoted(marker))
}

/// Whether `start`, the first words of an answer, could still become a bare marker: such words
/// are held back, so that nobody reads "NOT FOUND" before the refusal in their own language.
pub(crate) fn may_become_marker(start: &str) -> bool {
    let lower = start.trim_start().to_lowercase();
    ["not found", "no consta"].iter().any(|marker| marker.starts_with(lower.trim_end()) || lower.starts_with(marker))
}

#[cfg(test)]
mod tests {
    use super::*;
    use fuente_contract::answer::AnswerSentence;

    #[test]
    fn markers_are_held_back_and_answers_are_not() {
        assert!(may_become_marker("NOT F"));
        assert!(may_become_marker("No"));
        assert!(!may_become_marker("No, staff may"));
        assert!(!may_become_marker("You have"));
    }

    #[test]
    fn a_refusal_is_of_the_model_and_not_of_the_source() {
        let says = |text: &str, quote: &str| {
            let supported = AnswerSentence { text: text.to_owned(), supported: !quote.is_empty() };
            let cited = (!quote.is_empty()).then(|| crate::cite::tests::quoted(quote));
            is_refusal(&Attributed {
                sentences: vec![supported],
                citations: cited.into_iter().collect(),
                in_doubt: false,
            })
        };
        assert!(says("NO CONSTA", ""));
        assert!(says("The sources do not mention dental treatment.", "Health insurance starts in March."));
        assert!(!says("Tienes 23 días.", "Cada persona tiene 23 días."));
        assert!(!says("Annual leave does not include public holidays.", "Public holidays are not part of it."));
        assert!(!says("The notice period is not specified.", "The notice period is not specified in the contract."));
    }
}
