//! Tokens are bytes and people read characters: holds back what is not whole yet, and what may
//! turn out to be a stop string.

/// The text of one answer while it is written.
pub(super) struct OutputText {
    /// Bytes of a character that is not complete.
    bytes: Vec<u8>,
    /// Complete text that may still become a stop string.
    held: String,
    stops: Vec<String>,
}

impl OutputText {
    pub(super) fn new(stops: Vec<String>) -> Self {
        let stops = stops.into_iter().filter(|stop| !stop.is_empty()).collect();
        Self { bytes: Vec::new(), held: String::new(), stops }
    }

    /// Takes the bytes of one token; returns the text that may be shown, and whether a stop
    /// string came (it and what follows it are not shown).
    pub(super) fn push(&mut self, bytes: &[u8]) -> (String, bool) {
        self.bytes.extend_from_slice(bytes);
        self.decode();
        if let Some(at) = self.stops.iter().filter_map(|stop| self.held.find(stop.as_str())).min() {
            self.held.truncate(at);
            self.bytes.clear();
            return (std::mem::take(&mut self.held), true);
        }
        let kept = self.stops.iter().map(|stop| overlap(&self.held, stop)).max().unwrap_or(0);
        let rest = self.held.split_off(self.held.len() - kept);
        (std::mem::replace(&mut self.held, rest), false)
    }

    /// What was held back, once it is known that nothing follows.
    pub(super) fn finish(&mut self) -> String {
        let mut text = std::mem::take(&mut self.held);
        text.push_str(&String::from_utf8_lossy(&std::mem::take(&mut self.bytes)));
        text
    }

    /// Moves whole characters over; bytes that can never become one turn into U+FFFD.
    fn decode(&mut self) {
        loop {
            match std::str::from_utf8(&self.bytes) {
                Ok(text) => {
                    self.held.push_str(text);
                    self.bytes.clear();
                    return;
                }
                Err(error) => {
                    let valid = error.valid_up_to();
                    self.held.push_str(&String::from_utf8_lossy(&self.bytes[..valid]));
                    self.bytes.drain(..valid);
                    let Some(broken) = error.error_len() else { return };
                    self.held.push(char::REPLACEMENT_CHARACTER);
                    self.bytes.drain(..broken);
                }
            }
        }
    }
}

/// Length of the longest end of `text` that is a beginning of `stop`.
fn overlap(text: &str, stop: &str) -> usize {
    let ends = stop.char_indices().map(|(at, _)| at).skip(1);
    ends.filter(|&length| text.ends_with(&stop[..length])).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::OutputText;

    fn feed(stops: &[&str], tokens: &[&[u8]]) -> (Vec<String>, bool) {
        let mut text = OutputText::new(stops.iter().map(|stop| (*stop).to_owned()).collect());
        let mut shown = Vec::new();
        for token in tokens {
            let (piece, stopped) = text.push(token);
            shown.push(piece);
            if stopped {
                return (shown, true);
            }
        }
        shown.push(text.finish());
        (shown, false)
    }

    #[test]
    fn a_character_is_shown_when_its_last_byte_is_there() {
        let (shown, _) = feed(&[], &[b"a\xC3", b"\xB1\xF0\x9F", b"\x8C", b"\x8D!"]);
        assert_eq!(shown, ["a", "ñ", "", "🌍!", ""]);
    }

    #[test]
    fn bytes_that_are_no_text_become_a_replacement_and_nothing_is_lost() {
        let (shown, _) = feed(&[], &[b"a\xFFb", b"\xC3"]);
        assert_eq!(shown.concat(), "a\u{FFFD}b\u{FFFD}");
    }

    #[test]
    fn a_stop_string_across_tokens_is_never_shown_and_a_false_start_is() {
        assert_eq!(feed(&["\n\n"], &[b"one\n", b"\ntwo"]), (vec!["one".to_owned(), String::new()], true));
        assert_eq!(feed(&["\n\n"], &[b"one\n", b"two"]).0.concat(), "one\ntwo");
        assert_eq!(feed(&["END"], &[b"x E", b"N", b"d"]).0.concat(), "x ENd");
    }
}
