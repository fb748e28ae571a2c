//! From which address a call comes, where proxies stand before the door.

use actix_web::HttpRequest;
use std::net::IpAddr;

/// The address of the connection; where that is one of `proxies`, the last address in
/// X-Forwarded-For that is not. Each proxy writes whom it saw at the end, so what stands further
/// to the front is the client's own word, which counts for nothing.
pub(crate) fn client(req: &HttpRequest, proxies: &[IpAddr]) -> Option<IpAddr> {
    let peer = req.peer_addr()?.ip().to_canonical();
    if !proxies.contains(&peer) {
        return Some(peer);
    }
    let named = req.headers().get_all("x-forwarded-for").filter_map(|value| value.to_str().ok());
    let hops: Vec<_> = named.flat_map(|value| value.split(',')).collect();
    for hop in hops.into_iter().rev() {
        match hop.trim().parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(address) if proxies.contains(&address) => {}
            Ok(address) => return Some(address),
            // Something that no proxy writes: what stands before it cannot be trusted either.
            Err(_) => break,
        }
    }
    Some(peer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn seen(peer: &str, forwarded: &[&str]) -> String {
        let request = TestRequest::default().peer_addr(format!("{peer}:5000").parse().unwrap());
        let request =
            forwarded.iter().fold(request, |request, value| request.append_header(("x-forwarded-for", *value)));
        client(&request.to_http_request(), &["10.0.0.2".parse().unwrap(), "10.0.0.3".parse().unwrap()])
            .unwrap()
            .to_string()
    }

    #[test]
    fn only_a_known_proxy_may_name_the_client() {
        assert_eq!(seen("192.0.2.9", &["198.51.100.1"]), "192.0.2.9");
        assert_eq!(seen("10.0.0.2", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.2", &["203.0.113.5, 198.51.100.1, 10.0.0.3"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.2", &["203.0.113.5", "198.51.100.1"]), "198.51.100.1");
        assert_eq!(seen("10.0.0.2", &["203.0.113.5, unknown"]), "10.0.0.2");
        assert_eq!(seen("10.0.0.2", &[]), "10.0.0.2");
    }
}
