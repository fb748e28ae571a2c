//! Reads, layers and checks the settings. The only room that reads the environment.
//!
//! This room never opens a file other than the settings file, and knows no other room.

mod check;
mod layers;
mod sections;

pub use layers::{LoadError, load, load_from};
pub use sections::*;

/// The commented defaults, as shipped.
pub const DEFAULTS: &str = include_str!("../default.toml");

/// A variable of the environment that is not a setting (such as `HOME`). Here, so that nothing
/// else reads the environment.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
