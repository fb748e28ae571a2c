//! The tokens of RTF: groups, control words, bytes.

/// The longest name of a control word.
const MAX_WORD: usize = 32;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Open,
    Close,
    Word(&'t str, Option<i32>),
    /// A backslash before a sign.
    Symbol(u8),
    /// A byte written as two figures.
    Hex(u8),
    Bytes(&'t [u8]),
}

pub(super) struct Tokens<'t> {
    bytes: &'t [u8],
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The bytes from here on for which `test` holds, `most` at the most.
    fn run(&mut self, most: usize, test: impl Fn(u8) -> bool) -> &'t [u8] {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().take(most).position(|byte| !test(*byte)).unwrap_or(rest.len().min(most));
        self.at += length;
        &rest[..length]
    }

    fn escape(&mut self) -> Option<Token<'t>> {
        let sign = self.peek()?;
        if !sign.is_ascii_alphabetic() {
            self.at += 1;
            return Some(if sign == b'\'' { self.hex() } else { Token::Symbol(sign) });
        }
        let name = std::str::from_utf8(self.run(MAX_WORD, |byte| byte.is_ascii_alphabetic())).unwrap_or_default();
        let negative = self.peek() == Some(b'-') && self.bytes.get(self.at + 1).is_some_and(u8::is_ascii_digit);
        self.at += usize::from(negative);
        let digits = self.run(usize::MAX, |byte| byte.is_ascii_digit());
        let number = std::str::from_utf8(digits).ok().filter(|digits| !digits.is_empty());
        let number = number.map(|digits| digits.parse::<i32>().unwrap_or(i32::MAX));
        let number = number.map(|number| if negative { -number } else { number });
        self.at += usize::from(self.peek() == Some(b' '));
        if name == "bin" {
            // Bytes of a picture follow, which may look like anything.
            let length = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
            self.at = self.at.saturating_add(length).min(self.bytes.len());
        }
        Some(Token::Word(name, number))
    }

    fn hex(&mut self) -> Token<'t> {
        let digits = self.run(2, |byte| byte.is_ascii_hexdigit());
        let value = std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok());
        Token::Hex(value.unwrap_or(b'?'))
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        // Line ends of the file are not those of the text.
        self.run(usize::MAX, |byte| matches!(byte, b'\r' | b'\n' | 0));
        match self.peek()? {
            b'{' => {
                self.at += 1;
                Some(Token::Open)
            }
            b'}' => {
                self.at += 1;
                Some(Token::Close)
            }
            b'\\' => {
                self.at += 1;
                self.escape()
            }
            _ => Some(Token::Bytes(
                self.run(usize::MAX, |byte| !matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0)),
            )),
        }
    }
}
