//! Documents inside a document: each goes on in the same text with pages of its own, and one that
//! cannot be read leaves no trace but a warning.

use super::{Canonical, MAX_LABEL};
use crate::ExtractError;
use crate::clean::{self, Removed, clean};

impl Canonical<'_> {
    /// Lets `read` write a document called `label` behind what is there. Its error is a warning.
    pub(crate) fn nested(
        &mut self,
        label: &str,
        read: impl FnOnce(&mut Self) -> Result<(), ExtractError>,
    ) -> Result<(), ExtractError> {
        let (text, chars, blocks) = (self.text.len(), self.chars, self.blocks.len());
        let (pages, opened, removed) = (self.pages.len(), self.opened.clone(), self.removed);
        let (base, part_chars, part_unreadable) = (self.page_base, self.part_chars, self.part_unreadable);
        let title = self.title.take();
        if self.is_empty() && self.last_page() == 0 {
            // Nothing stands before it, so it is the first page and not the second.
        } else if self.last_page() == 0 {
            self.pages.push(fuente_contract::document::PageStart { page: 1, char_start: 0, label: None });
        }
        self.page_base = self.last_page();
        self.named_page(1, label);
        self.break_group();
        let ended = self.heading(1, label).and_then(|()| {
            let before = self.blocks.len();
            (self.part_chars, self.part_unreadable) = (self.chars, self.removed.unreadable);
            read(self)?;
            if self.blocks.len() == before { Err(ExtractError::Empty) } else { Ok(()) }
        });
        self.break_group();
        self.title = title;
        (self.page_base, self.part_chars, self.part_unreadable) = (base, part_chars, part_unreadable);
        if let Err(error) = ended {
            self.text.truncate(text);
            (self.chars, self.removed, self.opened) = (chars, removed, opened);
            self.blocks.truncate(blocks);
            self.pages.truncate(pages);
            let name = clean::one_line(&clean(label, &mut Removed::default()));
            let name: String = name.chars().take(MAX_LABEL).collect();
            self.warn(format!("{name} was left out: {error}."));
            return Err(error);
        }
        Ok(())
    }
}
