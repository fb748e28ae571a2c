//! Chooses the next token from the model's scores.

use crate::error::ModelError;
use crate::generate::GenerateRequest;
use llama_cpp_2::context::LlamaContext;
use llama_cpp_2::model::LlamaModel;
use llama_cpp_2::sampling::LlamaSampler;
use llama_cpp_2::token::LlamaToken;
use std::collections::VecDeque;
use tokio::sync::oneshot;

/// Generated tokens that the repeat penalty looks back on.
const LOOK_BACK: usize = 64;

/// One request's way to choose.
pub(super) enum Chooser {
    /// The likeliest token. Done here, because llama.cpp's samplers sort out all 150,000
    /// candidates for every token, which costs about a tenth of the decode rate of a small model.
    Greedy { penalty: f32, recent: VecDeque<LlamaToken> },
    /// Everything else: llama.cpp's own chain.
    Chain(LlamaSampler),
    /// None: only how likely each choice is as the next word.
    Shares { choices: Vec<Vec<LlamaToken>>, tell: Option<oneshot::Sender<Vec<f32>>> },
}

impl Chooser {
    pub(super) fn of(model: &LlamaModel, request: &GenerateRequest) -> Result<Self, ModelError> {
        let sampling = request.sampling;
        let penalty = if sampling.repeat_penalty > 0.0 { sampling.repeat_penalty } else { 1.0 };
        let greedy = sampling.temperature <= 0.0;
        if greedy && request.grammar.is_none() {
            return Ok(Self::Greedy { penalty, recent: VecDeque::with_capacity(LOOK_BACK) });
        }
        let mut chain = Vec::new();
        if let Some(grammar) = &request.grammar {
            let grammar = LlamaSampler::grammar(model, grammar, "root");
            chain.push(grammar.map_err(|error| ModelError::failed("the grammar is not valid GBNF", error))?);
        }
        #[allow(clippy::cast_possible_wrap, clippy::cast_possible_truncation)] // 64
        chain.push(LlamaSampler::penalties(model.n_vocab(), LOOK_BACK as i32, penalty, 0.0, 0.0));
        if greedy {
            chain.push(LlamaSampler::greedy());
        } else {
            chain.extend([
                LlamaSampler::top_k(40),
                LlamaSampler::top_p(0.95, 1),
                LlamaSampler::min_p(0.05, 1),
                LlamaSampler::temp(sampling.temperature),
                LlamaSampler::dist(sampling.seed),
            ]);
        }
        Ok(Self::Chain(LlamaSampler::chain(chain, true)))
    }

    /// For [`Chooser::Shares`]: tells the probabilities at `index`. True where that ends the request.
    pub(super) fn told(&mut self, context: &LlamaContext<'_>, index: i32) -> bool {
        let Self::Shares { choices, tell } = self else { return false };
        if let Some(tell) = tell.take() {
            // Nobody listening is no fault: the caller left.
            let _ = tell.send(shares(context.get_logits_ith(index), choices));
        }
        true
    }

    /// The next token, from the scores that stand at `index` of the last batch.
    pub(super) fn choose(&mut self, context: &LlamaContext<'_>, index: i32) -> LlamaToken {
        match self {
            // It also accepts the token; a second call to accept would advance the grammar twice.
            Self::Chain(chain) => chain.sample(context, index),
            // Ended by `told` before any token is chosen.
            Self::Shares { .. } => LlamaToken(0),
            Self::Greedy { penalty, recent } => {
                let token = likeliest(context.get_logits_ith(index), recent, *penalty);
                if recent.len() == LOOK_BACK {
                    recent.pop_front();
                }
                recent.push_back(token);
                token
            }
        }
    }
}

/// Softmax over all scores, summed over the spellings of each choice.
fn shares(scores: &[f32], choices: &[Vec<LlamaToken>]) -> Vec<f32> {
    let most = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = scores.iter().map(|score| (score - most).exp()).sum();
    let share = |token: &LlamaToken| {
        let score = usize::try_from(token.0).ok().and_then(|at| scores.get(at));
        score.map_or(0.0, |score| (score - most).exp() / total)
    };
    choices.iter().map(|spellings| spellings.iter().map(share).sum()).collect()
}

/// The first of the highest scores, after lowering those of recent tokens.
fn likeliest(scores: &[f32], recent: &VecDeque<LlamaToken>, penalty: f32) -> LlamaToken {
    let mut lowered = scores.to_vec();
    for token in recent {
        let at = usize::try_from(token.0).unwrap_or(usize::MAX);
        if let (Some(score), Some(lower)) = (scores.get(at), lowered.get_mut(at)) {
            // From the score itself, so that a token seen twice is lowered once.
            *lower = if *score > 0.0 { score / penalty } else { score * penalty };
        }
    }
    let (token, _) =
        (0..).zip(lowered).fold((0, f32::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best });
    LlamaToken(token)
}
