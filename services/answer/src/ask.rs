//! One question, from words to the last event of its stream.

use crate::abstain::{self, Abstention};
use crate::error::from_model;
use crate::ground::{Grounding, Question};
use crate::{judge, meter, prompt, refuse};
use fuente_contract::answer::{AnswerEvent, AnswerStream, AskRequest, Usage};
use fuente_contract::{Answer, Error, Result, Scope, Search};
use fuente_models::{Embedder, Finish, GenerateEvent, GenerateRequest, GenerateStream, Generator, Sampling, Shares};
use futures_util::StreamExt;
use std::sync::Arc;
use std::time::Instant;

/// How to answer; see `[answer]` of the settings.
#[derive(Clone, Debug)]
pub struct AnswererOptions {
    pub evidence_tokens: u32,
    pub max_tokens: u32,
    pub abstain_below: f32,
    pub seed: u32,
}

/// The answer service, in process.
#[derive(Clone)]
pub struct Answerer {
    search: Arc<dyn Search>,
    pub(crate) generator: Arc<dyn Generator>,
    pub(crate) embedder: Embedder,
    pub(crate) options: AnswererOptions,
}

impl Answerer {
    #[must_use]
    pub fn new(
        search: Arc<dyn Search>,
        generator: Arc<dyn Generator>,
        embedder: Embedder,
        options: AnswererOptions,
    ) -> Self {
        Self { search, generator, embedder, options }
    }
}

/// What is known of an answer while it is made.
pub(crate) struct Run {
    pub(crate) grounding: Grounding,
    pub(crate) prompt_sha256: String,
    /// Log-odds of the judge.
    pub(crate) judged: Option<f32>,
    pub(crate) usage: Usage,
    pub(crate) clock: Instant,
}

#[async_trait::async_trait]
impl Answer for Answerer {
    async fn ask(&self, scope: &Scope, request: AskRequest) -> Result<AnswerStream> {
        self.begin(scope, request).await.inspect_err(meter::refused_to_begin)
    }
}

impl Answerer {
    async fn begin(&self, scope: &Scope, request: AskRequest) -> Result<AnswerStream> {
        let clock = Instant::now();
        let question = Question::of(&request)?;
        let grounding = question.ground(scope, self.search.as_ref(), &request, self.options.evidence_tokens).await?;
        let mut run = Run { grounding, prompt_sha256: String::new(), judged: None, usage: Usage::default(), clock };
        run.usage.evidence_ms = since(clock);
        // Queued here and not in the stream, so that a full queue is a 503 and not a broken stream. The
        // answer stands in the queue right behind its judge, and leaves it where the judge says no.
        let work = if self.hopeless(&run.grounding) {
            None
        } else {
            let judge = match abstain::is_calibrated(&self.generator.info().name) {
                true => Some(self.generator.weigh(judge::request(scope, &run.grounding)).await.map_err(from_model)?),
                false => None,
            };
            Some((judge, self.start(scope, &request, &mut run).await?))
        };
        Ok(self.clone().events(run, work))
    }
}

/// What is queued for one question: the judge of its evidence, and the answer.
type Work = (Option<Shares>, GenerateStream);

/// Probability below which a judge cannot change the outcome, so that it is not asked.
const HOPELESS: f32 = 0.02;

impl Answerer {
    fn hopeless(&self, grounding: &Grounding) -> bool {
        grounding.found.evidence.is_empty() || self.likely(grounding, None) < HOPELESS
    }

    fn likely(&self, grounding: &Grounding, judged: Option<f32>) -> f32 {
        abstain::answerable(&self.generator.info().name, &grounding.found.lang, &grounding.found.signals, judged)
    }

    /// Hears the judge, then decides.
    async fn refusal(&self, run: &mut Run, judge: Option<Shares>) -> Result<Option<Abstention>> {
        if run.grounding.found.evidence.is_empty() {
            return Ok(Some(Abstention::NothingFound));
        }
        if let Some(judge) = judge {
            run.judged = judge.await.map_err(from_model)?.as_deref().and_then(judge::log_odds);
        }
        let likely = self.likely(&run.grounding, run.judged);
        Ok((likely < self.options.abstain_below).then_some(Abstention::WeakEvidence))
    }

    async fn start(&self, scope: &Scope, request: &AskRequest, run: &mut Run) -> Result<GenerateStream> {
        let messages = prompt::messages(&run.grounding);
        run.prompt_sha256 = prompt::hash(&messages);
        let most = self.options.max_tokens;
        let wanted = GenerateRequest {
            tenant: scope.tenant(),
            messages,
            max_tokens: request.max_tokens.unwrap_or(most).clamp(1, most),
            sampling: Sampling { temperature: 0.0, seed: self.options.seed, repeat_penalty: 1.05 },
            stop: vec!["\n\n".to_owned()],
            grammar: None,
            answer_prefix: None,
        };
        self.generator.generate(wanted).await.map_err(from_model)
    }

    fn events(self, mut run: Run, work: Option<Work>) -> AnswerStream {
        async_stream::stream! {
            yield AnswerEvent::Evidence(run.grounding.found.evidence.clone());
            let (judge, stream) = work.unzip();
            let refused = match self.refusal(&mut run, judge.flatten()).await {
                Ok(refused) => refused,
                Err(error) => {
                    yield AnswerEvent::Error(error);
                    return;
                }
            };
            // Dropped where it is refused, which takes it out of the engine's queue.
            let stream = stream.filter(|_| refused.is_none());
            let mut written = String::new();
            let mut shown = 0;
            let mut ended = stream.is_none();
            let mut generation = stream;
            while let Some(event) = match &mut generation {
                Some(stream) => stream.next().await,
                None => None,
            } {
                match event {
                    Ok(GenerateEvent::Token(piece)) => {
                        if run.usage.first_token_ms == 0.0 {
                            run.usage.first_token_ms = since(run.clock);
                        }
                        written.push_str(&piece);
                        if !refuse::may_become_marker(&written) {
                            yield AnswerEvent::Token(written[shown..].to_owned());
                            shown = written.len();
                        }
                    }
                    Ok(GenerateEvent::Done { finish, prompt_tokens, reused_tokens, answer_tokens }) => {
                        ended = true;
                        run.usage.prompt_tokens = prompt_tokens;
                        run.usage.reused_tokens = reused_tokens;
                        run.usage.answer_tokens = answer_tokens;
                        if finish == Finish::Cancelled {
                            yield AnswerEvent::Error(from_model(fuente_models::ModelError::Cancelled));
                            return;
                        }
                    }
                    Err(error) => {
                        yield AnswerEvent::Error(from_model(error));
                        return;
                    }
                }
            }
            if !ended {
                // Half an answer must not pass for a whole one, nor a dead engine for a refusal.
                yield AnswerEvent::Error(Error::unavailable("The engine stopped in the middle of the answer. Ask again.", 5));
                return;
            }
            let reply = match self.finish(run, refused, &written).await {
                Ok(reply) => reply,
                Err(error) => {
                    yield AnswerEvent::Error(error);
                    return;
                }
            };
            if shown == 0 {
                yield AnswerEvent::Token(reply.text.clone());
            } else if reply.text != written.trim() {
                yield AnswerEvent::Revised(reply.text.clone());
            }
            for citation in reply.citations.clone() {
                yield AnswerEvent::Citation(citation);
            }
            yield AnswerEvent::Verdict(reply.verdict);
            yield AnswerEvent::Usage(reply.trace.usage);
            yield AnswerEvent::Done(Box::new(reply));
        }
        .inspect(meter::heard)
        .boxed()
    }
}

pub(crate) fn since(clock: Instant) -> f32 {
    clock.elapsed().as_secs_f32() * 1_000.0
}
