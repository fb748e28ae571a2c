//! A follow-up is made stand-alone before it is searched for: cheap rules, no model call.

use fuente_contract::answer::Turn;
use fuente_contract::limits::QUESTION;

/// Openings and words that lean on what was said before.
const LEANING: &[&str] = &[
    "and",
    "also",
    "what about",
    "how about",
    "that",
    "it",
    "they",
    "those",
    "these",
    "then",
    "same",
    "there",
    "y",
    "también",
    "qué hay de",
    "eso",
    "ese",
    "esa",
    "esos",
    "esas",
    "ellos",
    "entonces",
    "allí",
    "lo mismo",
];

/// The question as it can be searched for on its own. Of the older one only as much goes along as
/// search still accepts.
pub(crate) fn standalone(question: &str, history: &[Turn]) -> String {
    let Some(last) = history.last() else { return question.trim().to_owned() };
    let question = question.trim();
    let room = QUESTION.saturating_sub(question.chars().count() + 1);
    let subject: String = last.question.trim().chars().take(room).collect();
    if leans(question) && !subject.is_empty() { format!("{subject} {question}") } else { question.to_owned() }
}

fn leans(question: &str) -> bool {
    let lower = question.trim().trim_start_matches(['¿', '¡']).to_lowercase();
    // "IT" in upper case is a name, not a pronoun.
    let lean = |word: &str| word != "IT" && LEANING.contains(&word.to_lowercase().as_str());
    let words: Vec<&str> = question.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let opens = LEANING
        .iter()
        .take(3)
        .chain(["y", "también"].iter())
        .any(|start| lower.strip_prefix(start).is_some_and(|rest| rest.starts_with(' ') || rest.is_empty()));
    opens || words.len() <= 3 || (words.len() <= 7 && words.iter().any(|word| lean(word)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> Vec<Turn> {
        vec![Turn { question: "How many vacation days do I have?".into(), answer: "23 days.".into() }]
    }

    #[test]
    fn a_follow_up_carries_its_subject_along() {
        assert_eq!(standalone("And in Ireland?", &history()), "How many vacation days do I have? And in Ireland?");
        assert_eq!(standalone("¿Y en Irlanda?", &history()), "How many vacation days do I have? ¿Y en Irlanda?");
    }

    #[test]
    fn a_new_question_stands_alone() {
        let fresh = "Who approves travel expenses above one thousand euros?";
        assert_eq!(standalone(fresh, &history()), fresh);
        assert_eq!(standalone("And?", &[]), "And?");
        assert_eq!(standalone("Who runs IT support in Cork?", &history()), "Who runs IT support in Cork?");
        assert_ne!(standalone("Who runs it in Cork?", &history()), "Who runs it in Cork?");
    }

    #[test]
    fn a_follow_up_is_never_longer_than_search_accepts() {
        let long = vec![Turn { question: "é".repeat(QUESTION), answer: String::new() }];
        let made = standalone("And in Ireland?", &long);
        assert_eq!(made.chars().count(), QUESTION);
        assert!(made.ends_with("é And in Ireland?"));
        let longest = format!("And {}", "x".repeat(QUESTION - 4));
        assert_eq!(standalone(&longest, &long), longest);
    }
}
