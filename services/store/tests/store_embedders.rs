//! The change of a tenant's embedding model, as Postgres keeps it: who works on it, when it may happen, and
//! what is left of the model before.

mod common;

use common::{Company, EMBEDDER, House, allow, code, passage, text_row};
use fuente_contract::access::Who;
use fuente_contract::{ErrorCode, LibraryId, PassageId};
use fuente_store::embedders::{self, Places, SideLease};
use fuente_store::jobs::{self, Claim};
use fuente_store::next_vectors::{self, Switched};
use fuente_store::passage_vectors::{self, KeptVectors};
use fuente_store::{documents, libraries, passages, reconcile};

const NEXT: &str = "next@1";

#[tokio::test]
async fn models() {
    let house = House::open().await;
    a_change_is_whole_or_not_at_all(&house).await;
    one_process_at_a_time(&house).await;
    a_change_of_mind_leaves_nothing(&house).await;
    house.close().await;
}

async fn company(house: &House, slug: &str) -> (Company, LibraryId) {
    let company = house.company(slug).await;
    let rules = vec![allow(Who::Everyone)];
    let library = libraries::create(&company.admin, house.store(), "Library", "", rules).await.unwrap();
    (company, library.id)
}

async fn published(house: &House, company: &Company, library: LibraryId, text: &str) -> Claim {
    house.upload(&company.admin, library, text, text, None).await.unwrap();
    let claim = house.claim().await.expect("a job");
    house.finish(&claim, text).await.unwrap();
    claim
}

async fn taken(house: &House, company: &Company, holder: &str) -> Option<SideLease> {
    let what = (company.admin.tenant(), NEXT, false);
    embedders::take(&house.system(), house.store(), what, holder, |_| false).await.unwrap()
}

async fn places(house: &House, company: &Company) -> Places {
    embedders::places(&house.system(), house.store(), company.admin.tenant()).await.unwrap()
}

fn own(claim: &Claim) -> PassageId {
    passage(claim, 0, "").id
}

/// Vectors of the next model for whatever lacks them.
async fn read(house: &House, lease: &SideLease) -> usize {
    let unread = next_vectors::missing(&house.system(), house.store(), lease, None, 100).await.unwrap();
    let made = KeptVectors { dense: vec![7.0, 8.0], sentences: vec![9] };
    let made: Vec<_> = unread.iter().map(|unread| (unread.live.id, [2; 32], made.clone())).collect();
    next_vectors::save(&house.system(), house.store(), lease, &made).await.unwrap();
    unread.len()
}

async fn a_change_is_whole_or_not_at_all(house: &House) {
    let (company, library) = company(house, "whole").await;
    let (system, store, tenant) = (house.system(), house.store(), company.admin.tenant());
    let first = published(house, &company, library, "first").await;
    let second = published(house, &company, library, "second").await;
    embedders::want(&system, store, NEXT).await.unwrap();
    assert!(embedders::unsettled(&system, store).await.unwrap().contains(&tenant));
    let lease = taken(house, &company, "a").await.expect("it is free");
    let during = Places { current: Some(EMBEDDER.into()), wanted: Some(NEXT.into()), sides: vec![NEXT.into()] };
    assert_eq!(places(house, &company).await, during);
    assert_eq!(next_vectors::count(&system, store, &lease).await.unwrap(), (0, 2));
    assert_eq!(next_vectors::switch(&system, store, &lease).await.unwrap(), Switched::Missing(2));
    assert_eq!(read(house, &lease).await, 2);
    let state = embedders::state(&company.admin, store).await.unwrap();
    assert_eq!((state.changing, state.passages_done, state.passages_total), (true, Some(2), Some(2)), "{state:?}");

    // Published at the last moment, and in the making when the model changes.
    let third = published(house, &company, library, "third").await;
    assert_eq!(next_vectors::switch(&system, store, &lease).await.unwrap(), Switched::Missing(1));
    house.upload(&company.admin, library, "late", "late", None).await.unwrap();
    let late = house.claim().await.expect("a job");
    jobs::save_text(&system, store, &late, &text_row("late")).await.unwrap();
    jobs::save_passages(&system, store, &late, &[passage(&late, 0, "late")]).await.unwrap();
    assert!(embedders::answers(&system, store, &late, EMBEDDER).await.unwrap());
    // One passage goes with its document.
    documents::delete(&company.admin, store, second.document).await.unwrap();
    assert_eq!(read(house, &lease).await, 1);
    let done = Switched::Done { from: Some(EMBEDDER.into()) };
    assert_eq!(next_vectors::switch(&system, store, &lease).await.unwrap(), done);
    assert_eq!(code(next_vectors::save(&system, store, &lease, &[]).await), ErrorCode::Conflict, "the lease is over");
    let after = Places { current: Some(NEXT.into()), wanted: Some(NEXT.into()), sides: vec![EMBEDDER.into()] };
    assert_eq!(places(house, &company).await, after);
    assert!(!embedders::answers(&system, store, &late, EMBEDDER).await.unwrap());
    assert!(jobs::publish(&system, store, &late, EMBEDDER).await.unwrap().is_none(), "made by the model before");
    assert_eq!(passages::read(&company.admin, store, &[own(&late)]).await.unwrap().0.len(), 0);
    assert!(jobs::publish(&system, store, &late, NEXT).await.unwrap().is_some());

    // The same vectors wherever they stand, before and after they are taken over.
    let ids = [own(&first), own(&second), own(&third)];
    for round in 0..2 {
        let sentences = passage_vectors::of_sentences(&company.admin, store, &ids, NEXT).await.unwrap();
        assert_eq!((sentences.len(), sentences.get(&ids[0])), (2, Some(&vec![9])), "{round}");
        let kept = reconcile::kept(&system, store, tenant, &ids, NEXT).await.unwrap();
        assert_eq!(kept.iter().filter(|kept| kept.dense == [7.0, 8.0]).count(), 2, "{round}");
        let mut left = 0;
        while next_vectors::take_over(&system, store, tenant).await.unwrap() {
            left += 1;
        }
        assert_eq!(left, if round == 0 { 2 } else { 0 });
    }
    assert!(passage_vectors::of_sentences(&company.admin, store, &ids, EMBEDDER).await.unwrap().is_empty());

    // The index before is cleared twice, for writers that come late; its row goes with the second time.
    for settled in [false, true] {
        let what = (tenant, EMBEDDER, true);
        let lease = embedders::take(&system, store, what, "a", |_| false).await.unwrap().expect("it is free");
        assert_eq!((lease.cleared, lease.settled), (settled, settled));
        embedders::cleared(&system, store, &lease).await.unwrap();
        house.sql("UPDATE side_indexes SET settled_at = settled_at - interval '3 minutes'").await;
    }
    let answering = embedders::take(&system, store, (tenant, NEXT, true), "a", |_| false).await.unwrap();
    assert!(answering.is_none(), "nobody clears the index that answers");
    assert_eq!(places(house, &company).await.sides, Vec::<String>::new());
    assert!(!embedders::unsettled(&system, store).await.unwrap().contains(&tenant));
}

async fn one_process_at_a_time(house: &House) {
    let (company, library) = company(house, "one-at-a-time").await;
    let (system, store) = (house.system(), house.store());
    published(house, &company, library, "alone").await;
    embedders::want(&system, store, NEXT).await.unwrap();
    let stale = taken(house, &company, "a").await.expect("it is free");
    assert!(taken(house, &company, "b").await.is_none(), "a holds it");
    assert!(embedders::hold(&system, store, &stale).await.unwrap());
    let what = (company.admin.tenant(), NEXT, false);
    let gone = embedders::take(&system, store, what, "b", |name| name == "a").await.unwrap().expect("a is gone");
    assert!(!embedders::hold(&system, store, &stale).await.unwrap());
    assert_eq!(code(next_vectors::save(&system, store, &stale, &[]).await), ErrorCode::Conflict);
    assert_eq!(code(next_vectors::switch(&system, store, &stale).await), ErrorCode::Conflict);
    embedders::give_back(&system, store, &stale).await.unwrap();
    assert!(taken(house, &company, "c").await.is_none(), "the stale one has nothing to give back");
    embedders::give_back(&system, store, &gone).await.unwrap();
    let next = taken(house, &company, "c").await.expect("it was given back");
    house.sql("UPDATE side_indexes SET lease_until = now() - interval '1 second'").await;
    assert!(taken(house, &company, "d").await.is_some(), "a lease runs out");
    assert!(!embedders::hold(&system, store, &next).await.unwrap());
}

async fn a_change_of_mind_leaves_nothing(house: &House) {
    let (company, library) = company(house, "mind").await;
    let (system, store) = (house.system(), house.store());
    published(house, &company, library, "kept").await;
    embedders::want(&system, store, NEXT).await.unwrap();
    let lease = taken(house, &company, "a").await.expect("it is free");
    read(house, &lease).await;
    embedders::want(&system, store, EMBEDDER).await.unwrap();
    assert_eq!(next_vectors::switch(&system, store, &lease).await.unwrap(), Switched::Unwanted);
    embedders::cleared(&system, store, &lease).await.unwrap();
    assert_eq!(next_vectors::count(&system, store, &lease).await.unwrap(), (0, 1), "what it had read is forgotten");
    assert!(!embedders::state(&company.admin, store).await.unwrap().changing);
}
