//! What the tests share: a running Fuente, and clients for its people.

pub mod app;
pub mod people;

pub use app::TestApp;
pub use people::Person;
