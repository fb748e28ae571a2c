//! The HTTP client of the processes: TLS by rustls with the ring provider, short connects.

use fuente_contract::Error;
use std::sync::Once;
use std::time::Duration;

static PROVIDER: Once = Once::new();

/// Names ring as the process's TLS provider. Every process calls this first; more calls do nothing.
pub fn install_tls() {
    PROVIDER.call_once(|| {
        // Fails only where one was installed already, which is what we want.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}

/// A client for one base address. No whole-call limit, since uploads and answers take their
/// time: a silence of 30 seconds ends a call instead.
///
/// # Errors
/// `Internal` where TLS cannot be set up, such as a machine without CA certificates.
pub fn build(base: &str) -> Result<reqwest::Client, Error> {
    install_tls();
    let mut client = reqwest::Client::builder()
        .connect_timeout(Duration::from_secs(3))
        .read_timeout(Duration::from_secs(30))
        .redirect(reqwest::redirect::Policy::none())
        // An address from the settings is meant as it stands; a proxy of the machine's must not see who asks.
        .no_proxy();
    if base.starts_with("http://") {
        // Without this, a machine without CA certificates could not even make plain calls.
        client = client.tls_certs_only(std::iter::empty());
    }
    client.build().map_err(Error::internal)
}
