//! What kind of thing a question asks for, where its words tell: an answer to "how much" that names no
//! sum, or to "when" that names no time, is about the right subject and not an answer.
//!
//! Only kinds that can be checked by looking. Judged on what the cited sentences say, because a small
//! model is glad to make up the figure that is missing.

use crate::words::{figures, fold};
use fuente_contract::answer::Citation;

/// How a question opens (after its marks and small words), and what its answer must then hold.
const OPENINGS: &[(&[&str], Kind)] = &[
    (&["how much does", "how much do", "cuanto cuesta", "cuanto cuestan", "cuanto vale"], Kind::Money),
    (&["what is the price", "what is the list price", "que precio", "cual es el precio"], Kind::Money),
    (&["how many", "how much", "how long", "how big", "how fast", "how far", "what time"], Kind::Figure),
    (&["cuanto", "cuantos", "cuanta", "cuantas", "a que hora", "a cuantos", "a cuanto"], Kind::Figure),
    (&["when", "cuando", "que dia", "que fecha", "what date", "which day"], Kind::Time),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Money,
    Figure,
    Time,
}

/// Marks and words that name money, or that none is asked for.
const MONEY: &[&str] = &["eur", "euro", "euros", "usd", "gbp", "dollar", "dollars", "dolares", "pound", "pounds"];
const FREE: &[&str] = &["free", "gratis", "gratuito", "gratuita", "gratuitos", "gratuitas", "charge", "coste"];
/// Words that are a figure.
const COUNTS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "none", "half",
    "once", "twice", "fourteen", "fifteen", "twenty", "thirty", "forty", "sixty", "hundred", "thousand", "un", "una",
    "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "doce", "catorce", "quince",
    "veinte", "treinta", "cuarenta", "sesenta", "cien", "mil", "ninguno", "ninguna", "medio", "media",
];
const TIMES: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "lunes",
    "martes",
    "miercoles",
    "jueves",
    "viernes",
    "sabado",
    "domingo",
    "day",
    "days",
    "week",
    "month",
    "year",
    "dia",
    "dias",
    "semana",
    "mes",
    "año",
    "ano",
    "before",
    "after",
    "antes",
    "despues",
    "once",
    "always",
    "never",
];

/// Whether the question asks for a sum, a figure or a time, and no cited sentence has one that the
/// question did not bring itself.
pub(crate) fn missing(question: &str, citations: &[Citation]) -> bool {
    let Some(kind) = asked(question) else { return false };
    let known = figures(question);
    !citations.iter().any(|citation| holds(kind, &citation.quote, &known))
}

fn asked(question: &str) -> Option<Kind> {
    let plain = words(question).join(" ");
    let opens =
        |opening: &&str| plain.strip_prefix(*opening).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
    OPENINGS.iter().find(|(openings, _)| openings.iter().any(|opening| opens(&opening))).map(|(_, kind)| *kind)
}

fn holds(kind: Kind, quote: &str, known: &[String]) -> bool {
    let words = words(quote);
    let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
    let figure = figures(quote).iter().any(|figure| !known.contains(figure));
    match kind {
        Kind::Money => (figure && (quote.contains(['€', '$', '£']) || any(MONEY))) || any(FREE),
        Kind::Figure => figure || any(COUNTS),
        Kind::Time => figure || any(COUNTS) || any(TIMES),
    }
}

fn words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(fold).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::tests::quoted;

    #[test]
    fn a_price_needs_a_sum_and_a_cost_centre_does_not() {
        let weight = [quoted("The controller weighs 1.34 kg in Europe.")];
        assert!(missing("What is the list price of a C-400 controller?", &weight));
        assert!(missing("¿Cuánto cuesta el recambio?", &[quoted("Se cambia a las 9.000 horas.")]));
        assert!(!missing("¿Cuánto cuesta el menú?", &[quoted("El menú cuesta 5,60 €.")]));
        assert!(!missing("How much does the card cost?", &[quoted("The first card is free.")]));
        assert!(!missing("Which cost centre do I book travel to?", &[quoted("Travel goes to the home centre.")]));
    }

    #[test]
    fn a_figure_of_the_question_is_no_answer() {
        assert!(missing("How long can a C-400 run?", &[quoted("The C-400 is mounted on a rail.")]));
        assert!(!missing("How long can a C-400 run?", &[quoted("It runs for 80 hours.")]));
        assert!(missing("When is the summer party?", &[quoted("The party is in Zaragoza.")]));
        assert!(!missing("¿Cuándo abre?", &[quoted("Abre en enero.")]));
        assert!(!missing("Who approves it?", &[quoted("Your manager does.")]));
    }
}
