//! From the model's last word to the reply: what was written is checked against the evidence, completed
//! with what the sources say themselves, and given its verdict and its trace.

use crate::abstain::Abstention;
use crate::ask::{Answerer, Run, since};
use crate::cite::Attributed;
use crate::words::{fact_set, facts};
use crate::{cite, quote, refuse};
use fuente_contract::Result;
use fuente_contract::answer::{AnswerSentence, Citation, Reply, Trace, Verdict};
use fuente_contract::asked::Asked;
use std::collections::HashSet;

impl Answerer {
    /// Attributes what was written, decides the verdict, and closes the trace.
    pub(crate) async fn finish(&self, mut run: Run, refused: Option<Abstention>, written: &str) -> Result<Reply> {
        let (checked, own) = match refused {
            Some(reason) => (Err(reason), Vec::new()),
            None => self.check(&run, written.trim()).await?,
        };
        run.usage.total_ms = since(run.clock);
        let lang = run.grounding.found.lang.clone();
        let verdict = verdict(&checked, &own);
        let trace = self.trace(&run, checked.as_ref().err().copied(), own);
        Ok(match checked {
            Err(_) => Reply {
                text: refuse::text(&lang).to_owned(),
                sentences: Vec::new(),
                citations: Vec::new(),
                verdict,
                nearest: run.grounding.nearest(),
                lang,
                trace,
            },
            Ok(made) => Reply {
                text: made.sentences.iter().map(|sentence| sentence.text.as_str()).collect::<Vec<_>>().join("\n"),
                sentences: made.sentences,
                citations: made.citations,
                verdict,
                nearest: Vec::new(),
                lang,
                trace,
            },
        })
    }

    /// The reply's sentences or why there are none, and the model's own sentences with their support.
    async fn check(
        &self,
        run: &Run,
        written: &str,
    ) -> Result<(std::result::Result<Attributed, Abstention>, Vec<AnswerSentence>)> {
        if written.is_empty() {
            return Ok((Err(Abstention::ModelRefused), Vec::new()));
        }
        let own = cite::attribute(&self.embedder, &run.grounding, written).await?;
        if refuse::is_refusal(&own) {
            return Ok((Err(Abstention::ModelRefused), own.sentences));
        }
        let made = quote::complete(&run.grounding, &own);
        let carried = made.sentences.iter().filter(|sentence| sentence.supported).count();
        let refused = carried * 2 < made.sentences.len()
            || lacks_what_was_asked(&run.grounding.question.standalone, &made.citations);
        Ok((if refused { Err(Abstention::Unsupported) } else { Ok(made) }, own.sentences))
    }

    fn trace(&self, run: &Run, refused: Option<Abstention>, written: Vec<AnswerSentence>) -> Trace {
        let info = self.generator.info();
        let found = &run.grounding.found;
        Trace {
            query: run.grounding.question.standalone.clone(),
            lang: found.lang.clone(),
            epoch: found.epoch,
            candidates: run.grounding.candidates(),
            evidence: found.evidence.iter().map(|evidence| evidence.hit.passage).collect(),
            signals: found.signals,
            judged: run.judged,
            written,
            abstained: refused.map(|reason| reason.as_str().to_owned()),
            prompt_sha256: run.prompt_sha256.clone(),
            model: info.name.clone(),
            model_sha256: info.sha256.clone(),
            sampling: "greedy, repeat_penalty 1.05".to_owned(),
            seed: self.options.seed,
            search: found.timings,
            usage: run.usage,
        }
    }
}

/// Whether the question asks for a sum, a figure or a time, and no cited sentence holds one. Judged on
/// the sources, because a small model is glad to make up the figure that is missing.
fn lacks_what_was_asked(question: &str, citations: &[Citation]) -> bool {
    let Some(asked) = Asked::of(question) else { return false };
    citations.iter().all(|citation| asked.met(question, &citation.quote) <= 0.0)
}

/// `grounded` is for what the model said and the sources carry, all of it, as it stands or within what is
/// quoted. Where a sentence of its own fell, the reply may still quote the sources, but is not known to be
/// the answer.
fn verdict(checked: &std::result::Result<Attributed, Abstention>, own: &[AnswerSentence]) -> Verdict {
    let Ok(made) = checked else { return Verdict::Insufficient };
    let told: HashSet<String> = made.sentences.iter().flat_map(|sentence| facts(&sentence.text)).collect();
    let stands = |sentence: &AnswerSentence| sentence.supported && fact_set(&sentence.text).is_subset(&told);
    let grounded = !made.in_doubt && own.iter().all(stands) && made.sentences.iter().all(|sentence| sentence.supported);
    if grounded { Verdict::Grounded } else { Verdict::Partial }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cite::tests::quoted;

    fn sentence(text: &str, supported: bool) -> AnswerSentence {
        AnswerSentence { text: text.to_owned(), supported }
    }

    fn judged(own: &[AnswerSentence], made: &str) -> Verdict {
        judged_as(own, made, false)
    }

    fn judged_as(own: &[AnswerSentence], made: &str, in_doubt: bool) -> Verdict {
        let made = Attributed { sentences: vec![sentence(made, true)], citations: vec![quoted(made)], in_doubt };
        verdict(&Ok(made), own)
    }

    #[test]
    fn quotes_do_not_ground_what_the_model_made_up() {
        let quote = "Annual leave: “Full-time staff have 26 days.”";
        assert_eq!(judged(&[sentence("You have 99 days on the moon.", false)], quote), Verdict::Partial);
        assert_eq!(judged(&[sentence("Leave can be sold to colleagues.", true)], quote), Verdict::Partial);
        assert_eq!(judged(&[sentence("26 days", true)], quote), Verdict::Grounded);
        assert_eq!(judged_as(&[sentence("26 days", true)], quote, true), Verdict::Partial);
    }

    #[test]
    fn an_answer_without_the_figure_that_was_asked_for_is_none() {
        let question = "How many parking spaces are there?";
        assert!(lacks_what_was_asked(question, &[quoted("The car park is behind the building.")]));
        assert!(!lacks_what_was_asked(question, &[quoted("There are 40 spaces.")]));
        assert!(!lacks_what_was_asked("Who runs the car park?", &[quoted("Reception does.")]));
    }
}
