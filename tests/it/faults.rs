//! Faults between the commit of a delete and the end of its work, made with real parts.

use crate::Case;
use fuente_contract::{DocumentId, PassageId, TenantId, UserId, VersionId};
use fuente_settings::VectorsMode;
use fuente_store::tenants;
use fuente_tests::TestApp;
use fuente_tests::app::{eventually, folder};
use fuente_tests::tenant::{Tenant, everyone};
use fuente_vectors::testing::{TestQdrant, restart_qdrant_grpc, start_qdrant_grpc};
use fuente_vectors::{Bm25, PayloadPatch, Point, Selector, VectorIndex};
use reqwest::StatusCode;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Runtime;

pub fn cases() -> Vec<Case> {
    vec![Case::plain("faults::a_delete_is_finished_whatever_is_away", a_delete_is_finished_whatever_is_away)]
}

/// Numbers of a vector of the embedding model.
const DIM: usize = 384;

/// A Fuente whose vector server can go away and come back.
struct House {
    app: TestApp,
    qdrant: Option<TestQdrant>,
    /// What the test itself sees of the vectors.
    index: Arc<dyn VectorIndex>,
    folder: std::path::PathBuf,
    // Dropped last: the first vector server lives in it.
    _outside: Runtime,
}

fn a_delete_is_finished_whatever_is_away() {
    let outside = Runtime::new().expect("a runtime");
    let folder = folder();
    let place = folder.path().to_owned();
    let qdrant = outside.block_on(start_qdrant_grpc(&place.join("qdrant"))).expect("the vector server");
    let url = qdrant.url().to_owned();
    let app = TestApp::with(folder, |settings| {
        settings.vectors.mode = VectorsMode::Server;
        settings.vectors.url = url.clone();
        // One, so that a job that ends says that the one before has ended.
        settings.ingest.workers = 1;
    });
    let index = outside.block_on(fuente_vectors::server(&url, None, "fuente", DIM)).expect("the index");
    let mut house = House { app, qdrant: Some(qdrant), index, folder: place, _outside: outside };
    the_vector_server_is_away(&mut house, &url);
    a_worker_is_in_the_middle_of_it(&house);
    the_stores_disagree(&house);
    let House { app, qdrant, .. } = house;
    app.run(async { qdrant.expect("it is back").stop().await }).expect("the vector server stops");
    app.stop();
}

/// A point of no passage, like those of `library`'s documents.
fn stray(library: &str) -> Point {
    Point {
        id: PassageId::derive(TenantId::fresh(), DocumentId::fresh(), VersionId::fresh(), 0),
        dense: vec![0.05; DIM],
        sparse: Bm25::document("A stray point", "en"),
        document: DocumentId::fresh(),
        version: VersionId::fresh(),
        library: library.parse().expect("an id"),
        policy: 1,
        owner: UserId::fresh(),
        lang: "en".to_owned(),
        current: true,
    }
}

fn the_stores_disagree(house: &House) {
    house.app.run(async {
        let (tenant, id) = tenant(house, "faults-drift").await;
        let library = tenant.library("All", everyone()).await;
        let lost = tenant.publish(&library, "lost", "# Lost\n\nThe lost fee is 17 euros.\n").await;
        let stale = tenant.publish(&library, "stale", "# Stale\n\nThe stale fee is 18 euros.\n").await;
        let agree = async |mend: bool| tenant.admin.post("/v1/admin/reconcile", json!({ "mend": mend })).await.ok();
        let found = async |query: &str| tenant.admin.post("/v1/search", json!({ "query": query })).await.ok();
        let nothing = json!({ "points": 2, "passages": 2, "orphan_points": 0, "missing_points": 0, "lost_points": 0,
            "stale_points": 0, "files": 2, "orphan_files": 0, "missing_files": 0, "mended": false });
        assert_eq!(agree(false).await, nothing);

        let place = house.folder.join("blobs").join(id.to_string());
        let original = std::fs::read_dir(&place).expect("the files").next().expect("one").expect("one").path();
        std::fs::remove_file(original).expect("it goes");
        std::fs::write(place.join("019aaaaa-0000-7000-8000-000000000000"), "left behind").expect("a file");
        house.index.delete(id, &Selector::Document(document(&lost))).await.expect("its points go");
        let wrong = PayloadPatch { policy: Some(987_654), current: Some(false), ..PayloadPatch::default() };
        house.index.set_payload(id, &Selector::Document(document(&stale)), &wrong).await.expect("its tag is wrong");
        house.index.upsert(id, vec![stray(&library)]).await.expect("a stray point");
        assert_eq!(found("What are the lost fee and the stale fee?").await["hits"], json!([]));

        let mut drift = json!({ "points": 2, "passages": 2, "orphan_points": 1, "missing_points": 1, "lost_points": 0,
            "stale_points": 1, "files": 2, "orphan_files": 1, "missing_files": 1, "mended": false });
        assert_eq!(agree(false).await, drift);
        assert_eq!(agree(false).await, drift, "only looking mends nothing");
        drift["mended"] = json!(true);
        assert_eq!(agree(true).await, drift);
        let mut left = nothing;
        left["files"] = json!(1);
        left["missing_files"] = json!(1);
        assert_eq!(agree(false).await, left, "an original that is gone cannot be made again");
        let texts = found("What are the lost fee and the stale fee?").await["hits"].to_string();
        assert!(texts.contains("17 euros") && texts.contains("18 euros") && !texts.contains("stray"), "{texts}");
    });
}

async fn tenant(house: &House, slug: &str) -> (Tenant, TenantId) {
    let tenant = Tenant::make(&house.app, slug).await;
    let system = house.app.running.door.system();
    let id = tenants::by_slug(&system, &house.app.running.store, slug).await.expect("a look").expect("the tenant");
    (tenant, id)
}

fn document(accepted: &Value) -> DocumentId {
    accepted["document"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("{accepted}"))
}

/// Original files of a tenant.
fn files(folder: &Path, tenant: TenantId) -> usize {
    std::fs::read_dir(folder.join("blobs").join(tenant.to_string())).into_iter().flatten().count()
}

fn the_vector_server_is_away(house: &mut House, url: &str) {
    let qdrant = house.qdrant.take().expect("it runs");
    let house_now = &*house;
    let again = house_now.app.run(async {
        let (tenant, id) = tenant(house_now, "faults-away").await;
        let library = tenant.library("All", everyone()).await;
        let accepted = tenant.publish(&library, "parking", "# Parking\n\nThe parking fee is 17 euros.\n").await;
        let what = Selector::Document(document(&accepted));
        assert!(house_now.index.count(id, &what).await.expect("a count") > 0);
        // The same bytes again: their second file is nobody's, and goes.
        tenant.upload(&library, "parking", "text.md", "# Parking\n\nThe parking fee is 17 euros.\n").await.ok();
        assert_eq!(files(&house_now.folder, id), 1);

        qdrant.stop().await.expect("the vector server stops");
        let path = format!("/v1/admin/documents/{}", document(&accepted));
        let receipt = tenant.admin.delete(&path).await.ok();
        assert_eq!((&receipt["versions"], &receipt["pending"]), (&json!(1), &json!(true)), "{receipt}");
        assert_eq!(tenant.admin.delete(&path).await.status, StatusCode::NOT_FOUND);
        assert_eq!(tenant.admin.get("/v1/admin/documents").await.ok()["items"], json!([]));
        assert_eq!(files(&house_now.folder, id), 1, "not yet");

        let again = restart_qdrant_grpc(&house_now.folder.join("qdrant"), url).await.expect("the vector server again");
        eventually(Duration::from_secs(90), "the end of the deletion", || async {
            let left = house_now.index.count(id, &what).await.ok()?;
            (left == 0 && files(&house_now.folder, id) == 0).then_some(())
        })
        .await;
        again
    });
    house.qdrant = Some(again);
}

fn a_worker_is_in_the_middle_of_it(house: &House) {
    house.app.run(async {
        let (tenant, id) = tenant(house, "faults-worker").await;
        let library = tenant.library("All", everyone()).await;
        let text: String = (1..=60).map(section).collect();
        let accepted = tenant.upload(&library, "rooms", "rooms.md", text).await.ok();
        let job = format!("/v1/admin/jobs/{}", accepted["job"].as_str().expect("a job"));
        eventually(Duration::from_secs(60), "embedding", || async {
            (tenant.admin.get(&job).await.ok()["stage"] == "embed").then_some(())
        })
        .await;
        tenant.admin.delete(&format!("/v1/admin/documents/{}", document(&accepted))).await.ok();
        assert_eq!(tenant.admin.get(&job).await.status, StatusCode::NOT_FOUND);
        // When the next job is done, the worker has noticed and left the one before.
        tenant.publish(&library, "parking", "# Parking\n\nThe parking fee is 17 euros.\n").await;
        let what = Selector::Document(document(&accepted));
        assert_eq!(house.index.count(id, &what).await.expect("a count"), 0, "what the worker wrote late is gone too");
        assert_eq!(files(&house.folder, id), 1, "the parking document's");
    });
}

/// About a passage of text that is like no other.
pub fn section(number: u32) -> String {
    let sentences: String = (1..=8)
        .map(|n| {
            format!(
                "Room {number} has {n} screens on wall {}, {} chairs and a door to corridor {}. ",
                n + 2,
                n * number,
                number + n
            )
        })
        .collect();
    format!("## Room {number}\n\n{sentences}\n\n")
}
