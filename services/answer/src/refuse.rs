//! The words of a refusal, in the asker's language.

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

/// What the model is told to say instead of guessing, in any of the prompts' languages.
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
    "no dice",
    "no aparece",
    "no information",
    "no hay información",
    "not stated",
    "cannot find",
    "not provided",
    "not include",
];

/// Whether the model's own words are a refusal.
pub(crate) fn is_refusal(answer: &str) -> bool {
    let lower = answer.to_lowercase();
    MARKERS.iter().any(|marker| lower.contains(marker))
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

    #[test]
    fn markers_are_held_back_and_answers_are_not() {
        assert!(may_become_marker("NOT F"));
        assert!(may_become_marker("No"));
        assert!(!may_become_marker("No, staff may"));
        assert!(!may_become_marker("You have"));
        assert!(is_refusal("NO CONSTA"));
        assert!(!is_refusal("Tienes 23 días."));
    }
}
