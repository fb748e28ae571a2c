//! What the tests of the real models share. The files come from the cache that
//! `cargo xtask models` fills; where one is missing, the test fails and says so.

#![allow(dead_code)] // each test file uses its own part

use fuente_contract::TenantId;
use fuente_models::{
    ChatMessage, ChatRole, Finish, GenerateEvent, GenerateRequest, GenerateStream, Generator, LocalOptions, Part,
    Sampling, local, manifest,
};
use futures_util::StreamExt;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Mutex;

/// One test at a time has the cores: engines that fight for them tell nothing about time.
pub static CORES: Mutex<()> = Mutex::const_new(());

pub fn cache() -> PathBuf {
    match (std::env::var_os("FUENTE_CACHE"), std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME")) {
        (Some(set), _, _) => set.into(),
        (None, _, Some(home)) if home == "/root" => "/var/cache/fuente".into(),
        (None, Some(cache), _) => PathBuf::from(cache).join("fuente"),
        (None, None, home) => PathBuf::from(home.unwrap_or_default()).join(".cache/fuente"),
    }
}

pub fn engine(name: &str, queue: usize) -> Arc<dyn Generator> {
    let entry = manifest::entry(name).unwrap();
    let options = LocalOptions {
        file: entry.directory(&cache()).join("model.gguf"),
        sha256: entry.sha256().to_owned(),
        name: name.to_owned(),
        threads: 0,
        context_tokens: 2048,
        queue,
    };
    local(&options).unwrap_or_else(|error| panic!("run `cargo xtask models` first: {error}"))
}

pub fn ask(tenant: TenantId, system: &str, parts: Vec<Part>, max_tokens: u32) -> GenerateRequest {
    GenerateRequest {
        tenant,
        messages: vec![
            ChatMessage { role: ChatRole::System, parts: vec![Part::Trusted(system.to_owned())] },
            ChatMessage { role: ChatRole::User, parts },
        ],
        max_tokens,
        sampling: Sampling::default(),
        stop: Vec::new(),
        grammar: None,
        answer_prefix: None,
    }
}

pub fn story(max_tokens: u32) -> GenerateRequest {
    ask(
        TenantId::fresh(),
        "You tell long stories.",
        vec![Part::Data("Tell me a story about the sea.".to_owned())],
        max_tokens,
    )
}

/// A story whose end the grammar does not allow soon: it goes on to its last token.
pub fn endless() -> GenerateRequest {
    GenerateRequest { grammar: Some("root ::= [a-z ]* \"THE END\"".to_owned()), ..story(1900) }
}

#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    pub text: String,
    pub finish: Finish,
    pub prompt: u32,
    pub reused: u32,
    pub tokens: u32,
}

pub async fn read(mut stream: GenerateStream) -> Answer {
    let mut text = String::new();
    while let Some(event) = stream.next().await {
        match event.unwrap() {
            GenerateEvent::Token(piece) => text.push_str(&piece),
            GenerateEvent::Done { finish, prompt_tokens, reused_tokens, answer_tokens } => {
                assert!(stream.next().await.is_none(), "nothing follows Done");
                return Answer { text, finish, prompt: prompt_tokens, reused: reused_tokens, tokens: answer_tokens };
            }
        }
    }
    panic!("the stream ended without Done after {text:?}");
}

pub async fn run(engine: &Arc<dyn Generator>, request: GenerateRequest) -> Answer {
    read(engine.generate(request).await.unwrap()).await
}
