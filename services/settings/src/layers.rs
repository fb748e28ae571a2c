//! File over default, environment over file; unknown keys stop the boot with the nearest valid name.

use crate::{DEFAULTS, Settings, check};
use std::collections::BTreeSet;
use std::path::Path;

/// Why the settings could not be used, in a sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    #[error("The settings file {path} cannot be read: {reason}")]
    File { path: String, reason: String },
    #[error("Unknown setting `{key}` in {place}.{}", nearest_hint(.nearest))]
    Unknown { key: String, place: String, nearest: Option<String> },
    #[error("A setting has a value of the wrong kind: {0}")]
    Value(String),
    #[error("{0}")]
    Rule(String),
}

fn nearest_hint(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|name| format!(" Did you mean `{name}`?")).unwrap_or_default()
}

/// Loads the settings: defaults, then `file` where given, then the environment.
///
/// # Errors
/// Names the first key or value that cannot be used.
pub fn load(file: Option<&Path>) -> Result<Settings, LoadError> {
    load_from(file, std::env::vars())
}

/// [`load`] with an environment of the caller's making.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    file: Option<&Path>,
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<Settings, LoadError> {
    let valid = keys_of(&parse("the defaults", DEFAULTS)?);
    let mut builder = config::Config::builder().add_source(config::File::from_str(DEFAULTS, config::FileFormat::Toml));
    if let Some(path) = file {
        let place = path.display().to_string();
        let text = std::fs::read_to_string(path)
            .map_err(|error| LoadError::File { path: place.clone(), reason: error.to_string() })?;
        for key in keys_of(&parse(&place, &text)?) {
            known(&key, &place, &valid)?;
        }
        builder = builder.add_source(config::File::from_str(&text, config::FileFormat::Toml));
    }
    let overrides: std::collections::HashMap<String, String> =
        environment.into_iter().filter(|(name, _)| name.starts_with("FUENTE__")).collect();
    for name in overrides.keys() {
        let key = name["FUENTE__".len()..].to_lowercase().replace("__", ".");
        known(&key, "the environment", &valid)?;
    }
    // Never parsed by its looks: a secret or a name made of digits stays as it was written. Numbers
    // and switches are read when their key asks for one.
    let source =
        config::Environment::with_prefix("FUENTE").prefix_separator("__").separator("__").source(Some(overrides));
    let settings: Settings = builder
        .add_source(source)
        .build()
        .and_then(config::Config::try_deserialize)
        .map_err(|error| LoadError::Value(error.to_string()))?;
    check::rules(&settings).map_err(LoadError::Rule)?;
    Ok(settings)
}

fn parse(place: &str, text: &str) -> Result<toml::Table, LoadError> {
    text.parse().map_err(|error: toml::de::Error| LoadError::File { path: place.to_owned(), reason: error.to_string() })
}

fn keys_of(table: &toml::Table) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    for (section, value) in table {
        match value {
            toml::Value::Table(inner) => keys.extend(inner.keys().map(|key| format!("{section}.{key}"))),
            _ => {
                keys.insert(section.clone());
            }
        }
    }
    keys
}

fn known(key: &str, place: &str, valid: &BTreeSet<String>) -> Result<(), LoadError> {
    if valid.contains(key) {
        return Ok(());
    }
    let nearest = valid
        .iter()
        .map(|name| (strsim::damerau_levenshtein(name, key), name))
        .min()
        .filter(|(distance, _)| *distance <= 6)
        .map(|(_, name)| name.clone());
    Err(LoadError::Unknown { key: key.to_owned(), place: place.to_owned(), nearest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn the_environment_wins_over_the_defaults() {
        let settings = load_from(None, env(&[("FUENTE__GATEWAY__PORT", "9000")])).unwrap();
        assert_eq!(settings.gateway.port, 9000);
        assert_eq!(settings.gateway.host, "127.0.0.1");
    }

    #[test]
    fn values_from_the_environment_stay_as_they_are_written() {
        let digits = "01234567890123456789012345678901";
        let settings = load_from(
            None,
            env(&[
                ("FUENTE__SERVICE__SECRET", digits),
                ("FUENTE__VECTORS__API_KEY", "TRUE"),
                ("FUENTE__GATEWAY__DEFAULT_TENANT", "007"),
                ("FUENTE__GATEWAY__SECURE_COOKIES", "true"),
                ("FUENTE__GATEWAY__SESSION_IDLE_HOURS", "3"),
                ("FUENTE__INGEST__WORKERS", "2"),
                ("FUENTE__ANSWER__ABSTAIN_BELOW", "0.25"),
                ("FUENTE__STORE__MODE", "embedded"),
            ]),
        )
        .unwrap();
        assert_eq!(settings.service.secret.0, digits);
        assert_eq!(settings.vectors.api_key.0, "TRUE");
        assert_eq!(settings.gateway.default_tenant, "007");
        assert!(settings.gateway.secure_cookies);
        assert_eq!((settings.gateway.session_idle_hours, settings.ingest.workers), (3, 2));
        assert!((settings.answer.abstain_below - 0.25).abs() < f32::EPSILON);
        assert!(load_from(None, env(&[("FUENTE__GATEWAY__PORT", "many")])).is_err());
        assert!(load_from(None, env(&[("FUENTE__GATEWAY__SECURE_COOKIES", "perhaps")])).is_err());
    }

    #[test]
    fn an_unknown_key_names_the_nearest_one() {
        let error = load_from(None, env(&[("FUENTE__GATEWAY__PROT", "9000")])).unwrap_err();
        assert!(error.to_string().contains("Did you mean `gateway.port`?"), "{error}");
    }

    #[test]
    fn a_file_is_read_and_its_unknown_keys_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("fuente.toml");
        std::fs::write(&path, "[gateway]\nport = 9001\n").unwrap();
        assert_eq!(load_from(Some(&path), env(&[])).unwrap().gateway.port, 9001);
        std::fs::write(&path, "[gatway]\nport = 9001\n").unwrap();
        assert!(load_from(Some(&path), env(&[])).unwrap_err().to_string().contains("gateway.port"));
    }

    #[test]
    fn a_short_service_secret_stops_the_boot() {
        let error = load_from(None, env(&[("FUENTE__SERVICE__SECRET", "abc")])).unwrap_err();
        assert!(error.to_string().contains("32"), "{error}");
    }

    #[test]
    fn a_door_that_others_reach_sends_its_cookies_over_https_only() {
        let open = ("FUENTE__GATEWAY__HOST", "0.0.0.0");
        let error = load_from(None, env(&[open])).unwrap_err();
        assert!(error.to_string().contains("gateway.secure_cookies"), "{error}");
        assert!(load_from(None, env(&[open, ("FUENTE__GATEWAY__SECURE_COOKIES", "true")])).is_ok());
        for local in ["127.0.0.1", "127.0.0.2", "::1", "localhost"] {
            assert!(load_from(None, env(&[("FUENTE__GATEWAY__HOST", local)])).is_ok(), "{local}");
        }
    }

    #[test]
    fn proxies_are_addresses() {
        let proxies = |text| load_from(None, env(&[("FUENTE__GATEWAY__TRUSTED_PROXIES", text)]));
        let read = proxies("10.0.0.2, ::1").unwrap().gateway.proxies();
        assert_eq!(read, ["10.0.0.2", "::1"].map(|text| text.parse::<std::net::IpAddr>().unwrap()));
        let error = proxies("10.0.0.2, proxy.example").unwrap_err();
        assert!(error.to_string().contains("`proxy.example`"), "{error}");
    }
}
