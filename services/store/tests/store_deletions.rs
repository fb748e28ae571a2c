//! Deletions: what a delete, a new version or an upload that was given up leaves outside the database
//! comes to a worker until it is gone, whoever died on the way.

mod common;

use common::{House, allow, code, text_row};
use fuente_contract::ErrorCode;
use fuente_contract::access::Who;
use fuente_store::{Deletion, deletions, documents, jobs, libraries, reconcile};

#[tokio::test]
async fn what_is_left_is_worked_off() {
    let house = House::open().await;
    a_delete_outlives_whoever_asked_for_it(&house).await;
    an_upload_that_was_given_up_leaves_no_file(&house).await;
    a_version_that_answers_no_more_is_swept(&house).await;
    a_lost_worker_cleans_up_after_itself(&house).await;
    no_moment_of_an_upload_looks_like_an_orphan(&house).await;
    house.close().await;
}

async fn due(house: &House) -> Option<Deletion> {
    deletions::claim(&house.system(), house.store()).await.expect("a look at the deletions")
}

/// Lets every wait pass.
async fn skip_waits(house: &House) {
    house.sql("UPDATE deletions SET run_at = now()").await;
}

/// Lets the time pass in which a worker may still write.
async fn settle(house: &House) {
    house.sql("UPDATE deletions SET settled_at = now(), run_at = now()").await;
}

async fn done(house: &House, deletion: &Deletion) {
    deletions::done(&house.system(), house.store(), deletion).await.expect("a row to end");
}

async fn a_delete_outlives_whoever_asked_for_it(house: &House) {
    let company = house.company("deletes").await;
    let (admin, store) = (&company.admin, house.store());
    let library = libraries::create(admin, store, "Library", "", vec![allow(Who::Everyone)]).await.unwrap().id;
    let one = house.upload(admin, library, "one", "one", None).await.unwrap();
    house.publish_all().await;
    let (receipt, left) = documents::delete(admin, store, one.document).await.unwrap();
    assert_eq!((receipt.versions, receipt.pending), (1, false));
    assert_eq!((left.document, left.version, left.blobs.len()), (Some(one.document), None, 1));
    // Whoever asked dies here: nothing else remembers the file.
    assert!(due(house).await.is_none(), "it has a head start");
    for round in 0..3 {
        skip_waits(house).await;
        assert_eq!(due(house).await.as_ref(), Some(&left), "round {round}: it comes until it is done");
        assert!(due(house).await.is_none(), "once at a time");
    }
    // A worker had a version in hand a moment ago, so one round is not the last.
    done(house, &left).await;
    assert!(due(house).await.is_none());
    settle(house).await;
    assert_eq!(due(house).await.as_ref(), Some(&left), "after late writers it is swept again");
    done(house, &left).await;
    settle(house).await;
    assert!(due(house).await.is_none(), "nothing is left to do");
    assert_eq!(code(documents::delete(admin, store, one.document).await), ErrorCode::NotFound);
}

async fn an_upload_that_was_given_up_leaves_no_file(house: &House) {
    let company = house.company("uploads").await;
    let (admin, store) = (&company.admin, house.store());
    let library = libraries::create(admin, store, "Library", "", vec![allow(Who::Everyone)]).await.unwrap().id;
    let reserved = deletions::reserve(admin, store, "a/key").await.unwrap();
    assert!(due(house).await.is_none(), "while it may still arrive");
    let kept = house.upload(admin, library, "kept", "kept", None).await.unwrap();
    skip_waits(house).await;
    assert_eq!(due(house).await, Some(reserved.clone()), "the one, and not the file that became a version");
    done(house, &reserved).await;
    assert!(due(house).await.is_none());
    // The same bytes again become no version: their file goes.
    let same = house.upload(admin, library, "kept", "kept", None).await.unwrap();
    assert!(same.unchanged && same.version == kept.version);
    skip_waits(house).await;
    let left = due(house).await.expect("the second file");
    done(house, &left).await;
    // An upload that was given up cannot come true after its file was removed.
    let late = deletions::reserve(admin, store, "late/key").await.unwrap();
    skip_waits(house).await;
    assert_eq!(due(house).await.as_ref(), Some(&late));
    let upload = fuente_contract::ingest::Upload {
        library,
        external_id: "late".to_owned(),
        file_name: "late.txt".to_owned(),
        title: None,
        rules: None,
        metadata: None,
        priority: fuente_contract::document::Priority::Interactive,
    };
    let blob = fuente_store::AcceptedBlob {
        key: "late/key".to_owned(),
        reserved: late.id,
        bytes: 4,
        hash: vec![0; 32],
        mime: "text/plain".to_owned(),
    };
    let refused = fuente_store::ingest_rows::accept(admin, store, &upload, blob).await;
    assert_eq!(code(refused), ErrorCode::InvalidRequest);
    done(house, &late).await;
    house.publish_all().await;
}

/// A file is foreseen, and then a version's: whoever compares the disk with the rows finds it as one of
/// them at every moment.
async fn no_moment_of_an_upload_looks_like_an_orphan(house: &House) {
    let company = house.company("orphans").await;
    let (admin, store, system) = (&company.admin, house.store(), house.system());
    let library = libraries::create(admin, store, "Library", "", vec![allow(Who::Everyone)]).await.unwrap().id;
    let uploads = async {
        for number in 0..100 {
            house.upload(admin, library, &format!("file {number}"), &number.to_string(), None).await.unwrap();
        }
    };
    let looks = async {
        let mut known = std::collections::HashSet::new();
        loop {
            let (versions, moving) = reconcile::files(&system, store, company.tenant).await.unwrap();
            let seen: std::collections::HashSet<String> = versions.union(&moving).cloned().collect();
            let lost: Vec<&String> = known.difference(&seen).collect();
            assert!(lost.is_empty(), "after {} files nothing knew of {lost:?}", seen.len());
            known = seen;
            if versions.len() == 100 {
                return;
            }
        }
    };
    tokio::join!(uploads, looks);
    house.publish_all().await;
}

async fn a_version_that_answers_no_more_is_swept(house: &House) {
    let company = house.company("superseded").await;
    let (admin, store) = (&company.admin, house.store());
    let library = libraries::create(admin, store, "Library", "", vec![allow(Who::Everyone)]).await.unwrap().id;
    let first = house.upload(admin, library, "one", "v1", None).await.unwrap();
    house.publish_all().await;
    house.upload(admin, library, "one", "v2", None).await.unwrap();
    let claim = house.claim().await.unwrap();
    let published = house.finish(&claim, "v2").await.unwrap();
    let [left] = &published.left[..] else { panic!("{:?}", published.left) };
    assert_eq!((left.document, left.version, left.blobs.len()), (Some(first.document), Some(first.version), 0));
    skip_waits(house).await;
    assert_eq!(due(house).await.as_ref(), Some(left), "should the worker die between the two");
    done(house, left).await;
    settle(house).await;
    assert!(due(house).await.is_none());
}

async fn a_lost_worker_cleans_up_after_itself(house: &House) {
    let company = house.company("lost").await;
    let (admin, store) = (&company.admin, house.store());
    let (system, library) =
        (house.system(), libraries::create(admin, store, "Library", "", vec![allow(Who::Everyone)]).await.unwrap().id);
    house.upload(admin, library, "one", "one", None).await.unwrap();
    let claim = house.claim().await.unwrap();
    assert_eq!(deletions::of_lost(&system, store, &claim).await.unwrap(), None, "the version may yet be published");
    assert_eq!(jobs::live_tag(&system, store, &claim).await.unwrap(), None);
    house.finish(&claim, "one").await.unwrap();
    assert_eq!(deletions::of_lost(&system, store, &claim).await.unwrap(), None, "another worker published it");
    let tag = jobs::live_tag(&system, store, &claim).await.unwrap();
    assert_eq!(tag, Some((claim.policy_tag, claim.owner, library)));
    let (_, left) = documents::delete(admin, store, claim.document).await.unwrap();
    done(house, &left).await;
    assert_eq!(code(jobs::save_text(&system, store, &claim, &text_row("late")).await), ErrorCode::Conflict);
    let swept = deletions::of_lost(&system, store, &claim).await.unwrap().expect("its version is gone");
    assert_eq!((swept.document, swept.version), (Some(claim.document), Some(claim.version)));
    assert_eq!(jobs::live_tag(&system, store, &claim).await.unwrap(), None);
}
