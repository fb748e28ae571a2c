//! What every [`VectorIndex`] promises, as one suite that any adapter can be put through.

pub mod corpus;

use corpus::{Corpus, DIM, OWNER_ONLY, direction};
use fuente_contract::{DocumentId, ErrorCode, PassageId, TenantId, UserId, VersionId};
use fuente_vectors::{Bm25, Held, HybridQuery, Legs, PayloadPatch, Point, Selector, Sparse, Tag, VectorIndex};
use std::sync::Arc;

/// The whole contract. `restart` closes the index and opens it again over the same data.
pub async fn contract<R>(index: Arc<dyn VectorIndex>, restart: R)
where
    R: AsyncFnOnce(Arc<dyn VectorIndex>) -> Arc<dyn VectorIndex>,
{
    index.health().await.unwrap();
    an_unknown_tenant_is_empty(&*index).await;
    bad_vectors_are_refused(&*index).await;
    rare_terms_weigh_more(&*index).await;
    ties_come_in_order_of_id(&*index).await;
    tenants_are_isolated(&*index).await;
    removals_count_what_they_remove(&*index).await;
    payload_changes_take_effect(&*index).await;
    a_late_writer_hides_nothing(&*index).await;
    words_of_other_tenants_weigh_nothing(&*index).await;

    let corpus = Corpus::new();
    index.upsert(corpus.tenant, corpus.points.clone()).await.unwrap();
    index.upsert(corpus.tenant, corpus.points.clone()).await.unwrap();
    index.flush(corpus.tenant).await.unwrap();
    assert_eq!(count(&*index, &corpus, &Selector::All).await, 120, "writing twice changes nothing");
    filters_let_through_exactly_what_may_be_read(&*index, &corpus).await;
    a_filter_of_ten_thousand_policies_works(&*index, &corpus).await;
    what_is_held_pages_in_order(&*index, &corpus).await;

    let before = index.legs(corpus.tenant, &corpus.ask(vec![1, 2], vec![OWNER_ONLY])).await.unwrap();
    let index = restart(index).await;
    let after = index.legs(corpus.tenant, &corpus.ask(vec![1, 2], vec![OWNER_ONLY])).await.unwrap();
    assert_eq!(before.dense, after.dense, "a restart changes no answer");
    // Scores of terms may move a little: a restart forgets how common removed points made them.
    assert_eq!(ids(&before.sparse), ids(&after.sparse));
    filters_let_through_exactly_what_may_be_read(&*index, &corpus).await;
    let patch = PayloadPatch { policy: Some(77), ..PayloadPatch::default() };
    index.set_payload(corpus.tenant, &Selector::All, &patch).await.unwrap();
    assert_eq!(
        found(&*index, &corpus, &corpus.ask(vec![77], vec![])).await.dense.len(),
        60,
        "changes go on after a restart"
    );
    index.drop_tenant(corpus.tenant).await.unwrap();
    assert_eq!(count(&*index, &corpus, &Selector::All).await, 0);
}

async fn count(index: &dyn VectorIndex, corpus: &Corpus, what: &Selector) -> u64 {
    index.count(corpus.tenant, what).await.unwrap()
}

async fn found(index: &dyn VectorIndex, corpus: &Corpus, query: &HybridQuery) -> Legs {
    index.legs(corpus.tenant, query).await.unwrap()
}

fn ids(leg: &[(PassageId, f32)]) -> Vec<PassageId> {
    leg.iter().map(|(id, _)| *id).collect()
}

async fn an_unknown_tenant_is_empty(index: &dyn VectorIndex) {
    let corpus = Corpus::new();
    assert_eq!(found(index, &corpus, &corpus.ask(vec![1], vec![])).await, Legs::default());
    assert_eq!(count(index, &corpus, &Selector::All).await, 0);
    assert_eq!(index.delete(corpus.tenant, &Selector::All).await.unwrap(), 0);
    assert!(index.held(corpus.tenant, None, 10).await.unwrap().is_empty());
    index.flush(corpus.tenant).await.unwrap();
    index.drop_tenant(corpus.tenant).await.unwrap();
}

async fn bad_vectors_are_refused(index: &dyn VectorIndex) {
    let corpus = Corpus::new();
    let good = corpus.points[0].clone();
    let short = Point { dense: vec![1.0; DIM - 1], ..good.clone() };
    let endless = Point { dense: vec![f32::NAN; DIM], ..good.clone() };
    let uneven = Point { sparse: Sparse { indices: vec![1, 2], values: vec![1.0] }, ..good.clone() };
    let doubled = Point { sparse: Sparse { indices: vec![1, 1], values: vec![1.0, 1.0] }, ..good.clone() };
    for bad in [short, endless, uneven, doubled] {
        let error = index.upsert(corpus.tenant, vec![good.clone(), bad]).await.unwrap_err();
        assert_eq!(error.code, ErrorCode::InvalidRequest);
    }
    assert_eq!(count(index, &corpus, &Selector::All).await, 0, "nothing of a refused batch is kept");
    let query = HybridQuery { dense: vec![0.0; 3], ..corpus.ask(vec![1], vec![]) };
    assert_eq!(index.legs(corpus.tenant, &query).await.unwrap_err().code, ErrorCode::InvalidRequest);
    index.drop_tenant(corpus.tenant).await.unwrap();
}

async fn rare_terms_weigh_more(index: &dyn VectorIndex) {
    let corpus = Corpus::new();
    index.upsert(corpus.tenant, corpus.points.clone()).await.unwrap();
    let policies = vec![1, 2, 3, 4, OWNER_ONLY];
    let query = HybridQuery { sparse: Bm25::query("zeppelin days", "en"), ..corpus.ask(policies, vec![]) };
    let sparse = found(index, &corpus, &query).await.sparse;
    let zeppelin = Bm25::query("zeppelin", "en").indices[0];
    let (with, without): (Vec<_>, Vec<_>) = sparse.into_iter().partition(|(id, _)| {
        corpus.points.iter().any(|point| point.id == *id && point.sparse.indices.contains(&zeppelin))
    });
    assert_eq!(with.len(), 10);
    assert!(!without.is_empty());
    // Within one passage both words count about the same; only rarity tells them apart.
    let (lone, common) = (with[0].1, without[0].1);
    assert!(lone > 2.0 * common, "{lone} {common}");
    let mute = HybridQuery { sparse: Sparse::default(), ..query };
    let legs = found(index, &corpus, &mute).await;
    assert!(legs.sparse.is_empty() && !legs.dense.is_empty(), "a question without terms has a dense leg only");
    index.drop_tenant(corpus.tenant).await.unwrap();
}

async fn ties_come_in_order_of_id(index: &dyn VectorIndex) {
    let corpus = Corpus::new();
    let twin = |id: usize| Point { id: corpus.points[id].id, ..corpus.points[8].clone() };
    let twins: Vec<_> = (0..20).map(twin).collect();
    index.upsert(corpus.tenant, twins.clone()).await.unwrap();
    let mut expected: Vec<_> = twins.iter().map(|point| point.id).collect();
    expected.sort();
    let legs = found(index, &corpus, &corpus.ask(vec![1], vec![])).await;
    assert_eq!(ids(&legs.dense), expected);
    assert_eq!(ids(&legs.sparse), expected);
    index.drop_tenant(corpus.tenant).await.unwrap();
}

/// Two tenants whose documents, libraries, policies and users have the same ids.
async fn tenants_are_isolated(index: &dyn VectorIndex) {
    let ours = Corpus::new();
    let theirs = TenantId::fresh();
    let copies = ours.points.iter().cloned().enumerate().map(|(ordinal, point)| Point {
        id: PassageId::derive(theirs, point.document, point.version, u32::try_from(1_000 + ordinal).unwrap()),
        ..point
    });
    let copies: Vec<_> = copies.collect();
    index.upsert(ours.tenant, ours.points.clone()).await.unwrap();
    index.upsert(theirs, copies.clone()).await.unwrap();
    let query = ours.ask(vec![1, 2, 3, 4], vec![OWNER_ONLY]);
    let legs = found(index, &ours, &query).await;
    assert_eq!(ids(&legs.dense), ours.dense(&query));
    let (document, old, new) = ours.documents[0];
    let stolen = Selector::Passages(copies.iter().map(|point| point.id).collect());
    assert_eq!(index.count(ours.tenant, &stolen).await.unwrap(), 0, "ids of another tenant are no ids here");
    assert_eq!(index.delete(ours.tenant, &stolen).await.unwrap(), 0);
    let patch = PayloadPatch { policy: Some(5), ..PayloadPatch::default() };
    for what in
        [Selector::Document(document), Selector::Version(new), Selector::VersionsExcept { document, keep: old }, stolen]
    {
        index.set_payload(ours.tenant, &what, &patch).await.unwrap();
        index.delete(ours.tenant, &what).await.unwrap();
    }
    index.delete(ours.tenant, &Selector::All).await.unwrap();
    let filter = HybridQuery { filter: query.filter.clone(), ..query };
    let left = index.legs(theirs, &filter).await.unwrap();
    assert_eq!(left.dense.len(), legs.dense.len(), "what is done to one tenant leaves the other as it was");
    index.drop_tenant(ours.tenant).await.unwrap();
    assert_eq!(index.count(theirs, &Selector::All).await.unwrap(), 120);
    index.drop_tenant(theirs).await.unwrap();
}

async fn removals_count_what_they_remove(index: &dyn VectorIndex) {
    let corpus = Corpus::new();
    index.upsert(corpus.tenant, corpus.points.clone()).await.unwrap();
    let (first, old, _) = corpus.documents[0];
    let (second, _, keep) = corpus.documents[1];
    let third = corpus.documents[2].0;
    let some = vec![corpus.points[119].id, corpus.points[118].id, PassageId(uuid::Uuid::now_v7())];
    let steps = [
        (Selector::Version(old), 6),
        (Selector::Version(old), 0),
        (Selector::VersionsExcept { document: second, keep }, 6),
        (Selector::Document(third), 12),
        (Selector::Passages(some), 2),
        (Selector::Document(DocumentId::fresh()), 0),
    ];
    for (what, expected) in steps {
        assert_eq!(count(index, &corpus, &what).await, expected, "count {what:?}");
        assert_eq!(index.delete(corpus.tenant, &what).await.unwrap(), expected, "delete {what:?}");
        assert_eq!(count(index, &corpus, &what).await, 0);
    }
    assert_eq!(count(index, &corpus, &Selector::Document(first)).await, 6);
    assert_eq!(count(index, &corpus, &Selector::Version(keep)).await, 6);
    assert_eq!(index.delete(corpus.tenant, &Selector::All).await.unwrap(), 120 - 26);
    // A removed point can come back: the engine must not take it for an old change.
    index.upsert(corpus.tenant, corpus.points.clone()).await.unwrap();
    assert_eq!(count(index, &corpus, &Selector::All).await, 120);
    index.drop_tenant(corpus.tenant).await.unwrap();
}

async fn payload_changes_take_effect(index: &dyn VectorIndex) {
    let mut corpus = Corpus::new();
    index.upsert(corpus.tenant, corpus.points.clone()).await.unwrap();
    let (document, old, new) = corpus.documents[3];
    let heir = UserId::fresh();
    let nobody = Selector::Passages(vec![PassageId(uuid::Uuid::now_v7())]);
    let changes = [
        (
            Selector::Document(document),
            PayloadPatch { policy: Some(OWNER_ONLY), owner: Some(corpus.users[0]), ..PayloadPatch::default() },
        ),
        (Selector::Version(old), PayloadPatch { current: Some(true), ..PayloadPatch::default() }),
        (
            Selector::VersionsExcept { document, keep: old },
            PayloadPatch { current: Some(false), ..PayloadPatch::default() },
        ),
        (
            Selector::Passages(vec![corpus.points[0].id]),
            PayloadPatch { library: Some(corpus.libraries[1]), ..PayloadPatch::default() },
        ),
        (Selector::Version(VersionId::fresh()), PayloadPatch { owner: Some(heir), ..PayloadPatch::default() }),
        (nobody, PayloadPatch { owner: Some(heir), ..PayloadPatch::default() }),
        (Selector::All, PayloadPatch::default()),
    ];
    for (what, patch) in &changes {
        index.set_payload(corpus.tenant, what, patch).await.unwrap();
    }
    for point in &mut corpus.points {
        if point.document == document {
            (point.policy, point.owner, point.current) = (OWNER_ONLY, corpus.users[0], point.version != new);
        }
    }
    let first = corpus.points[0].id;
    corpus.points.iter_mut().filter(|point| point.id == first).for_each(|point| point.library = corpus.libraries[1]);
    filters_let_through_exactly_what_may_be_read(index, &corpus).await;
    assert_eq!(count(index, &corpus, &Selector::All).await, 120);
    index.drop_tenant(corpus.tenant).await.unwrap();
}

/// A worker that lost its job may still write the passages that another has published since.
async fn a_late_writer_hides_nothing(index: &dyn VectorIndex) {
    let corpus = Corpus::new();
    let point = Point { current: false, ..corpus.points[0].clone() };
    let other = Point { current: false, ..corpus.points[1].clone() };
    index.upsert(corpus.tenant, vec![point.clone()]).await.unwrap();
    let query = corpus.ask(vec![point.policy, other.policy], vec![]);
    assert!(found(index, &corpus, &query).await.dense.is_empty(), "not before it is marked");
    let patch = PayloadPatch { current: Some(true), ..PayloadPatch::default() };
    index.set_payload(corpus.tenant, &Selector::Passages(vec![point.id]), &patch).await.unwrap();
    index.upsert(corpus.tenant, vec![point.clone(), other.clone()]).await.unwrap();
    assert_eq!(ids(&found(index, &corpus, &query).await.dense), [point.id], "the one that is found stays so");
    assert_eq!(count(index, &corpus, &Selector::All).await, 2, "the rest of the batch is written");
    // What is not current is replaced: a job that is repeated writes anew.
    let moved = Point { dense: corpus.points[7].dense.clone(), ..other.clone() };
    index.upsert(corpus.tenant, vec![moved.clone()]).await.unwrap();
    index.set_payload(corpus.tenant, &Selector::Passages(vec![other.id]), &patch).await.unwrap();
    let near = HybridQuery { dense: moved.dense.clone(), limit: 1, ..query };
    assert_eq!(ids(&found(index, &corpus, &near).await.dense), [other.id]);
    index.drop_tenant(corpus.tenant).await.unwrap();
}

/// Scores that counted another tenant's texts would tell which words stand in them.
async fn words_of_other_tenants_weigh_nothing(index: &dyn VectorIndex) {
    let (ours, theirs) = (Corpus::new(), Corpus::new());
    index.upsert(ours.tenant, ours.points.clone()).await.unwrap();
    let query = HybridQuery { sparse: Bm25::query("zeppelin days", "en"), ..ours.ask(vec![1, 2, 3, 4], vec![]) };
    let before = found(index, &ours, &query).await.sparse;
    assert!(!before.is_empty());
    index.upsert(theirs.tenant, theirs.points.clone()).await.unwrap();
    assert_eq!(found(index, &ours, &query).await.sparse, before);
    index.drop_tenant(theirs.tenant).await.unwrap();
    index.drop_tenant(ours.tenant).await.unwrap();
}

async fn filters_let_through_exactly_what_may_be_read(index: &dyn VectorIndex, corpus: &Corpus) {
    let document = |number: usize| corpus.documents[number].0;
    let rights = [
        (vec![1], vec![]),
        (vec![1, 2, 3], vec![]),
        (vec![], vec![OWNER_ONLY]),
        (vec![2], vec![OWNER_ONLY]),
        (vec![OWNER_ONLY], vec![]),
        (vec![404], vec![405]),
        (vec![], vec![]),
    ];
    let libraries = [None, Some(vec![corpus.libraries[0]]), Some(corpus.libraries.to_vec()), Some(vec![])];
    let documents = [
        None,
        Some(vec![document(0), document(1), document(4), document(9)]),
        Some(vec![DocumentId::fresh()]),
        Some(vec![]),
    ];
    let mut hits = 0;
    for (policies, owner_only) in &rights {
        for library in &libraries {
            for document in &documents {
                let asked = corpus.ask(policies.clone(), owner_only.clone());
                let query = HybridQuery { libraries: library.clone(), documents: document.clone(), ..asked };
                let legs = found(index, corpus, &query).await;
                assert_eq!(ids(&legs.dense), corpus.dense(&query), "{:?}", query.filter);
                let mut sparse = ids(&legs.sparse);
                assert!(legs.sparse.is_sorted_by(|a, b| a.1 > b.1 || (a.1 == b.1 && a.0 < b.0)));
                sparse.sort();
                assert_eq!(sparse, corpus.sparse(&query), "{:?}", query.filter);
                hits += legs.dense.len();
            }
        }
    }
    assert!(hits > 100, "the oracle itself found next to nothing");
    let few = HybridQuery { limit: 3, exact: false, ..corpus.ask(vec![1, 2, 3, 4], vec![]) };
    assert_eq!(ids(&found(index, corpus, &few).await.dense), corpus.dense(&few));
    let none = HybridQuery { limit: 0, ..few };
    assert_eq!(found(index, corpus, &none).await, Legs::default());
}

async fn a_filter_of_ten_thousand_policies_works(index: &dyn VectorIndex, corpus: &Corpus) {
    let many = |from: i64| (from..from + 10_000).collect::<Vec<i64>>();
    let with = corpus.ask(many(3), many(1_000_000));
    assert_eq!(ids(&found(index, corpus, &with).await.dense), corpus.dense(&with));
    let owner_only = corpus.ask(many(1_000_000), many(5));
    let legs = found(index, corpus, &owner_only).await;
    assert_eq!(ids(&legs.dense), corpus.dense(&owner_only));
    assert_eq!(legs.dense.len(), 6, "one document with the empty policy is the asker's own");
    assert_eq!(found(index, corpus, &corpus.ask(many(1_000), many(20_000))).await, Legs::default());
}

async fn what_is_held_pages_in_order(index: &dyn VectorIndex, corpus: &Corpus) {
    let held = |point: &Point| {
        let Point { document, version, library, policy, owner, current, .. } = *point;
        Held { id: point.id, tag: Some(Tag { document, version, library, policy, owner, current }) }
    };
    let mut expected: Vec<_> = corpus.points.iter().map(held).collect();
    expected.sort_by_key(|held| held.id);
    let mut walked: Vec<Held> = Vec::new();
    loop {
        let page = index.held(corpus.tenant, walked.last().map(|held| held.id), 50).await.unwrap();
        if page.is_empty() {
            break;
        }
        assert!(page.len() <= 50);
        walked.extend(page);
    }
    assert_eq!(walked, expected);
    assert!(index.held(corpus.tenant, Some(PassageId(uuid::Uuid::max())), 50).await.unwrap().is_empty());
    assert!(index.held(corpus.tenant, None, 0).await.unwrap().is_empty());
}

/// Distinct points that share everything but id and direction, for tests of durability.
pub fn plain_points(tenant: TenantId, version: VersionId, numbers: std::ops::Range<u32>) -> Vec<Point> {
    let (document, template) = (DocumentId(version.0), Corpus::new().points[0].clone());
    let make = |ordinal: u32| Point {
        id: PassageId::derive(tenant, document, version, ordinal),
        dense: direction(ordinal as usize),
        document,
        version,
        current: true,
        ..template.clone()
    };
    numbers.map(make).collect()
}
