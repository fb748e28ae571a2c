//! `fuente doctor --deep`: do index, rows and files of every tenant agree, and with which embedding model is
//! it searched?

use crate::client::Server;
use anyhow::{Context, Result};
use fuente_contract::drift::Drift;
use fuente_contract::embedding::EmbeddingState;
use fuente_contract::{Role, TenantId};
use fuente_settings::Settings;
use fuente_store::{embedders, tenants, users};

/// Compares, mends where asked, prints a line for each tenant; true where all agree or were mended.
pub(crate) async fn run(settings: &Settings, mend: bool) -> Result<bool> {
    crate::client::must_exist(settings)?;
    let server = Server::reach(settings).await?;
    let looked = all(&server, mend).await;
    server.leave().await?;
    looked
}

async fn all(server: &Server, mend: bool) -> Result<bool> {
    let mut well = true;
    for (tenant, slug) in tenants::list(&server.door.system(), &server.store).await? {
        let drift = one(server, tenant, &slug, mend).await.with_context(|| format!("{slug} could not be compared."))?;
        let left = drift.lost_points + drift.missing_files;
        let ok = if mend { left == 0 } else { drift.is_none() };
        well &= ok;
        say!("{}  {slug:<20} {}", if ok { "ok     " } else { "drift  " }, sentence(&drift));
        let operator = crate::admin::operator(&server.door, tenant);
        say!("         {:<20} {}", "", model(&embedders::state(&operator, &server.store).await?));
    }
    Ok(well)
}

async fn one(server: &Server, tenant: TenantId, slug: &str, mend: bool) -> Result<Drift> {
    let operator = crate::admin::operator(&server.door, tenant);
    if let Some(ingest) = server.ingest() {
        return Ok(ingest.reconcile(&operator, mend).await?);
    }
    // Another process has the index open; it is asked as an administrator of the tenant.
    let people = crate::admin::every(async |page| users::list(&operator, &server.store, &page).await).await?;
    let admin = people.into_iter().find(|user| user.active && user.role == Role::Admin);
    let admin = admin.context("It has no active administrator; `fuente user create --role admin` makes one.")?;
    let caller = server.act_as(slug, &admin.email).await?;
    let request = caller.request(reqwest::Method::POST, "/v1/admin/reconcile");
    caller.json(request.json(&serde_json::json!({ "mend": mend }))).await
}

fn model(state: &EmbeddingState) -> String {
    let Some(model) = &state.model else { return "no embedding model yet: there are no documents".to_owned() };
    let Some(wanted) = state.wanted.as_ref().filter(|_| state.changing) else {
        return format!("searched with {model}");
    };
    let (done, total) = (state.passages_done.unwrap_or(0), state.passages_total.unwrap_or(0));
    format!("searched with {model}; changing to {wanted}: {done} of {total} passages read")
}

fn sentence(drift: &Drift) -> String {
    let Drift { points, passages, files, .. } = drift;
    let mut all = vec![format!("{points} points, {passages} passages, {files} files")];
    let found = [
        (drift.orphan_points, "points of no passage", "removed"),
        (drift.missing_points - drift.lost_points, "passages without a point", "written again"),
        (drift.stale_points, "points with a wrong tag", "corrected"),
        (drift.orphan_files, "files of no version", "removed"),
    ];
    for (count, what, done) in found.into_iter().filter(|(count, ..)| *count > 0) {
        let done = if drift.mended { done } else { "`fuente doctor --deep --mend` mends it" };
        all.push(format!("{count} {what}: {done}"));
    }
    if drift.lost_points > 0 {
        all.push(format!(
            "{} passages without a point or kept vectors: index their documents again",
            drift.lost_points
        ));
    }
    if drift.missing_files > 0 {
        all.push(format!("{} originals are not there: their text answers, send the files again", drift.missing_files));
    }
    all.join("; ")
}
