//! Greedy generation on the integer executor.

use halocast_ir::{Program, Task, TensorId, Trace, execute};

use super::GenerateError;

/// A generated answer with all that proving it needs.
#[derive(Clone, Debug)]
pub struct Generation {
    /// Inputs and hints of the run.
    pub given: Vec<(TensorId, Vec<i32>)>,
    /// Every activation of the run.
    pub trace: Trace,
    /// The answer's token ids.
    pub answer: Vec<u32>,
}

/// What a generation program says of itself.
struct Layout {
    seq_len: usize,
    vocab: usize,
    argmax: TensorId,
}

fn layout(program: &Program) -> Result<Layout, GenerateError> {
    match program.task {
        Task::Generate {
            seq_len,
            vocab,
            argmax,
            ..
        } => Ok(Layout {
            seq_len,
            vocab,
            argmax,
        }),
        Task::Infer => Err(GenerateError::WrongTask),
    }
}

/// Answers a prompt with `n` tokens, each the arg-max of the integer logits before it. Runs the program once for each
/// token; the last run, with all assertions, is returned.
///
/// # Errors
/// An empty prompt, token ids outside the vocabulary, p + n over the compiled length, or a refusal by the executor.
pub fn generate(program: &Program, prompt: &[u32], n: usize) -> Result<Generation, GenerateError> {
    let Layout {
        seq_len, argmax, ..
    } = layout(program)?;
    check_length(prompt.len(), n, seq_len)?;
    let mut answer: Vec<u32> = Vec::new();
    loop {
        let given = assign(program, prompt, &answer)?;
        let trace = execute(program, &given)?;
        if answer.len() == n {
            return Ok(Generation {
                given,
                trace,
                answer,
            });
        }
        let last = prompt.len() + answer.len() - 1;
        answer.push(trace.get(argmax)[last] as u32);
    }
}

/// Inputs and hints that claim this answer to this prompt; whether it is the greedy one, the executor finds out.
/// Positions after the answer hold token 0.
pub fn assign(
    program: &Program,
    prompt: &[u32],
    answer: &[u32],
) -> Result<Vec<(TensorId, Vec<i32>)>, GenerateError> {
    let Layout { seq_len, vocab, .. } = layout(program)?;
    let (p, n) = (prompt.len(), answer.len());
    check_length(p, n, seq_len)?;
    for (index, &found) in prompt.iter().chain(answer).enumerate() {
        if found as usize >= vocab {
            return Err(GenerateError::Token {
                index,
                found,
                vocab,
            });
        }
    }
    let padded = |tokens: &[&[u32]]| -> Vec<i32> {
        let tokens = tokens.iter().flat_map(|t| t.iter().map(|&id| id as i32));
        tokens.chain(std::iter::repeat(0)).take(seq_len).collect()
    };
    let from = |start: usize| -> Vec<i32> { (0..seq_len).map(|t| i32::from(t >= start)).collect() };
    let values = [
        vec![p as i32],
        vec![n as i32],
        padded(&[prompt]),
        padded(&[prompt, answer]),
        from(p),
        from(p + n),
    ];
    let ids = program.inputs.iter().chain(&program.hints).copied();
    Ok(ids.zip(values).collect())
}

fn check_length(prompt: usize, answer: usize, seq_len: usize) -> Result<(), GenerateError> {
    if prompt == 0 {
        return Err(GenerateError::EmptyPrompt);
    }
    if prompt.saturating_add(answer) > seq_len {
        return Err(GenerateError::TooLong {
            prompt,
            answer,
            seq_len,
        });
    }
    Ok(())
}
