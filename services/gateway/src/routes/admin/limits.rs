//! Bounds that several administrators' calls share.

use crate::state::State;
use fuente_contract::access::{Rule, Who};
use fuente_contract::limits::{GROUPS, RULES};
use fuente_contract::manage::{Metadata, check_metadata};
use fuente_contract::{DocumentId, Error, ErrorCode, LibraryId, Result, Scope};
use fuente_store::documents;

/// A text that people gave: not empty, not endless.
pub(super) fn text(field: &str, value: &str, longest: usize) -> Result<String> {
    let value = value.trim();
    if value.is_empty() || value.chars().count() > longest || value.contains('\0') {
        return Err(Error::invalid(format!("`{field}` must have 1 to {longest} characters.")));
    }
    Ok(value.to_owned())
}

/// Rules that can be kept. Whether their users and groups exist is the store's to say.
pub(super) fn rules(rules: &[Rule]) -> Result<()> {
    if rules.len() > RULES {
        return Err(Error::invalid(format!("A policy may have {RULES} rules at most.")));
    }
    let odd =
        rules.iter().any(|rule| matches!(&rule.who, Who::AllOf(groups) if groups.is_empty() || groups.len() > GROUPS));
    if odd {
        return Err(Error::invalid(format!("`all_of` must name 1 to {GROUPS} groups.")));
    }
    Ok(())
}

/// A document's own rules as JSON, as forms and query strings carry them; `null` is the library's.
pub(super) fn rules_in(json: &str) -> Result<Option<Vec<Rule>>> {
    let given: Option<Vec<Rule>> = serde_json::from_str(json)
        .map_err(|error| Error::invalid(format!("`rules` is not a valid list of rules: {error}.")))?;
    rules(given.as_deref().unwrap_or_default())?;
    Ok(given)
}

/// Metadata as JSON, as forms and query strings carry it.
pub(super) fn metadata_in(json: &str) -> Result<Metadata> {
    let given: Metadata = serde_json::from_str(json)
        .map_err(|error| Error::invalid(format!("`metadata` is not a JSON object of texts: {error}.")))?;
    check_metadata(&given)?;
    Ok(given)
}

/// Refuses a library outside those that the caller's API key is limited to.
pub(super) fn library(scope: &Scope, library: LibraryId) -> Result<()> {
    match scope.libraries() {
        Some(allowed) if !allowed.contains(&library) => Err(Error::not_found()),
        _ => Ok(()),
    }
}

/// Refuses an API key that is limited to libraries where a call is about all of them.
pub(super) fn unlimited(scope: &Scope, instead: &str) -> Result<()> {
    match scope.libraries() {
        Some(_) => {
            Err(Error::new(ErrorCode::Forbidden, format!("This API key is limited to some libraries: {instead}.")))
        }
        None => Ok(()),
    }
}

/// Refuses a document that does not exist, before anything else about the call is looked at, or
/// that is outside the libraries of the caller's API key.
pub(super) async fn document(state: &State, scope: &Scope, id: DocumentId) -> Result<()> {
    let (_, _, of) = documents::tag(scope, &state.store, id).await?;
    library(scope, of)
}
