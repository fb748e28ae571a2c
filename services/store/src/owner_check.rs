//! The role that serves must own nothing and bypass nothing: else the walls in the database are paint.

use crate::open::Login;
use fuente_contract::{Error, Result};
use sqlx::postgres::PgPool;
use sqlx::{AssertSqlSafe, PgConnection, Row};

/// Oldest releases without known leaks around row-level security (CVE-2025-8713 and before).
const FIXED: &[i32] = &[150_014, 160_010, 170_006];

/// Makes the serving role where it is missing. An existing one keeps its password.
pub(crate) async fn ensure_role(owner: &mut PgConnection, app: &Login) -> Result<()> {
    if app.user != "fuente_app" {
        return Err(Error::invalid(
            "store.url must log in as fuente_app, the role that the migrations grant rights to.",
        ));
    }
    let known: bool = sqlx::query_scalar("SELECT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = $1)")
        .bind(&app.user)
        .fetch_one(&mut *owner)
        .await
        .map_err(Error::internal)?;
    if !known {
        let statement: String = sqlx::query_scalar(
            "SELECT format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD %L', $1, $2)",
        )
        .bind(&app.user)
        .bind(&app.password)
        .fetch_one(&mut *owner)
        .await
        .map_err(Error::internal)?;
        // Built by Postgres' own quoting above; nothing of it comes from a request.
        sqlx::query(AssertSqlSafe(statement))
            .execute(&mut *owner)
            .await
            .map_err(|error| Error::internal(format!("the role {} cannot be made: {error}", app.user)))?;
    }
    Ok(())
}

/// Refuses a role or a server that would make row-level security void.
pub(crate) async fn refuse_power(pool: &PgPool) -> Result<()> {
    let row = sqlx::query(
        "SELECT current_setting('server_version_num')::integer AS version,
                EXISTS (SELECT 1 FROM pg_roles WHERE (rolsuper OR rolbypassrls) AND pg_has_role(current_user, oid, 'MEMBER')) AS power,
                EXISTS (SELECT 1 FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                        WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v', 'm') AND pg_has_role(current_user, relowner, 'MEMBER')) AS owns",
    )
    .fetch_one(pool)
    .await
    .map_err(Error::internal)?;
    if row.get("power") || row.get("owns") {
        return Err(Error::invalid(
            "The role in store.url has too much power: it is a superuser, bypasses row-level security, or owns tables (itself or through another role). \
             Use fuente_app, which the migrations prepare, and give the owner in store.migrator_url instead.",
        ));
    }
    let version: i32 = row.get("version");
    let fixed = FIXED.iter().find(|fixed| *fixed / 10_000 == version / 10_000).copied().unwrap_or(150_014);
    if version < fixed {
        return Err(Error::invalid(format!(
            "This Postgres ({}.{}) has known leaks around row-level security. Use 15.14, 16.10, 17.6, or anything newer.",
            version / 10_000,
            version % 10_000
        )));
    }
    Ok(())
}
