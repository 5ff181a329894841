//! What quantization does to a language model: bits per token on text, and whether greedy continuations stay the same.

use serde::{Deserialize, Serialize};

use super::FidelityError;
use super::metrics::top;
use crate::{Graph, Inputs, Quantized};

/// Text for the language figures, as token ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LanguageSamples {
    /// Windows of exactly the compiled length; every token but the first is predicted from those before it.
    pub windows: Vec<Vec<u32>>,
    /// Prompts to continue greedily.
    pub prompts: Vec<Vec<u32>>,
    /// Longest continuation (it also ends with the compiled length).
    pub max_new_tokens: usize,
    /// A token that ends a continuation.
    pub stop: Option<u32>,
}

/// Language figures of both models.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LanguageFidelity {
    /// Tokens predicted.
    pub tokens: usize,
    /// Mean −log2 probability of the float model; for a byte-level vocabulary, bits per byte.
    pub float_bits_per_token: f64,
    /// The same of the integer model.
    pub integer_bits_per_token: f64,
    /// Greedy continuations.
    pub continuations: Continuations,
}

impl LanguageFidelity {
    /// 2^bits of the float model.
    pub fn float_perplexity(&self) -> f64 {
        self.float_bits_per_token.exp2()
    }

    /// 2^bits of the integer model.
    pub fn integer_perplexity(&self) -> f64 {
        self.integer_bits_per_token.exp2()
    }
}

/// How greedy continuations of the float model and of the integer model compare.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Continuations {
    /// Prompts continued.
    pub prompts: usize,
    /// Prompts with the same whole continuation.
    pub identical: usize,
    /// Tokens of the float model's continuations.
    pub tokens: usize,
    /// Tokens before the first difference.
    pub same_tokens: usize,
    /// Prompts (by index) whose continuations differ, with the position of the first difference.
    pub differing: Vec<(usize, usize)>,
}

impl Continuations {
    /// Share of identical continuations; 1 for none.
    pub fn agreement(&self) -> f64 {
        if self.prompts == 0 {
            1.0
        } else {
            self.identical as f64 / self.prompts as f64
        }
    }
}

/// Both models behind one interface: tokens of the compiled length to rows of logits.
struct Models<'a> {
    graph: &'a Graph,
    quantized: &'a Quantized,
    seq_len: usize,
    vocab: usize,
}

/// Measures both models.
pub(super) fn measure(
    graph: &Graph,
    quantized: &Quantized,
    samples: &LanguageSamples,
) -> Result<LanguageFidelity, FidelityError> {
    let models = Models::new(graph, quantized)?;
    let mut bits = [0.0; 2];
    let mut tokens = 0;
    for (sample, window) in samples.windows.iter().enumerate() {
        if window.len() != models.seq_len {
            let what = format!("window {sample} has {} tokens", window.len());
            return Err(FidelityError::NotLanguage { what });
        }
        bits[0] += models.cost(&models.float(sample, window)?, window);
        bits[1] += models.cost(&models.integer(sample, window)?, window);
        tokens += window.len() - 1;
    }
    let mut continuations = Continuations::default();
    for (index, prompt) in samples.prompts.iter().enumerate() {
        models.compare(index, prompt, samples, &mut continuations)?;
    }
    let mean = |sum: f64| sum / tokens.max(1) as f64;
    Ok(LanguageFidelity {
        tokens,
        float_bits_per_token: mean(bits[0]),
        integer_bits_per_token: mean(bits[1]),
        continuations,
    })
}

impl<'a> Models<'a> {
    fn new(graph: &'a Graph, quantized: &'a Quantized) -> Result<Self, FidelityError> {
        let refuse = |what: String| Err(FidelityError::NotLanguage { what });
        let ([(input, _)], [output]) = (&quantized.inputs[..], &quantized.outputs[..]) else {
            let (i, o) = (quantized.inputs.len(), quantized.outputs.len());
            return refuse(format!("{i} inputs, {o} outputs"));
        };
        let (seq_len, vocab) = match (&input.shape[..], &output.shape[..]) {
            ([1, t] | [t], [1, u, v] | [u, v]) if t == u && input.vocab.is_some() => (*t, *v),
            (i, o) => return refuse(format!("input {i:?}, output {o:?}")),
        };
        Ok(Models {
            graph,
            quantized,
            seq_len,
            vocab,
        })
    }

    fn inputs(&self, tokens: &[u32]) -> Inputs {
        let ids = tokens.iter().map(|&t| t as f32);
        let padded = ids.chain(std::iter::repeat(0.0)).take(self.seq_len);
        Inputs(vec![padded.collect()])
    }

    fn float(&self, sample: usize, tokens: &[u32]) -> Result<Vec<f64>, FidelityError> {
        let all = self.graph.run(&self.inputs(tokens).0);
        let all = all.map_err(|source| FidelityError::Float { sample, source })?;
        let logits = &all[self.graph.outputs[0].0];
        Ok(logits.iter().map(|&x| f64::from(x)).collect())
    }

    fn integer(&self, sample: usize, tokens: &[u32]) -> Result<Vec<f64>, FidelityError> {
        let run = self.quantized.run(&self.inputs(tokens));
        let run = run.map_err(|source| FidelityError::Integer { sample, source })?;
        let tensor = self.quantized.outputs[0].tensor;
        Ok(self.quantized.reals(&run.trace, tensor))
    }

    /// −log2 probability of every token after the first.
    fn cost(&self, logits: &[f64], tokens: &[u32]) -> f64 {
        let rows = logits.chunks(self.vocab).zip(&tokens[1..]);
        let bits = |(row, &next): (&[f64], &u32)| {
            let max = row.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = row.iter().map(|x| (x - max).exp()).sum();
            (sum.ln() + max - row[next as usize]) / std::f64::consts::LN_2
        };
        rows.map(bits).sum()
    }

    /// The float model continues a prompt; the integer model agrees up to the first position where, on the same tokens,
    /// its arg-max is another (greedy decoding is a function of the tokens before).
    fn compare(
        &self,
        index: usize,
        prompt: &[u32],
        samples: &LanguageSamples,
        out: &mut Continuations,
    ) -> Result<(), FidelityError> {
        if prompt.is_empty() || prompt.len() > self.seq_len {
            let what = format!("prompt {index} has {} tokens", prompt.len());
            return Err(FidelityError::NotLanguage { what });
        }
        let choose =
            |logits: &[f64], at: usize| top(&logits[at * self.vocab..][..self.vocab]) as u32;
        let mut tokens = prompt.to_vec();
        let end = self
            .seq_len
            .min(prompt.len().saturating_add(samples.max_new_tokens));
        while tokens.len() < end {
            let logits = self.float(index, &tokens)?;
            let next = choose(&logits, tokens.len() - 1);
            tokens.push(next);
            if samples.stop == Some(next) {
                break;
            }
        }
        let logits = self.integer(index, &tokens)?;
        let answer = prompt.len()..tokens.len();
        let differs = |&at: &usize| choose(&logits, at - 1) != tokens[at];
        let first = answer.clone().find(differs);
        out.prompts += 1;
        out.tokens += answer.len();
        out.same_tokens += first.unwrap_or(answer.end) - answer.start;
        match first {
            None => out.identical += 1,
            Some(at) => out.differing.push((index, at)),
        }
        Ok(())
    }
}
