//! `fuente user`.

use super::{Session, fresh_password};
use crate::client::user_named;
use anyhow::Result;
use clap::Subcommand;
use fuente_contract::{Cursor, Role, Scope};
use fuente_settings::Settings;
use fuente_store::{NewUser, passwords, users};
use std::process::ExitCode;

#[derive(clap::Args)]
pub(crate) struct UserCommand {
    /// Slug of the tenant; gateway.default_tenant where absent.
    #[arg(long, global = true)]
    tenant: Option<String>,
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Make a user; prints the password once.
    Create {
        email: String,
        #[arg(long)]
        name: Option<String>,
        #[arg(long, value_enum, default_value = "member")]
        role: RoleName,
    },
    /// List the users.
    List,
    /// Give a user a new password, for one who forgot it; prints it once. Their sessions end.
    Password { email: String },
    /// Shut a user out: sessions, keys and open questions end.
    Disable { email: String },
    /// Let a disabled user back in.
    Enable { email: String },
}

/// What [`Role::parse`] would take for a member where it is mistyped is refused here.
#[derive(Clone, Copy, clap::ValueEnum)]
enum RoleName {
    Member,
    Auditor,
    Admin,
}

impl From<RoleName> for Role {
    fn from(name: RoleName) -> Self {
        match name {
            RoleName::Member => Self::Member,
            RoleName::Auditor => Self::Auditor,
            RoleName::Admin => Self::Admin,
        }
    }
}

impl UserCommand {
    pub(crate) async fn run(self, settings: Settings) -> Result<ExitCode> {
        let session = Session::open(&settings).await?;
        let done = self.apply(&session, &settings).await;
        session.close().await?;
        done.map(|()| ExitCode::SUCCESS)
    }

    async fn apply(&self, session: &Session, settings: &Settings) -> Result<()> {
        let scope = session.scope(settings, self.tenant.as_deref()).await?;
        match &self.what {
            What::Create { email, name, role } => create(session, &scope, email, name.as_deref(), (*role).into()).await,
            What::List => list(session, &scope).await,
            What::Password { email } => password(session, &scope, email).await,
            What::Disable { email } => set(session, &scope, email, false).await,
            What::Enable { email } => set(session, &scope, email, true).await,
        }
    }
}

async fn create(session: &Session, scope: &Scope, email: &str, name: Option<&str>, role: Role) -> Result<()> {
    let password = fresh_password();
    let new = NewUser {
        email: email.to_owned(),
        name: name.unwrap_or(email).to_owned(),
        password: Some(password.clone()),
        role,
        content_read: false,
    };
    let user = users::create(scope, &session.store, new).await?;
    say!("{} ({}) signs in with the password {password} (shown once).", user.email, user.role.as_str());
    Ok(())
}

async fn password(session: &Session, scope: &Scope, email: &str) -> Result<()> {
    let user = user_named(&session.store, &session.door, scope.tenant(), email).await?;
    let password = fresh_password();
    passwords::reset(scope, &session.store, user.id, &password).await?;
    say!("{} signs in with the password {password} (shown once).", user.email);
    Ok(())
}

async fn list(session: &Session, scope: &Scope) -> Result<()> {
    let mut cursor = Cursor { after: None, limit: Some(200) };
    loop {
        let page = users::list(scope, &session.store, &cursor).await?;
        for user in &page.items {
            say!(
                "{}  {:<40} {:<8} {}",
                user.id,
                user.email,
                user.role.as_str(),
                if user.active { "active" } else { "disabled" }
            );
        }
        match page.next {
            Some(next) => cursor.after = Some(next),
            None => return Ok(()),
        }
    }
}

async fn set(session: &Session, scope: &Scope, email: &str, active: bool) -> Result<()> {
    let user = user_named(&session.store, &session.door, scope.tenant(), email).await?;
    let receipt = users::set_status(scope, &session.store, user.id, active).await?;
    say!("{} is {} from access epoch {} on.", user.email, if active { "active" } else { "disabled" }, receipt.epoch);
    Ok(())
}
