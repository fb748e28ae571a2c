//! What the door counts: calls by route, kind of status and time. A route is its pattern in the
//! table, so no id and no path of a caller's own making is ever kept.

use metrics::{counter, histogram};
use std::time::Duration;

/// One call, to the head of its reply; a stream goes on after that.
pub(crate) fn called(method: &str, pattern: &str, status: u16, time: Duration) {
    // Callers may make methods up; those of the table are these.
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let method = methods.into_iter().find(|known| *known == method).unwrap_or("other");
    let route = if pattern.is_empty() { "none" } else { pattern };
    let class = match status {
        ..200 => "1xx",
        200..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        _ => "5xx",
    };
    counter!("fuente_http_requests_total", "method" => method, "route" => route.to_owned(), "status" => class)
        .increment(1);
    histogram!("fuente_http_request_seconds", "method" => method, "route" => route.to_owned()).record(time);
}
