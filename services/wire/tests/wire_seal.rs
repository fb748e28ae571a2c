//! The seal, and the contract traits across HTTP: what crosses whole, what is refused, what is cancelled.

use bytes::Bytes;
use fuente_contract::answer::{Reply, Trace, Usage, Verdict};
use fuente_contract::document::DeleteReceipt;
use fuente_contract::drift::Drift;
use fuente_contract::ingest::{Accepted, ByteStream, Original, Upload};
use fuente_contract::search::{SearchTimings, Signals};
use fuente_contract::*;
use fuente_wire::{Opener, RemoteAnswer, RemoteIngest, RemoteSearch, Sealer, seal, serve};
use futures_util::{StreamExt, stream};
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, mpsc};

const SECRET: &str = "0123456789abcdef0123456789abcdef";
const PATH: &str = "/internal/search";

fn asker() -> Scope {
    let key = Credential::ApiKey { scopes: vec!["ask".into()], libraries: Some(vec![LibraryId::fresh()]) };
    Door::open().admit(TenantId::fresh(), UserId::fresh(), Role::Member, false, key)
}

#[test]
fn a_seal_opens_into_the_same_scope_and_only_for_its_own_call() {
    let (scope, opener) = (asker(), Opener::new(SECRET, Door::open()));
    let good = Sealer::new(SECRET).seal(&scope, "POST", PATH).unwrap();
    assert_eq!(opener.open(&good, "POST", PATH).unwrap(), scope);

    let late = Sealer::new(SECRET).seal_until(&scope, "POST", PATH, seal::now() - 1).unwrap();
    let far = Sealer::new(SECRET).seal_until(&scope, "POST", PATH, seal::now() + 3600).unwrap();
    let other_key = Sealer::new("fedcba9876543210fedcba9876543210").seal(&scope, "POST", PATH).unwrap();
    let (body, mark) = good.split_once('.').unwrap();
    // The same body with the role raised, under the old mark.
    let raised = String::from_utf8(hex::decode(body).unwrap()).unwrap().replace("member", "admin");
    let raised = format!("{}.{mark}", hex::encode(raised));
    let refused = [
        ("another method", good.as_str(), "DELETE", PATH),
        ("another path", good.as_str(), "POST", "/internal/answer"),
        ("expired", late.as_str(), "POST", PATH),
        ("valid for too long", far.as_str(), "POST", PATH),
        ("another secret", other_key.as_str(), "POST", PATH),
        ("role raised", raised.as_str(), "POST", PATH),
        ("mark cut short", &good[..good.len() - 2], "POST", PATH),
        ("body cut short", &good[2..], "POST", PATH),
        ("no mark", body, "POST", PATH),
        ("empty", "", "POST", PATH),
        ("only a dot", ".", "POST", PATH),
    ];
    for (what, forged, method, path) in refused {
        let error = opener.open(forged, method, path).expect_err(what);
        assert_eq!(
            (error.code, error.detail.as_str()),
            (ErrorCode::Unauthenticated, "The service credential is missing or not valid."),
            "{what}"
        );
    }
}

/// All three services in one, with answers that show what arrived.
struct Services {
    /// Lets the answer go on after its first token; told when bytes of an upload arrived.
    go_on: Arc<Notify>,
    /// Told when an answer's stream was dropped.
    dropped: mpsc::UnboundedSender<()>,
    /// What became of each upload: bytes that arrived, and whether they ended in an error.
    uploads: mpsc::UnboundedSender<(usize, bool)>,
}

#[async_trait::async_trait]
impl Search for Services {
    async fn search(&self, scope: &Scope, request: SearchRequest) -> Result<SearchReply> {
        match request.query.as_str() {
            "full" => Err(Error::unavailable("The queue is full.", 7).because("never to be seen outside")),
            "hidden" => Err(Error::not_found()),
            // Echoes who asked, so that the test sees that the scope crossed unchanged.
            _ => Ok(SearchReply {
                hits: vec![],
                evidence: vec![],
                epoch: 42,
                lang: format!("{:?}", scope),
                signals: Signals { dense: 0.25, ..Signals::default() },
                timings: SearchTimings::default(),
            }),
        }
    }
}

#[async_trait::async_trait]
impl Ingest for Services {
    async fn accept(&self, _: &Scope, upload: Upload, mut bytes: ByteStream) -> Result<Accepted> {
        let (mut total, mut broken) = (0, false);
        while let Some(chunk) = bytes.next().await {
            match chunk {
                Ok(chunk) => {
                    total += chunk.len();
                    self.go_on.notify_one();
                }
                Err(_) => broken = true,
            }
        }
        self.uploads.send((total, broken)).unwrap();
        assert_eq!(upload.external_id, "año/1");
        Ok(Accepted { document: DocumentId::fresh(), version: VersionId::fresh(), job: None, unchanged: true })
    }
    async fn delete(&self, _: &Scope, document: DocumentId) -> Result<DeleteReceipt> {
        Ok(DeleteReceipt { epoch: document.0.as_u128() as i64, ..DeleteReceipt::default() })
    }
    async fn retag(&self, _: &Scope, _: DocumentId) -> Result<()> {
        Err(Error::conflict("It is being published."))
    }
    async fn reconcile(&self, _: &Scope, mended: bool) -> Result<Drift> {
        Ok(Drift { points: 7, mended, ..Drift::default() })
    }
    /// Bytes with line ends in them; of a version that is named, an original that breaks off.
    async fn original(&self, _: &Scope, _: DocumentId, version: Option<VersionId>) -> Result<(Original, ByteStream)> {
        let original = Original { file_name: "año\n1.pdf".into(), mime: "application/pdf".into(), bytes: 400_000 };
        let chunk = Bytes::from(vec![b'\n'; 100_000]);
        let mut parts: Vec<_> = std::iter::repeat_n(chunk, 4).map(Ok).collect();
        if version.is_some() {
            parts[3] = Err(std::io::Error::other("the disk is gone"));
        }
        Ok((original, stream::iter(parts).boxed()))
    }
}

struct Told(mpsc::UnboundedSender<()>);
impl Drop for Told {
    fn drop(&mut self) {
        let _ = self.0.send(());
    }
}

#[async_trait::async_trait]
impl Answer for Services {
    async fn ask(&self, _: &Scope, request: AskRequest) -> Result<AnswerStream> {
        let (go_on, told) = (Arc::clone(&self.go_on), Told(self.dropped.clone()));
        Ok(match request.question.as_str() {
            "full" => return Err(Error::unavailable("The queue is full.", 3)),
            "cut" => stream::iter([AnswerEvent::Token("ha".into())]).boxed(),
            _ => async_stream::stream! {
                let _told = told;
                yield AnswerEvent::Token("¡Hola!\n".into());
                go_on.notified().await;
                yield AnswerEvent::Verdict(Verdict::Grounded);
                yield AnswerEvent::Done(Box::new(reply()));
            }
            .boxed(),
        })
    }
}

fn reply() -> Reply {
    let trace = Trace {
        query: "q".into(),
        lang: "es".into(),
        epoch: 1,
        candidates: vec![],
        evidence: vec![],
        signals: Signals::default(),
        judged: None,
        written: vec![],
        abstained: None,
        prompt_sha256: String::new(),
        model: String::new(),
        model_sha256: String::new(),
        sampling: String::new(),
        seed: 1,
        search: SearchTimings::default(),
        usage: Usage::default(),
    };
    Reply {
        text: "¡Hola!".into(),
        sentences: vec![],
        citations: vec![],
        verdict: Verdict::Grounded,
        nearest: vec![],
        lang: "es".into(),
        trace,
    }
}

struct Running {
    url: String,
    go_on: Arc<Notify>,
    dropped: mpsc::UnboundedReceiver<()>,
    uploads: mpsc::UnboundedReceiver<(usize, bool)>,
}

fn start() -> Running {
    let go_on = Arc::new(Notify::new());
    let (drop_sender, dropped) = mpsc::unbounded_channel();
    let (upload_sender, uploads) = mpsc::unbounded_channel();
    let services = Arc::new(Services { go_on: Arc::clone(&go_on), dropped: drop_sender, uploads: upload_sender });
    let opener = Opener::new(SECRET, Door::open());
    let (server, port) = serve::start("127.0.0.1", 0, move |config| {
        config.configure(serve::search(services.clone(), opener.clone()));
        config.configure(serve::ingest(services.clone(), opener.clone()));
        config.configure(serve::answer(services.clone(), opener.clone()));
    })
    .unwrap();
    actix_web::rt::spawn(server);
    Running { url: format!("http://127.0.0.1:{port}"), go_on, dropped, uploads }
}

#[actix_web::test]
async fn search_carries_the_scope_there_and_errors_back_whole() {
    let (running, scope) = (start(), asker());
    let search = RemoteSearch::new(&running.url, SECRET).unwrap();
    let ask = |query: &str| SearchRequest { query: query.into(), ..SearchRequest::default() };
    let reply = search.search(&scope, ask("x")).await.unwrap();
    assert_eq!((reply.epoch, reply.signals.dense, reply.lang), (42, 0.25, format!("{scope:?}")));

    let full = search.search(&scope, ask("full")).await.unwrap_err();
    assert_eq!(
        (full.code, full.detail.as_str(), full.retry_after, full.cause),
        (ErrorCode::Unavailable, "The queue is full.", Some(7), None)
    );
    assert_eq!(search.search(&scope, ask("hidden")).await.unwrap_err().code, ErrorCode::NotFound);

    // Another secret is a fault of the installation, not of the person who asks.
    let stranger = RemoteSearch::new(&running.url, "fedcba9876543210fedcba9876543210").unwrap();
    assert_eq!(stranger.search(&scope, ask("x")).await.unwrap_err().code, ErrorCode::Internal);
    let nobody = RemoteSearch::new("http://127.0.0.1:1", SECRET).unwrap();
    let away = nobody.search(&scope, ask("x")).await.unwrap_err();
    assert_eq!((away.code, away.retry_after.is_some()), (ErrorCode::Unavailable, true));
}

#[actix_web::test]
async fn a_call_without_a_seal_is_refused_before_its_body_is_read() {
    let running = start();
    let address = running.url.trim_start_matches("http://").to_owned();
    let answer = tokio::task::spawn_blocking(move || {
        let mut socket = std::net::TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        // A megabyte is announced and never sent: only a server that does not wait for it can answer.
        socket.write_all(b"POST /internal/search HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n").unwrap();
        let mut head = [0_u8; 12];
        socket.read_exact(&mut head).unwrap();
        String::from_utf8_lossy(&head).into_owned()
    });
    assert_eq!(answer.await.unwrap(), "HTTP/1.1 401");
}

#[actix_web::test]
async fn an_upload_streams_through_and_half_a_file_is_never_taken_for_a_whole_one() {
    let (mut running, scope) = (start(), asker());
    let ingest = RemoteIngest::new(&running.url, SECRET).unwrap();
    let upload = || Upload {
        library: LibraryId::fresh(),
        external_id: "año/1".into(),
        file_name: "a.pdf".into(),
        title: None,
        rules: None,
        metadata: None,
        priority: fuente_contract::document::Priority::Interactive,
    };
    let chunk = Bytes::from(vec![b'\n'; 64 * 1024]);
    let bytes = stream::iter(vec![chunk.clone(); 100]).map(Ok).boxed();
    assert!(ingest.accept(&scope, upload(), bytes).await.unwrap().unchanged);
    assert_eq!(running.uploads.recv().await, Some((6_553_600, false)));

    // Breaks off only after the service has seen a part of it.
    running.go_on.notified().await;
    let arrived = Arc::clone(&running.go_on);
    let broken = stream::iter([Ok(chunk)]).chain(stream::once(async move {
        arrived.notified().await;
        Err(std::io::Error::other("the browser went away"))
    }));
    let broken = broken.boxed();
    assert!(ingest.accept(&scope, upload(), broken).await.is_err());
    assert!(matches!(running.uploads.recv().await, Some((_, true))));

    let document = DocumentId::fresh();
    assert_eq!(ingest.delete(&scope, document).await.unwrap().epoch, document.0.as_u128() as i64);
    assert_eq!(ingest.retag(&scope, document).await.unwrap_err().detail, "It is being published.");
    let drift = ingest.reconcile(&scope, true).await.unwrap();
    assert_eq!((drift.points, drift.mended), (7, true));
}

#[actix_web::test]
async fn an_answer_streams_event_by_event() {
    let (running, scope) = (start(), asker());
    let answer = RemoteAnswer::new(&running.url, SECRET).unwrap();
    let question = |text: &str| AskRequest { question: text.into(), ..AskRequest::default() };
    let mut events = answer.ask(&scope, question("x")).await.unwrap();
    assert!(matches!(events.next().await, Some(AnswerEvent::Token(text)) if text == "¡Hola!\n"));
    // The rest is made only now, so the first event cannot have waited for it.
    running.go_on.notify_one();
    assert!(matches!(events.next().await, Some(AnswerEvent::Verdict(Verdict::Grounded))));
    assert!(matches!(events.next().await, Some(AnswerEvent::Done(reply)) if reply.text == "¡Hola!"));
    assert!(events.next().await.is_none());

    let full = answer.ask(&scope, question("full")).await.err().unwrap();
    assert_eq!((full.code, full.retry_after), (ErrorCode::Unavailable, Some(3)));
    let cut: Vec<_> = answer.ask(&scope, question("cut")).await.unwrap().collect().await;
    assert!(
        matches!(&cut[..], [AnswerEvent::Token(_), AnswerEvent::Error(error)] if error.code == ErrorCode::Unavailable)
    );
}

#[actix_web::test]
async fn dropping_the_stream_cancels_the_answer_on_the_other_side() {
    let (mut running, scope) = (start(), asker());
    let answer = RemoteAnswer::new(&running.url, SECRET).unwrap();
    let mut events = answer.ask(&scope, AskRequest { question: "x".into(), ..AskRequest::default() }).await.unwrap();
    assert!(matches!(events.next().await, Some(AnswerEvent::Token(_))));
    assert!(running.dropped.try_recv().is_err(), "the answer must still run");
    drop(events);
    // Nothing more is ever produced (`go_on` stays silent), so only the cancel can end it.
    tokio::time::timeout(Duration::from_secs(10), running.dropped.recv())
        .await
        .expect("cancelled in time")
        .expect("told");
}

#[actix_web::test]
async fn an_original_comes_back_whole_and_a_broken_one_does_not_pass_for_whole() {
    let (running, scope) = (start(), asker());
    let ingest = RemoteIngest::new(&running.url, SECRET).unwrap();
    let (original, bytes) = ingest.original(&scope, DocumentId::fresh(), None).await.unwrap();
    assert_eq!((original.file_name.as_str(), original.mime.as_str()), ("año\n1.pdf", "application/pdf"));
    let sizes: Vec<_> = bytes.map(|part| part.map(|part| part.len())).collect().await;
    assert_eq!(sizes.iter().map(|size| size.as_ref().copied().unwrap()).sum::<usize>(), 400_000);
    let (_, bytes) = ingest.original(&scope, DocumentId::fresh(), Some(VersionId::fresh())).await.unwrap();
    let parts: Vec<_> = bytes.collect().await;
    assert!(parts.iter().any(Result::is_err), "half an original passed for a whole one");
}
