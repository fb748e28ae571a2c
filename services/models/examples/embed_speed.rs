//! temporary
use fuente_models::*;
use std::time::Instant;
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let cache = std::path::PathBuf::from("/var/cache/fuente");
    let name = std::env::args().nth(1).unwrap();
    let rss = || std::fs::read_to_string("/proc/self/status").unwrap().lines().find(|l| l.starts_with("VmRSS")).unwrap().to_owned();
    let t = Instant::now();
    let e = Embedder::load(&EmbedderOptions { directory: cache.join("models").join(&name), onnxruntime: cache.join("lib/libonnxruntime.so"), threads: std::env::var("T").map_or(0, |v| v.parse().unwrap()) }).unwrap();
    println!("load {:?} {}", t.elapsed(), rss());
    for _ in 0..3 {
        let t = Instant::now();
        for i in 0..10 { e.embed_queries(vec![format!("How many vacation days do I have in year {i}?")]).await.unwrap(); }
        println!("query {:?}", t.elapsed() / 10);
    }
    let t = Instant::now();
    e.embed_queries((0..24).map(|i| format!("Rule {i}: the door is locked at night, and the key is with the porter of the building.")).collect()).await.unwrap();
    println!("24 sentences {:?}", t.elapsed());
    let words: Vec<&str> = "the invoices of the company are paid within thirty days of receipt and travel must be approved by the head of department before it is booked".split(' ').collect();
    let texts: Vec<String> = (0..64usize).map(|i| (0..(80 + (i * 37) % 90)).map(|k| words[(i * 7 + k * 5) % words.len()]).collect::<Vec<_>>().join(" ")).collect();
    let tokens: usize = texts.iter().map(|t| e.count_tokens(t)).sum();
    for b in [256, 512, 1024, 2048, 4096] {
        let t = Instant::now();
        e.embed_passages(texts.clone(), b).await.unwrap();
        let s = t.elapsed().as_secs_f32();
        println!("budget {b}: {:.1} passages/s {:.0} tok/s (mean {} tokens) {}", 64.0 / s, tokens as f32 / s, tokens / 64, rss());
    }
}
