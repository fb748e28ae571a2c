//! Opaque credentials: `fs_` for sessions, `fk_` for API keys, then the tenant, then 256 random bits.
//!
//! The tenant in a token is a hint that sets the row-level context of the look-up, and proves
//! nothing; the random part is looked up by its SHA-256, so that a stolen table opens no door.

use crate::users::UserInfo;
use fuente_contract::{LibraryId, TenantId};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Who a valid credential stands for.
#[derive(Clone, Debug)]
pub struct Principal {
    pub tenant: TenantId,
    pub user: UserInfo,
    pub credential_id: Uuid,
    /// Scopes and libraries, where the credential is an API key.
    pub key: Option<(Vec<String>, Option<Vec<LibraryId>>)>,
}

pub(crate) fn make(kind: &str, tenant: TenantId) -> (String, Vec<u8>) {
    let secret: [u8; 32] = rand::random();
    let token = format!("{kind}_{}_{}", tenant.0.simple(), hex::encode(secret));
    let hash = digest(&token);
    (token, hash)
}

/// Tenant and hash of a well-formed token.
pub(crate) fn read(kind: &str, token: &str) -> Option<(TenantId, Vec<u8>)> {
    let mut parts = token.split('_');
    let (found, tenant, secret) = (parts.next()?, parts.next()?, parts.next()?);
    if found != kind || parts.next().is_some() || tenant.len() != 32 || secret.len() != 64 {
        return None;
    }
    let tenant = TenantId(Uuid::parse_str(tenant).ok()?);
    Some((tenant, digest(token)))
}

fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
