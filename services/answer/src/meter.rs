//! What answering counts: how answers end, how long they take, and what the model read and wrote.

use fuente_contract::Error;
use fuente_contract::answer::{AnswerEvent, Reply, Usage};
use metrics::{counter, histogram};

/// An answer that came to its end.
fn answered(reply: &Reply) {
    counter!("fuente_answers_total", "end" => reply.verdict.as_str()).increment(1);
    if let Some(reason) = &reply.trace.abstained {
        counter!("fuente_answer_refusals_total", "reason" => reason.clone()).increment(1);
    }
    let Usage { prompt_tokens, reused_tokens, answer_tokens, evidence_ms, first_token_ms, total_ms } =
        reply.trace.usage;
    for (kind, tokens) in [("prompt", prompt_tokens), ("reused", reused_tokens), ("answer", answer_tokens)] {
        counter!("fuente_answer_tokens_total", "kind" => kind).increment(u64::from(tokens));
    }
    histogram!("fuente_answer_evidence_seconds").record(f64::from(evidence_ms) / 1_000.0);
    histogram!("fuente_answer_seconds").record(f64::from(total_ms) / 1_000.0);
    // Nothing was written where it was refused before a word.
    if first_token_ms > 0.0 {
        histogram!("fuente_answer_first_token_seconds").record(f64::from(first_token_ms) / 1_000.0);
    }
}

/// Listens to an answer's events.
pub(crate) fn heard(event: &AnswerEvent) {
    match event {
        AnswerEvent::Done(reply) => answered(reply),
        AnswerEvent::Error(_) => failed(),
        _ => {}
    }
}

/// A question that did not begin: the engine's queue was full, or a room was away. A question that
/// is none is the caller's.
pub(crate) fn refused_to_begin(error: &Error) {
    if error.code.status() >= 500 {
        failed();
    }
}

fn failed() {
    counter!("fuente_answers_total", "end" => "error").increment(1);
}
