//! The sample company: a tenant made from a folder (`company.toml` beside its documents).
//!
//! Everything is found by name before it is made, so that a second run changes nothing and an
//! interrupted one goes on where it stopped.

use crate::admin::operator;
use anyhow::{Context, Result, bail};
use fuente_contract::access::{Effect, Rule, Who};
use fuente_contract::document::Priority;
use fuente_contract::ingest::{ByteStream, Upload};
use fuente_contract::{Credential, Door, GroupId, Ingest, LibraryId, Role, Scope, TenantId, UserId};
use fuente_store::{NewUser, Store, UserInfo, groups, libraries, tenants, users};
use futures_util::StreamExt;
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Company {
    pub tenant: String,
    pub name: String,
    pub users: Vec<Person>,
    #[serde(default)]
    groups: Vec<Team>,
    libraries: Vec<Shelf>,
    documents: Vec<Paper>,
    #[serde(skip)]
    folder: PathBuf,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    pub email: String,
    pub name: String,
    pub role: String,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Team {
    name: String,
    #[serde(default)]
    groups: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shelf {
    name: String,
    description: String,
    rules: Vec<Line>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paper {
    file: PathBuf,
    library: String,
    external_id: String,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    rules: Option<Vec<Line>>,
}

/// A rule by names instead of ids.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    effect: Effect,
    #[serde(default)]
    everyone: bool,
    #[serde(default)]
    user: Option<String>,
    #[serde(default)]
    all_of: Vec<String>,
}

/// Ids by name, as rules need them.
struct Names {
    users: HashMap<String, UserId>,
    groups: HashMap<String, GroupId>,
}

impl Company {
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("company.toml");
        let text = std::fs::read_to_string(&path).with_context(|| {
            format!("{} cannot be read. Run from the checkout, or name the folder with --company.", path.display())
        })?;
        let company: Self =
            toml::from_str(&text).with_context(|| format!("{} is not a valid company.", path.display()))?;
        Ok(Self { folder: folder.to_owned(), ..company })
    }

    /// Makes what is missing: tenant, people, groups, libraries. Returns the administrator's scope.
    pub async fn ensure(&self, store: &Store, door: &Door, password: &str) -> Result<Scope> {
        let tenant = match tenants::by_slug(&door.system(), store, &self.tenant).await? {
            Some(tenant) => tenant,
            None => tenants::create(&door.system(), store, &self.tenant, &self.name).await?,
        };
        let scope = operator(door, tenant);
        let names = Names {
            users: self.ensure_users(store, door, tenant, password).await?,
            groups: self.ensure_groups(&scope, store).await?,
        };
        self.ensure_members(&scope, store, &names).await?;
        self.ensure_libraries(&scope, store, &names).await?;
        let Some(admin) = self.users.iter().find(|person| person.role == "admin") else {
            bail!("The company has no administrator.")
        };
        let id = names.users[&admin.email];
        Ok(door.admit(tenant, id, Role::Admin, false, Credential::Local))
    }

    async fn ensure_users(
        &self,
        store: &Store,
        door: &Door,
        tenant: TenantId,
        password: &str,
    ) -> Result<HashMap<String, UserId>> {
        let mut known = HashMap::new();
        for person in &self.users {
            let found = users::by_email(&door.system(), store, tenant, &person.email).await?;
            let user: UserInfo = match found {
                Some(user) => user,
                None => {
                    let new = NewUser {
                        email: person.email.clone(),
                        name: person.name.clone(),
                        password: Some(password.to_owned()),
                        role: Role::parse(&person.role),
                        content_read: false,
                    };
                    users::create(&operator(door, tenant), store, new).await?
                }
            };
            known.insert(person.email.clone(), user.id);
        }
        Ok(known)
    }

    async fn ensure_groups(&self, scope: &Scope, store: &Store) -> Result<HashMap<String, GroupId>> {
        let mut known: HashMap<String, GroupId> =
            crate::admin::every(async |page| groups::list(scope, store, &page).await)
                .await?
                .into_iter()
                .map(|group| (group.name, group.id))
                .collect();
        for team in &self.groups {
            if !known.contains_key(&team.name) {
                known.insert(team.name.clone(), groups::create(scope, store, &team.name).await?.id);
            }
        }
        Ok(known)
    }

    async fn ensure_members(&self, scope: &Scope, store: &Store, names: &Names) -> Result<()> {
        for person in &self.users {
            for group in &person.groups {
                groups::add_user(scope, store, names.group(group)?, names.users[&person.email]).await?;
            }
        }
        for team in &self.groups {
            for member in &team.groups {
                groups::add_group(scope, store, names.group(&team.name)?, names.group(member)?).await?;
            }
        }
        Ok(())
    }

    async fn ensure_libraries(&self, scope: &Scope, store: &Store, names: &Names) -> Result<()> {
        let known: Vec<String> = crate::admin::every(async |page| libraries::list(scope, store, &page).await)
            .await?
            .into_iter()
            .map(|library| library.name)
            .collect();
        for shelf in self.libraries.iter().filter(|shelf| !known.contains(&shelf.name)) {
            libraries::create(scope, store, &shelf.name, &shelf.description, names.rules(&shelf.rules)?).await?;
        }
        Ok(())
    }

    /// Uploads every document; the same bytes again are no work. Returns how many were new.
    pub async fn upload(&self, scope: &Scope, store: &Store, ingest: &dyn Ingest) -> Result<usize> {
        let shelves: HashMap<String, LibraryId> =
            crate::admin::every(async |page| libraries::list(scope, store, &page).await)
                .await?
                .into_iter()
                .map(|library| (library.name, library.id))
                .collect();
        let operator = scope;
        let names = Names {
            users: crate::admin::every(async |page| users::list(operator, store, &page).await)
                .await?
                .into_iter()
                .map(|user| (user.email, user.id))
                .collect(),
            groups: crate::admin::every(async |page| groups::list(operator, store, &page).await)
                .await?
                .into_iter()
                .map(|group| (group.name, group.id))
                .collect(),
        };
        let mut new = 0;
        for paper in &self.documents {
            let path = self.folder.join(&paper.file);
            let bytes = tokio::fs::read(&path).await.with_context(|| format!("{} cannot be read.", path.display()))?;
            let upload = Upload {
                library: *shelves.get(&paper.library).with_context(|| {
                    format!("company.toml names the library `{}`, which it does not define.", paper.library)
                })?,
                external_id: paper.external_id.clone(),
                file_name: paper.file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                title: paper.title.clone(),
                rules: paper.rules.as_ref().map(|rules| names.rules(rules)).transpose()?,
                metadata: None,
                priority: Priority::Bulk,
            };
            let stream: ByteStream = futures_util::stream::iter([Ok(bytes.into())]).boxed();
            new += usize::from(!ingest.accept(scope, upload, stream).await?.unchanged);
        }
        Ok(new)
    }
}

impl Names {
    fn group(&self, name: &str) -> Result<GroupId> {
        self.groups
            .get(name)
            .copied()
            .with_context(|| format!("company.toml names the group `{name}`, which it does not define."))
    }

    fn rules(&self, lines: &[Line]) -> Result<Vec<Rule>> {
        lines.iter().map(|line| self.rule(line)).collect()
    }

    fn rule(&self, line: &Line) -> Result<Rule> {
        let who = match (&line.user, line.everyone) {
            (Some(email), _) => Who::User(
                *self
                    .users
                    .get(email)
                    .with_context(|| format!("company.toml names the user `{email}`, whom it does not define."))?,
            ),
            (None, true) => Who::Everyone,
            (None, false) => Who::AllOf(line.all_of.iter().map(|name| self.group(name)).collect::<Result<_>>()?),
        };
        Ok(Rule { effect: line.effect, who })
    }
}
