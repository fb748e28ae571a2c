//! Number formats: a stored number → what the sheet shows. Dates are shown as ISO dates whatever
//! their order in the sheet, and figures without separators of thousands, since both depend on the
//! country of whoever looks.

/// What a format makes of a number.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Format {
    General,
    Moment {
        date: bool,
        time: bool,
        hours: bool,
        seconds: bool,
    },
    /// Hours that go on past 24.
    Elapsed,
    Number {
        before: String,
        after: String,
        least: usize,
        most: usize,
        percent: bool,
    },
}

/// Decimals that a program can show.
const MAX_DECIMALS: usize = 15;
/// Seconds of a day.
const DAY: f64 = 86_400.0;
/// 31 December 9999.
const LAST_DAY: f64 = 2_958_466.0;

/// The code of a format that every program knows.
pub(super) fn builtin(id: u32) -> &'static str {
    match id {
        1 | 3 | 37 | 38 => "0",
        2 | 4 | 39 | 40 => "0.00",
        9 => "0%",
        10 => "0.00%",
        14..=17 | 27..=31 | 36 | 50..=54 | 57 | 58 => "yyyy-mm-dd",
        18..=21 | 32..=35 | 55 | 56 => "h:mm",
        22 => "yyyy-mm-dd h:mm",
        45 | 47 => "mm:ss",
        46 => "[h]:mm:ss",
        _ => "General",
    }
}

impl Format {
    pub(super) fn parse(code: &str) -> Self {
        let mut shape = Shape::default();
        shape.read(code);
        shape.format()
    }

    /// What the cell shows; `raw` is the number as the file has it.
    pub(super) fn show(&self, value: f64, raw: &str, from_1904: bool) -> String {
        match self {
            Self::Moment { date, time, hours, seconds } if (0.0..LAST_DAY).contains(&value) => {
                moment(value, (*date, *time), (*hours, *seconds), from_1904)
            }
            Self::Elapsed if (0.0..LAST_DAY).contains(&value) => elapsed(value),
            Self::Number { before, after, least, most, percent } if value.abs() < 1e15 => {
                let scaled = if *percent { value * 100.0 } else { value };
                let shown = trimmed(format!("{scaled:.most$}"), *least);
                let (sign, figure) = shown.strip_prefix('-').map_or(("", shown.as_str()), |figure| ("-", figure));
                let sign = if figure.chars().any(|c| matches!(c, '1'..='9')) { sign } else { "" };
                format!("{sign}{before}{figure}{after}")
            }
            _ if value.abs() < 1e15 && (value == 0.0 || value.abs() > 1e-9) => general(value),
            _ => raw.trim().to_owned(),
        }
    }
}

/// Without a format: the shortest figure that a person would write.
pub(in crate::formats) fn general(value: f64) -> String {
    let whole = format!("{:.0}", value.abs().trunc()).len();
    let decimals = MAX_DECIMALS.saturating_sub(whole).min(10);
    let shown = trimmed(format!("{value:.decimals$}"), 0);
    if shown == "-0" { "0".to_owned() } else { shown }
}

/// Without the zeros at the end, down to `least` decimals.
fn trimmed(mut figure: String, least: usize) -> String {
    let Some(point) = figure.find('.') else { return figure };
    while figure.ends_with('0') && figure.len() - point - 1 > least {
        figure.pop();
    }
    if figure.ends_with('.') {
        figure.pop();
    }
    figure
}

/// The signs of a format's first part, which is the one for positive numbers.
#[derive(Default)]
struct Shape {
    before: String,
    after: String,
    digits: bool,
    point: bool,
    least: usize,
    most: usize,
    percent: bool,
    general: bool,
    elapsed: bool,
    day: bool,
    month: bool,
    time: bool,
    hours: bool,
    seconds: bool,
}

impl Shape {
    fn read(&mut self, code: &str) {
        if code.trim().eq_ignore_ascii_case("general") || code.trim() == "@" {
            self.general = true;
            return;
        }
        let mut rest = code.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                ';' => break,
                '"' => self.literal(&rest.by_ref().take_while(|c| *c != '"').collect::<String>()),
                '\\' => self.literal(&rest.next().map(String::from).unwrap_or_default()),
                // The width of a character, and a character that fills the cell.
                '_' | '*' => {
                    rest.next();
                }
                '[' => self.bracket(&rest.by_ref().take_while(|c| *c != ']').collect::<String>()),
                '0' | '#' | '?' => self.digit(c),
                '.' if !self.time => self.point = true,
                '%' => {
                    self.percent = true;
                    self.literal("%");
                }
                ',' | '.' => {}
                // Fractions and powers: the plain figure says the same.
                'E' | 'e' if matches!(rest.peek(), Some('+' | '-')) => self.general = true,
                '/' if self.digits => self.general = true,
                'A' | 'a' if matches!(rest.peek(), Some('M' | 'm' | '/')) => {
                    // AM/PM, and A/P.
                    while rest.peek().is_some_and(|c| matches!(c, 'M' | 'm' | '/' | 'P' | 'p')) {
                        rest.next();
                    }
                }
                'y' | 'Y' | 'd' | 'D' | 'e' | 'E' | 'g' | 'G' => self.letter(&mut rest, c),
                'h' | 'H' => (self.time, self.hours) = (true, true),
                's' | 'S' => (self.time, self.seconds) = (true, true),
                'm' | 'M' => self.month = true,
                c if c.is_alphanumeric() => {}
                c => self.literal(&c.to_string()),
            }
        }
    }

    /// `General` stands inside a format such as `General "kg"`; other letters mean a date.
    fn letter(&mut self, rest: &mut std::iter::Peekable<std::str::Chars<'_>>, c: char) {
        let word = "General";
        let ahead: String = rest.clone().take(word.len() - 1).collect();
        if matches!(c, 'g' | 'G') && ahead.eq_ignore_ascii_case(&word[1..]) {
            rest.nth(word.len() - 2);
            (self.digits, self.point, self.most) = (true, true, 10);
        } else {
            self.day = true;
        }
    }

    fn digit(&mut self, c: char) {
        self.digits = true;
        if self.point {
            self.most = (self.most + 1).min(MAX_DECIMALS);
            self.least = if c == '0' { self.most } else { self.least };
        }
    }

    fn literal(&mut self, text: &str) {
        if self.digits { self.after.push_str(text) } else { self.before.push_str(text) }
    }

    /// `[$€-407]` is a currency, `[h]` counts hours on; colours, countries and conditions show nothing.
    fn bracket(&mut self, inner: &str) {
        if let Some(currency) = inner.strip_prefix('$') {
            let sign = currency.split('-').next().unwrap_or_default();
            self.literal(sign);
        } else if !inner.is_empty() && inner.chars().all(|c| matches!(c, 'h' | 'H' | 'm' | 'M' | 's' | 'S')) {
            self.elapsed = true;
        }
    }

    fn format(self) -> Format {
        // "mm" means minutes beside hours or seconds, and months elsewhere.
        let date = self.day || (self.month && !self.time);
        if self.general {
            Format::General
        } else if self.elapsed {
            Format::Elapsed
        } else if date || self.time {
            Format::Moment { date, time: self.time, hours: self.hours, seconds: self.seconds }
        } else if self.digits {
            let text = |text: &str| text.trim_matches(|c: char| c == '(' || c == ')').to_owned();
            let (before, after) = (text(self.before.trim_start()), text(self.after.trim_end()));
            Format::Number { before, after, least: self.least, most: self.most, percent: self.percent }
        } else {
            Format::General
        }
    }
}

fn moment(value: f64, (date, time): (bool, bool), (hours, seconds): (bool, bool), from_1904: bool) -> String {
    let (mut day, mut second) = (value.floor(), ((value - value.floor()) * DAY).round());
    if second >= DAY {
        (day, second) = (day + 1.0, 0.0);
    }
    #[allow(clippy::cast_possible_truncation)] // below LAST_DAY and DAY
    let (day, second) = (day as i64, second as i64);
    // "01:30" alone is read as hours and minutes.
    let clock = if seconds && (second % 60 != 0 || !hours) {
        format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
    } else {
        format!("{:02}:{:02}", second / 3600, second / 60 % 60)
    };
    // Day 0 is no date: the cell holds a time.
    match (date && (day > 0 || from_1904), time) {
        (true, true) => format!("{} {clock}", iso(day, from_1904)),
        (true, false) => iso(day, from_1904),
        (false, _) => clock,
    }
}

fn elapsed(value: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // below LAST_DAY
    let seconds = (value * DAY).round() as i64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if seconds == 0 { format!("{hours}:{minutes:02}") } else { format!("{hours}:{minutes:02}:{seconds:02}") }
}

/// The date of a day number. The count from 1900 holds a 29 February 1900 that never was.
fn iso(day: i64, from_1904: bool) -> String {
    let days_to_1970 = match (from_1904, day < 60) {
        (true, _) => 24_107,
        (false, true) => 25_568,
        (false, false) => 25_569,
    };
    // Years that begin in March have their leap day at the end (algorithm of H. Hinnant).
    let shifted = day - days_to_1970 + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    format!("{:04}-{month:02}-{of_month:02}", year + era * 400 + next)
}

#[cfg(test)]
mod tests {
    use super::{Format, builtin};

    fn show(code: &str, value: f64) -> String {
        Format::parse(code).show(value, &value.to_string(), false)
    }

    #[test]
    fn numbers_are_shown_as_the_sheet_shows_them() {
        let shown = [
            ("General", 0.1 + 0.2, "0.3"),
            ("General", 123_456_789_012.5, "123456789012.5"),
            ("General", -4.0, "-4"),
            ("General", 1e20, "100000000000000000000"),
            ("0.00", 2.0, "2.00"),
            ("#,##0.00", 1234.5, "1234.50"),
            ("0.##", 2.5, "2.5"),
            ("0%", 0.07, "7%"),
            ("0.0%", 0.125, "12.5%"),
            ("#,##0.00\\ \"€\"", 1234.5, "1234.50 €"),
            ("[$$-409]#,##0.00;[Red]\\-[$$-409]#,##0.00", -3.0, "-$3.00"),
            ("_-* #,##0.00\\ [$€-407]_-;\\-* #,##0.00\\ [$€-407]_-", 80.0, "80.00 €"),
            ("0 \"días\"", 22.0, "22 días"),
            ("General\" kg\"", 2.5, "2.5 kg"),
            ("0.00E+00", 0.5, "0.5"),
            ("# ?/?", 0.5, "0.5"),
            ("0;-0;;@", -0.2, "0"),
        ];
        for (code, value, expected) in shown {
            assert_eq!(show(code, value), expected, "{code}");
        }
    }

    #[test]
    fn dates_are_iso_dates() {
        let shown = [
            ("dd/mm/yyyy", 46_086.0, "2026-03-05"),
            ("d\\-mmm\\-yy", 1.0, "1900-01-01"),
            ("yyyy", 61.0, "1900-03-01"),
            ("yyyy-mm-dd hh:mm", 46_086.604_166_666_664, "2026-03-05 14:30"),
            ("[$-F400]h:mm:ss\\ AM/PM", 0.604_178_240_740_740_7, "14:30:01"),
            ("mm:ss", 0.000_694_444_444, "00:01:00"),
            ("[h]:mm", 1.5, "36:00"),
            ("m/d/yy h:mm", 0.5, "12:00"),
            ("dd/mm/yyyy", -1.0, "-1"),
        ];
        for (code, value, expected) in shown {
            assert_eq!(show(code, value), expected, "{code}");
        }
        assert_eq!(show(builtin(14), 46_086.0), "2026-03-05");
        assert_eq!(Format::parse(builtin(14)).show(0.0, "0", true), "1904-01-01");
    }
}
