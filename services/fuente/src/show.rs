//! An answer on a terminal: tokens as they come, then the sources, each with its quote.

use anyhow::{Result, bail};
use fuente_contract::AnswerEvent;
use fuente_contract::answer::{Reply, Verdict};
use std::io::Write;
use std::process::ExitCode;

/// Prints the events of one answer.
pub(crate) struct Printer {
    json: bool,
    shown: String,
    done: Option<Reply>,
    error: Option<String>,
}

impl Printer {
    pub(crate) fn new(json: bool) -> Self {
        Self { json, shown: String::new(), done: None, error: None }
    }

    pub(crate) fn event(&mut self, event: AnswerEvent) {
        match event {
            AnswerEvent::Token(text) => {
                if !self.json {
                    let mut out = std::io::stdout();
                    let _ = write!(out, "{text}").and_then(|()| out.flush());
                }
                self.shown.push_str(&text);
            }
            // Printed at the end, where it differs: a terminal cannot take words back.
            AnswerEvent::Revised(_) => {}
            AnswerEvent::Done(reply) => self.done = Some(*reply),
            AnswerEvent::Error(error) => self.error = Some(error.detail),
            AnswerEvent::Evidence(_) | AnswerEvent::Citation(_) | AnswerEvent::Verdict(_) | AnswerEvent::Usage(_) => {}
        }
    }

    pub(crate) fn finish(self) -> Result<ExitCode> {
        if let Some(error) = self.error {
            bail!("{error}");
        }
        let Some(reply) = self.done else { bail!("The answer broke off before its end. Ask again.") };
        if self.json {
            say!("{}", serde_json::to_string_pretty(&reply)?);
            return Ok(ExitCode::SUCCESS);
        }
        say!();
        if self.shown.trim() != reply.text.trim() {
            say!("\nChecked against its sources, the answer is:\n{}", reply.text);
        }
        sources(&reply);
        let usage = reply.trace.usage;
        say!(
            "\n[{}] evidence after {:.0} ms, first token {:.0} ms, {} tokens, {:.1} s in all",
            verdict(reply.verdict),
            usage.evidence_ms,
            usage.first_token_ms,
            usage.answer_tokens,
            usage.total_ms / 1_000.0
        );
        Ok(ExitCode::SUCCESS)
    }
}

fn sources(reply: &Reply) {
    for (at, sentence) in reply.sentences.iter().enumerate().filter(|(_, sentence)| !sentence.supported) {
        say!("\nNot supported by a source (sentence {}): {}", at + 1, sentence.text);
    }
    if !reply.citations.is_empty() {
        say!("\nSources");
    }
    for (at, citation) in reply.citations.iter().enumerate() {
        let quote: String = citation.quote.split_whitespace().collect::<Vec<_>>().join(" ");
        say!(
            "  [{}] {}, page {} (characters {}–{})\n      “{quote}”",
            at + 1,
            citation.title,
            citation.page,
            citation.char_start,
            citation.char_end
        );
    }
    if !reply.nearest.is_empty() {
        say!("\nThe nearest documents you may read:");
        for nearest in &reply.nearest {
            say!("  - {}, page {}", nearest.title, nearest.page);
        }
    }
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Grounded => "grounded",
        Verdict::Partial => "partly grounded",
        Verdict::Insufficient => "not in your documents",
        Verdict::Open => "not from documents",
    }
}
