//! A real store on a Postgres of its own, in a folder that ends with the test, and short ways to fill it.

// Each test file uses its own part of this.
#![allow(dead_code)]

use fuente_contract::access::{Effect, Rule, Who};
use fuente_contract::document::PageStart;
use fuente_contract::document::Priority;
use fuente_contract::ingest::{Accepted, Upload};
use fuente_contract::{Credential, Door, Error, ErrorCode, LibraryId, PassageId, Role, Scope, SystemScope, TenantId};
use fuente_store::jobs::{self, Claim, Published, QueueRules};
use fuente_store::passage_vectors::{self, KeptVectors};
use fuente_store::{
    AcceptedBlob, NewUser, Opened, PassageRow, Store, StoreOptions, TextRow, UserInfo, deletions, ingest_rows, open,
    tenants, users,
};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The model that published passages are said to be embedded with.
pub const EMBEDDER: &str = "test";

/// A store and what a door would give out for it.
pub struct House {
    pub opened: Opened,
    pub folder: TempDir,
    pub door: Door,
}

/// A tenant with its first administrator.
pub struct Company {
    pub tenant: TenantId,
    pub root: UserInfo,
    pub admin: Scope,
}

/// A folder that the unprivileged user of Postgres may enter.
pub fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("fuente-store-")
        .permissions(fs::Permissions::from_mode(0o755))
        .tempdir_in("/tmp")
        .expect("a folder below /tmp")
}

pub fn options(folder: &Path) -> StoreOptions {
    let home = std::env::var_os("HOME").map(PathBuf::from).unwrap_or_default();
    let of_user =
        if nix::unistd::geteuid().is_root() { PathBuf::from("/var/cache/fuente") } else { home.join(".cache/fuente") };
    StoreOptions {
        embedded: true,
        data_directory: folder.join("postgres"),
        postgres: None,
        cache: std::env::var_os("FUENTE_CACHE").map_or(of_user, PathBuf::from),
        run_as: "nobody".to_owned(),
        url: None,
        migrator_url: None,
        max_connections: 8,
    }
}

/// No bound, and bulk that waits for long.
const RULES: QueueRules = QueueRules { tenant_running: 0, bulk_patience: std::time::Duration::from_secs(3_600) };

impl House {
    pub async fn open() -> Self {
        let folder = folder();
        let opened = open(&options(folder.path())).await.expect("the store opens");
        Self { opened, folder, door: Door::open() }
    }

    pub async fn close(self) {
        self.opened.close().await.expect("the store closes");
    }

    pub fn store(&self) -> &Store {
        &self.opened.store
    }

    pub fn system(&self) -> SystemScope {
        self.door.system()
    }

    pub fn postmaster(&self) -> (i32, u16) {
        let text =
            fs::read_to_string(self.folder.path().join("postgres/cluster/postmaster.pid")).expect("a running server");
        let lines: Vec<&str> = text.lines().collect();
        (lines[0].trim().parse().expect("a pid"), lines[3].trim().parse().expect("a port"))
    }

    /// The password of `superuser`, `migrator` or `app`.
    pub fn password(&self, role: &str) -> String {
        let kept = fs::read(self.folder.path().join("postgres/secrets.json")).expect("the secrets");
        let kept: serde_json::Value = serde_json::from_slice(&kept).expect("the secrets as JSON");
        kept[role].as_str().expect("a password").to_owned()
    }

    pub fn url(&self, user: &str, role: &str) -> String {
        format!("postgres://{user}:{}@127.0.0.1:{}/fuente", self.password(role), self.postmaster().1)
    }

    pub async fn connect(&self, user: &str, role: &str) -> PgConnection {
        let options: PgConnectOptions = self.url(user, role).parse().expect("an address");
        PgConnection::connect_with(&options).await.expect("a connection")
    }

    /// Past every wall: only to look, and to move a clock.
    pub async fn superuser(&self) -> PgConnection {
        self.connect("postgres", "superuser").await
    }

    pub async fn sql(&self, statement: &str) {
        sqlx::raw_sql(AssertSqlSafe(statement.to_owned()))
            .execute(&mut self.superuser().await)
            .await
            .expect("a statement");
    }

    pub async fn company(&self, slug: &str) -> Company {
        let tenant = tenants::create(&self.system(), self.store(), slug, slug).await.expect("a tenant");
        let new = NewUser {
            email: format!("root@{slug}.example"),
            name: "Root".to_owned(),
            password: None,
            role: Role::Admin,
            content_read: false,
        };
        let root = users::bootstrap_admin(&self.system(), self.store(), tenant, new).await.expect("an administrator");
        let admin = self.scope(tenant, &root);
        Company { tenant, root, admin }
    }

    pub fn scope(&self, tenant: TenantId, user: &UserInfo) -> Scope {
        self.door.admit(tenant, user.id, user.role, user.content_read, Credential::Session)
    }

    pub async fn person(&self, company: &Company, name: &str, role: Role, content_read: bool) -> UserInfo {
        let new = NewUser {
            email: format!("{name}@{}.example", company.tenant),
            name: name.to_owned(),
            password: None,
            role,
            content_read,
        };
        users::create(&company.admin, self.store(), new).await.expect("a user")
    }

    pub async fn upload(
        &self,
        scope: &Scope,
        library: LibraryId,
        name: &str,
        bytes: &str,
        rules: Option<Vec<Rule>>,
    ) -> fuente_contract::Result<Accepted> {
        self.upload_as(scope, library, name, bytes, rules, Priority::Interactive).await
    }

    pub async fn upload_as(
        &self,
        scope: &Scope,
        library: LibraryId,
        name: &str,
        bytes: &str,
        rules: Option<Vec<Rule>>,
        priority: Priority,
    ) -> fuente_contract::Result<Accepted> {
        let upload = Upload {
            library,
            external_id: name.to_owned(),
            file_name: format!("{name}.txt"),
            title: None,
            rules,
            metadata: None,
            priority,
        };
        // As in the blob store, no two uploads have one key.
        let key = format!("{}/{}", scope.tenant(), uuid::Uuid::now_v7());
        let blob = AcceptedBlob {
            // A member has none to show for, and is refused all the same.
            reserved: deletions::reserve(scope, self.store(), &key).await.map_or(uuid::Uuid::nil(), |it| it.id),
            key,
            bytes: bytes.len() as u64,
            hash: blake3::hash(bytes.as_bytes()).as_bytes().to_vec(),
            mime: "text/plain".to_owned(),
        };
        ingest_rows::accept(scope, self.store(), &upload, blob).await
    }

    pub async fn claim(&self) -> Option<Claim> {
        self.claim_by(&RULES).await
    }

    pub async fn claim_by(&self, rules: &QueueRules) -> Option<Claim> {
        jobs::claim(&self.system(), self.store(), rules, "test").await.expect("a look into the queue")
    }

    /// The stages of a claim, up to its publication, with `text` as one passage.
    pub async fn finish(&self, claim: &Claim, text: &str) -> fuente_contract::Result<Published> {
        let system = self.system();
        jobs::save_text(&system, self.store(), claim, &text_row(text)).await?;
        let passage = passage(claim, 0, text);
        let made = [(passage.id, [1; 32], KeptVectors { dense: vec![1.0, -0.5], sentences: vec![1, 2, 3] })];
        jobs::save_passages(&system, self.store(), claim, &[passage]).await?;
        passage_vectors::save(&system, self.store(), claim, &made).await?;
        Ok(jobs::publish(&system, self.store(), claim, EMBEDDER).await?.expect("one model publishes all"))
    }

    /// Publishes everything that waits.
    pub async fn publish_all(&self) {
        while let Some(claim) = self.claim().await {
            self.finish(&claim, &format!("The text of {}.", claim.file_name)).await.expect("a publication");
        }
    }
}

pub fn text_row(text: &str) -> TextRow {
    TextRow {
        text: text.to_owned(),
        pages: vec![PageStart { page: 1, char_start: 0, label: None }],
        lang: "en".to_owned(),
        title: None,
        mime: "text/plain".to_owned(),
    }
}

pub fn passage(claim: &Claim, ordinal: u32, text: &str) -> PassageRow {
    PassageRow {
        id: PassageId::derive(claim.tenant, claim.document, claim.version, ordinal),
        ordinal,
        char_start: 0,
        char_end: text.chars().count() as u32,
        page_from: 1,
        page_to: 1,
        heading: vec!["Heading".to_owned()],
        text: text.to_owned(),
        lang: "en".to_owned(),
        tokens: 5,
    }
}

pub fn allow(who: Who) -> Rule {
    Rule { effect: Effect::Allow, who }
}

pub fn deny(who: Who) -> Rule {
    Rule { effect: Effect::Deny, who }
}

/// The code of an error; a success is a failure here.
pub fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> ErrorCode {
    result.expect_err("an error was due").code
}
