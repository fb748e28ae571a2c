//! Slides without a title. Left alone they would pass for a part of the slide before, and be found
//! and quoted under its title.

use crate::ExtractError;
use crate::canonical::Canonical;

/// A first line that is no longer than this, and no sentence, is a title by hand.
const MAX_TITLE: usize = 100;

/// Writes the heading of slide `number`, whose first text is `text`; true where that text is the heading.
pub(super) fn begin(number: u32, text: &str, canonical: &mut Canonical<'_>) -> Result<bool, ExtractError> {
    let text = text.trim();
    let short = text.chars().count() <= MAX_TITLE && !text.contains('\n');
    if short && text.contains(char::is_alphabetic) && !text.ends_with(['.', ':', ';', ',', '!', '?']) {
        canonical.label(text);
        canonical.heading(2, text)?;
        return Ok(true);
    }
    // Before the first heading there is nothing that it could pass for a part of.
    if !canonical.is_empty() {
        canonical.heading(2, &number.to_string())?;
    }
    Ok(false)
}
