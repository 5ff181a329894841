//! `--task generate`: the statement that every answer token is the arg-max of its position's logits, and greedy
//! generation on the integer executor, so that what is answered is what can be proven.
//!
//! | file | what |
//! |---|---|
//! | `causal` | static proof that row t of the logits depends on tokens 0 … t only |
//! | `statement` | the rewriting to [`Task::Generate`](halocast_ir::Task::Generate) |
//! | `greedy` | running it |

mod causal;
mod greedy;
mod statement;
#[cfg(test)]
mod tests;

pub use causal::{NotCausal, check_causal};
pub use greedy::{Generation, assign, generate};
pub use statement::{certify_generation, check_generation};

use halocast_ir::{ExecError, ProgramError};

/// Why a model cannot generate, or a request cannot be answered.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GenerateError {
    /// The model's interface is not that of a causal language model.
    #[error("not a language model over one sequence: {what}")]
    Interface {
        /// What is expected and found.
        what: String,
    },
    /// An arg-max could name a token that the embedding has no row for, or the reverse.
    #[error("the embedding has {rows} rows, the logits are over {vocab} tokens")]
    EmbeddingRows {
        /// Rows of the (smallest) embedding that reads every token.
        rows: usize,
        /// Length of a row of logits.
        vocab: usize,
    },
    /// A position's logits may depend on later tokens.
    #[error(transparent)]
    NotCausal(#[from] NotCausal),
    /// A generation program that differs from the one that its model gives.
    #[error("the program's statement is not the one that certifies the answers of its model")]
    NotCertified,
    /// The program is not a generation program.
    #[error("the program's task is inference, not generation")]
    WrongTask,
    /// A prompt without tokens.
    #[error("the prompt is empty; at least one token is needed")]
    EmptyPrompt,
    /// More tokens than the model was compiled for.
    #[error(
        "{prompt} prompt tokens and {answer} answer tokens exceed the compiled length {seq_len}"
    )]
    TooLong {
        /// Tokens of the prompt.
        prompt: usize,
        /// Tokens to generate.
        answer: usize,
        /// Compiled length.
        seq_len: usize,
    },
    /// A token id outside the vocabulary.
    #[error("prompt[{index}]: token id {found} is outside 0..{vocab}")]
    Token {
        /// Position.
        index: usize,
        /// The id.
        found: u32,
        /// Number of token ids.
        vocab: usize,
    },
    /// The integer semantics refuse the sequence.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The rewritten program is not well-formed.
    #[error("the generation program is refused: {0}")]
    Program(#[from] ProgramError),
}
