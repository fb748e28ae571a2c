//! What kind of thing a question asks for, where its words tell: a sum of money, a figure, a time.
//!
//! A sentence on the right subject that holds no such thing is not the answer. Search uses this to choose
//! sentences, answering to refuse. Only kinds that can be checked by looking, in English and Spanish; of
//! any other question nothing is expected.

use unicode_segmentation::UnicodeSegmentation;

/// What an answer must hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    Money,
    /// A figure, and the word that it counts where the question names one ("how many *days*").
    Figure(Option<String>),
    Time,
}

/// Words that open a question about a sum. Spanish is compared with its accents, because they are what
/// tells "cuándo" from "cuando".
const MONEY: &[&str] = &[
    "how much does",
    "how much do",
    "what is the price",
    "what is the list price",
    "what does it cost",
    "cuánto cuesta",
    "cuánto cuestan",
    "cuánto vale",
    "cuánto me cuesta",
    "qué precio",
    "cuál es el precio",
];
const COUNTED: &[&str] = &["how many", "cuántos", "cuántas"];
const FIGURE: &[&str] = &[
    "how much",
    "how long",
    "how big",
    "how fast",
    "how quickly",
    "how far",
    "how often",
    "what time",
    "what amount",
    "what percentage",
    "what temperature",
    "cuánto",
    "cuánta",
    "a qué hora",
    "qué hora",
    "qué cantidad",
    "qué porcentaje",
    "qué temperatura",
];
/// "When" opens a question only before one of these; else it joins two sentences.
const WHEN: &[&str] = &[
    "when do",
    "when does",
    "when did",
    "when is",
    "when are",
    "when was",
    "when will",
    "when would",
    "when can",
    "when must",
    "when should",
    "by when",
    "until when",
    "since when",
    "what date",
    "which date",
    "which day",
    "what day",
    "cuándo",
    "qué día",
    "qué fecha",
];

const CURRENCIES: &[&str] = &["eur", "euro", "euros", "usd", "gbp", "dollar", "dollars", "dólares", "pound", "pounds"];
const FREE: &[&str] = &["free", "gratis", "gratuito", "gratuita", "gratuitos", "gratuitas"];
const NUMBERS: &[&str] = &[
    "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "fourteen",
    "fifteen", "twenty", "thirty", "forty", "sixty", "hundred", "thousand", "half", "none", "once", "twice", "un",
    "una", "uno", "dos", "tres", "cuatro", "cinco", "seis", "siete", "ocho", "nueve", "diez", "doce", "catorce",
    "quince", "veinte", "treinta", "cuarenta", "sesenta", "cien", "mil", "medio", "media", "ninguno", "ninguna",
];
const TIMES: &[&str] = &[
    "january",
    "february",
    "march",
    "april",
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
    "miércoles",
    "jueves",
    "viernes",
    "sábado",
    "domingo",
    "day",
    "days",
    "week",
    "weeks",
    "month",
    "months",
    "year",
    "quarter",
    "día",
    "días",
    "semana",
    "semanas",
    "mes",
    "meses",
    "año",
    "trimestre",
    "always",
    "never",
    "siempre",
    "nunca",
    "immediately",
    "inmediatamente",
];

impl Asked {
    /// The kind of `question`, by its earliest words that tell.
    #[must_use]
    pub fn of(question: &str) -> Option<Self> {
        let words = words(question);
        (0..words.len()).find_map(|at| {
            let opens = |list: &[&str]| list.iter().any(|opening| starts(&words[at..], opening));
            if opens(MONEY) {
                Some(Self::Money)
            } else if opens(COUNTED) {
                let skipped = if words[at] == "how" { 2 } else { 1 };
                Some(Self::Figure(words.get(at + skipped).map(|word| stem(word))))
            } else if opens(FIGURE) {
                Some(Self::Figure(None))
            } else if opens(WHEN) {
                Some(Self::Time)
            } else {
                None
            }
        })
    }

    /// How well `text` can be what was asked for: 0 not at all, 1 with the thing that was to be counted.
    /// Numbers of the question itself do not count: "the C-400" is no answer to "how long does a C-400 run".
    #[must_use]
    pub fn met(&self, question: &str, text: &str) -> f32 {
        let asked: Vec<String> = words(question);
        let words = words(text);
        let fresh = |word: &String| word.chars().any(|c| c.is_ascii_digit()) && !asked.contains(word);
        let number = |word: &String| fresh(word) || NUMBERS.contains(&word.as_str());
        let any = |list: &[&str]| words.iter().any(|word| list.contains(&word.as_str()));
        match self {
            Self::Money => {
                let sum = words.iter().any(fresh) && (text.contains(['€', '$', '£']) || any(CURRENCIES));
                f32::from(u8::from(sum || any(FREE)))
            }
            Self::Figure(Some(unit)) => {
                let counted =
                    words.windows(3).any(|near| number(&near[0]) && near[1..].iter().any(|word| stem(word) == *unit));
                let ends = words.windows(2).last().is_some_and(|near| number(&near[0]) && stem(&near[1]) == *unit);
                if counted || ends {
                    1.0
                } else if words.iter().any(number) {
                    0.5
                } else {
                    0.0
                }
            }
            Self::Figure(None) => f32::from(u8::from(words.iter().any(number))),
            Self::Time => f32::from(u8::from(words.iter().any(number) || any(TIMES))),
        }
    }
}

fn words(text: &str) -> Vec<String> {
    text.unicode_words().map(str::to_lowercase).collect()
}

fn starts(words: &[String], opening: &str) -> bool {
    let mut rest = words.iter();
    opening.split(' ').all(|wanted| rest.next().is_some_and(|word| word == wanted))
}

/// Singular and plural alike.
fn stem(word: &str) -> String {
    let cut = ["es", "s"].iter().find_map(|end| word.strip_suffix(end).filter(|rest| rest.chars().count() >= 3));
    cut.unwrap_or(word).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn met(question: &str, text: &str) -> f32 {
        Asked::of(question).map_or(-1.0, |asked| asked.met(question, text))
    }

    #[test]
    fn a_price_needs_a_sum_and_a_cost_centre_does_not() {
        let price = "What is the list price of a C-400 controller?";
        assert!(met(price, "The controller weighs 1.34 kg in Europe.") < 0.1);
        assert!(met("¿Cuánto cuesta el recambio?", "Se cambia a las 9.000 horas.") < 0.1);
        assert!(met("¿Cuánto cuesta el menú?", "El menú cuesta 5,60 €.") > 0.9);
        assert!(met("How much does the card cost?", "The first card is free.") > 0.9);
        assert_eq!(Asked::of("Which cost centre do I book travel to?"), None);
    }

    #[test]
    fn a_figure_of_the_question_is_no_answer() {
        let run = "How long can a C-400 run on its battery when the supply fails?";
        assert!(met(run, "The C-400 is mounted on a rail.") < 0.1);
        assert!(met(run, "It runs for 80 hours.") > 0.9);
    }

    #[test]
    fn what_is_counted_stands_by_its_number() {
        let leave = "How many days off can they take per cycle?";
        assert!(met(leave, "up to 6 days per cycle") > 0.9);
        assert!(met(leave, "up to three cycles") < 0.9);
        assert!(met("¿Cuántos días tengo?", "Son 24 días.") > 0.9);
    }

    #[test]
    fn when_asks_only_where_it_opens_a_question() {
        assert_eq!(Asked::of("When is the summer party?"), Some(Asked::Time));
        assert_eq!(Asked::of("By when do I have to use them?"), Some(Asked::Time));
        assert_eq!(Asked::of("Cuando estoy de viaje, ¿cuál es el tope?"), None);
        assert_eq!(Asked::of("Who signs when the manager is away?"), None);
        assert!(met("¿Cuándo abre?", "Abre en enero.") > 0.9);
        assert!(met("When is the summer party?", "The party is in Zaragoza.") < 0.1);
    }
}
