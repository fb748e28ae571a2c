//! Whose job is next: priorities, turns between tenants, bounds, and bulk that never starves.

mod common;

use common::{Company, House, allow, code};
use fuente_contract::access::Who;
use fuente_contract::document::Priority::{self, Bulk, Interactive};
use fuente_contract::{ErrorCode, JobId, LibraryId};
use fuente_store::jobs::{self, QueueRules};
use fuente_store::{job_lists, libraries};
use std::collections::BTreeMap;
use std::time::Duration;

const PATIENT: QueueRules = QueueRules { tenant_running: 0, bulk_patience: Duration::from_secs(3_600) };

#[tokio::test]
async fn queue_order() {
    let house = House::open().await;
    what_somebody_waits_for_goes_first(&house).await;
    tenants_take_turns_even_with_one_worker(&house).await;
    bulk_never_starves_and_never_takes_over(&house).await;
    a_tenant_runs_no_more_than_it_may(&house).await;
    a_full_queue_refuses_and_keeps(&house).await;
    house.close().await;
}

/// A tenant with a library.
struct Shelf {
    company: Company,
    library: LibraryId,
}

async fn shelf(house: &House, slug: &str) -> Shelf {
    let company = house.company(slug).await;
    let rules = vec![allow(Who::Everyone)];
    let library = libraries::create(&company.admin, house.store(), "Library", "", rules).await.unwrap().id;
    Shelf { company, library }
}

impl Shelf {
    async fn add(&self, house: &House, name: &str, priority: Priority) -> JobId {
        let made = house.upload_as(&self.company.admin, self.library, name, name, None, priority).await.unwrap();
        made.job.expect("new bytes make a job")
    }

    async fn add_many(&self, house: &House, names: &str, priority: Priority) -> Vec<JobId> {
        let mut jobs = Vec::new();
        for name in names.split(' ') {
            jobs.push(self.add(house, name, priority).await);
        }
        jobs
    }
}

async fn next(house: &House, rules: &QueueRules) -> Option<JobId> {
    house.claim_by(rules).await.map(|claim| claim.job)
}

/// Claims and ends one job, as a single worker does.
async fn worked(house: &House, rules: &QueueRules) -> Option<JobId> {
    let claim = house.claim_by(rules).await?;
    house.sql(&format!("UPDATE ingest_jobs SET state = 'done', lease_until = NULL WHERE id = '{}'", claim.job)).await;
    Some(claim.job)
}

/// So far back that bulk has waited long enough, and that none was begun for as long.
async fn let_bulk_wait(house: &House) {
    house
        .sql(
            "UPDATE ingest_jobs SET run_at = run_at - interval '2 hours', started_at = started_at - interval '2 hours'",
        )
        .await;
}

async fn empty(house: &House) {
    house.sql("UPDATE ingest_jobs SET state = 'cancelled', lease_until = NULL, started_at = NULL").await;
}

async fn what_somebody_waits_for_goes_first(house: &House) {
    let one = shelf(house, "order").await;
    let admin = &one.company.admin;
    let bulk = one.add_many(house, "a b c d", Bulk).await;
    let urgent = one.add(house, "urgent", Interactive).await;
    // The same bytes again, this time by somebody who waits; and a newer version of one that waits.
    let raised = house.upload(admin, one.library, "c", "c", None).await.unwrap();
    assert!(raised.unchanged && raised.job == Some(bulk[2]));
    let newer = house.upload(admin, one.library, "d", "d, changed", None).await.unwrap().job.unwrap();
    assert_eq!(jobs::get(admin, house.store(), bulk[2]).await.unwrap().priority, Interactive);
    let mut order = Vec::new();
    while let Some(job) = worked(house, &PATIENT).await {
        order.push(job);
    }
    assert_eq!(order, [bulk[2], bulk[3], urgent, newer, bulk[0], bulk[1]], "then bulk, the oldest first");
    // Another try for all that failed is bulk.
    house.sql(&format!("UPDATE ingest_jobs SET state = 'dead' WHERE id = '{urgent}'")).await;
    assert_eq!(job_lists::retry(admin, house.store(), &Default::default()).await.unwrap(), 1);
    assert_eq!(jobs::get(admin, house.store(), urgent).await.unwrap().priority, Bulk);
    empty(house).await;
}

async fn tenants_take_turns_even_with_one_worker(house: &House) {
    let (big, small) = (shelf(house, "turns-big").await, shelf(house, "turns-small").await);
    for priority in [Interactive, Bulk] {
        let names = |prefix: &str| (0..4).map(|at| format!("{prefix}{at}-{priority:?}")).collect::<Vec<_>>().join(" ");
        let many = big.add_many(house, &names("many"), priority).await;
        let few = small.add_many(house, &names("few"), priority).await;
        let mut order = Vec::new();
        while let Some(job) = worked(house, &PATIENT).await {
            order.push(job);
        }
        let turns: Vec<JobId> = many.into_iter().zip(few).flat_map(|(big, small)| [big, small]).collect();
        assert_eq!(order, turns, "{priority:?}: not the whole of the big import first");
        empty(house).await;
    }
}

async fn bulk_never_starves_and_never_takes_over(house: &House) {
    let one = shelf(house, "starve").await;
    let bulk = one.add_many(house, "a b c", Bulk).await;
    let_bulk_wait(house).await;
    let urgent = one.add_many(house, "u v w x", Interactive).await;
    let mut order = Vec::new();
    for _ in 0..3 {
        order.push(worked(house, &PATIENT).await.unwrap());
    }
    assert_eq!(order, [bulk[0], urgent[0], urgent[1]], "one of bulk is begun; the rest of it waits on");
    let_bulk_wait(house).await;
    order.clear();
    while let Some(job) = worked(house, &PATIENT).await {
        order.push(job);
    }
    assert_eq!(order, [bulk[1], urgent[2], urgent[3], bulk[2]], "and again after as long");
    empty(house).await;
}

async fn a_tenant_runs_no_more_than_it_may(house: &House) {
    let (big, small) = (shelf(house, "bound-big").await, shelf(house, "bound-small").await);
    let rules = QueueRules { tenant_running: 2, ..PATIENT };
    big.add_many(house, "a b c d e f", Interactive).await;
    small.add(house, "one", Bulk).await;
    // Many workers at the same moment.
    let mut claimed = Vec::new();
    for _ in 0..3 {
        let claims = futures_util::future::join_all((0..6).map(|_| house.claim_by(&rules))).await;
        claimed.extend(claims.into_iter().flatten());
    }
    let mut running = BTreeMap::new();
    for claim in &claimed {
        *running.entry(claim.tenant.to_string()).or_insert(0) += 1;
    }
    assert_eq!(running.get(&big.company.tenant.to_string()), Some(&2), "{running:?}");
    assert_eq!(running.get(&small.company.tenant.to_string()), Some(&1), "nobody waits for the other's bound");
    let ended = claimed.iter().find(|claim| claim.tenant == big.company.tenant).unwrap();
    house.finish(ended, "done").await.unwrap();
    assert!(next(house, &rules).await.is_some(), "one has ended, the next may begin");
    assert!(next(house, &rules).await.is_none());
    // A lost worker's lease takes up no room once it has run out.
    house.sql("UPDATE ingest_jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'").await;
    assert!(next(house, &rules).await.is_some());
    empty(house).await;
}

async fn a_full_queue_refuses_and_keeps(house: &House) {
    let (one, other) = (shelf(house, "full").await, shelf(house, "full-other").await);
    let (admin, store) = (&one.company.admin, house.store());
    let kept = one.add_many(house, "a b c", Bulk).await;
    let refused = jobs::room(admin, store, Bulk, 3).await.unwrap_err();
    assert_eq!((refused.code, refused.retry_after), (ErrorCode::RateLimited, Some(30)), "{refused}");
    jobs::room(admin, store, Bulk, 4).await.unwrap();
    jobs::room(admin, store, Bulk, 0).await.unwrap();
    jobs::room(admin, store, Interactive, 3).await.expect("an import shuts nobody out");
    jobs::room(&other.company.admin, store, Bulk, 1).await.expect("nor another tenant");
    one.add(house, "u", Interactive).await;
    assert_eq!(code(jobs::room(admin, store, Interactive, 1).await), ErrorCode::RateLimited);
    let mut done = Vec::new();
    while let Some(job) = worked(house, &PATIENT).await {
        done.push(job);
    }
    assert!(kept.iter().all(|job| done.contains(job)), "what was accepted is worked on");
    jobs::room(admin, store, Bulk, 1).await.unwrap();
    empty(house).await;
}
