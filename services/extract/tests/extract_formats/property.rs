//! For every format: whatever is put in comes out, each block at its range and each page at its
//! place. The documents are drawn at random; a failure names its format and its seed.

use crate::support::{blocks, file, labels, page_text, read, read_file, trial};
use crate::writers::{self, Block, Page};
use fuente_extract::{BlockKind, Extracted};
use libtest_mimic::Trial;

/// Documents drawn for each format.
const SEEDS: u64 = 12;

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("every_fixture_keeps_the_promises", fixtures)];
    for format in writers::FORMATS {
        let name = format!("what_is_put_in_comes_out_{}", format.name);
        trials.push(Trial::test(name, move || {
            (0..SEEDS).for_each(|seed| round_trip(format, seed));
            Ok(())
        }));
    }
    trials
}

fn round_trip(format: &writers::Format, seed: u64) {
    let pages = Dice(seed * 31 + format.name.len() as u64).document(format);
    let bytes = (format.write)(&pages);
    let place = format!("{} seed {seed}", format.name);
    let extracted = read(&bytes, &format!("a.{}", format.name)).unwrap_or_else(|error| panic!("{place}: {error}"));
    let expected: Vec<String> = pages.iter().flat_map(|page| &page.blocks).flat_map(shown).collect();
    assert_eq!(blocks(&extracted), expected, "{place}");
    if format.paged {
        let names: Vec<(u32, Option<&str>)> =
            (1..).zip(&pages).map(|(number, page)| (number, Some(page.name.as_str()))).collect();
        assert_eq!(labels(&extracted), names, "{place}");
        for (at, page) in pages.iter().enumerate() {
            let first = shown(&page.blocks[0]).remove(0);
            let (_, text) = first.split_once(' ').expect("kind and text");
            assert!(page_text(&extracted, at).starts_with(text), "{place}: page {at}");
        }
    }
    promises(&extracted, &place);
}

fn shown(block: &Block) -> Vec<String> {
    match block {
        Block::Heading(level, text) => vec![format!("h{level} {text}")],
        Block::Paragraph(text) => vec![format!("p {text}")],
        Block::Item(text) => vec![format!("li - {text}")],
        Block::Table(rows) => rows.iter().map(|row| format!("tr {}", row.join(" | "))).collect(),
    }
}

/// What holds for every text: between blocks there is white space and nothing else, no block begins or
/// ends with it, and each page begins with a block.
fn promises(extracted: &Extracted, place: &str) {
    extracted.check().unwrap_or_else(|promise| panic!("{place}: {promise}"));
    let chars: Vec<char> = extracted.text.chars().collect();
    let mut from = 0;
    for block in &extracted.blocks {
        let (start, end) = (block.char_start as usize, block.char_end as usize);
        assert!(chars[from..start].iter().all(|c| c.is_whitespace()), "{place}: text outside of blocks");
        assert!(!chars[start].is_whitespace() && !chars[end - 1].is_whitespace(), "{place}: ragged block");
        let one_line = matches!(block.kind, BlockKind::Heading(_) | BlockKind::TableRow);
        assert!(!one_line || !chars[start..end].contains(&'\n'), "{place}: a row of several lines");
        from = end;
    }
    assert!(chars[from..].is_empty(), "{place}: text behind the last block");
    for page in &extracted.pages {
        let begins = extracted.blocks.iter().any(|block| block.char_start == page.char_start);
        let inside = extracted.mime == "application/pdf";
        assert!(begins || inside || page.char_start as usize == chars.len(), "{place}: page {}", page.page);
    }
}

fn fixtures() {
    let folder = file("report.docx");
    let folder = folder.parent().expect("files have a folder");
    let mut seen = 0;
    for entry in std::fs::read_dir(folder).expect("the folder is there").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".py") {
            continue;
        }
        match read_file(&name) {
            Ok(extracted) => {
                promises(&extracted, &name);
                seen += 1;
            }
            Err(error) => assert!(["encrypted", "empty", "needs_ocr"].contains(&error.code()), "{name}: {error}"),
        }
    }
    assert!(seen >= 10, "{seen} fixtures were read");
}

/// Repeatable numbers.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        (mixed ^ (mixed >> 27)) % sides
    }

    fn words(&mut self, most: u64) -> String {
        const WORDS: &[&str] = &[
            "vacaciones",
            "años",
            "R&D",
            "a<b",
            "\"citado\"",
            "l'été",
            "🌊",
            "👩‍💻",
            "年次有給休暇",
            "3.50",
            "€",
            "Привет",
            "{llave}",
            "señor",
            "x",
            "می‌خواهم",
        ];
        let number = 1 + self.roll(most);
        let words: Vec<&str> = (0..number).map(|_| WORDS[self.roll(WORDS.len() as u64) as usize]).collect();
        // A first word that is a word: no text looks like a marker, a rule or an ornament.
        format!("Texto {}", words.join(" "))
    }

    fn document(&mut self, format: &writers::Format) -> Vec<Page> {
        let pages = if format.paged { 1 + self.roll(4) } else { 1 };
        (0..pages).map(|number| self.page(number, format)).collect()
    }

    fn page(&mut self, number: u64, format: &writers::Format) -> Page {
        let name = format!("{} {number}", self.words(2));
        let mut blocks: Vec<Block> =
            format.title.map(|level| Block::Heading(level, name.clone())).into_iter().collect();
        for _ in 0..1 + self.roll(6) {
            blocks.push(match self.roll(if format.prose { 6 } else { 1 }) {
                0 => self.table(),
                1 if format.headings => Block::Heading(1 + self.roll(6) as u8, self.words(5)),
                2 | 3 => Block::Item(self.words(9)),
                _ => Block::Paragraph(self.words(40)),
            });
        }
        Page { name, blocks }
    }

    fn table(&mut self) -> Block {
        let columns = 2 + self.roll(4);
        let row = |dice: &mut Self| (0..columns).map(|_| dice.words(4)).collect();
        Block::Table((0..2 + self.roll(5)).map(|_| row(self)).collect())
    }
}
