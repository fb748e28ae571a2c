//! Mail messages (EML): the head as lines, the body as it was meant to be seen, and each attachment
//! as a part read like a document of its own.

use super::around::read_nested;
use super::{Source, html, text};
use crate::ExtractError;
use crate::canonical::Canonical;
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders, PartType};

/// Heads that every mail has some of; two of them at the start make a mail.
const HEADS: [&str; 14] = [
    "received:",
    "return-path:",
    "delivered-to:",
    "from:",
    "to:",
    "cc:",
    "subject:",
    "date:",
    "message-id:",
    "mime-version:",
    "content-type:",
    "dkim-signature:",
    "reply-to:",
    "x-mailer:",
];
/// Names in one line of the head.
const MAX_NAMES: usize = 50;

/// Whether a text begins like a mail.
pub(super) fn looks_like(head: &str) -> bool {
    let lines = head.lines().take(60).take_while(|line| !line.trim().is_empty());
    let (mut known, mut others) = (0, 0);
    for line in lines.filter(|line| !line.starts_with([' ', '\t'])) {
        let lower = line.to_ascii_lowercase();
        if HEADS.iter().any(|head| lower.starts_with(head)) {
            known += 1;
        } else if line.split_once(':').is_none_or(|(name, _)| name.contains(' ')) {
            others += 1;
        }
    }
    known >= 3 && others == 0
}

pub(super) fn read(source: &Source<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let message = MessageParser::default().parse(source.bytes);
    let message = message.ok_or_else(|| ExtractError::Damaged("it is not a mail message".to_owned()))?;
    if let Some(subject) = message.subject() {
        canonical.title(subject);
        canonical.heading(1, subject)?;
    }
    let head = head(&message);
    if !head.is_empty() {
        canonical.paragraph(&head)?;
    }
    body(source, &message, canonical)?;
    attachments(source, &message, canonical)
}

fn head(message: &Message<'_>) -> String {
    let mut lines = Vec::new();
    for (name, address) in [("From", message.from()), ("To", message.to()), ("Cc", message.cc())] {
        if let Some(names) = address.map(names).filter(|names| !names.is_empty()) {
            lines.push(format!("{name}: {names}"));
        }
    }
    if let Some(date) = message.date() {
        lines.push(format!("Date: {}", date.to_rfc3339()));
    }
    lines.join("\n")
}

fn names(address: &Address<'_>) -> String {
    let shown: Vec<String> = address
        .iter()
        .take(MAX_NAMES)
        .filter_map(|one| match (one.name(), one.address()) {
            (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
            (name, address) => name.or(address).map(str::to_owned),
        })
        .collect();
    shown.join(", ")
}

/// The HTML of a part where it has any, since that keeps tables and headings; else its text.
fn body(source: &Source<'_>, message: &Message<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    let before = canonical.blocks_so_far();
    for part in message.html_bodies().filter(|part| is_html(part)) {
        html::fragment(&String::from_utf8_lossy(part.contents()), canonical)?;
    }
    if canonical.blocks_so_far() > before {
        return Ok(());
    }
    for part in message.text_bodies().filter(|part| !is_html(part)) {
        text::read(&Source { bytes: part.contents(), name: "body.txt", ..*source }, canonical)?;
    }
    Ok(())
}

fn is_html(part: &MessagePart<'_>) -> bool {
    matches!(part.body, PartType::Html(_))
}

fn attachments(source: &Source<'_>, message: &Message<'_>, canonical: &mut Canonical<'_>) -> Result<(), ExtractError> {
    for (number, part) in (1..).zip(message.attachments()) {
        let name = match part.attachment_name() {
            Some(name) => name.to_owned(),
            None if part.is_message() => "message.eml".to_owned(),
            // A picture that the body shows, such as a logo.
            None if part.content_id().is_some() => continue,
            None => format!("attachment {number}"),
        };
        // What it cost was in the mail already; a warning names it where it cannot be read.
        source.around.spend(part.contents().len() as u64);
        let _ = read_nested(source, part.contents(), &name, &format!("Attachment: {name}"), canonical);
    }
    Ok(())
}
