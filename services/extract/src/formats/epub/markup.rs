//! Chapters are XML, and the walk reads HTML. One difference matters: `<title/>` or `<script/>` ends
//! itself in XML, and swallows the rest of the page in HTML.

/// Elements that end themselves in HTML too.
const VOID: &[&str] =
    &["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

/// The same markup with every element that ends itself closed by a tag of its own.
pub(super) fn close_empty(markup: &str) -> String {
    let mut closed = String::with_capacity(markup.len() + markup.len() / 16);
    let mut rest = markup;
    while let Some(at) = rest.find('<') {
        closed.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = end_of_tag(rest);
        let tag = &rest[..end];
        let name: &str =
            tag[1..].split(|c: char| c.is_whitespace() || matches!(c, '/' | '>')).next().unwrap_or_default();
        let empties = tag.ends_with("/>") && tag[1..].starts_with(|c: char| c.is_ascii_alphabetic());
        if empties && !VOID.contains(&name.to_ascii_lowercase().as_str()) {
            closed.push_str(&tag[..tag.len() - 2]);
            closed.push_str("></");
            closed.push_str(name);
            closed.push('>');
        } else {
            closed.push_str(tag);
        }
        rest = &rest[end..];
    }
    closed.push_str(rest);
    closed
}

/// Where the tag (or comment) at the start of `text` ends.
fn end_of_tag(text: &str) -> usize {
    if text.starts_with("<!--") {
        return text.find("-->").map_or(text.len(), |at| at + 3);
    }
    let mut quote = None;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match (quote, byte) {
            (None, b'>') => return at + 1,
            // A tag without an end is a sign in the text.
            (None, b'<') => return at,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if byte == open => quote = None,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::close_empty;

    #[test]
    fn elements_that_end_themselves_get_an_end() {
        let pairs = [
            ("<head><title/></head>", "<head><title></title></head>"),
            ("<a id='x>y' />t<br/>", "<a id='x>y' ></a>t<br/>"),
            ("<!-- <i/> --><p>1 < 2</p>", "<!-- <i/> --><p>1 < 2</p>"),
            ("a <", "a <"),
        ];
        for (raw, closed) in pairs {
            assert_eq!(close_empty(raw), closed);
        }
    }
}
