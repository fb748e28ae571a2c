//! The real language models, as shipped: no answer here is scripted.

mod common;

use common::{CORES, ask, cache, endless, engine, read, run, story};
use fuente_contract::TenantId;
use fuente_models::{Finish, GenerateEvent, LocalOptions, ModelError, Part, Sampling, local, manifest};
use futures_util::StreamExt;
use std::time::Instant;

#[tokio::test]
async fn a_small_model_reads_its_evidence() {
    let _cores = CORES.lock().await;
    let engine = engine("qwen-0.5b", 1);
    let evidence = Part::Data(
        "Every employee has 23 working days of vacation a year.\n\nHow many vacation days are there?".to_owned(),
    );
    let answer =
        run(&engine, ask(TenantId::fresh(), "Answer from the text, in one sentence.", vec![evidence], 40)).await;
    assert!(answer.text.contains("23"), "{answer:?}");
    assert_eq!(answer.finish, Finish::Stop);
    assert_eq!(engine.info().sha256, manifest::entry("qwen-0.5b").unwrap().sha256());
}

#[tokio::test]
async fn the_same_seed_writes_the_same_answer() {
    let _cores = CORES.lock().await;
    let engine = engine("smollm2", 1);
    let mut request = story(40);
    request.sampling = Sampling { temperature: 0.9, seed: 7, repeat_penalty: 1.1 };
    let first = run(&engine, request.clone()).await;
    let again = run(&engine, request.clone()).await;
    assert_eq!((first.text.as_str(), first.finish, first.tokens), (again.text.as_str(), Finish::Length, 40));
    request.sampling.seed = 8;
    assert_ne!(run(&engine, request).await.text, first.text);
}

#[tokio::test]
async fn work_is_reused_within_a_tenant_and_never_across() {
    let _cores = CORES.lock().await;
    let engine = engine("smollm2", 1);
    let (ours, theirs) = (TenantId::fresh(), TenantId::fresh());
    let system = "You answer questions about the handbook of a company, in one short sentence. ".repeat(10);
    let question = |tenant, text: &str| ask(tenant, &system, vec![Part::Data(text.to_owned())], 32);
    let cold = run(&engine, question(ours, "When does the office open?")).await;
    assert_eq!(cold.reused, 0);
    let same = run(&engine, question(ours, "When does the office open?")).await;
    assert!(same.reused + 64 >= same.prompt && same.reused < same.prompt, "all whole chunks: {same:?}");
    assert_eq!(same.text, cold.text);
    let other = run(&engine, question(ours, "Who pays for travel to a customer, and when?")).await;
    assert!(other.reused >= 64, "the instructions are shared: {other:?}");
    let foreign = run(&engine, question(theirs, "Who pays for travel to a customer, and when?")).await;
    assert_eq!((foreign.reused, &foreign.text), (0, &other.text), "reuse changes the time and never the answer");
    let back = run(&engine, question(ours, "When does the office open?")).await;
    assert_eq!((back.reused, back.text), (0, cold.text), "what another tenant used is forgotten");
}

#[tokio::test]
async fn data_never_becomes_a_special_token() {
    let _cores = CORES.lock().await;
    for name in ["smollm2", "qwen-0.5b"] {
        let engine = engine(name, 1);
        for mark in ["<|im_end|>", "<|im_start|>", "<|endoftext|>"] {
            assert!(engine.count_tokens(mark) > 1, "{name} takes {mark} for a token");
            let prompt = async |part| run(&engine, ask(TenantId::fresh(), "Be brief.", vec![part], 1)).await.prompt;
            let (trusted, data) =
                (prompt(Part::Trusted(mark.to_owned())).await, prompt(Part::Data(mark.to_owned())).await);
            let more = u32::try_from(engine.count_tokens(mark)).unwrap() - 1;
            assert_eq!(
                data,
                trusted + more,
                "{name}: {mark} is one token where we write it, and text where a document does"
            );
        }
    }
}

#[tokio::test]
async fn a_forged_mark_in_our_own_words_does_not_move_data() {
    let _cores = CORES.lock().await;
    let engine = engine("smollm2", 1);
    let plain = run(&engine, ask(TenantId::fresh(), "Be brief.", vec![Part::Data("hello".to_owned())], 1)).await;
    let forged =
        run(&engine, ask(TenantId::fresh(), "Be brief.\u{F0000}0\u{F0001}", vec![Part::Data("hello".to_owned())], 1))
            .await;
    assert_eq!(forged.prompt, plain.prompt + 1, "the mark's frame is dropped, its digit stays as text");
}

#[tokio::test]
async fn characters_come_whole_and_a_grammar_is_kept() {
    let _cores = CORES.lock().await;
    let engine = engine("smollm2", 1);
    let mut request = story(200);
    request.grammar = Some(r#"root ::= "¿Año nuevo? 🌍🚀 été — 漢字 END and more""#.to_owned());
    let mut stream = engine.generate(request.clone()).await.unwrap();
    let mut pieces = Vec::new();
    while let Some(Ok(GenerateEvent::Token(piece))) = stream.next().await {
        assert!(!piece.is_empty() && !piece.contains('\u{FFFD}'), "{piece:?}");
        pieces.push(piece);
    }
    assert_eq!(pieces.concat(), "¿Año nuevo? 🌍🚀 été — 漢字 END and more");
    request.stop = vec!["END".to_owned()];
    let stopped = run(&engine, request.clone()).await;
    assert_eq!((stopped.text.as_str(), stopped.finish), ("¿Año nuevo? 🌍🚀 été — 漢字 ", Finish::Stop));
    request.grammar = Some("root ::= (".to_owned());
    assert!(matches!(engine.generate(request).await, Err(ModelError::Failed(_))));
}

#[tokio::test]
async fn dropping_the_stream_frees_the_engine_while_it_writes() {
    let _cores = CORES.lock().await;
    let engine = engine("smollm2", 1);
    let mut request = endless();
    request.max_tokens = 30;
    let clock = Instant::now();
    run(&engine, request.clone()).await;
    let thirty = clock.elapsed();
    request.max_tokens = 1900;
    let mut stream = engine.generate(request).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(GenerateEvent::Token(_)))));
    drop(stream);
    let clock = Instant::now();
    run(&engine, story(1)).await;
    assert!(
        clock.elapsed() < thirty * 5,
        "the next request waited {:?}, and 30 tokens take {thirty:?}",
        clock.elapsed()
    );
}

#[tokio::test]
async fn dropping_the_stream_frees_the_engine_while_it_reads() {
    let _cores = CORES.lock().await;
    let engine = engine("qwen-0.5b", 1);
    let words = |count| ask(TenantId::fresh(), "Be brief.", vec![Part::Data("word ".repeat(count))], 1);
    let clock = Instant::now();
    run(&engine, words(190)).await;
    let tenth = clock.elapsed();
    let reading = engine.generate(words(1900)).await.unwrap();
    let clock = Instant::now();
    // The queue has one place: who gets it knows that the long prompt is being read.
    let next = loop {
        match engine.generate(story(1)).await {
            Ok(stream) => break stream,
            Err(ModelError::Busy { .. }) => tokio::task::yield_now().await,
            Err(error) => panic!("{error}"),
        }
    };
    drop(reading);
    read(next).await;
    assert!(
        clock.elapsed() < tenth * 5,
        "the next request waited {:?}, and a tenth of the text takes {tenth:?}",
        clock.elapsed()
    );
}

#[tokio::test]
async fn many_at_once_get_what_each_alone_would_get() {
    let _cores = CORES.lock().await;
    let engine = engine("smollm2", 8);
    let asked = ["Name a fruit.", "Name a city in Spain.", "What is two plus two?", "Say hello."];
    let wanted = |text: &str| ask(TenantId::fresh(), "Be brief.", vec![Part::Data(text.to_owned())], 16);
    let mut alone = Vec::new();
    for text in asked {
        alone.push(run(&engine, wanted(text)).await);
    }
    let together = futures_util::future::join_all(asked.map(|text| run(&engine, wanted(text)))).await;
    assert_eq!(together, alone);
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let _cores = CORES.lock().await;
    let engine = engine("smollm2", 1);
    let mut working = engine.generate(story(1500)).await.unwrap();
    assert!(working.next().await.is_some(), "it has left the queue");
    let waiting = engine.generate(story(1)).await.unwrap();
    match engine.generate(story(1)).await {
        Err(ModelError::Busy { retry_after }) => assert!((1..=60).contains(&retry_after)),
        other => panic!("expected Busy, got {}", if other.is_ok() { "a stream" } else { "another error" }),
    }
    drop(waiting);
    let next = engine.generate(story(1)).await.expect("who left the queue takes up no room");
    drop(working);
    assert_eq!(read(next).await.tokens, 1);
}

#[tokio::test]
async fn a_prompt_above_the_context_is_refused_and_a_shutdown_is_told() {
    let _cores = CORES.lock().await;
    let engine = engine("smollm2", 1);
    let long = ask(TenantId::fresh(), "Be brief.", vec![Part::Data("word ".repeat(2100))], 8);
    match engine.generate(long).await {
        Err(ModelError::TooLong { tokens, most }) => assert!(tokens > 2100 && most == 2048),
        _ => panic!("expected TooLong"),
    }
    let mut stream = engine.generate(story(1500)).await.unwrap();
    assert!(matches!(stream.next().await, Some(Ok(GenerateEvent::Token(_)))));
    drop(engine);
    assert_eq!(read(stream).await.finish, Finish::Cancelled);
}

#[test]
fn a_wrong_file_is_never_loaded() {
    let directory = tempfile::tempdir().unwrap();
    let entry = manifest::entry("smollm2").unwrap();
    let file = directory.path().join("model.gguf");
    let options = LocalOptions {
        file: file.clone(),
        sha256: entry.sha256().to_owned(),
        name: "smollm2".to_owned(),
        threads: 1,
        context_tokens: 256,
        queue: 1,
    };
    let missing = local(&options).err().unwrap();
    assert!(missing.to_string().contains("cargo xtask models"), "{missing}");
    std::fs::copy(entry.directory(&cache()).join("model.gguf"), &file).expect("run `cargo xtask models` first");
    entry.verify(directory.path()).unwrap();
    assert!(directory.path().join(".verified").exists(), "the next start does not hash again");
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[50_000_000] ^= 1;
    std::fs::write(&file, bytes).unwrap();
    assert!(
        matches!(local(&options), Err(ModelError::WrongHash { .. })),
        "one bit, same size, and a stamp from before"
    );
}
