//! The queue: claims, leases, fences, retries, and one visible result whatever happens.

mod common;

use common::{Company, House, allow, code, passage, text_row};
use fuente_contract::access::Who;
use fuente_contract::document::{JobState, Progress, Stage};
use fuente_contract::{Cursor, ErrorCode, JobId, LibraryId, PassageId, Scope};
use fuente_store::jobs::{self, Claim};
use fuente_store::passage_vectors::KeptVectors;
use fuente_store::{TextRow, access, documents, leases, libraries, passage_vectors, passages};
use std::collections::HashMap;

#[tokio::test]
async fn queue() {
    let house = House::open().await;
    claims_are_fair_and_in_order(&house).await;
    a_lost_lease_is_fenced_off(&house).await;
    a_lease_is_taken_back_once(&house).await;
    failures_back_off_and_end(&house).await;
    a_crash_loop_ends(&house).await;
    people_cancel_retry_and_list(&house).await;
    an_outage_costs_no_attempt(&house).await;
    one_document_has_one_running_job(&house).await;
    a_wait_holds_no_newer_version_up(&house).await;
    a_title_comes_with_its_version(&house).await;
    a_version_without_a_title_has_its_files_name(&house).await;
    older_versions_never_win(&house).await;
    the_same_bytes_are_no_work(&house).await;
    house.close().await;
}

async fn library(house: &House, slug: &str) -> (Company, LibraryId) {
    let company = house.company(slug).await;
    let library =
        libraries::create(&company.admin, house.store(), "Library", "", vec![allow(Who::Everyone)]).await.unwrap();
    (company, library.id)
}

async fn accepted(house: &House, scope: &Scope, library: LibraryId, name: &str, bytes: &str) -> JobId {
    house.upload(scope, library, name, bytes, None).await.unwrap().job.expect("new bytes make a job")
}

async fn due(house: &House) -> Claim {
    house.claim().await.expect("a job is due")
}

/// Lets the claim's lease run out.
async fn expire(house: &House, job: JobId) {
    house.sql(&format!("UPDATE ingest_jobs SET lease_until = now() - interval '1 second' WHERE id = '{job}'")).await;
}

/// Lets the wait before the next attempt pass.
async fn skip_wait(house: &House, job: JobId) {
    house.sql(&format!("UPDATE ingest_jobs SET run_at = now() WHERE id = '{job}'")).await;
}

async fn current_text(house: &House, scope: &Scope, claim: &Claim) -> String {
    documents::text(scope, house.store(), claim.document, None).await.unwrap().text
}

async fn claims_are_fair_and_in_order(house: &House) {
    let (big, many) = library(house, "big").await;
    let (small, few) = library(house, "small").await;
    let mut queued = Vec::new();
    for name in ["a", "b", "c", "d"] {
        queued.push(accepted(house, &big.admin, many, name, name).await);
    }
    let late = accepted(house, &small.admin, few, "late", "late").await;
    let mut order = Vec::new();
    while let Some(claim) = house.claim().await {
        order.push(claim.job);
    }
    assert_eq!(
        order,
        [queued[0], late, queued[1], queued[2], queued[3]],
        "the small tenant does not wait behind the big one; within one, the oldest first"
    );
    house.sql("UPDATE ingest_jobs SET state = 'cancelled'").await;
}

async fn a_lost_lease_is_fenced_off(house: &House) {
    let (company, library) = library(house, "fence").await;
    let (system, store) = (house.system(), house.store());
    accepted(house, &company.admin, library, "one", "one").await;
    let stale = due(house).await;
    assert!(house.claim().await.is_none(), "a held lease is not claimed");
    assert!(jobs::heartbeat(&system, store, &stale).await.unwrap());
    expire(house, stale.job).await;
    let fresh = due(house).await;
    assert_eq!((fresh.job, fresh.attempt, fresh.fence), (stale.job, 2, stale.fence + 1));
    assert!(!jobs::heartbeat(&system, store, &stale).await.unwrap());
    assert!(!jobs::progress(&system, store, &stale, Stage::Embed, Progress::default()).await.unwrap());
    assert_eq!(code(jobs::save_text(&system, store, &stale, &text_row("stale")).await), ErrorCode::Conflict);
    assert_eq!(
        code(jobs::save_passages(&system, store, &stale, &[passage(&stale, 0, "stale")]).await),
        ErrorCode::Conflict
    );
    assert_eq!(code(passage_vectors::save(&system, store, &stale, &[]).await), ErrorCode::Conflict);
    assert_eq!(code(jobs::publish(&system, store, &stale, "test").await), ErrorCode::Conflict);
    jobs::fail(&system, store, &stale, "late", "", false).await.unwrap();
    jobs::release(&system, store, &stale).await.unwrap();
    assert!(
        jobs::progress(&system, store, &fresh, Stage::Embed, Progress { pages: 3, percent: 40, ..Progress::default() })
            .await
            .unwrap(),
        "what the stale one did changed nothing"
    );
    let seen = jobs::get(&company.admin, store, fresh.job).await.unwrap();
    assert_eq!((seen.state, seen.stage, seen.progress.percent), (JobState::Running, Stage::Embed, 40));
    let ids = [PassageId::derive(fresh.tenant, fresh.document, fresh.version, 0)];
    jobs::save_passages(&system, store, &fresh, &[passage(&fresh, 0, "not yet")]).await.unwrap();
    assert!(
        passages::read(&company.admin, store, &ids).await.unwrap().0.is_empty(),
        "nothing answers before it is published"
    );
    assert_eq!(code(documents::get(&company.admin, store, fresh.document).await), ErrorCode::NotFound);
    let kept = KeptVectors { dense: vec![0.25, -1.0], sentences: vec![7] };
    passage_vectors::save(&system, store, &fresh, &[(ids[0], [9; 32], kept.clone())]).await.unwrap();
    jobs::save_passages(&system, store, &fresh, &[passage(&fresh, 0, "not yet")]).await.unwrap();
    let known = passage_vectors::known(&system, store, &fresh, &[[9; 32], [8; 32]]).await.unwrap();
    assert_eq!(known, HashMap::from([([9; 32], kept)]), "the next attempt goes on where this one stopped");
    let published = house.finish(&fresh, "fresh").await.unwrap();
    assert_eq!((published.previous, published.current, published.policy_tag), (None, fresh.version, fresh.policy_tag));
    assert_eq!(passages::read(&company.admin, store, &ids).await.unwrap().0[0].row.text, "fresh");
    assert_eq!(code(house.finish(&fresh, "again").await), ErrorCode::Conflict, "a finished job publishes once");
}

async fn failures_back_off_and_end(house: &House) {
    let (company, library) = library(house, "failures").await;
    let (system, store) = (house.system(), house.store());
    let job = accepted(house, &company.admin, library, "flaky", "flaky").await;
    for attempt in 1..=5 {
        let claim = due(house).await;
        assert_eq!((claim.job, claim.attempt), (job, attempt));
        jobs::fail(&system, store, &claim, "embedder_away", "Wait.", true).await.unwrap();
        assert!(house.claim().await.is_none(), "not before its wait has passed");
        let wait: f64 =
            sqlx::query_scalar("SELECT extract(epoch FROM run_at - updated_at)::float8 FROM ingest_jobs WHERE id = $1")
                .bind(job.0)
                .fetch_one(&mut house.superuser().await)
                .await
                .unwrap();
        let base = 10.0 * 4_f64.powi(attempt - 1);
        assert!((base * 0.74..=base * 1.26).contains(&wait), "attempt {attempt} waits {wait} s");
        skip_wait(house, job).await;
    }
    let dead = jobs::get(&company.admin, store, job).await.unwrap();
    assert_eq!(
        (dead.state, dead.error.as_deref(), dead.advice.as_deref()),
        (JobState::Dead, Some("embedder_away"), Some("Wait."))
    );
    assert!(house.claim().await.is_none(), "dead");
    let again = house.upload(&company.admin, library, "flaky", "flaky", None).await.unwrap();
    assert!(again.job.is_some(), "the same bytes are work again where the job for them died");
    let refused = due(house).await;
    jobs::fail(&system, store, &refused, "encrypted", "Remove the password.", false).await.unwrap();
    assert_eq!(jobs::get(&company.admin, store, refused.job).await.unwrap().state, JobState::Failed);
    assert!(house.claim().await.is_none(), "the file's own fault is final");
}

async fn a_crash_loop_ends(house: &House) {
    let (company, library) = library(house, "poison").await;
    let (system, store) = (house.system(), house.store());
    let poison = accepted(house, &company.admin, library, "poison", "poison").await;
    let sound = accepted(house, &company.admin, library, "sound", "sound").await;
    for attempt in 1..=5 {
        let claim = due(house).await;
        assert_eq!((claim.job, claim.attempt), (poison, attempt));
        expire(house, poison).await;
        if attempt == 2 {
            let released = due(house).await;
            jobs::release(&system, store, &released).await.unwrap();
            house.sql(&format!("UPDATE ingest_jobs SET run_at = created_at WHERE id = '{poison}'")).await;
        }
    }
    assert_eq!(due(house).await.job, sound, "the next job is reached all the same");
    let buried = jobs::get(&company.admin, store, poison).await.unwrap();
    assert_eq!((buried.state, buried.error.as_deref()), (JobState::Dead, Some("crashed")));
    jobs::cancel(&company.admin, store, sound).await.unwrap();
}

async fn people_cancel_retry_and_list(house: &House) {
    let (company, library) = library(house, "people").await;
    let (admin, store) = (&company.admin, house.store());
    let job = accepted(house, admin, library, "one", "one").await;
    let claim = due(house).await;
    jobs::cancel(admin, store, job).await.unwrap();
    assert!(!jobs::heartbeat(&house.system(), store, &claim).await.unwrap(), "the worker notices");
    assert_eq!(code(house.finish(&claim, "late").await), ErrorCode::Conflict);
    assert_eq!(code(jobs::cancel(admin, store, job).await), ErrorCode::Conflict);
    assert!(house.claim().await.is_none());
    jobs::retry(admin, store, job).await.unwrap();
    assert_eq!(code(jobs::retry(admin, store, job).await), ErrorCode::Conflict, "it waits already");
    let claim = due(house).await;
    assert_eq!((claim.job, claim.attempt), (job, 1));
    house.finish(&claim, "in the end").await.unwrap();
    assert_eq!(current_text(house, admin, &claim).await, "in the end");
    assert_eq!(code(jobs::retry(admin, store, job).await), ErrorCode::Conflict);
    assert_eq!(code(jobs::retry(admin, store, JobId::fresh()).await), ErrorCode::NotFound);
    let second = accepted(house, admin, library, "two", "two").await;
    let first_page = jobs::list(admin, store, &Cursor { after: None, limit: Some(1) }).await.unwrap();
    assert_eq!(first_page.items[0].id, second, "the newest first");
    let rest = jobs::list(admin, store, &Cursor { after: first_page.next, limit: Some(10) }).await.unwrap();
    assert_eq!((rest.items.iter().map(|job| job.id).collect::<Vec<_>>(), rest.next), (vec![job], None));
    let (stranger, _) = self::library(house, "other-people").await;
    assert_eq!(
        code(jobs::cancel(&stranger.admin, store, second).await),
        ErrorCode::NotFound,
        "another tenant's job does not exist"
    );
    jobs::cancel(admin, store, second).await.unwrap();
}

async fn one_document_has_one_running_job(house: &House) {
    let (company, library) = library(house, "single").await;
    let (admin, store) = (&company.admin, house.store());
    let first = accepted(house, admin, library, "one", "v1").await;
    let second = accepted(house, admin, library, "one", "v2").await;
    let claim = due(house).await;
    assert_eq!(claim.job, first);
    assert!(house.claim().await.is_none(), "the second version waits for the first");
    jobs::cancel(admin, store, first).await.unwrap();
    let newer = due(house).await;
    assert_eq!(newer.job, second);
    jobs::retry(admin, store, first).await.unwrap();
    assert!(house.claim().await.is_none(), "nor does the first overtake by a retry");
    house.finish(&newer, "v2").await.unwrap();
    assert!(house.claim().await.is_none(), "nor is it worked on once the newer one answers");
    let overtaken = jobs::get(admin, store, first).await.unwrap();
    assert_eq!((overtaken.state, overtaken.error.as_deref()), (JobState::Cancelled, Some("superseded")));
    assert_eq!(code(jobs::retry(admin, store, first).await), ErrorCode::Conflict);
    // Two workers at the same moment: one gets it.
    accepted(house, admin, library, "two", "two").await;
    let claims = futures_util::future::join_all((0..6).map(|_| house.claim())).await;
    let got: Vec<Claim> = claims.into_iter().flatten().collect();
    assert_eq!(got.len(), 1);
    house.finish(&got[0], "two").await.unwrap();
}

async fn a_wait_holds_no_newer_version_up(house: &House) {
    let (company, library) = library(house, "waits").await;
    let (admin, store) = (&company.admin, house.store());
    let first = accepted(house, admin, library, "one", "v1").await;
    let claim = due(house).await;
    jobs::fail(&house.system(), store, &claim, "embedder_away", "Wait.", true).await.unwrap();
    let second = accepted(house, admin, library, "one", "v2").await;
    let newer = due(house).await;
    assert_eq!(newer.job, second, "the first waits for its next attempt");
    skip_wait(house, first).await;
    assert!(house.claim().await.is_none(), "and it is not worked on beside the second");
    house.finish(&newer, "v2").await.unwrap();
    assert!(house.claim().await.is_none());
    assert_eq!(
        code(jobs::list(admin, store, &Cursor { after: Some("?".into()), limit: None }).await),
        ErrorCode::InvalidRequest
    );
}

async fn a_title_comes_with_its_version(house: &House) {
    let (company, library) = library(house, "titles").await;
    let (admin, store) = (&company.admin, house.store());
    let title = async |id| documents::get(admin, store, id).await.unwrap().title;
    accepted(house, admin, library, "one", "v1").await;
    let first = due(house).await;
    let named = |name: &str| TextRow { title: Some(name.to_owned()), ..text_row("text") };
    assert_eq!(jobs::save_text(&house.system(), store, &first, &named("Old")).await.unwrap(), "Old");
    jobs::publish(&house.system(), store, &first, "test").await.unwrap();
    assert_eq!(title(first.document).await, "Old");
    let epoch = access::epoch(admin, store).await.unwrap();
    accepted(house, admin, library, "one", "v2").await;
    let second = due(house).await;
    assert_eq!(jobs::save_text(&house.system(), store, &second, &named("New")).await.unwrap(), "New");
    assert_eq!(title(first.document).await, "Old", "while the old version answers");
    jobs::publish(&house.system(), store, &second, "test").await.unwrap();
    assert_eq!(title(first.document).await, "New");
    assert_eq!(access::epoch(admin, store).await.unwrap(), epoch, "no right has changed");
}

async fn an_outage_costs_no_attempt(house: &House) {
    let (company, library) = library(house, "outage").await;
    let (admin, store) = (&company.admin, house.store());
    accepted(house, admin, library, "one", "text").await;
    for _ in 0..8 {
        let claim = due(house).await;
        assert_eq!(claim.attempt, 1);
        jobs::postpone(&house.system(), store, &claim, "waits", "Later.").await.unwrap();
        let told = jobs::get(admin, store, claim.job).await.unwrap();
        assert_eq!((told.state, told.advice.as_deref()), (JobState::Queued, Some("Later.")));
        assert!(house.claim().await.is_none(), "not at once");
        skip_wait(house, claim.job).await;
    }
    let claim = due(house).await;
    jobs::save_text(&house.system(), store, &claim, &text_row("text")).await.unwrap();
    jobs::publish(&house.system(), store, &claim, "test").await.unwrap();
}

async fn a_version_without_a_title_has_its_files_name(house: &House) {
    let (company, library) = library(house, "untitled").await;
    let (admin, store) = (&company.admin, house.store());
    for (content, own) in [("v1", Some("Old")), ("v2", None)] {
        accepted(house, admin, library, "one", content).await;
        let claim = due(house).await;
        let text = TextRow { title: own.map(str::to_owned), ..text_row("text") };
        let named = jobs::save_text(&house.system(), store, &claim, &text).await.unwrap();
        jobs::publish(&house.system(), store, &claim, "test").await.unwrap();
        let shown = documents::get(admin, store, claim.document).await.unwrap().title;
        // The old one's title would be that of another text.
        assert_eq!((shown.as_str(), named == "Old"), (named.as_str(), own.is_some()));
    }
}

async fn older_versions_never_win(house: &House) {
    let (company, library) = library(house, "versions").await;
    let (admin, store) = (&company.admin, house.store());
    accepted(house, admin, library, "one", "v1").await;
    let first = due(house).await;
    house.finish(&first, "text one").await.unwrap();
    accepted(house, admin, library, "one", "v2").await;
    let second = due(house).await;
    let published = house.finish(&second, "text two").await.unwrap();
    assert_eq!((published.previous, published.current), (Some(first.version), second.version));
    let ids = [&first, &second].map(|claim| PassageId::derive(claim.tenant, claim.document, claim.version, 0));
    let (read, _) = passages::read(admin, store, &ids).await.unwrap();
    assert_eq!(read.iter().map(|passage| passage.row.text.as_str()).collect::<Vec<_>>(), ["text two"]);
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM passages WHERE document_id = $1")
        .bind(first.document.0)
        .fetch_one(&mut house.superuser().await)
        .await
        .unwrap();
    assert_eq!(kept, 1, "the old version's passages are gone");
    assert_eq!(
        documents::text(admin, store, first.document, Some(first.version)).await.unwrap().text,
        "text one",
        "old citations can be opened"
    );
    // An older version that comes in late is superseded at once.
    house
        .sql(&format!(
            "UPDATE ingest_jobs SET state = 'running', lease_until = now(), fence = {} WHERE id = '{}'",
            first.fence, first.job
        ))
        .await;
    let late = house.finish(&first, "text one, late").await.unwrap();
    assert_eq!(late.current, second.version);
    assert_eq!(current_text(house, admin, &second).await, "text two");
    let (read, _) = passages::read(admin, store, &ids).await.unwrap();
    assert_eq!(read.len(), 1);
    let (receipt, left) = documents::delete(admin, store, first.document).await.unwrap();
    assert_eq!((receipt.versions, receipt.passages, left.blobs.len()), (2, 1, 2));
    assert!(passages::read(admin, store, &ids).await.unwrap().0.is_empty());
}

async fn the_same_bytes_are_no_work(house: &House) {
    let (company, library) = library(house, "same").await;
    let admin = &company.admin;
    let first = house.upload(admin, library, "one", "same", None).await.unwrap();
    let waiting = house.upload(admin, library, "one", "same", None).await.unwrap();
    assert!(
        waiting.unchanged && waiting.job == first.job && waiting.version == first.version,
        "the job that waits does it"
    );
    house.publish_all().await;
    let done = house.upload(admin, library, "one", "same", None).await.unwrap();
    assert!(done.unchanged && done.job.is_none() && done.version == first.version);
    let ruled = house.upload(admin, library, "one", "same", Some(vec![])).await.unwrap();
    assert!(ruled.unchanged);
    assert!(
        documents::get(admin, house.store(), first.document).await.unwrap().own_policy,
        "rights may change without bytes"
    );
    let other = house.upload(admin, library, "one", "other", None).await.unwrap();
    assert!(!other.unchanged && other.document == first.document && other.version != first.version);
    jobs::cancel(admin, house.store(), other.job.unwrap()).await.unwrap();
    let again = house.upload(admin, library, "one", "other", None).await.unwrap();
    assert!(again.job.is_some_and(|job| Some(job) != other.job), "a cancelled job is no promise");
    let member = house.scope(company.tenant, &house.person(&company, "mo", fuente_contract::Role::Member, false).await);
    assert_eq!(code(house.upload(&member, library, "two", "two", None).await), ErrorCode::Forbidden);
    assert_eq!(code(house.upload(admin, LibraryId::fresh(), "two", "two", None).await), ErrorCode::NotFound);
    let nul = house.upload(admin, library, "nul\0", "two", None).await;
    assert_eq!(code(nul), ErrorCode::InvalidRequest, "what no text can hold is the caller's fault");
    house.publish_all().await;
}

async fn a_lease_is_taken_back_once(house: &House) {
    let (company, library) = library(house, "leases").await;
    let (system, store) = (house.system(), house.store());
    accepted(house, &company.admin, library, "one", "one").await;
    let claim = due(house).await;
    let held = leases::held(&system, store).await.unwrap();
    let lease = held.iter().find(|lease| lease.job == claim.job).expect("the lease");
    assert_eq!((lease.tenant, lease.worker.as_str()), (claim.tenant, "test"));
    assert!(leases::take_back(&system, store, lease).await.unwrap());
    assert!(!leases::take_back(&system, store, lease).await.unwrap(), "it is another's by then");
    assert_eq!(code(house.finish(&claim, "late").await), ErrorCode::Conflict);
    let again = due(house).await;
    assert_eq!((again.job, again.attempt), (claim.job, 2), "at once, and the lost attempt counts");
    house.finish(&again, "in time").await.unwrap();
    assert!(leases::held(&system, store).await.unwrap().iter().all(|lease| lease.job != claim.job));
}
