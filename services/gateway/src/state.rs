//! What every handler shares, and the step from a token to a scope.

use crate::attempts::Attempts;
use crate::routes::{RouteRule, Rule, Token};
use crate::startup::Parts;
use fuente_contract::{Answer, Credential, Door, Ingest, Result, Scope, Search, SystemScope, TenantId};
use fuente_settings::Settings;
use fuente_store::users::UserInfo;
use fuente_store::{Store, api_keys, sessions};
use fuente_wire::health::Ready;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// One per process, shared by its threads.
pub(crate) struct State {
    pub(crate) settings: Settings,
    pub(crate) store: Store,
    pub(crate) ingest: Arc<dyn Ingest>,
    pub(crate) search: Arc<dyn Search>,
    pub(crate) answer: Arc<dyn Answer>,
    pub(crate) system: SystemScope,
    pub(crate) attempts: Attempts,
    /// Passwords checked at the same time. Each check takes tens of megabytes, on purpose.
    pub(crate) sign_ins: Semaphore,
    /// The OpenAPI description, as JSON.
    pub(crate) description: String,
    door: Door,
    rules: HashMap<&'static str, Vec<RouteRule>>,
}

impl State {
    pub(crate) fn new(parts: Parts, rules: &'static [RouteRule], description: String) -> Self {
        let mut by_path: HashMap<_, Vec<RouteRule>> = HashMap::new();
        for rule in rules {
            by_path.entry(rule.path).or_default().push(*rule);
        }
        let Parts { settings, store, ingest, search, answer, door } = parts;
        let attempts = Attempts::new(settings.gateway.sign_in_attempts);
        let sign_ins = Semaphore::new(4);
        Self {
            settings,
            store,
            ingest,
            search,
            answer,
            system: door.system(),
            attempts,
            sign_ins,
            description,
            door,
            rules: by_path,
        }
    }

    /// The rule of a route, by method and path pattern.
    pub(crate) fn rule(&self, method: &str, pattern: &str) -> Option<Rule> {
        self.rules.get(pattern)?.iter().find(|row| row.methods().any(|served| served == method)).map(|row| row.rule)
    }

    /// The methods of a path pattern, as the `Allow` header lists them; empty where it is not served.
    pub(crate) fn methods(&self, pattern: &str) -> String {
        let rows = self.rules.get(pattern).map(Vec::as_slice).unwrap_or_default();
        rows.iter().flat_map(RouteRule::methods).collect::<Vec<_>>().join(", ")
    }

    /// The scope of whoever holds the token; none where it is unknown, expired or revoked, or
    /// where its user or tenant is disabled.
    pub(crate) async fn admit(&self, token: &Token) -> Result<Option<Scope>> {
        let principal = match token {
            Token::Cookie(text) | Token::Session(text) => sessions::check(&self.system, &self.store, text).await?,
            Token::Key(text) => api_keys::check(&self.system, &self.store, text).await?,
        };
        Ok(principal.map(|principal| {
            let credential = match principal.key {
                Some((scopes, libraries)) => Credential::ApiKey { scopes, libraries },
                None => Credential::Session,
            };
            self.scope(principal.tenant, &principal.user, credential)
        }))
    }

    /// The scope of a user who was just checked.
    pub(crate) fn scope(&self, tenant: TenantId, user: &UserInfo, credential: Credential) -> Scope {
        self.door.admit(tenant, user.id, user.role, user.content_read, credential)
    }
}

#[async_trait::async_trait]
impl Ready for State {
    async fn ready(&self) -> Result<()> {
        self.store.ping().await
    }
}
