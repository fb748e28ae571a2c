//! temporary
use fuente_contract::TenantId;
use fuente_models::*;
use futures_util::StreamExt;
use std::time::Instant;
#[tokio::main(flavor = "current_thread")]
async fn main() {
    let name = std::env::args().nth(1).unwrap();
    let e = manifest::entry(&name).unwrap();
    let cache = std::path::PathBuf::from("/var/cache/fuente");
    let t = Instant::now();
    let g = local(&LocalOptions { file: e.directory(&cache).join("model.gguf"), sha256: e.sha256().into(), name: name.clone(), threads: std::env::var("T").map_or(2, |v| v.parse().unwrap()), context_tokens: 4096, queue: 4 }).unwrap();
    println!("load {:?}", t.elapsed());
    if std::env::var("BULK").is_ok() {
        let e = Embedder::load(&EmbedderOptions { directory: cache.join("models/e5-small"), onnxruntime: cache.join("lib/libonnxruntime.so"), threads: 0 }).unwrap();
        std::thread::spawn(move || { let rt = tokio::runtime::Builder::new_current_thread().build().unwrap(); rt.block_on(async { loop {
            let t = Instant::now();
            e.embed_passages(vec!["The invoices of the company are paid within thirty days of receipt and travel must be approved. ".repeat(7); 20], 512).await.unwrap();
            println!("   bulk {:.1} passages/s", 20.0 / t.elapsed().as_secs_f32());
        } }); });
    }
    let words = "The invoices of the company are paid within thirty days of receipt, and travel must be approved by the head of the department before it is booked. ".repeat(20);
    for round in 0..2 {
        for penalty in [1.0f32, 1.05] {
            for grammar in [false] {
                let r = GenerateRequest { tenant: TenantId::fresh(), messages: vec![ChatMessage { role: ChatRole::User, parts: vec![Part::Data(words.clone()), Part::Data("Write a long story about this.".into())] }], max_tokens: 64, sampling: Sampling { temperature: 0.0, seed: 1, repeat_penalty: penalty }, stop: vec![], grammar: None, answer_prefix: None };
                let t = Cpu(cpu());
                let mut s = g.generate(r).await.unwrap();
                let mut first = None; let mut text = String::new();
                while let Some(ev) = s.next().await { match ev.unwrap() { GenerateEvent::Token(p) => { first.get_or_insert(t.elapsed()); text.push_str(&p) }, GenerateEvent::Done { prompt_tokens, answer_tokens, .. } => {
                    let f = first.unwrap().as_secs_f32(); let d = t.elapsed().as_secs_f32() - f;
                    println!("round {round} penalty {penalty} grammar {grammar}: prompt {prompt_tokens} first {f:.2}s = {:.1} tok/s; answer {answer_tokens} = {:.1} tok/s", prompt_tokens as f32 / f, (answer_tokens - 1) as f32 / d);
                } } }
                if round == 0 && penalty == 1.0 { println!("{}", &text.chars().take(80).collect::<String>()); }
            }
        }
    }
}

struct Cpu(f64);
impl Cpu { fn elapsed(&self) -> std::time::Duration { std::time::Duration::from_secs_f64(cpu() - self.0) } }
fn cpu() -> f64 {
    if std::env::var("WALL").is_ok() { return std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64(); }
    let s = std::fs::read_to_string("/proc/self/stat").unwrap(); let f: Vec<&str> = s.rsplit(')').next().unwrap().split_whitespace().collect();
    (f[11].parse::<f64>().unwrap() + f[12].parse::<f64>().unwrap()) / 100.0
}
