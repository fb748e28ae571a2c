//! Both adapters through one contract: the embedded engine, the server adapter against the
//! test server over a socket, and against a real Qdrant where `FUENTE_TEST_QDRANT_URL` names
//! one. Beside it what only the embedded engine promises: surviving `kill -9`, closing shards
//! that are not used, one process per shard.

mod contract;

use contract::corpus::DIM;
use contract::{contract, plain_points};
use fuente_contract::access::ReadFilter;
use fuente_contract::{ErrorCode, TenantId, VersionId};
use fuente_vectors::testing::{start_qdrant_grpc, start_qdrant_grpc_of_version};
use fuente_vectors::{HybridQuery, PayloadPatch, Point, Selector, Sparse, VectorIndex, edge, server};
use std::collections::HashSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_embedded_engine_keeps_the_contract() {
    let dir = tempfile::tempdir().unwrap();
    // Fewer places than tenants: shards close and open all the time.
    let index = edge(dir.path(), DIM, 1).unwrap();
    contract(index, async |index| {
        drop(index);
        edge(dir.path(), DIM, 4).unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_adapter_keeps_the_contract_over_a_socket() {
    let dir = tempfile::tempdir().unwrap();
    let qdrant = start_qdrant_grpc(dir.path()).await.unwrap();
    let index = server(qdrant.url(), None, "fuente", DIM).await.unwrap();
    let mut second = None;
    contract(index, async |index| {
        drop(index);
        qdrant.stop().await.unwrap();
        let again = start_qdrant_grpc(dir.path()).await.unwrap();
        let index = server(again.url(), Some("unused"), "fuente", DIM).await.unwrap();
        second = Some(again);
        index
    })
    .await;
    second.unwrap().stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_adapter_keeps_the_contract_on_a_real_qdrant() {
    let Ok(url) = std::env::var("FUENTE_TEST_QDRANT_URL") else {
        eprintln!("FUENTE_TEST_QDRANT_URL names no Qdrant: the contract ran against the test server only");
        return;
    };
    let collection = format!("fuente_test_{}", Uuid::now_v7().simple());
    let index = server(&url, None, &collection, DIM).await.unwrap();
    contract(index, async |index| {
        drop(index);
        server(&url, None, &collection, DIM).await.unwrap()
    })
    .await;
    let client = qdrant_client::Qdrant::from_url(&url).build().unwrap();
    client.delete_collection(&collection).await.unwrap();
}

#[tokio::test]
async fn a_model_of_another_size_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let qdrant = start_qdrant_grpc(&dir.path().join("server")).await.unwrap();
    server(qdrant.url(), None, "fuente", DIM).await.unwrap();
    let refused = server(qdrant.url(), None, "fuente", DIM + 1).await.err().unwrap();
    assert_eq!(refused.code, ErrorCode::Conflict);
    qdrant.stop().await.unwrap();

    let (tenant, version) = (TenantId::fresh(), VersionId::fresh());
    let index = edge(&dir.path().join("edge"), DIM, 1).unwrap();
    index.upsert(tenant, plain_points(tenant, version, 0..3)).await.unwrap();
    drop(index);
    let index = edge(&dir.path().join("edge"), DIM + 1, 1).unwrap();
    assert_eq!(index.count(tenant, &Selector::All).await.unwrap_err().code, ErrorCode::Conflict);
    drop(index);
    let index = edge(&dir.path().join("edge"), DIM, 1).unwrap();
    assert_eq!(index.count(tenant, &Selector::All).await.unwrap(), 3, "the refusal harmed nothing");
}

#[tokio::test]
async fn a_server_too_old_to_keep_tenants_apart_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    for version in ["1.18.2", "0.11.0", "unknown"] {
        let qdrant = start_qdrant_grpc_of_version(dir.path(), version).await.unwrap();
        let refused = server(qdrant.url(), None, "fuente", DIM).await.err().unwrap();
        assert_eq!(refused.code, ErrorCode::Conflict);
        assert!(refused.detail.contains(version) && refused.detail.contains("1.19"), "{}", refused.detail);
        qdrant.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_unavailable() {
    let dir = tempfile::tempdir().unwrap();
    let qdrant = start_qdrant_grpc(dir.path()).await.unwrap();
    let url = qdrant.url().to_owned();
    let index = server(&url, None, "fuente", DIM).await.unwrap();
    qdrant.stop().await.unwrap();
    assert_eq!(index.health().await.unwrap_err().code, ErrorCode::Unavailable);
    assert_eq!(index.count(TenantId::fresh(), &Selector::All).await.unwrap_err().code, ErrorCode::Unavailable);
    assert_eq!(server(&url, None, "fuente", DIM).await.err().unwrap().code, ErrorCode::Unavailable);
}

#[tokio::test]
async fn shards_close_when_others_are_used_and_belong_to_one_process() {
    let dir = tempfile::tempdir().unwrap();
    let index = edge(dir.path(), DIM, 1).unwrap();
    let (first, second, version) = (TenantId::fresh(), TenantId::fresh(), VersionId::fresh());
    for tenant in [first, second] {
        index.upsert(tenant, plain_points(tenant, version, 0..5)).await.unwrap();
    }
    // A second opener of the same directory stands for another process: the lock is the file's.
    let other = edge(dir.path(), DIM, 1).unwrap();
    assert_eq!(other.count(first, &Selector::All).await.unwrap(), 5, "the first tenant's shard was closed");
    let busy = other.count(second, &Selector::All).await.unwrap_err();
    assert_eq!(busy.code, ErrorCode::Unavailable, "{busy}");
    drop(other);
    assert_eq!(index.count(first, &Selector::All).await.unwrap(), 5);
}

#[tokio::test]
async fn an_interrupted_drop_is_finished_at_the_next_start() {
    let dir = tempfile::tempdir().unwrap();
    let left = dir.path().join(format!(".dropped-{}", TenantId::fresh()));
    std::fs::create_dir_all(left.join("segments")).unwrap();
    let _index = edge(dir.path(), DIM, 1).unwrap();
    assert!(!left.exists());
}

/// Flushing, changing, asking and optimising one shard at once: the engine panics where its
/// flush meets a change, and its optimiser swaps segments under running queries.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn upkeep_removes_what_is_deleted_while_everything_else_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let index = edge(dir.path(), DIM, 1).unwrap();
    let (tenant, kept, gone) = (TenantId::fresh(), VersionId::fresh(), VersionId::fresh());
    for version in [kept, gone] {
        index.upsert(tenant, plain_points(tenant, version, 0..1_500)).await.unwrap();
    }
    let segments = || {
        let entries = std::fs::read_dir(dir.path().join(tenant.to_string()).join("segments")).unwrap();
        entries.map(|entry| entry.unwrap().file_name()).collect::<Vec<_>>()
    };
    let first = segments();
    let query = query_all(&plain_points(tenant, kept, 0..1)[0]);
    let before = index.legs(tenant, &query).await.unwrap();
    assert_eq!(before.dense.len(), 1_500);
    assert_eq!(index.delete(tenant, &Selector::Version(gone)).await.unwrap(), 1_500);

    let deadline = Instant::now() + Duration::from_secs(60);
    let mut round = 0_u32;
    while segments().iter().any(|name| first.contains(name)) {
        assert!(Instant::now() < deadline, "no segment was rebuilt");
        let loose = VersionId(Uuid::from_u128(u128::from(round)));
        let (points, what) = (plain_points(tenant, loose, 0..20), Selector::Version(loose));
        let patch = PayloadPatch { current: Some(false), ..PayloadPatch::default() };
        let (written, flushed, asked) =
            tokio::join!(index.upsert(tenant, points), index.flush(tenant), index.legs(tenant, &query));
        written.and(flushed).unwrap();
        assert_eq!(asked.unwrap().dense, before.dense);
        let (marked, flushed, asked) =
            tokio::join!(index.set_payload(tenant, &what, &patch), index.flush(tenant), index.legs(tenant, &query));
        marked.and(flushed).unwrap();
        assert_eq!(asked.unwrap().dense, before.dense);
        assert_eq!(index.delete(tenant, &what).await.unwrap(), 20);
        round += 1;
    }
    assert_eq!(index.legs(tenant, &query).await.unwrap().dense, before.dense);
    drop(index);
    let index = edge(dir.path(), DIM, 1).unwrap();
    assert_eq!(index.legs(tenant, &query).await.unwrap().dense, before.dense);
    assert_eq!(index.count(tenant, &Selector::All).await.unwrap(), 1_500);
}

/// The engine's log would grow for ever; and were it cut at the wrong end, the engine would take
/// later changes for old ones and skip them.
#[tokio::test]
async fn the_log_is_kept_short_and_changes_still_apply_after_it_was_cut() {
    let dir = tempfile::tempdir().unwrap();
    let (tenant, version) = (TenantId::fresh(), VersionId::fresh());
    let wide = Sparse { indices: (0..600).collect(), values: vec![1.0; 600] };
    let points: Vec<_> = plain_points(tenant, version, 0..256)
        .into_iter()
        .map(|point| Point { sparse: wide.clone(), ..point })
        .collect();
    let log = || {
        let entries = std::fs::read_dir(dir.path().join(tenant.to_string()).join("wal")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.filter(|name| name.starts_with("closed-")).collect::<Vec<_>>()
    };
    let mut seen = HashSet::new();
    for _ in 0..3 {
        let index = edge(dir.path(), DIM, 1).unwrap();
        // Two parts' worth of changes each time.
        for _ in 0..12 {
            index.upsert(tenant, points.clone()).await.unwrap();
            index.flush(tenant).await.unwrap();
            assert!(log().len() <= 1, "{:?}", log());
            seen.extend(log());
        }
        drop(index);
        let index = edge(dir.path(), DIM, 1).unwrap();
        assert_eq!(index.delete(tenant, &Selector::All).await.unwrap(), 256);
        assert_eq!(index.count(tenant, &Selector::All).await.unwrap(), 0);
        index.upsert(tenant, points.clone()).await.unwrap();
        assert_eq!(index.count(tenant, &Selector::All).await.unwrap(), 256);
    }
    assert!(seen.len() >= 4, "the log was to be cut several times: {seen:?}");
}

/// Names of the directory and ids that the child of the next test works with.
const CHILD: &str = "FUENTE_TEST_VECTORS_CHILD";

#[tokio::test]
async fn what_was_flushed_or_acknowledged_as_durable_survives_kill_nine() {
    if let Ok(place) = std::env::var(CHILD) {
        return write_until_killed(&place).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let (tenant, version) = (TenantId::fresh(), VersionId::fresh());
    let test = "what_was_flushed_or_acknowledged_as_durable_survives_kill_nine";
    for round in 0..3_u32 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(CHILD, format!("{}|{tenant}|{version}|{round}", dir.path().display()))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(lines.any(|line| line.ends_with("durable")), "the child ended early");
        // Killed in the midst of writes that nobody was told are durable.
        child.kill().unwrap();
        child.wait().unwrap();
        survived(dir.path(), tenant, version, round).await;
    }
}

/// Each round adds 100 points durably and takes 10 of them away, then writes on.
async fn write_until_killed(place: &str) {
    let parts: Vec<&str> = place.split('|').collect();
    let (tenant, version): (TenantId, VersionId) = (parts[1].parse().unwrap(), parts[2].parse().unwrap());
    let start = parts[3].parse::<u32>().unwrap() * 100;
    let index = edge(Path::new(parts[0]), DIM, 1).unwrap();
    index.upsert(tenant, plain_points(tenant, version, start..start + 100)).await.unwrap();
    index.flush(tenant).await.unwrap();
    let gone = plain_points(tenant, version, start..start + 10).iter().map(|point| point.id).collect();
    index.delete(tenant, &Selector::Passages(gone)).await.unwrap();
    let marked = plain_points(tenant, version, start + 10..start + 20).iter().map(|point| point.id).collect();
    index
        .set_payload(
            tenant,
            &Selector::Passages(marked),
            &PayloadPatch { current: Some(false), ..PayloadPatch::default() },
        )
        .await
        .unwrap();
    println!("durable");
    for batch in 0_u32.. {
        let loose = VersionId(Uuid::from_u128(u128::from(start) << 64 | u128::from(batch)));
        index.upsert(tenant, plain_points(tenant, loose, 0..50)).await.unwrap();
    }
}

async fn survived(dir: &Path, tenant: TenantId, version: VersionId, round: u32) {
    let index = edge(dir, DIM, 1).unwrap();
    let rounds = u64::from(round) + 1;
    assert_eq!(index.count(tenant, &Selector::Version(version)).await.unwrap(), 90 * rounds);
    let query = query_all(&plain_points(tenant, version, 0..1)[0]);
    let legs = index.legs(tenant, &query).await.unwrap();
    assert_eq!(legs.dense.len() as u64, 80 * rounds, "removed and superseded points stay so");
    assert_eq!(legs.sparse.len() as u64, 80 * rounds, "the term index came back too");
    // Later changes must be numbered after the ones that were lost, or they would be skipped.
    let again = plain_points(tenant, version, 0..10);
    index.upsert(tenant, again.clone()).await.unwrap();
    assert_eq!(index.count(tenant, &Selector::Version(version)).await.unwrap(), 90 * rounds + 10);
    let what = Selector::Passages(again.iter().map(|point| point.id).collect());
    assert_eq!(index.delete(tenant, &what).await.unwrap(), 10);
}

/// Everything current of the point's document.
fn query_all(point: &Point) -> HybridQuery {
    let filter = ReadFilter { epoch: 0, policies: (0..20).collect(), owner_only: vec![], owner: point.owner };
    HybridQuery {
        dense: point.dense.clone(),
        sparse: point.sparse.clone(),
        filter,
        libraries: None,
        documents: Some(vec![point.document]),
        limit: 10_000,
        exact: true,
    }
}

/// Compile-time: the index is shared between workers.
const _: fn(Arc<dyn VectorIndex>) = |index| {
    fn shared<T: Send + Sync>(_: T) {}
    shared(index);
};
