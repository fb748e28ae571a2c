//! Runs the models: text into vectors ([`Embedder`]) and prompts into words ([`Generator`]:
//! llama.cpp in this process, or any OpenAI-compatible server).
//!
//! This room is the only user of fastembed and llama.cpp. It never reads a document, never
//! searches, and never trusts a model file whose hash is not in `models.toml`.

mod busy;
mod embed_plan;
mod embed_worker;
mod embedder;
mod embedders;
mod error;
mod generate;
mod local;
pub mod manifest;
pub mod parts;
#[cfg(feature = "testing")]
pub mod peer;
mod pieces;
mod queue;
mod remote;
mod verify;

pub use embedder::{Embedder, EmbedderOptions};
pub use embedders::{Embedders, dim_of};
pub use error::ModelError;
pub use generate::{
    ChatMessage, ChatRole, Finish, GenerateEvent, GenerateRequest, GenerateStream, Generator, ModelInfo, Part,
    Sampling, Shares, WeighRequest,
};
pub use local::{LocalOptions, local};
pub use remote::{RemoteOptions, remote};
