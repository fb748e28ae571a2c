//! What a group of RTF inherits from the one around it.

use super::codepage::CodePage;

/// Where the characters of a group go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Body,
    Note,
    /// The marker of a list item, as the program counted it.
    Marker,
    Title,
    /// The properties of the document; only some of them are read.
    Info,
    Fonts,
    Styles,
    /// A text in two forms, of which the second is in Unicode.
    Twice,
    Nowhere,
}

/// What a group inherits.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) place: Place,
    pub(super) page: CodePage,
    /// Characters after one in Unicode that stand there for old programs.
    pub(super) fallback: usize,
    /// Hidden, struck through or deleted.
    pub(super) hidden: bool,
    pub(super) struck: bool,
    pub(super) paragraph: Paragraph,
}

/// What describes a paragraph; `\pard` forgets it.
#[derive(Clone, Debug, Default)]
pub(super) struct Paragraph {
    pub(super) style: i32,
    pub(super) outline: Option<u8>,
    pub(super) in_table: bool,
    pub(super) level: usize,
}

/// Groups whose text is none of the document.
pub(super) const SKIPPED: &[&str] = &[
    "colortbl",
    "filetbl",
    "revtbl",
    "listtable",
    "listoverridetable",
    "pict",
    "header",
    "headerl",
    "headerr",
    "headerf",
    "footer",
    "footerl",
    "footerr",
    "footerf",
    "ftnsep",
    "ftnsepc",
    "ftncn",
    "aftnsep",
    "aftnsepc",
    "aftncn",
    "fldinst",
    "xe",
    "tc",
    "nonesttables",
    "shprslt",
    "sp",
    "bkmkstart",
    "bkmkend",
    "generator",
    "objdata",
    "themedata",
    "datastore",
    "annotation",
    "atnid",
    "atnauthor",
    "private",
    "do",
    "mmathPr",
    "nonshppict",
];

impl Default for State {
    fn default() -> Self {
        Self {
            place: Place::Body,
            page: CodePage::WESTERN,
            fallback: 1,
            hidden: false,
            struck: false,
            paragraph: Paragraph::default(),
        }
    }
}
