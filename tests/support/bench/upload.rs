//! What an upload costs: memory while a huge one comes in, bytes read of one that is too large, and
//! the time until a page that was just uploaded is found and answers.

use crate::app::eventually;
use crate::events;
use crate::house::House;
use futures_util::stream::{self, Stream, StreamExt};
use reqwest::{Body, Method, StatusCode};
use serde_json::{Value, json};
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

type Piece = Result<Vec<u8>, std::io::Error>;

const MEGABYTE: u64 = 1_000_000;
/// Pages that are uploaded one after the other, each asked for once.
const PAGES: usize = 7;
/// Longest wait for a page.
const LONG: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub struct Figures {
    megabytes: u64,
    /// Memory of its own that the server took more than before, at the most, MiB: as bytes, as a form.
    put_mib: u64,
    form_mib: u64,
    put_megabytes_per_s: f64,
    /// Of a file larger than allowed: the status, and the megabytes that were sent before it came,
    /// where the length was announced and where it was not.
    announced: (u16, f64),
    unannounced: (u16, f64),
    /// Medians from the first byte of a one-page document, ms: found by a search, the first words of
    /// an answer that rests on it, and the whole answer with its check.
    found_ms: f64,
    first_words_ms: f64,
    answered_ms: f64,
}

impl Figures {
    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "bench": "upload", "megabytes": self.megabytes, "put_memory_mib": self.put_mib,
            "form_memory_mib": self.form_mib, "put_megabytes_per_s": self.put_megabytes_per_s,
            "announced_status": self.announced.0, "announced_sent_megabytes": self.announced.1,
            "unannounced_status": self.unannounced.0, "unannounced_sent_megabytes": self.unannounced.1,
            "page_found_ms": self.found_ms, "page_first_words_ms": self.first_words_ms,
            "page_answered_ms": self.answered_ms,
        })
    }

    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        let mut bar = |met: bool, text: String| {
            if !met {
                missed.push(text);
            }
        };
        for (how, mib) in [("bytes", self.put_mib), ("a form", self.form_mib)] {
            bar(mib <= 64, format!("the server took {mib} MiB for an upload as {how}, not 64"));
        }
        for (how, (status, sent)) in [("announced", self.announced), ("unannounced", self.unannounced)] {
            bar(status == 413, format!("a file over the limit, {how}: {status}, not 413"));
            // What is on its way in buffers was sent as well.
            let most = if how == "announced" { 0.0 } else { self.megabytes as f64 } + 100.0;
            bar(sent < most, format!("{how}: {sent} megabytes were sent before the refusal"));
        }
        bar(self.first_words_ms <= 2_000.0, format!("a page answers after {:.0} ms, not 2000", self.first_words_ms));
        missed
    }
}

/// One file of `megabytes` where just so much is allowed, then one of twice the size, then single pages.
pub async fn run(megabytes: u64, say: impl Fn(&str)) -> Figures {
    let limit = megabytes * MEGABYTE + MEGABYTE;
    let house = House::open(vec![
        ("FUENTE__GATEWAY__MAX_UPLOAD_BYTES", limit.to_string()),
        ("FUENTE__MODELS__GENERATOR", "qwen-0.5b".into()),
    ])
    .await;
    let mut figures = Figures { megabytes, ..Figures::default() };
    // Models are in memory and every path was gone once before anything is measured.
    page(&house, 0).await;

    say(&format!("{megabytes} MB as bytes"));
    let clock = Instant::now();
    let (taken, sent) = (megabytes * MEGABYTE, Arc::new(AtomicU64::new(0)));
    let (status, mib) = watched(&house, put(&house, "huge.txt", taken, true, &sent)).await;
    assert_eq!(status, 202, "a file within the limit");
    figures.put_megabytes_per_s = megabytes as f64 / clock.elapsed().as_secs_f64();
    figures.put_mib = mib;
    say(&format!("{megabytes} MB in a form"));
    let (status, mib) = watched(&house, form(&house, taken)).await;
    assert_eq!(status, 202, "a form within the limit");
    figures.form_mib = mib;

    for (announced, figure) in [(true, &mut figures.announced), (false, &mut figures.unannounced)] {
        say(&format!("{} MB where {megabytes} are allowed, announced: {announced}", 2 * megabytes));
        let sent = Arc::new(AtomicU64::new(0));
        let status = put(&house, "over.txt", 2 * taken, announced, &sent).await;
        *figure = (status, sent.load(Ordering::Relaxed) as f64 / MEGABYTE as f64);
    }

    let mut times = Vec::new();
    for number in 1..=PAGES {
        let (time, line) = page(&house, number).await;
        times.push(time);
        say(&line);
    }
    let median = |which: usize| {
        let mut of: Vec<f64> = times.iter().map(|time| time[which]).collect();
        of.sort_by(f64::total_cmp);
        of[of.len() / 2]
    };
    (figures.found_ms, figures.first_words_ms, figures.answered_ms) = (median(0), median(1), median(2));
    house.close().await;
    figures
}

/// A page of its own subject.
struct Subject {
    title: &'static str,
    thing: &'static str,
    place: &'static str,
    extension: &'static str,
    question: &'static str,
}

const fn subject(words: [&'static str; 5]) -> Subject {
    let [title, thing, place, extension, question] = words;
    Subject { title, thing, place, extension, question }
}

const SUBJECTS: [Subject; PAGES + 1] = [
    subject(["Parking", "parking permits", "at the north gate", "4017", "Whom do I call for a parking permit?"]),
    subject(["Badges", "lost badges", "beside reception", "4127", "Which extension helps with a lost badge?"]),
    subject(["Printers", "broken printers", "in the cellar", "4237", "My printer is broken, whom do I call?"]),
    subject(["Bicycles", "company bicycles", "in the yard", "4347", "Which number do I call for a company bicycle?"]),
    subject(["Catering", "catering orders", "on floor three", "4457", "Whom do I call to order catering?"]),
    subject(["Visas", "visa letters", "in building B", "4567", "Which extension is there for visa letters?"]),
    subject(["Lockers", "locker keys", "on floor nine", "4677", "Whom do I call about a locker key?"]),
    subject(["Plants", "office plants", "in the annex", "4787", "Who cares for office plants, what extension?"]),
];

/// Lines of text, `size` bytes in all, no two megabytes alike; `sent` counts what was asked for.
fn text(size: u64, sent: &Arc<AtomicU64>) -> impl Stream<Item = Piece> + Send + use<> {
    let sent = sent.clone();
    stream::iter((0..size).step_by(65_536)).map(move |at| {
        let length = usize::try_from((size - at).min(65_536)).unwrap_or_default();
        sent.fetch_add(length as u64, Ordering::Relaxed);
        // No format begins so: the jobs end at once, whatever the size.
        let line = format!("\0\u{1}\u{2}{at}: nothing of value stands here, and much of it.\n");
        let mut piece = line.repeat(length / line.len() + 1).into_bytes();
        piece.truncate(length);
        Ok(piece)
    })
}

/// The status of an upload; 0 where the connection was closed before it could be read.
async fn put(house: &House, name: &str, size: u64, announced: bool, sent: &Arc<AtomicU64>) -> u16 {
    let path = format!("/v1/admin/libraries/{}/documents/{name}", house.library);
    let mut request =
        house.admin.request(Method::PUT, &path).timeout(LONG * 5).body(Body::wrap_stream(text(size, sent)));
    if announced {
        request = request.header("content-length", size);
    }
    request.send().await.map_or(0, |reply| reply.status().as_u16())
}

async fn form(house: &House, size: u64) -> u16 {
    let head = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"library\"\r\n\r\n{}\r\n--edge\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"huge-too.txt\"\r\n\r\n",
        house.library
    );
    let around = |text: String| stream::iter([Ok(text.into_bytes())]);
    let body = around(head).chain(text(size, &Arc::default())).chain(around("\r\n--edge--\r\n".into()));
    let request = house.admin.request(Method::POST, "/v1/admin/documents").timeout(LONG * 5);
    let request = request.header("content-type", "multipart/form-data; boundary=edge").body(Body::wrap_stream(body));
    request.send().await.map_or(0, |reply| reply.status().as_u16())
}

/// What comes of `upload`, and how much more memory of its own the server had meanwhile and until its
/// jobs ended, MiB.
async fn watched(house: &House, upload: impl Future<Output = u16>) -> (u16, u64) {
    let process = house.process().expect("it runs");
    let before = own_kib(process);
    let (over, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let watch = std::thread::spawn({
        let (over, most) = (over.clone(), most.clone());
        move || {
            while !over.load(Ordering::Relaxed) {
                most.fetch_max(own_kib(process), Ordering::Relaxed);
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
    let status = upload.await;
    eventually(LONG, "the end of the jobs", || async {
        let jobs = house.admin.get("/v1/admin/jobs?limit=50").await.ok();
        let open = |job: &Value| job["state"] == "queued" || job["state"] == "running";
        (!jobs["items"].as_array().is_some_and(|jobs| jobs.iter().any(open))).then_some(())
    })
    .await;
    over.store(true, Ordering::Relaxed);
    watch.join().expect("the watch ends");
    (status, most.load(Ordering::Relaxed).saturating_sub(before) >> 10)
}

/// Memory that is the process's alone: neither mapped files, such as models, nor what it shares.
fn own_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok()).unwrap_or_default()
}

/// Uploads one page and asks for what it says. Milliseconds until it is found, until the first words
/// of the answer, and until its end; and a line that tells them.
async fn page(house: &House, number: usize) -> ([f64; 3], String) {
    let Subject { title, thing, place, extension, question } = SUBJECTS[number % SUBJECTS.len()];
    let page = format!(
        "# {title}\n\nThis page says how {thing} are handled. The office for {thing} is {place}, and it is open from \
         nine to five.\n\n## Whom to call\n\nFor {thing}, call extension {extension}. Outside office hours a message \
         can be left, and somebody calls back on the next working day.\n"
    );
    let clock = Instant::now();
    let passed = || clock.elapsed().as_secs_f64() * 1_000.0;
    let path = format!("/v1/admin/libraries/{}/documents/page-{number}?file_name=page.md", house.library);
    let accepted = house.admin.send(house.admin.request(Method::PUT, &path).body(page)).await;
    assert_eq!(accepted.status, StatusCode::ACCEPTED, "{}", accepted.body);
    eventually(LONG, "the page is found", || async {
        let found = house.admin.post("/v1/search", json!({ "query": question })).await;
        found.body.contains(&format!("call extension {extension}")).then_some(())
    })
    .await;
    let found = passed();
    let first = Cell::new(None);
    let all = events::post_until(&house.admin, "/v1/ask", json!({ "question": question }), |event| {
        if event.name == "token" && first.get().is_none() {
            first.set(Some(passed()));
        }
        false
    })
    .await;
    let first = first.get().unwrap_or_else(|| panic!("no words came: {all:?}"));
    let usage = all.iter().find(|event| event.name == "usage").map_or(&Value::Null, |event| &event.data);
    (
        [found, first, passed()],
        format!(
            "page {number}: found after {found:.0} ms, first words {first:.0} ms, answered {:.0} ms ({usage})",
            passed()
        ),
    )
}
