//! Greedy generation on the integer executor.

use halocast_ir::{ExecError, Program, Task, TensorId, Trace, execute};

use super::GenerateError;

/// Tokens for the positions after the answer, in the order in which they are tried: 0, and a few that most vocabularies use
/// (in bytes: a line break, a space, an e).
const PADDING: [u32; 4] = [0, 10, 32, 101];

/// Inputs and hints of a run.
type Given = Vec<(TensorId, Vec<i32>)>;

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
/// token (again with other padding if a value leaves its range); the last run, with all assertions, is returned.
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
        let (given, trace) = run(program, prompt, &answer)?;
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

/// Runs a sequence. Tokens after it are free, so a value out of range may be theirs alone: then others are tried before the
/// refusal of the first is believed.
fn run(program: &Program, prompt: &[u32], answer: &[u32]) -> Result<(Given, Trace), GenerateError> {
    let Layout { seq_len, vocab, .. } = layout(program)?;
    let known = |&id: &u32| id == 0 || (id as usize) < vocab;
    let mut first = None;
    for padding in PADDING.into_iter().filter(known) {
        let given = assign_padded(program, prompt, answer, padding)?;
        let refusal = match execute(program, &given) {
            Ok(trace) => return Ok((given, trace)),
            Err(refusal) => first.get_or_insert(refusal),
        };
        let by_range = matches!(
            refusal,
            ExecError::Overflow { .. } | ExecError::Range { .. }
        );
        if !by_range || prompt.len() + answer.len() == seq_len {
            break;
        }
    }
    Err(first.expect("token 0 is tried").into())
}

/// Inputs and hints that claim this answer to this prompt; whether it is the greedy one, the executor finds out.
/// Positions after the answer hold token 0.
pub fn assign(
    program: &Program,
    prompt: &[u32],
    answer: &[u32],
) -> Result<Vec<(TensorId, Vec<i32>)>, GenerateError> {
    assign_padded(program, prompt, answer, PADDING[0])
}

fn assign_padded(
    program: &Program,
    prompt: &[u32],
    answer: &[u32],
    padding: u32,
) -> Result<Given, GenerateError> {
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
    let padded = |tokens: &[&[u32]], padding: u32| -> Vec<i32> {
        let tokens = tokens.iter().flat_map(|t| t.iter()).copied();
        let padded = tokens.chain(std::iter::repeat(padding));
        padded.take(seq_len).map(|id| id as i32).collect()
    };
    let from = |start: usize| -> Vec<i32> { (0..seq_len).map(|t| i32::from(t >= start)).collect() };
    let values = [
        vec![p as i32],
        vec![n as i32],
        padded(&[prompt], 0),
        padded(&[prompt, answer], padding),
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
