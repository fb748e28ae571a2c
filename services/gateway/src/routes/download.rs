//! A file on its way to somebody's disk: whatever is in it, no browser may run or show it here.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use fuente_contract::ingest::{ByteStream, Original};

/// Longest file name that is offered, in characters.
const LONGEST: usize = 150;

/// Should a browser show it all the same: no script, no origin, nothing loaded, in no frame.
const SANDBOX: &str = "sandbox; default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// The reply that carries the file. As on every reply, a browser may not guess its type.
pub(super) fn response(original: &Original, bytes: ByteStream) -> HttpResponse {
    let octets = HeaderValue::from_static("application/octet-stream");
    // What extraction found, never what the sender claimed; but a header takes no odd characters.
    let mime = HeaderValue::from_str(&original.mime).ok().filter(|mime| mime.as_bytes().contains(&b'/'));
    HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, mime.unwrap_or(octets)))
        .insert_header((CONTENT_SECURITY_POLICY, SANDBOX))
        .insert_header((CONTENT_DISPOSITION, disposition(&original.file_name)))
        .no_chunking(original.bytes)
        .streaming(bytes)
}

/// `attachment`, with the name twice: in ASCII for old readers, and in full.
fn disposition(name: &str) -> String {
    let safe = safe(name);
    let plain = |letter: char| letter.is_ascii_alphanumeric() || " ._-()".contains(letter);
    let ascii: String = safe.chars().map(|letter| if plain(letter) { letter } else { '_' }).collect();
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let encoded: String = safe
        .bytes()
        .map(|byte| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8\'\'{encoded}")
}

/// A name without a path, without what steers a terminal or the direction of writing, and without a
/// dot in front, which would hide the file.
fn safe(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let steers = |letter: &char| {
        letter.is_control()
            || matches!(letter, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
    };
    let kept: String = last.chars().filter(|letter| !steers(letter)).collect();
    let kept = kept.trim().trim_start_matches('.');
    let skip = kept.chars().count().saturating_sub(LONGEST);
    // Its end is kept where it is too long: the ending tells what opens it.
    let kept: String = kept.chars().skip(skip).collect();
    if kept.is_empty() { "document".to_owned() } else { kept }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_outside_has_no_power() {
        for (sent, kept) in [
            ("plan.pdf", "plan.pdf"),
            ("../../etc/passwd", "passwd"),
            ("C:\\docs\\año \"1\".pdf", "año \"1\".pdf"),
            (".bashrc", "bashrc"),
            ("gnp.\u{202E}exe", "gnp.exe"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
            ("..", "document"),
        ] {
            assert_eq!(safe(sent), kept, "{sent:?}");
            let header = disposition(sent);
            assert!(HeaderValue::from_str(&header).is_ok() && header.matches('"').count() == 2, "{header}");
        }
        assert_eq!(disposition("año.pdf"), "attachment; filename=\"a_o.pdf\"; filename*=UTF-8''a%C3%B1o.pdf");
        assert!(safe(&format!("{}.pdf", "x".repeat(400))).ends_with("x.pdf"));
    }
}
