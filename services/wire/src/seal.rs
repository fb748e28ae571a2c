//! The service credential: who asks, sealed for one call and for a short time.
//!
//! Processes share one secret. The caller seals the [`Scope`] of the person it acts for,
//! together with the method and path it calls and the time after which the seal is void; the
//! callee opens it or answers 401. A process without the secret can make no scope.

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use fuente_contract::{Credential, Door, Error, ErrorCode, Role, Scope, TenantId, UserId};
use futures_util::future::{Ready, ready};
use serde::{Deserialize, Serialize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::problem::Problem;

/// Header that carries the seal.
pub const HEADER: &str = "x-fuente-scope";

/// How long a seal holds: enough for a call to start, too short to be worth stealing.
pub const VALIDITY: Duration = Duration::from_secs(60);

/// Sets the derived key apart from any other use of the same secret.
const CONTEXT: &str = "fuente 2026-11 service seal v1";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    tenant: TenantId,
    user: UserId,
    role: Role,
    content_read: bool,
    credential: Credential,
    method: String,
    path: String,
    /// Seconds since 1970.
    expires: u64,
}

/// Seals scopes. It cannot open any.
#[derive(Clone)]
pub struct Sealer {
    key: [u8; 32],
}

impl Sealer {
    /// Derives the key from the secret that the services share.
    #[must_use]
    pub fn new(secret: &str) -> Self {
        Self { key: blake3::derive_key(CONTEXT, secret.as_bytes()) }
    }

    /// The header's value for one call made now.
    ///
    /// # Errors
    /// Only where the scope cannot be written as JSON.
    pub fn seal(&self, scope: &Scope, method: &str, path: &str) -> Result<String, Error> {
        self.seal_until(scope, method, path, now() + VALIDITY.as_secs())
    }

    /// [`Sealer::seal`] with an end of the caller's choice, in seconds since 1970.
    ///
    /// # Errors
    /// As [`Sealer::seal`].
    pub fn seal_until(&self, scope: &Scope, method: &str, path: &str, expires: u64) -> Result<String, Error> {
        let sealed = Sealed {
            tenant: scope.tenant(),
            user: scope.user(),
            role: scope.role(),
            content_read: scope.content_read(),
            credential: scope.credential().clone(),
            method: method.to_owned(),
            path: path.to_owned(),
            expires,
        };
        let body = serde_json::to_vec(&sealed).map_err(Error::internal)?;
        let mark = blake3::keyed_hash(&self.key, &body);
        Ok(format!("{}.{}", hex::encode(&body), mark.to_hex()))
    }
}

/// Opens seals into scopes; set it as app data of the routes in [`crate::serve`].
#[derive(Clone)]
pub struct Opener {
    key: [u8; 32],
    door: Door,
}

impl Opener {
    /// Derives the key from the secret that the services share.
    #[must_use]
    pub fn new(secret: &str, door: Door) -> Self {
        Self { key: Sealer::new(secret).key, door }
    }

    /// The scope inside, if the seal was made with the same secret for this very call and still holds.
    ///
    /// # Errors
    /// `Unauthenticated`, with the same words whatever is wrong; the cause is for the log.
    pub fn open(&self, seal: &str, method: &str, path: &str) -> Result<Scope, Error> {
        let refuse = |cause: &str| refusal().because(cause);
        let (body, mark) = seal.split_once('.').ok_or_else(|| refuse("the seal has no mark"))?;
        let body = hex::decode(body).map_err(|_| refuse("the seal's body is not hex"))?;
        let mark = blake3::Hash::from_hex(mark).map_err(|_| refuse("the seal's mark is not hex"))?;
        // blake3 compares hashes in constant time, so a forger learns nothing from how long it takes.
        if blake3::keyed_hash(&self.key, &body) != mark {
            return Err(refuse("the seal's mark does not fit: the services do not share one service.secret"));
        }
        let sealed: Sealed = serde_json::from_slice(&body).map_err(|_| refuse("the seal's body has another shape"))?;
        if sealed.method != method || sealed.path != path {
            return Err(refuse("the seal was made for another call"));
        }
        // One clock's worth of slack ahead: a seal that claims to hold for longer was not made by `seal`.
        let now = now();
        if sealed.expires < now || sealed.expires > now + 2 * VALIDITY.as_secs() {
            return Err(refuse("the seal is out of its time: it is stale, or the clocks differ"));
        }
        Ok(self.door.admit(sealed.tenant, sealed.user, sealed.role, sealed.content_read, sealed.credential))
    }
}

fn refusal() -> Error {
    Error::new(ErrorCode::Unauthenticated, "The service credential is missing or not valid.")
}

/// Seconds since 1970.
#[must_use]
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// The caller of an internal route. Refused before a byte of the body is read.
pub struct Caller(pub Scope);

impl FromRequest for Caller {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(req: &HttpRequest, _: &mut Payload) -> Self::Future {
        let seal = req.headers().get(HEADER).and_then(|value| value.to_str().ok());
        ready(match (req.app_data::<Opener>(), seal) {
            (Some(opener), Some(seal)) => {
                opener.open(seal, req.method().as_str(), req.path()).map(Self).map_err(Problem::from)
            }
            _ => Err(refusal().into()),
        })
    }
}
