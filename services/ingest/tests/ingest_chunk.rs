//! Passages: what must hold for every document, and how a few known ones are cut.

use fuente_contract::document::PageStart;
use fuente_extract::{Block, BlockKind, Extracted};
use fuente_ingest::chunk::{Chunk, MAX_TOKENS, chunk};

/// About what the embedding model counts: a token for every four characters of a word, two of frame.
fn count(text: &str) -> usize {
    text.split_whitespace().map(|word| word.chars().count().div_ceil(4)).sum::<usize>() + 2
}

/// A document in the making.
struct Draft(Extracted);

impl Draft {
    fn new() -> Self {
        let page = PageStart { page: 1, char_start: 0, label: None };
        Self(Extracted {
            text: String::new(),
            pages: vec![page],
            blocks: Vec::new(),
            title: None,
            mime: "text/plain".to_owned(),
            warnings: Vec::new(),
        })
    }

    fn put(&mut self, kind: BlockKind, text: &str) -> &mut Self {
        let last = self.0.blocks.last().map(|block| block.kind);
        let grouped = last == Some(kind) && matches!(kind, BlockKind::ListItem | BlockKind::TableRow);
        if last.is_some() {
            self.0.text.push_str(if grouped { "\n" } else { "\n\n" });
        }
        let char_start = self.chars();
        self.0.text.push_str(text);
        let block = Block { kind, char_start, char_end: self.chars() };
        self.0.blocks.push(block);
        self
    }

    fn page(&mut self) -> &mut Self {
        let page = PageStart { page: self.0.pages.len() as u32 + 1, char_start: self.chars() + 2, label: None };
        self.0.pages.push(page);
        self
    }

    fn chars(&self) -> u32 {
        self.0.text.chars().count() as u32
    }
}

/// Repeatable numbers: a failure names its seed.
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
            "the",
            "días",
            "¿cuándo",
            "política",
            "Sr.",
            "3.5",
            "a",
            "señor",
            "emoji👩‍💻",
            "年次有給休暇",
            "reimbursement",
        ];
        let number = 1 + self.roll(most);
        let words: Vec<&str> = (0..number).map(|_| WORDS[self.roll(WORDS.len() as u64) as usize]).collect();
        words.join(" ")
    }

    fn paragraph(&mut self) -> String {
        let sentences = 1 + self.roll(9);
        let ends = [".", "?", "!", ".\n"];
        let text: Vec<String> =
            (0..sentences).map(|_| format!("{}{}", self.words(40), ends[self.roll(4) as usize])).collect();
        text.join(" ").trim().replace("\n ", "\n")
    }

    fn document(&mut self) -> Extracted {
        let mut draft = Draft::new();
        for _ in 0..1 + self.roll(40) {
            match self.roll(12) {
                0..=2 => draft.put(BlockKind::Heading(1 + self.roll(3) as u8), &self.words(6)),
                3 => draft.put(BlockKind::Paragraph, &"x".repeat(1 + self.roll(3000) as usize)),
                4 => draft.put(BlockKind::TableRow, &format!("{} | {}", self.words(300), self.words(300))),
                5 => draft.put(BlockKind::TableRow, &format!("{} | {}", self.words(4), self.words(4))),
                6 => draft.put(BlockKind::ListItem, &format!("- {}", self.words(20))),
                7 if !draft.0.blocks.is_empty() => draft.page(),
                8 => draft.put(BlockKind::Code, &format!("{}\n\n    {}", self.words(9), self.words(9))),
                _ => draft.put(BlockKind::Paragraph, &self.paragraph()),
            };
        }
        let last = draft.chars();
        draft.0.pages.retain(|page| page.char_start <= last);
        draft.0
    }
}

#[test]
fn every_document_is_covered_in_order_by_slices_of_its_text() {
    for seed in 0..400 {
        let extracted = Dice(seed).document();
        extracted.check().unwrap_or_else(|promise| panic!("seed {seed}: the test's own document: {promise}"));
        let chars: Vec<char> = extracted.text.chars().collect();
        let chunks = chunk(&extracted, &count);
        let mut from = 0;
        for (at, chunk) in chunks.iter().enumerate() {
            let slice: String = chars[chunk.char_start as usize..chunk.char_end as usize].iter().collect();
            assert_eq!(chunk.text, slice, "seed {seed}");
            assert_eq!(chunk.ordinal as usize, at, "seed {seed}");
            assert!(chunk.char_start >= from && chunk.char_end > chunk.char_start, "seed {seed}: no overlap");
            from = chunk.char_end;
            assert!(chunk.tokens as usize <= MAX_TOKENS && chunk.tokens > 0, "seed {seed}: {} tokens", chunk.tokens);
            assert_eq!(chunk.text.trim(), chunk.text, "seed {seed}");
            assert!(chunk.page_from <= chunk.page_to && chunk.page_to as usize <= extracted.pages.len(), "seed {seed}");
        }
        covers(seed, &extracted, &chars, &chunks);
        for pair in chunks.windows(2) {
            let tiny = pair[0].tokens.min(pair[1].tokens) < 20 && pair[0].tokens + pair[1].tokens < 120;
            assert!(!tiny, "seed {seed}: {} and {} belong together", pair[0].ordinal, pair[1].ordinal);
        }
    }
}

/// Every character of text is in a passage; every heading is in one, or beside the next.
fn covers(seed: u64, extracted: &Extracted, chars: &[char], chunks: &[Chunk]) {
    let inside = |at: u32| chunks.iter().any(|chunk| (chunk.char_start..chunk.char_end).contains(&at));
    for block in &extracted.blocks {
        let text: String = chars[block.char_start as usize..block.char_end as usize].iter().collect();
        let whole = (block.char_start..block.char_end).all(|at| chars[at as usize].is_whitespace() || inside(at));
        let next = chunks.iter().find(|chunk| chunk.char_end > block.char_start);
        let beside =
            matches!(block.kind, BlockKind::Heading(_)) && next.is_some_and(|chunk| chunk.heading.contains(&text));
        assert!(whole || beside, "seed {seed}: {:?} {text:?} is lost", block.kind);
    }
}

fn sentences(number: usize) -> String {
    let sentence = |at: usize| format!("Cada persona tiene derecho a {at} días de descanso pagado al año.");
    (0..number).map(sentence).collect::<Vec<_>>().join(" ")
}

#[test]
fn sections_keep_to_themselves_and_short_ones_share() {
    let mut draft = Draft::new();
    draft.put(BlockKind::Heading(1), "Manual");
    draft.put(BlockKind::Heading(2), "Vacaciones").put(BlockKind::Paragraph, &sentences(6));
    draft.put(BlockKind::Heading(2), "Bajas").put(BlockKind::Paragraph, &sentences(6));
    draft.put(BlockKind::Heading(2), "Notas").put(BlockKind::Paragraph, &sentences(1));
    draft.put(BlockKind::Heading(2), "Contacto").put(BlockKind::Paragraph, &sentences(1));
    let chunks = chunk(&draft.0, &count);
    let headings: Vec<&[String]> = chunks.iter().map(|chunk| chunk.heading.as_slice()).collect();
    assert_eq!(headings, [&["Manual", "Vacaciones"][..], &["Manual"][..]]);
    assert!(chunks[0].text.starts_with("Cada persona"), "its heading stands beside it");
    assert!(
        chunks[1].text.starts_with("Bajas\n\nCada") && chunks[1].text.contains("\n\nContacto\n\n"),
        "{}",
        chunks[1].text
    );
}

#[test]
fn a_long_section_is_divided_evenly_at_sentences() {
    let mut draft = Draft::new();
    draft
        .put(BlockKind::Heading(1), "Todo")
        .put(BlockKind::Paragraph, &sentences(25))
        .page()
        .put(BlockKind::Paragraph, &sentences(14));
    let chunks = chunk(&draft.0, &count);
    assert!(chunks.len() > 2);
    for chunk in &chunks {
        assert!(chunk.tokens >= 120, "even parts: {}", chunk.tokens);
        assert!(chunk.text.starts_with("Cada") && chunk.text.ends_with('.'));
        assert_eq!(chunk.heading, ["Todo"]);
    }
    assert_eq!((chunks[0].page_from, chunks[chunks.len() - 1].page_to), (1, 2));
}

#[test]
fn nothing_makes_no_passages_and_headings_alone_make_one() {
    assert!(chunk(&Draft::new().0, &count).is_empty());
    let mut slides = Draft::new();
    slides.put(BlockKind::Heading(1), "Resultados").put(BlockKind::Heading(2), "Ventas al alza");
    let chunks = chunk(&slides.0, &count);
    assert_eq!(chunks.iter().map(|chunk| chunk.text.as_str()).collect::<Vec<_>>(), ["Resultados\n\nVentas al alza"]);
}

#[test]
fn a_passage_from_the_middle_of_a_table_carries_the_header() {
    let mut draft = Draft::new();
    draft.put(BlockKind::Heading(1), "Ventas").put(BlockKind::TableRow, "Mes | Región | Importe");
    for at in 0..120 {
        draft.put(BlockKind::TableRow, &format!("Enero de 2026 | Comunidad número {at} | {at}.000 euros"));
    }
    draft.put(BlockKind::Paragraph, &sentences(12));
    // Another table, directly behind a blank line: its rows have a header of their own.
    draft.put(BlockKind::TableRow, "Nombre | Extensión");
    draft.put(BlockKind::TableRow, "Ana | 4410");
    let chunks = chunk(&draft.0, &count);
    let in_table: Vec<&Chunk> = chunks.iter().filter(|chunk| chunk.text.starts_with("Enero")).collect();
    assert!(in_table.len() > 5, "the table runs over several passages");
    for chunk in &in_table {
        assert_eq!(chunk.heading, ["Ventas", "Mes | Región | Importe"]);
    }
    assert!(chunks[0].text.starts_with("Mes | Región | Importe\nEnero"));
    for chunk in chunks.iter().filter(|chunk| !chunk.text.starts_with("Enero")) {
        assert_eq!(chunk.heading, ["Ventas"], "the header is in the text, or the passage begins outside of it");
    }
    let places: usize = chunks.iter().map(|chunk| chunk.text.matches("Región").count()).sum();
    assert_eq!(places, 1, "no text stands twice");
}

#[test]
fn two_tables_do_not_share_a_header_and_a_long_one_is_cut_after_a_cell() {
    let mut draft = Draft::new();
    let wide: Vec<String> = (0..60).map(|at| format!("Columna {at}")).collect();
    draft.put(BlockKind::TableRow, &wide.join(" | "));
    for at in 0..60 {
        draft.put(BlockKind::TableRow, &format!("a{at} | b{at} | c{at} | d{at}"));
    }
    // What Canonical writes between two tables: a blank line.
    draft.0.text.push('\n');
    let (from, rows) = (draft.chars() + 1, ["Nombre | Sueldo".to_owned(), "Ana | 1".to_owned()]);
    let tail: Vec<String> = rows.into_iter().chain((0..200).map(|at| format!("Persona {at} | {at}"))).collect();
    for row in &tail {
        draft.put(BlockKind::TableRow, row);
    }
    let chunks = chunk(&draft.0, &count);
    for chunk in chunks.iter().filter(|chunk| chunk.char_start > from) {
        assert_eq!(chunk.heading, ["Nombre | Sueldo"], "{}", chunk.text);
    }
    let middle = chunks.iter().find(|chunk| chunk.text.starts_with('a')).expect("the first table is long");
    let header = middle.heading.last().expect("a header");
    assert!(header.starts_with("Columna 0 | Columna 1 | ") && header.chars().count() <= 200, "{header}");
    assert!(wide.iter().any(|column| header.ends_with(column.as_str())), "{header}");
}
