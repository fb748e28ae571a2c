//! The real embedding models: meaning, order, limits, and who waits for whom.

mod common;

use common::{CORES, cache, endless, engine};
use fuente_models::parts::{Embedded, Parted};
use fuente_models::{Embedder, EmbedderOptions, GenerateEvent, ModelError, manifest};
use futures_util::StreamExt;
use std::sync::LazyLock;

fn embedder() -> Embedder {
    // One session for all tests of this file: it takes seconds to load.
    static LOADED: LazyLock<Embedder> = LazyLock::new(|| load("e5-small"));
    LOADED.clone()
}

fn load(name: &str) -> Embedder {
    let directory = manifest::entry(name).unwrap().directory(&cache());
    let options = EmbedderOptions { directory, onnxruntime: cache().join("lib/libonnxruntime.so"), threads: 0 };
    Embedder::load(&options).unwrap_or_else(|error| panic!("run `cargo xtask models` first: {error}"))
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

async fn embed(embedder: &Embedder, texts: Vec<String>, batch_tokens: usize) -> Result<Vec<Vec<f32>>, ModelError> {
    let passages = texts.into_iter().map(|text| Parted { text, parts: Vec::new() }).collect();
    let vectors = embedder.embed_passages(passages, batch_tokens).await?;
    Ok(vectors.into_iter().map(|vector| vector.whole).collect())
}

#[tokio::test]
async fn a_question_finds_the_passage_of_its_meaning_in_the_other_language() {
    let _cores = CORES.lock().await;
    let embedder = embedder();
    let passages = strings(&[
        "Las facturas se pagan a treinta días de la fecha de recepción.",
        "Cada empleado tiene veintitrés días laborables de vacaciones al año.",
        "The office kitchen is cleaned every Friday afternoon.",
        "Los servidores se reinician el primer domingo de cada mes.",
    ]);
    let questions =
        strings(&["How many vacation days do I get?", "¿Cuándo se limpia la cocina?", "When are invoices paid?"]);
    let passages = embed(&embedder, passages, 512).await.unwrap();
    let questions = embedder.embed_queries(questions).await.unwrap();
    for (question, expected) in questions.iter().zip([1, 2, 0]) {
        assert_eq!(question.len(), embedder.dim());
        assert!((cosine(question, question) - 1.0).abs() < 1e-3, "vectors have length one");
        let best = (0..passages.len())
            .max_by(|a, b| cosine(question, &passages[*a]).total_cmp(&cosine(question, &passages[*b])));
        assert_eq!(best, Some(expected));
    }
}

#[tokio::test]
async fn the_english_model_finds_meaning_behind_other_words() {
    let _cores = CORES.lock().await;
    let embedder = load("minilm");
    let texts = strings(&[
        "Staff may work from home.",
        "Remote work is allowed for employees.",
        "The invoice is due in March.",
    ]);
    let vectors = embed(&embedder, texts, 512).await.unwrap();
    assert!(cosine(&vectors[0], &vectors[1]) > cosine(&vectors[0], &vectors[2]) + 0.3);
    assert_ne!(embedder.id(), self::embedder().id());
}

#[tokio::test]
async fn batches_keep_the_order_and_change_no_vector() {
    let _cores = CORES.lock().await;
    let embedder = embedder();
    let texts: Vec<String> =
        (0..12).map(|i| format!("Rule {i}. {}", "The door is locked at night. ".repeat((i * 5) % 7 + 1))).collect();
    let together = embed(&embedder, texts.clone(), 160).await.unwrap();
    assert_eq!(together.len(), texts.len());
    for (text, vector) in texts.into_iter().zip(&together) {
        let alone = embed(&embedder, vec![text.clone()], 160).await.unwrap();
        assert!(cosine(&alone[0], vector) > 0.9999, "{text}");
    }
    assert!(embed(&embedder, Vec::new(), 160).await.unwrap().is_empty());
    assert!(embedder.embed_queries(Vec::new()).await.unwrap().is_empty());
    assert_eq!(embedder.embed_queries(vec![String::new()]).await.unwrap().len(), 1, "an empty text has a vector, too");
}

#[tokio::test]
async fn a_part_has_the_vector_of_what_it_says_and_the_passage_keeps_its_own() {
    let _cores = CORES.lock().await;
    let embedder = embedder();
    let (first, second) =
        ("Suppliers send their invoices to the accounts office. ", "El perro de la vecina duerme en el jardín.");
    let text = format!("{first}{second}");
    let parts = vec![0..first.len(), first.len()..text.len(), text.len()..text.len()];
    let plain = embed(&embedder, vec![text.clone()], 512).await.unwrap();
    // A longer neighbour pads the batch: what it adds must not reach the parts.
    let longer = Parted { text: "The door is locked at night. ".repeat(6), parts: Vec::new() };
    let both = embedder.embed_passages(vec![longer, Parted { text, parts }], 512).await.unwrap();
    let Embedded { whole, parts } = &both[1];
    assert!(cosine(whole, &plain[0]) > 0.9999);
    assert!(both[0].parts.is_empty() && parts.len() == 3 && parts[2].is_empty());
    let asked = embedder.embed_queries(strings(&["Where do invoices go?", "¿Dónde duerme el perro?"])).await;
    let asked = asked.unwrap();
    for (question, own, other) in [(&asked[0], 0, 1), (&asked[1], 1, 0)] {
        assert!((cosine(&parts[own], &parts[own]) - 1.0).abs() < 1e-3);
        let (own, other) = (cosine(question, &parts[own]), cosine(question, &parts[other]));
        assert!(own > other, "{own} {other}");
    }
}

#[tokio::test]
async fn a_passage_above_the_longest_input_is_read_whole_in_pieces() {
    let _cores = CORES.lock().await;
    let model = load("minilm");
    let most = model.max_tokens();
    let filler = "The door of the hall is locked at night and the key is with the porter. ".repeat(30);
    let last = "Employees receive twenty-three days of paid vacation every year.";
    let text = format!("{filler}{last}");
    assert!(model.count_tokens(&text) > 2 * most, "two cuts at the least");
    let parts = vec![0..filler.len(), filler.len()..text.len()];
    let made = model.embed_passages(vec![Parted { text, parts }], 512).await.unwrap();
    let Embedded { whole, parts } = &made[0];
    assert!((cosine(whole, whole) - 1.0).abs() < 1e-3 && (cosine(&parts[0], &parts[0]) - 1.0).abs() < 1e-3);
    let asked = model.embed_queries(strings(&["How many vacation days do employees get?"])).await.unwrap();
    let alone = embed(&model, vec![filler], 512).await.unwrap();
    let (own, other) = (cosine(&asked[0], &parts[1]), cosine(&asked[0], &parts[0]));
    assert!(own > other + 0.3, "the end is read: {own} {other}");
    assert!(cosine(whole, &alone[0]) < 0.999, "and the whole knows of it");
    // Where no sentence or word begins it is cut all the same.
    assert_eq!(embed(&model, vec!["?".repeat(1_000)], 512).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_question_overtakes_bulk_work() {
    let _cores = CORES.lock().await;
    let embedder = embedder();
    let bulk = embedder.clone();
    let texts = vec!["The door is locked at night, and the key is with the porter. ".repeat(8); 60];
    let bulk = tokio::spawn(async move { embed(&bulk, texts, 256).await });
    tokio::task::yield_now().await;
    embedder.embed_queries(strings(&["Who has the key?"])).await.unwrap();
    assert!(!bulk.is_finished(), "60 passages take seconds; the question must not wait for them");
    assert_eq!(bulk.await.unwrap().unwrap().len(), 60);
}

#[tokio::test]
async fn bulk_work_goes_on_in_short_turns_while_an_answer_is_written() {
    let _cores = CORES.lock().await;
    let (embedder, engine) = (embedder(), engine("smollm2", 1));
    let mut stream = engine.generate(endless()).await.unwrap();
    assert!(stream.next().await.is_some());
    let texts = strings(&["The door is locked at night.", "The key is with the porter."]);
    let vectors = embed(&embedder, texts, 8).await.unwrap();
    assert_eq!(vectors.len(), 2, "two batches, and the answer is far from its end");
    assert!(stream.next().await.is_some_and(|event| matches!(event, Ok(GenerateEvent::Token(_)))));
}

/// Names and niceness of this process's threads.
fn threads() -> Vec<(String, i64)> {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap().flatten();
    let of = |task: std::fs::DirEntry| {
        let stat = std::fs::read_to_string(task.path().join("stat")).ok()?;
        let (name, rest) = stat.split_once('(')?.1.rsplit_once(')')?;
        Some((name.to_owned(), rest.split_whitespace().nth(16)?.parse().ok()?))
    };
    tasks.filter_map(of).collect()
}

#[tokio::test]
async fn bulk_work_that_questions_wait_for_moves_to_threads_that_stand_back() {
    let _cores = CORES.lock().await;
    let embedder = load("minilm");
    let texts: Vec<String> = (0..400).map(|at| format!("Rule {at}. {}", "The door is locked. ".repeat(20))).collect();
    let alone = embed(&embedder, texts[..4].to_vec(), 256).await.unwrap();
    // Other tests' sessions may have threads like it.
    let aside = || threads().iter().filter(|(name, nice)| name == "embedder-bulk" && *nice >= 10).count();
    let before = aside();
    let bulk = embedder.clone();
    let bulk = tokio::spawn(async move { embed(&bulk, texts, 256).await });
    // Questions, one after the other, until the second session has the bulk work.
    while aside() <= before {
        assert!(!bulk.is_finished(), "questions came while it ran: {:?}", threads());
        embedder.embed_queries(strings(&["Who has the key?"])).await.unwrap();
    }
    assert!(threads().iter().any(|(name, nice)| name == "embedder" && *nice < 10), "{:?}", threads());
    let vectors = bulk.await.unwrap().unwrap();
    assert_eq!(vectors.len(), 400);
    for (own, moved) in alone.iter().zip(&vectors) {
        assert!(cosine(own, moved) > 0.9999, "whichever session a passage meets, its vector is the same");
    }
    // Closing waits for both.
    drop(embedder);
    assert!(aside() <= before, "{:?}", threads());
}
