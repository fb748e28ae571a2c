//! A way to a server on which what is sent can be held up, as by a network that stalls.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Passes connections on to a server. Answers always pass; requests only while it is open.
pub struct HeldWay {
    pub url: String,
    open: watch::Sender<bool>,
    seen: Arc<Seen>,
}

#[derive(Default)]
struct Seen {
    closed: AtomicBool,
    held: AtomicUsize,
    answered: AtomicUsize,
}

impl HeldWay {
    /// An open way to the server at `url`.
    pub async fn to(url: &str) -> io::Result<Self> {
        let server = url.trim_start_matches("http://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let (open, opened) = watch::channel(true);
        let seen = Arc::new(Seen::default());
        let shared = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if let Ok(server) = TcpStream::connect(&server).await {
                    pass(client, server, opened.clone(), Arc::clone(&shared));
                }
            }
        });
        Ok(Self { url, open, seen })
    }

    /// From here on requests are taken, and kept.
    pub fn close(&self) {
        self.seen.closed.store(true, Ordering::SeqCst);
        self.open.send_replace(false);
    }

    /// What was kept goes on its way.
    pub fn release(&self) {
        self.seen.answered.store(0, Ordering::SeqCst);
        self.seen.closed.store(false, Ordering::SeqCst);
        self.open.send_replace(true);
    }

    /// Bytes of requests that are kept.
    pub fn held(&self) -> usize {
        self.seen.held.load(Ordering::SeqCst)
    }

    /// Bytes of answers since the release.
    pub fn answered(&self) -> usize {
        self.seen.answered.load(Ordering::SeqCst)
    }
}

fn pass(client: TcpStream, server: TcpStream, mut open: watch::Receiver<bool>, seen: Arc<Seen>) {
    let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
        (client.into_split(), server.into_split());
    let counted = Arc::clone(&seen);
    let (sender, mut kept) = tokio::sync::mpsc::unbounded_channel::<Vec<u8>>();
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_client.read(&mut buffer).await {
            if counted.closed.load(Ordering::SeqCst) {
                counted.held.fetch_add(length, Ordering::SeqCst);
            }
            if sender.send(buffer[..length].to_vec()).is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        while let Some(bytes) = kept.recv().await {
            if open.wait_for(|open| *open).await.is_err() || to_server.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(length @ 1..) = from_server.read(&mut buffer).await {
            seen.answered.fetch_add(length, Ordering::SeqCst);
            if to_client.write_all(&buffer[..length]).await.is_err() {
                return;
            }
        }
    });
}
