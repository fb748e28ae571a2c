//! The command line beside a running Fuente: a folder that is followed, an archive that is
//! unpacked, and a queue that is full.

use crate::Case;
use fuente_tests::app::{eventually, folder, program};
use fuente_tests::tenant::everyone;
use fuente_tests::{Tenant, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

pub fn cases() -> Vec<Case> {
    vec![
        Case::app("commands::a_folder_is_followed", a_folder_is_followed),
        Case::app("commands::hidden_files_are_passed_by_and_archives_unpacked", hidden_files_and_archives),
        Case::plain("commands::a_full_queue_is_waited_for", a_full_queue_is_waited_for),
    ]
}

/// Longer than any of this takes while builds share the machine.
const LONG: Duration = Duration::from_secs(120);

/// A `fuente ingest` that runs; it ends with this.
struct Ingest {
    child: Child,
    said: PathBuf,
}

impl Ingest {
    /// Starts it on `app`'s data, as a tenant's administrator into the library `All`.
    fn start(app: &TestApp, tenant: &Tenant, said: &Path, arguments: &[&str]) -> Self {
        // What `fuente up` leaves for commands: this server was not started by it.
        let note = json!({ "url": app.url, "pid": std::process::id() });
        fs::write(app.data().join("running.json"), note.to_string()).expect("the note");
        let out = File::create(said).expect("a file for what it says");
        let child = Command::new(program("fuente"))
            .arg("ingest")
            .args(arguments)
            .args(["--library", "All", "--tenant", &tenant.slug])
            .args(["--as", &format!("admin@{}.example", tenant.slug)])
            .env("FUENTE__DATA__DIRECTORY", app.data())
            .stdin(Stdio::null())
            .stdout(out.try_clone().expect("the same file"))
            .stderr(out)
            .spawn()
            .expect("fuente starts");
        Self { child, said: said.to_owned() }
    }

    fn said(&self) -> String {
        fs::read_to_string(&self.said).unwrap_or_default()
    }

    async fn says(&mut self, words: &str) {
        eventually(LONG, words, || {
            let ended = self.child.try_wait().expect("its state");
            let said = self.said();
            assert!(ended.is_none() || said.contains(words), "it ended: {said}");
            async move { said.contains(words).then_some(()) }
        })
        .await;
    }

    async fn ended(&mut self) -> ExitStatus {
        eventually(LONG, "the end of the command", || {
            let ended = self.child.try_wait().expect("its state");
            async move { ended }
        })
        .await
    }
}

impl Drop for Ingest {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// The documents that answer, by external id, sorted.
async fn ready(tenant: &Tenant) -> Vec<(String, String)> {
    let page = tenant.admin.get("/v1/admin/documents?limit=200&state=ready").await.ok();
    let items = page["items"].as_array().into_iter().flatten();
    let mut all: Vec<_> =
        items.map(|item| (text(&item["external_id"]).to_owned(), text(&item["id"]).to_owned())).collect();
    all.sort();
    all
}

async fn comes_to(tenant: &Tenant, what: &str, names: &[&str]) {
    eventually(LONG, what, || async {
        let found: Vec<String> = ready(tenant).await.into_iter().map(|(name, _)| name).collect();
        (found == names).then_some(())
    })
    .await;
}

fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
    fs::write(path, text).expect("the file");
}

fn a_folder_is_followed(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "commands-watch").await;
        let (reader, _) = tenant.user("reader", "member").await;
        let library = tenant.library("All", everyone()).await;
        tenant.publish(&library, "zz-elsewhere", "# Elsewhere\n\nIt came by another way.\n").await;
        let place = folder();
        let docs = place.path().join("docs");
        for (name, text) in [("a.md", "# A\n\nThe first words.\n"), ("sub/b.md", "# B\n\nThe second file.\n")] {
            write(&docs, name, text);
        }
        write(&docs, ".draft.md", "# Draft\n\nHidden.\n");
        write(&docs, ".git/config.md", "# Config\n\nHidden too.\n");
        let said = place.path().join("said");
        let mut watch = Ingest::start(app, &tenant, &said, &[docs.to_str().expect("UTF-8"), "--watch"]);
        watch.says("Watching").await;
        comes_to(&tenant, "the files there were", &["a.md", "sub/b.md", "zz-elsewhere"]).await;

        write(&docs, "c.md", "# C\n\nThe third file.\n");
        comes_to(&tenant, "the new file", &["a.md", "c.md", "sub/b.md", "zz-elsewhere"]).await;

        let (_, first) = ready(&tenant).await.remove(0);
        write(&docs, "a.md", "# A\n\nOther words, and more of them.\n");
        eventually(LONG, "the changed file", || async {
            let seen = reader.get(&format!("/v1/documents/{first}/text")).await.ok();
            text(&seen["text"]).contains("Other words").then_some(())
        })
        .await;

        fs::rename(docs.join("sub/b.md"), docs.join("sub/moved.md")).expect("moved");
        comes_to(&tenant, "the moved file", &["a.md", "c.md", "sub/moved.md", "zz-elsewhere"]).await;

        fs::remove_file(docs.join("c.md")).expect("deleted");
        comes_to(&tenant, "the deleted file", &["a.md", "sub/moved.md", "zz-elsewhere"]).await;

        // A folder that holds nothing any more is a drive that went away: nothing is deleted.
        fs::rename(&docs, place.path().join("away")).expect("away");
        watch.says("is looked at again").await;
        fs::rename(place.path().join("away"), &docs).expect("back");
        write(&docs, "d.md", "# D\n\nThe fourth file.\n");
        comes_to(&tenant, "the folder again", &["a.md", "d.md", "sub/moved.md", "zz-elsewhere"]).await;

        Command::new("kill").args(["-INT", &watch.child.id().to_string()]).status().expect("kill runs");
        let ended = watch.ended().await;
        let said = watch.said();
        assert!(ended.success(), "{ended}: {said}");
        let summary = said.rsplit("added or changed").next().unwrap_or_default();
        for line in ["deleted                 2", "hidden, skipped         2", "refused                 0"] {
            assert!(summary.contains(line), "{line} in {said}");
        }
    });
}

fn hidden_files_and_archives(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "commands-hidden").await;
        tenant.library("All", everyone()).await;
        let place = folder();
        let docs = place.path().join("docs");
        write(&docs, "a.md", "# A\n\nTo be seen.\n");
        write(&docs, ".b/c.md", "# C\n\nIn a hidden folder.\n");
        let said = place.path().join("said");
        let docs = docs.to_str().expect("UTF-8");
        let mut once = Ingest::start(app, &tenant, &said, &[docs]);
        assert!(once.ended().await.success(), "{}", once.said());
        assert!(once.said().contains("hidden, skipped         1"), "{}", once.said());
        comes_to(&tenant, "what is not hidden", &["a.md"]).await;
        let mut all = Ingest::start(app, &tenant, &said, &[docs, "--hidden"]);
        assert!(all.ended().await.success(), "{}", all.said());
        assert!(all.said().contains("hidden, skipped         0"), "{}", all.said());
        comes_to(&tenant, "everything", &[".b/c.md", "a.md"]).await;

        let archive = place.path().join("docs.zip");
        let files: [(&str, &[u8]); 3] =
            [("hr/d.md", b"# D\n\nIn the archive.\n"), (".e.md", b"x"), ("hr/f.bin", &[0, 159, 146, 150])];
        fs::write(&archive, crate::archives::packed(&files)).expect("the archive");
        let mut unpack = Ingest::start(app, &tenant, &said, &[archive.to_str().expect("UTF-8"), "--unpack"]);
        assert!(!unpack.ended().await.success(), "one was refused: {}", unpack.said());
        for line in
            ["added or changed        1", "hidden, skipped         1", "refused                 1", "hr/f.bin: "]
        {
            assert!(unpack.said().contains(line), "{line} in {}", unpack.said());
        }
        comes_to(&tenant, "the archive's file", &[".b/c.md", "a.md", "hr/d.md"]).await;
    });
}

/// One job of a tenant may wait here, and one worker is busy with another tenant's long document.
fn a_full_queue_is_waited_for() {
    let app = TestApp::with(folder(), |settings| {
        settings.ingest.workers = 1;
        settings.ingest.tenant_waiting = 1;
    });
    app.run(async {
        let busy = Tenant::make(&app, "busy").await;
        let library = busy.library("All", everyone()).await;
        let section = |n| format!("## Section {n}\n\nThe valve number {n} opens at {} bar, as its plate says.\n\n", n * 7 % 13);
        let long: String = (0..20_000).map(section).collect();
        let long = busy.upload(&library, "long", "long.md", long).await.ok();
        let job = format!("/v1/admin/jobs/{}", text(&long["job"]));
        eventually(LONG, "the long job", || async {
            (busy.admin.get(&job).await.ok()["state"] == "running").then_some(())
        })
        .await;

        let tenant = Tenant::make(&app, "commands-queue").await;
        let library = tenant.library("All", everyone()).await;
        let first = tenant.upload(&library, "first", "first.md", "# First\n\nIt waits.\n").await.ok();
        let put = format!("/v1/admin/libraries/{library}/documents/second?file_name=second.md");
        let form = format!("--x\r\ncontent-disposition: form-data; name=\"library\"\r\n\r\n{library}\r\n--x\r\ncontent-disposition: form-data; name=\"file\"; filename=\"s.md\"\r\n\r\n# S\r\n--x--\r\n");
        let calls = [
            tenant.admin.request(Method::PUT, &put).body("# Second\n"),
            tenant.admin.request(Method::PUT, &format!("{put}&priority=bulk")).body("# Second\n"),
            tenant
                .admin
                .request(Method::POST, "/v1/admin/documents")
                .header("content-type", "multipart/form-data; boundary=x")
                .body(form),
        ];
        for call in calls {
            let full = tenant.admin.send(call).await;
            assert_eq!(full.status, StatusCode::TOO_MANY_REQUESTS, "{}", full.body);
            assert_eq!(full.headers["retry-after"], "30");
            assert_eq!((&full.json()["code"], &full.json()["retry_after"]), (&json!("rate_limited"), &json!(30)));
        }
        // Another tenant's queue is not this one's.
        busy.upload(&library_of(&busy).await, "short", "short.md", "# Short\n\nIt waits too.\n").await.ok();

        // Larger than what fits between the two, so that the refusal comes in the middle of the sending.
        let place = folder();
        let file = place.path().join("large.html");
        let filler = "<!-- nothing to be read -->\n".repeat(600_000);
        fs::write(&file, format!("<html><body><p>The large file has one line.</p>{filler}</body></html>")).expect("it");
        let mut ingest =
            Ingest::start(&app, &tenant, &place.path().join("said"), &[file.to_str().expect("UTF-8")]);
        ingest.says("The queue is full").await;
        busy.admin.post(&format!("{job}/cancel"), json!({})).await.ok();
        assert_eq!(tenant.finished(&first).await["state"], "done", "what was accepted is not lost");
        let ended = ingest.ended().await;
        assert!(ended.success(), "{ended}: {}", ingest.said());
        comes_to(&tenant, "both", &["first", "large.html"]).await;
    });
    app.stop();
}

async fn library_of(tenant: &Tenant) -> String {
    let all = tenant.admin.get("/v1/admin/libraries").await.ok();
    text(&all["items"][0]["id"]).to_owned()
}
