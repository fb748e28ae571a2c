//! RTF: a stream of words that change how the next characters are meant. Every group inherits the
//! state around it and gives it back; what is no text of the document (pictures, fields' orders, page
//! headers, anything marked as ignorable) stands in groups of its own, which are skipped.

mod codepage;
mod header;
mod state;
mod table;
mod tokens;
mod writer;

use super::Source;
use crate::ExtractError;
use crate::canonical::Canonical;
use crate::limits::MAX_DEPTH;
use codepage::CodePage;
use header::{Fonts, Styles};
use state::{Paragraph, Place, SKIPPED, State};
use tokens::{Token, Tokens};
use writer::Writer;

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let mut reader = Reader {
        writer: Writer::new(canonical),
        state: State::default(),
        groups: Vec::new(),
        fonts: Fonts::default(),
        styles: Styles::default(),
        document_page: CodePage::WESTERN,
        default_font: 0,
        bytes: Vec::new(),
        high: None,
        to_skip: 0,
        starred: false,
        ended: false,
    };
    for token in Tokens::new(source.bytes) {
        reader.take(token)?;
        if reader.ended {
            break;
        }
    }
    reader.flush();
    if !reader.ended {
        return Err(ExtractError::Damaged("its end is missing, so text may be missing too".to_owned()));
    }
    reader.writer.end(&reader.styles)
}

struct Reader<'r, 'l> {
    writer: Writer<'r, 'l>,
    state: State,
    groups: Vec<State>,
    fonts: Fonts,
    styles: Styles,
    document_page: CodePage,
    default_font: i32,
    /// Bytes that wait for the rest of their character.
    bytes: Vec<u8>,
    /// The first half of a character beyond the first 65,536.
    high: Option<u16>,
    /// Fallback characters still to come.
    to_skip: usize,
    /// The next word begins a group that may be ignored.
    starred: bool,
    ended: bool,
}

impl Reader<'_, '_> {
    fn take(&mut self, token: Token<'_>) -> Result<(), ExtractError> {
        if self.to_skip > 0 && self.skip(token) {
            return Ok(());
        }
        match token {
            Token::Bytes(bytes) => {
                // Text that is read nowhere is not kept either.
                if self.state.place != Place::Nowhere {
                    self.bytes.extend_from_slice(bytes);
                }
                return Ok(());
            }
            Token::Hex(byte) => {
                self.bytes.push(byte);
                return Ok(());
            }
            _ => self.flush(),
        }
        match token {
            Token::Open => self.open(),
            Token::Close => self.close(),
            Token::Symbol(sign) => self.symbol(sign),
            Token::Word(name, number) => self.word(name, number),
            Token::Bytes(_) | Token::Hex(_) => Ok(()),
        }
    }

    /// Leaves out the fallback of a character in Unicode; true where the token is used up.
    fn skip(&mut self, token: Token<'_>) -> bool {
        match token {
            Token::Bytes(bytes) => {
                let left = self.to_skip.min(bytes.len());
                self.to_skip -= left;
                if self.state.place != Place::Nowhere {
                    self.bytes.extend_from_slice(&bytes[left..]);
                }
                true
            }
            Token::Hex(_) => {
                self.to_skip -= 1;
                true
            }
            // A group ends what belongs to the character; so does the next character.
            _ => {
                self.to_skip = 0;
                false
            }
        }
    }

    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let mut text = String::new();
        self.state.page.decode(&self.bytes, &mut text);
        self.bytes.clear();
        self.text(&text);
    }

    fn text(&mut self, text: &str) {
        match self.state.place {
            Place::Styles => return self.styles.text(text),
            Place::Title => return self.writer.title.push_str(text),
            Place::Marker => return self.writer.marker.push_str(text),
            Place::Body | Place::Note => {}
            Place::Info | Place::Fonts | Place::Twice | Place::Nowhere => return,
        }
        if self.state.hidden {
            return;
        }
        if self.state.struck && !text.trim().is_empty() {
            return self.writer.struck();
        }
        self.writer.text(text, self.state.place == Place::Note);
    }

    fn open(&mut self) -> Result<(), ExtractError> {
        if self.groups.len() >= MAX_DEPTH {
            return Err(ExtractError::Damaged(format!("its groups are nested more than {MAX_DEPTH} deep")));
        }
        self.groups.push(self.state.clone());
        self.starred = false;
        if self.state.place == Place::Twice {
            self.state.place = Place::Nowhere;
        }
        Ok(())
    }

    fn close(&mut self) -> Result<(), ExtractError> {
        let Some(outer) = self.groups.pop() else {
            self.ended = true;
            return Ok(());
        };
        let inner = std::mem::replace(&mut self.state, outer);
        match inner.place {
            // Groups inside a style end nothing.
            Place::Styles
                if self.state.place == Place::Styles
                    && self.groups.last().is_some_and(|outer| outer.place != Place::Styles) =>
            {
                self.styles.close();
            }
            Place::Note if self.state.place != Place::Note => self.writer.close_note(),
            Place::Fonts if self.state.place != Place::Fonts => self.font(self.default_font),
            _ => {}
        }
        self.ended = self.groups.is_empty();
        Ok(())
    }

    fn symbol(&mut self, sign: u8) -> Result<(), ExtractError> {
        match sign {
            b'*' => self.starred = true,
            b'~' => self.text(" "),
            b'_' => self.text("-"),
            b'\\' | b'{' | b'}' => self.text(&char::from(sign).to_string()),
            b'\t' => self.text(" "),
            b'\r' | b'\n' => return self.paragraph(),
            _ => {}
        }
        Ok(())
    }

    fn word(&mut self, name: &str, number: Option<i32>) -> Result<(), ExtractError> {
        let starred = std::mem::take(&mut self.starred);
        if self.state.place == Place::Nowhere {
            // The second form of a text in two forms stands in a group that the first one skips.
            let twice = self.groups.last().is_some_and(|outer| outer.place == Place::Twice);
            if name == "ud" && twice {
                let around = self.groups.iter().rev().map(|outer| outer.place);
                self.state.place = around.into_iter().find(|place| *place != Place::Twice).unwrap_or(Place::Body);
            }
            return Ok(());
        }
        match name {
            "fonttbl" => self.state.place = Place::Fonts,
            "stylesheet" => self.state.place = Place::Styles,
            "info" => self.state.place = Place::Info,
            "title" if self.state.place == Place::Info => self.state.place = Place::Title,
            "footnote" => self.state.place = Place::Note,
            "listtext" | "pntext" => {
                self.writer.marker.clear();
                self.state.place = Place::Marker;
            }
            "upr" => self.state.place = Place::Twice,
            "shpinst" | "shptxt" | "result" | "fldrslt" => {}
            // Ignorable and unknown: the rule of the format is to ignore it.
            _ if (starred && self.state.place != Place::Styles) || SKIPPED.contains(&name) => {
                self.state.place = Place::Nowhere;
            }
            _ => return self.format(name, number),
        }
        Ok(())
    }

    /// Words that change the state, or stand for a character.
    fn format(&mut self, name: &str, number: Option<i32>) -> Result<(), ExtractError> {
        match self.state.place {
            Place::Fonts => {
                self.fonts.word(name, number.unwrap_or(0));
                return Ok(());
            }
            Place::Styles => self.styles.word(name, number),
            _ => {}
        }
        let on = number != Some(0);
        let count = usize::try_from(number.unwrap_or(0)).unwrap_or(0);
        match name {
            "ansicpg" => self.document(CodePage::numbered(number.unwrap_or(1252))),
            "mac" => self.document(CodePage::numbered(10_000)),
            "pc" => self.document(CodePage::numbered(437)),
            "pca" => self.document(CodePage::numbered(850)),
            "deff" => self.default_font = number.unwrap_or(0),
            "f" => self.font(number.unwrap_or(0)),
            "u" => self.unicode(number.unwrap_or(0)),
            "uc" => self.state.fallback = count.min(100),
            "plain" => (self.state.hidden, self.state.struck) = (false, false),
            "v" | "deleted" => self.state.hidden = on,
            "strike" | "striked" => self.state.struck = on,
            "pard" => self.state.paragraph = Paragraph::default(),
            "s" => self.state.paragraph.style = number.unwrap_or(0),
            "outlinelevel" => self.state.paragraph.outline = header::outline(number.unwrap_or(9)),
            "intbl" => self.state.paragraph.in_table = on,
            "ilvl" => self.state.paragraph.level = count,
            "par" | "sect" => return self.paragraph(),
            "cell" if self.state.place == Place::Body => self.writer.cell(),
            "row" if self.state.place == Place::Body => return self.writer.row(),
            "nestcell" => self.text(" "),
            "line" | "nestrow" | "page" | "softline" | "lbr" => self.text("\n"),
            "tab" => self.text(" "),
            "emspace" | "enspace" | "qmspace" => self.text(" "),
            "emdash" => self.text("—"),
            "endash" => self.text("–"),
            "bullet" => self.text("•"),
            "lquote" => self.text("‘"),
            "rquote" => self.text("’"),
            "ldblquote" => self.text("“"),
            "rdblquote" => self.text("”"),
            name => drop(self.writer.table.word(name)),
        }
        Ok(())
    }

    fn document(&mut self, page: CodePage) {
        self.document_page = page;
        self.state.page = page;
    }

    fn font(&mut self, font: i32) {
        self.state.page = self.fonts.get(font).unwrap_or(self.document_page);
    }

    /// A character by its number; those beyond 65,535 come as two.
    fn unicode(&mut self, number: i32) {
        self.to_skip = self.state.fallback;
        // Numbers above 32,767 are written as negative ones.
        let unit = (number & 0xFFFF) as u16;
        let units: &[u16] = match (self.high.take(), unit) {
            (_, 0xD800..=0xDBFF) => {
                self.high = Some(unit);
                return;
            }
            (Some(high), 0xDC00..=0xDFFF) => &[high, unit],
            _ => &[unit],
        };
        let text: String = char::decode_utf16(units.iter().copied()).map(|c| c.unwrap_or('\u{FFFD}')).collect();
        self.text(&text);
    }

    fn paragraph(&mut self) -> Result<(), ExtractError> {
        match self.state.place {
            Place::Body => self.writer.paragraph(&self.state.paragraph, &self.styles),
            Place::Note => {
                self.writer.text("\n", true);
                Ok(())
            }
            _ => Ok(()),
        }
    }
}
