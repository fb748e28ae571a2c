//! The Postgres of our own through starts, crashes and ends; and the folder of the original files.

mod common;

use bytes::Bytes;
use common::{House, code, folder, options};
use fuente_contract::ErrorCode;
use fuente_store::{EmbeddedPostgres, Opened, blobs::Blobs, open, tenants};
use futures_util::{FutureExt, StreamExt, TryStreamExt, stream};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

async fn slugs(house: &House, opened: &Opened) -> Vec<String> {
    tenants::list(&house.system(), &opened.store).await.unwrap().into_iter().map(|(_, slug)| slug).collect()
}

/// Processes that work on the folder.
fn processes(folder: &Path) -> Vec<String> {
    let name = folder.to_string_lossy().into_owned();
    let commands =
        fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    commands
        .map(|command| String::from_utf8_lossy(&command).into_owned())
        .filter(|command| command.contains(&name))
        .collect()
}

#[tokio::test]
async fn lives() {
    let mut house = House::open().await;
    house.company("before").await;
    let options = options(house.folder.path());
    let beside = open(&options).await.expect("a second opening attaches");
    assert!(!supervises(&beside) && supervises(&house.opened), "one supervises");
    assert_eq!(slugs(&house, &beside).await, ["before"]);
    beside.close().await.unwrap();
    assert_eq!(slugs(&house, &house.opened).await, ["before"], "the guest's end is not the server's");

    for round in 0..3 {
        let slug = format!("acknowledged-{round}");
        house.company(&slug).await;
        let (pid, _) = house.postmaster();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        house = reopened(house).await;
        assert!(slugs(&house, &house.opened).await.contains(&slug), "what was acknowledged is there after a kill");
        assert_ne!(house.postmaster().0, pid);
    }

    house = reopened(house).await;
    assert_eq!(slugs(&house, &house.opened).await.len(), 4, "an orderly end keeps everything");
    let (running, folder) = (processes(house.folder.path()).len(), house.folder.path().to_owned());
    assert!(running >= 1, "the look at the processes sees the server");
    house.opened.close().await.unwrap();
    assert_eq!(processes(&folder), Vec::<String>::new(), "a stop leaves no process");
    let secrets = fs::metadata(folder.join("postgres/secrets.json")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&secrets.permissions()) & 0o777, 0o600);
}

fn supervises(opened: &Opened) -> bool {
    opened.postgres.as_ref().is_some_and(EmbeddedPostgres::supervises)
}

/// Waits for a server other than `before`, on which a query of `opened` works again.
async fn recovered(house: &House, opened: &Opened, before: i32) -> Vec<String> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let found = tenants::list(&house.system(), &opened.store).await;
        match found {
            Ok(found) if house.postmaster().0 != before => return found.into_iter().map(|(_, slug)| slug).collect(),
            other => assert!(Instant::now() < end, "the database came back: {:?}", other.err()),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_server_that_dies_is_started_again_for_all() {
    let house = House::open().await;
    house.company("kept").await;
    let options = options(house.folder.path());
    let beside = open(&options).await.expect("a second opening attaches");
    for round in 0..3 {
        let (pid, port) = house.postmaster();
        kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
        assert_eq!(recovered(&house, &house.opened, pid).await, ["kept"], "round {round}");
        assert_eq!(slugs(&house, &beside).await, ["kept"], "and its guest goes on");
        assert_eq!(house.postmaster().1, port, "on the same port");
    }

    // The first ends while the second works: it goes on, and takes over.
    let pid = house.postmaster().0;
    let House { opened, folder, door } = house;
    opened.close().await.unwrap();
    let house = House { opened: beside, folder, door };
    assert_eq!(slugs(&house, &house.opened).await, ["kept"]);
    assert_eq!(house.postmaster().0, pid, "the server was left to the one who uses it");
    let end = Instant::now() + Duration::from_secs(10);
    while !supervises(&house.opened) {
        assert!(Instant::now() < end, "the second takes over");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap();
    assert_eq!(recovered(&house, &house.opened, pid).await, ["kept"], "and starts it again");

    let folder = house.folder.path().to_owned();
    house.opened.close().await.unwrap();
    assert_eq!(processes(&folder), Vec::<String>::new(), "the last one stops it");
}

#[tokio::test]
async fn starts_and_ends_may_cross() {
    let folder = folder();
    let options = options(folder.path());
    let door = fuente_contract::Door::open();
    let open_and_close = async || {
        let opened = open(&options).await.expect("it opens");
        tenants::list(&door.system(), &opened.store).await.expect("it works");
        opened.close().await.expect("it closes");
    };
    for _ in 0..3 {
        tokio::join!(open_and_close(), open_and_close(), open_and_close());
    }
    assert_eq!(processes(folder.path()), Vec::<String>::new(), "the last one stops it");
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[tokio::test]
async fn other_users_of_the_machine_read_nothing() {
    let folder = folder();
    let data = folder.path().join("data");
    let house = open(&options(&data)).await.expect("the store opens");
    assert_eq!(mode(&data.join("postgres")), 0o711, "Postgres' user passes through");
    assert_eq!(mode(&data.join("postgres/cluster")), 0o700);
    for file in ["secrets.json", "postgres.log", "used.lock", "supervisor.lock"] {
        assert_eq!(mode(&data.join("postgres").join(file)), 0o600, "{file}");
    }
    house.close().await.unwrap();

    // A folder from before is closed as well; what was closer stays so.
    let blobs = data.join("blobs");
    fs::create_dir_all(&blobs).unwrap();
    fs::set_permissions(&blobs, fs::Permissions::from_mode(0o755)).unwrap();
    Blobs::open(&blobs).unwrap();
    assert_eq!(mode(&blobs), 0o700);
    fuente_store::folder::private(&blobs, fuente_store::folder::PASSAGE).unwrap();
    assert_eq!(mode(&blobs), 0o700);
}

/// Closes and opens the same folder.
async fn reopened(house: House) -> House {
    house.opened.close().await.expect("the store closes");
    let opened = open(&options(house.folder.path())).await.expect("the store opens again");
    House { opened, folder: house.folder, door: house.door }
}

#[tokio::test]
async fn a_missing_postgres_says_what_to_do() {
    let folder = folder();
    let refused =
        open(&fuente_store::StoreOptions { postgres: Some(folder.path().join("nowhere")), ..options(folder.path()) })
            .await
            .map(|_| ())
            .unwrap_err();
    assert_eq!(refused.code, ErrorCode::Unavailable);
    assert!(refused.detail.contains("cargo xtask models postgres"), "{}", refused.detail);
}

fn files(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// So many parts of 1 MiB.
fn parts(count: usize) -> Vec<std::io::Result<Bytes>> {
    (0..count).map(|_| Ok(Bytes::from(vec![7; 1 << 20]))).collect()
}

#[tokio::test]
async fn blobs_come_whole_or_not_at_all() {
    let folder = folder();
    let blobs = Blobs::open(folder.path()).unwrap();
    let door = fuente_contract::Door::open();
    let scope = door.admit(
        fuente_contract::TenantId::fresh(),
        fuente_contract::UserId::fresh(),
        fuente_contract::Role::Admin,
        false,
        fuente_contract::Credential::Session,
    );

    let most = 12 << 20;
    let stored = blobs.put_stream(&blobs.key(&scope), stream::iter(parts(12)).boxed(), most).await.unwrap();
    let read: Vec<_> = blobs.get_stream(&stored.key).await.unwrap().try_collect().await.unwrap();
    let bytes = read.concat();
    assert_eq!((stored.bytes, bytes.len()), (12 << 20, 12 << 20));
    assert_eq!(stored.hash, blake3::hash(&bytes).as_bytes());
    assert_eq!(files(folder.path()).len(), 1);
    blobs.delete(&stored.key).await.unwrap();
    blobs.delete(&stored.key).await.expect("deleting twice is no error");
    assert_eq!(code(blobs.get_stream(&stored.key).await.map(drop)), ErrorCode::NotFound);

    assert_eq!(
        code(blobs.put_stream(&blobs.key(&scope), stream::iter(parts(13)).boxed(), most).await),
        ErrorCode::TooLarge
    );
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new(), "nothing of a file that is too large");

    let broken = parts(8).into_iter().chain([Err(std::io::Error::other("the line went dead"))]);
    assert_eq!(
        code(blobs.put_stream(&blobs.key(&scope), stream::iter(broken.collect::<Vec<_>>()).boxed(), most).await),
        ErrorCode::InvalidRequest
    );
    assert_eq!(files(folder.path()), Vec::<std::path::PathBuf>::new(), "nothing of a stream that broke");

    let endless = stream::iter(parts(8)).chain(stream::pending()).boxed();
    let key = blobs.key(&scope);
    let mut upload = blobs.put_stream(&key, endless, most).boxed();
    while files(folder.path()).is_empty() {
        assert!((&mut upload).now_or_never().is_none(), "it waits for more");
        tokio::task::yield_now().await;
    }
    drop(upload);
    let end = std::time::Instant::now() + std::time::Duration::from_secs(10);
    while !files(folder.path()).is_empty() {
        assert!(
            std::time::Instant::now() < end,
            "nothing of an upload whose caller went away: {:?}",
            files(folder.path())
        );
        tokio::task::yield_now().await;
    }
}
