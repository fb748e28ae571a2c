//! What the tests share: a running Fuente, its tenants, and clients for its people.

pub mod app;
pub mod bench;
pub mod crash;
pub mod events;
pub mod held;
mod house;
pub mod people;
pub mod stale;
pub mod tenant;

pub use app::TestApp;
pub use held::HeldWay;
pub use people::Person;
pub use tenant::Tenant;
