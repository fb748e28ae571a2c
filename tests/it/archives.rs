//! Archives that are uploaded to be unpacked: what becomes of each file, and of hostile ones.

use crate::Case;
use fuente_tests::people::Reply;
use fuente_tests::tenant::{allow_groups, everyone};
use fuente_tests::{Tenant, TestApp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

pub fn cases() -> Vec<Case> {
    vec![
        Case::app("archives::each_file_becomes_a_document", each_file_becomes_a_document),
        Case::app("archives::what_cannot_be_taken_says_why", what_cannot_be_taken_says_why),
        Case::app("archives::a_bomb_leaves_nothing_behind", a_bomb_leaves_nothing_behind),
        Case::app("archives::only_an_archive_is_unpacked", only_an_archive_is_unpacked),
    ]
}

/// An archive of files, packed.
pub fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        add(&mut zip, name, bytes, CompressionMethod::Deflated);
    }
    zip.finish().expect("an archive").into_inner()
}

fn add(zip: &mut ZipWriter<Cursor<Vec<u8>>>, name: &str, bytes: &[u8], method: CompressionMethod) {
    zip.start_file(name, SimpleFileOptions::default().compression_method(method)).expect("an entry");
    zip.write_all(bytes).expect("its bytes");
}

/// The same bytes with other names or contents of the same length in them.
fn patched(mut bytes: Vec<u8>, from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let places: Vec<usize> =
        (0..bytes.len() - from.len()).filter(|at| bytes[*at..].starts_with(from.as_bytes())).collect();
    assert!(!places.is_empty(), "{from}");
    for at in places {
        bytes[at..at + from.len()].copy_from_slice(to.as_bytes());
    }
    bytes
}

async fn send(tenant: &Tenant, fields: &[(&str, &str)], archive: &[u8]) -> Reply {
    let mut body = Vec::new();
    for (name, value) in fields {
        write!(body, "--between\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n").unwrap();
    }
    write!(body, "--between\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\n\r\n").unwrap();
    body.extend_from_slice(archive);
    body.extend_from_slice(b"\r\n--between--\r\n");
    let request = tenant.admin.request(Method::POST, "/v1/admin/documents?unpack=true");
    tenant.admin.send(request.header("content-type", "multipart/form-data; boundary=between").body(body)).await
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// (external id, or the name in the archive; outcome; reason) of each file in a reply.
fn outcomes(reply: &Value) -> Vec<(&str, &str, &str)> {
    let name = |file: &'_ Value| if file["external_id"].is_null() { "file_name" } else { "external_id" };
    let files = reply["files"].as_array().expect("the files").iter();
    files.map(|file| (text(&file[name(file)]), text(&file["outcome"]), text(&file["reason"]))).collect()
}

/// How many documents the tenant has, and how many originals lie on the disk for it.
async fn left(app: &TestApp, tenant: &Tenant) -> (usize, usize) {
    let listed = tenant.admin.get("/v1/admin/documents").await.ok();
    let me = tenant.admin.get("/v1/me").await.ok();
    let id = text(&me["tenant"]);
    assert!(!id.is_empty(), "{me}");
    let files = std::fs::read_dir(app.data().join("blobs").join(id)).map_or(0, |folder| folder.count());
    (listed["items"].as_array().map_or(0, Vec::len), files)
}

fn each_file_becomes_a_document(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "archives").await;
        let (reader, user) = tenant.user("reader", "member").await;
        let (other, _) = tenant.user("other", "member").await;
        let group = tenant.group("Readers").await;
        tenant.join(&group, &user).await;
        let library = tenant.library("All", everyone()).await;
        let inner = packed(&[("page.md", b"# Inner\n\nThe inner page is about cranes.\n")]);
        let archive = packed(&[
            ("hr/leave.md", b"# Leave\n\nLeave is 23 days.\n"),
            ("hr\\travel.md", b"# Travel\n\nTrips need leave.\n"),
            ("hr/year 2026/", b""),
            ("./inner.zip", &inner),
            ("__MACOSX/hr/._leave.md", b"x"),
            ("hr/.DS_Store", b"x"),
            (".git/config", b"x"),
        ]);
        let rules = allow_groups(&[&group]).to_string();
        let fields =
            [("library", library.as_str()), ("rules", rules.as_str()), ("metadata", r#"{"from":"the archive"}"#)];
        let reply = send(&tenant, &fields, &archive).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.body);
        let reply = reply.json();
        assert_eq!(
            outcomes(&reply),
            [
                ("hr/leave.md", "accepted", ""),
                ("hr/travel.md", "accepted", ""),
                ("inner.zip", "accepted", ""),
                ("__MACOSX/hr/._leave.md", "skipped", "hidden"),
                ("hr/.DS_Store", "skipped", "hidden"),
                (".git/config", "skipped", "hidden"),
            ],
            "{reply}"
        );
        assert_eq!(reply["files"][1]["file_name"], "travel.md");
        for file in reply["files"].as_array().into_iter().flatten().take(3) {
            assert_eq!(tenant.finished(file).await["state"], "done", "{file}");
        }
        let document = |at: usize| format!("/v1/documents/{}", text(&reply["files"][at]["document"]));
        let seen = reader.get(&document(0)).await.ok();
        assert_eq!(
            (&seen["external_id"], &seen["title"], &seen["metadata"]),
            (&json!("hr/leave.md"), &json!("Leave"), &json!({"from": "the archive"}))
        );
        assert_eq!(other.get(&document(0)).await.status, StatusCode::NOT_FOUND, "the rules of the form hold");
        let inside = reader.get(&format!("{}/text", document(2))).await.ok();
        assert!(text(&inside["text"]).contains("cranes"), "{inside}");

        let again = send(&tenant, &fields, &archive).await.ok();
        let same: Vec<&str> = outcomes(&again).iter().map(|(_, outcome, _)| *outcome).take(3).collect();
        assert_eq!(same, ["unchanged"; 3], "{again}");
        assert_eq!(left(app, &tenant).await, (3, 3));
    });
}

fn what_cannot_be_taken_says_why(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "archives-odd").await;
        let library = tenant.library("All", everyone()).await;
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        add(&mut zip, "good.md", b"# Good\n\nIt is good.\n", CompressionMethod::Deflated);
        for name in ["Xetc/passwd", "a/XX/XX/b.md", "C:md.md", "dup-1.md", "dup-2.md", "./good.md"] {
            add(&mut zip, name, b"# Odd\n\nIt is odd.\n", CompressionMethod::Deflated);
        }
        add(&mut zip, "broken.md", b"# Broken\n\nBefore the change.\n", CompressionMethod::Stored);
        add(&mut zip, &format!("{}.md", "long".repeat(70)), b"x", CompressionMethod::Stored);
        zip.add_symlink("link.md", "/etc/passwd", SimpleFileOptions::default()).expect("a link");
        let archive = zip.finish().expect("an archive").into_inner();
        let archive = patched(archive, "Xetc/passwd", "/etc/passwd");
        let archive = patched(archive, "a/XX/XX/b.md", "a/../../b.md");
        let archive = patched(archive, "dup-2.md", "dup-1.md");
        let archive = patched(archive, "Before the change", "Behind the change");

        let reply = send(&tenant, &[("library", &library)], &archive).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.body);
        let reply = reply.json();
        let expected = [
            ("good.md", "accepted", ""),
            ("/etc/passwd", "refused", "unsafe_path"),
            ("a/../../b.md", "refused", "unsafe_path"),
            ("C:md.md", "refused", "unsafe_path"),
            ("dup-1.md", "accepted", ""),
            ("dup-1.md", "refused", "duplicate"),
            ("./good.md", "refused", "duplicate"),
            ("broken.md", "refused", "damaged"),
        ];
        assert_eq!(outcomes(&reply)[..8], expected, "{reply}");
        let (_, outcome, reason) = outcomes(&reply)[8];
        assert_eq!((outcome, reason), ("refused", "long_name"));
        assert_eq!(outcomes(&reply)[9], ("link.md", "refused", "not_a_file"));
        assert_eq!(reply["files"][1]["problem"]["code"], "invalid_request");
        assert_eq!(left(app, &tenant).await, (2, 2));

        // Where all are refused, the first one's problem is the reply's, and each has its own.
        let bad = patched(packed(&[("Xetc/passwd", b"x"), ("Xetc/shadow", b"x")]), "Xetc", "/etc");
        let reply = send(&tenant, &[("library", &library)], &bad).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.body);
        assert_eq!(reply.json()["files"][1]["reason"], "unsafe_path");
    });
}

fn a_bomb_leaves_nothing_behind(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "archives-bomb").await;
        let library = tenant.library("All", everyone()).await;
        // 66 MB of 64, behind files that are as they should be; packed into some 66 KB.
        let zeros = vec![0; 22 << 20];
        let bomb = packed(&[("a.md", b"# A\n\nA.\n"), ("b.bin", &zeros), ("c.bin", &zeros), ("d.bin", &zeros)]);
        assert!(bomb.len() < 200_000, "{}", bomb.len());
        let many: Vec<String> = (0..101).map(|at| format!("{at}.md")).collect();
        let many: Vec<(&str, &[u8])> = many.iter().map(|name| (name.as_str(), b"x".as_slice())).collect();
        for (what, archive) in [("a bomb", &bomb), ("too many files", &packed(&many))] {
            let reply = send(&tenant, &[("library", &library)], archive).await;
            assert_eq!(
                (reply.status, text(&reply.json()["code"])),
                (StatusCode::PAYLOAD_TOO_LARGE, "too_large"),
                "{what}: {}",
                reply.body
            );
            assert_eq!(left(app, &tenant).await, (0, 0), "{what}");
        }
        // An entry that claims to be small is counted by what comes out of it.
        let size = (22_u32 << 20).to_le_bytes();
        let mut liar = bomb.clone();
        for at in 0..liar.len() - 4 {
            if liar[at..at + 4] == size {
                liar[at..at + 4].copy_from_slice(&1_u32.to_le_bytes());
            }
        }
        assert_ne!(liar, bomb);
        let reply = send(&tenant, &[("library", &library)], &liar).await;
        let taken = if reply.status == StatusCode::ACCEPTED { outcomes(&reply.json()).len() } else { 0 };
        let (documents, files) = left(app, &tenant).await;
        assert!(documents <= 1 && files <= 1, "{taken} {}: {}", reply.status, reply.body);
    });
}

fn only_an_archive_is_unpacked(app: &TestApp) {
    app.run(async {
        let tenant = Tenant::make(app, "archives-none").await;
        let library = tenant.library("All", everyone()).await;
        let good = packed(&[("a.md", b"# A\n\nA.\n")]);
        let docx = packed(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", b"<w/>")]);
        let odt = packed(&[("mimetype", b"application/vnd.oasis.opendocument.text"), ("content.xml", b"<x/>")]);
        let library = ("library", library.as_str());
        for (what, fields, archive) in [
            ("no ZIP", vec![library], b"# Text\n\nNo archive at all.\n".to_vec()),
            ("nothing", vec![library], Vec::new()),
            ("half an archive", vec![library], good[..good.len() / 2].to_vec()),
            ("a Word document", vec![library], docx),
            ("an OpenDocument text", vec![library], odt),
            ("an empty archive", vec![library], packed(&[])),
            ("hidden files only", vec![library], packed(&[(".a", b"x")])),
            ("a name for all", vec![library, ("external_id", "one")], good.clone()),
            ("a title for all", vec![library, ("title", "One")], good.clone()),
            ("wrong rules", vec![library, ("rules", "[{}]")], good.clone()),
        ] {
            let reply = send(&tenant, &fields, &archive).await;
            assert_eq!(
                (reply.status, text(&reply.json()["code"])),
                (StatusCode::UNPROCESSABLE_ENTITY, "invalid_request"),
                "{what}: {}",
                reply.body
            );
        }
        // Two archives in one form: neither is taken.
        let (_, id) = library;
        let between = "--between\r\nContent-Disposition: form-data; name=\"file\"; filename=\"b.zip\"\r\n\r\nx\r\n";
        let mut two = good.clone();
        two.extend_from_slice(format!("\r\n{}", between.trim_end()).as_bytes());
        let reply = send(&tenant, &[("library", id)], &two).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.body);
        assert_eq!(left(app, &tenant).await, (0, 0));
    });
}
