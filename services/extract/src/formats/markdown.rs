//! Markdown: headings, lists, tables and code by their marks; links as their text.

use super::{Source, decode, html};
use crate::ExtractError;
use crate::canonical::Canonical;
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let (text, guessed) = decode::decode(source.bytes);
    if let Some(encoding) = guessed {
        canonical.warn(format!("The encoding is not declared; the text was read as {encoding}."));
    }
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS
        | Options::ENABLE_PLUSES_DELIMITED_METADATA_BLOCKS;
    let text = text.replace("\r\n", "\n");
    let mut writer = Writer {
        canonical,
        inline: String::new(),
        lists: Vec::new(),
        marker: None,
        cells: Vec::new(),
        first_row: false,
        struck: 0,
        mode: Mode::Flow,
    };
    for event in Parser::new_ext(&text, options) {
        writer.event(event)?;
    }
    writer.flush()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Flow,
    Heading(u8),
    Code,
    Html,
    FrontMatter,
    Row,
}

struct Writer<'w, 'l> {
    canonical: &'w mut Canonical<'l>,
    inline: String,
    /// The next number of each open list; None where it has bullets.
    lists: Vec<Option<u64>>,
    /// The marker of the item whose first text has not been written yet.
    marker: Option<String>,
    cells: Vec<String>,
    first_row: bool,
    /// How many strike-through spans are open: their text is withdrawn.
    struck: usize,
    mode: Mode,
}

impl Writer<'_, '_> {
    fn event(&mut self, event: Event<'_>) -> Result<(), ExtractError> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) if self.struck == 0 => {
                self.inline.push_str(&text);
                Ok(())
            }
            Event::Html(text) if self.struck == 0 => {
                self.inline.push_str(&text);
                Ok(())
            }
            Event::InlineHtml(tag) if tag.to_ascii_lowercase().starts_with("<br") => {
                self.inline.push('\n');
                Ok(())
            }
            Event::SoftBreak => {
                self.inline.push(' ');
                Ok(())
            }
            Event::HardBreak => {
                self.inline.push('\n');
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn start(&mut self, tag: Tag<'_>) -> Result<(), ExtractError> {
        match tag {
            Tag::Heading { level, .. } => self.enter(Mode::Heading(number(level))),
            Tag::CodeBlock(_) => self.enter(Mode::Code),
            Tag::HtmlBlock => self.enter(Mode::Html),
            Tag::MetadataBlock(_) => self.enter(Mode::FrontMatter),
            Tag::List(start) => {
                self.flush()?;
                if self.lists.is_empty() {
                    self.canonical.break_group();
                }
                self.lists.push(start);
                Ok(())
            }
            Tag::Item => {
                self.flush()?;
                self.marker = Some(match self.lists.last_mut() {
                    Some(Some(next)) => {
                        *next += 1;
                        format!("{}.", *next - 1)
                    }
                    _ => "-".to_owned(),
                });
                Ok(())
            }
            Tag::Table(_) => {
                self.first_row = true;
                self.flush()
            }
            Tag::TableHead | Tag::TableRow => self.enter(Mode::Row),
            Tag::Strikethrough => {
                self.struck += 1;
                Ok(())
            }
            Tag::Paragraph | Tag::BlockQuote(_) | Tag::FootnoteDefinition(_) => self.flush(),
            _ => Ok(()),
        }
    }

    fn end(&mut self, tag: TagEnd) -> Result<(), ExtractError> {
        match tag {
            TagEnd::Strikethrough => {
                self.struck -= 1;
                self.canonical.warn("Struck-through text was left out.");
                Ok(())
            }
            TagEnd::TableCell => {
                self.cells.push(std::mem::take(&mut self.inline));
                Ok(())
            }
            TagEnd::TableHead | TagEnd::TableRow => {
                let cells = std::mem::take(&mut self.cells);
                self.mode = Mode::Flow;
                let first = std::mem::take(&mut self.first_row);
                self.canonical.row(&cells, first)
            }
            TagEnd::List(_) => {
                self.flush()?;
                self.lists.pop();
                self.marker = None;
                if self.lists.is_empty() {
                    self.canonical.break_group();
                }
                Ok(())
            }
            TagEnd::Heading(_)
            | TagEnd::CodeBlock
            | TagEnd::HtmlBlock
            | TagEnd::MetadataBlock(_)
            | TagEnd::Paragraph
            | TagEnd::Item => self.flush(),
            _ => Ok(()),
        }
    }

    fn enter(&mut self, mode: Mode) -> Result<(), ExtractError> {
        self.flush()?;
        self.mode = mode;
        Ok(())
    }

    /// Writes what stands open as the block that it belongs to.
    fn flush(&mut self) -> Result<(), ExtractError> {
        let text = std::mem::take(&mut self.inline);
        let mode = std::mem::replace(&mut self.mode, Mode::Flow);
        if text.trim().is_empty() {
            return Ok(());
        }
        match mode {
            Mode::Heading(level) => self.canonical.heading(level, &text),
            Mode::Code => self.canonical.code(&text),
            Mode::Html => html::fragment(&text, self.canonical),
            Mode::FrontMatter => {
                front_matter_title(&text).into_iter().for_each(|title| self.canonical.title(title));
                Ok(())
            }
            Mode::Row => Ok(()),
            Mode::Flow => match self.marker.take() {
                Some(marker) => self.canonical.item(&marker, &text),
                None => self.canonical.paragraph(&text),
            },
        }
    }
}

fn number(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

/// The `title` of YAML ("title: x") or TOML ("title = x") front matter.
fn front_matter_title(matter: &str) -> Option<&str> {
    let value = matter.lines().find_map(|line| {
        let rest = line.strip_prefix("title")?.trim_start();
        rest.strip_prefix(':').or_else(|| rest.strip_prefix('='))
    })?;
    Some(value.trim().trim_matches(['"', '\'']))
}
