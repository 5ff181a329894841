//! The stages from a model to a verified proof, each a function from a bundle (or a file) to a bundle (or a result). They
//! tell a [`Progress`] what they do and measure what it costs; they never print and never ask.
//!
//! | file | what |
//! |---|---|
//! | `compile`, `plan`, `describe` | ONNX → bundle; how it is cut, and what the manifest says |
//! | `calibrate`, `synthetic` | what proving costs on this machine |
//! | `setup`, `keys`, `strings` | keys, salt, commitment, and the reference strings they need |
//! | `input`, `execute`, `items` | requests as integers, and running them, one or many at a time |
//! | `prove`, `verify`, `aggregation` | layer proofs, their aggregation, and both kinds of checks |
//! | `proof_file`, `words` | `PROOF.json` and its numbers |
//! | `metrics`, `progress`, `error` | cost, events, errors |

mod aggregation;
mod calibrate;
mod compile;
mod describe;
mod error;
mod execute;
mod fold;
mod input;
mod items;
mod keys;
mod metrics;
mod plan;
mod progress;
mod proof_file;
mod prove;
mod setup;
mod strings;
mod synthetic;
mod verify;
mod words;

pub use aggregation::{load_vk, outer_proof};
pub use calibrate::{CalibrateOptions, CalibrationReport, Compared, calibrate};
pub use compile::{AUTO_MAX_K, CompileOptions, CompileReport, Segments, TaskChoice, compile};
pub use error::PipelineError;
pub use execute::{Execution, execute, text};
pub use input::{Prompt, Request};
pub use metrics::{Meter, StageCost, cpu_seconds, peak_rss_bytes};
pub use progress::{Event, Progress, Silent};
pub use proof_file::{LayerEntry, PROOF_FORMAT, ProofBody, ProofFile, Statement};
pub use prove::{AggregateCost, ProveOptions, ProveReport, SegmentCost, Stage, prove};
pub use setup::{AggregationOptions, SetupOptions, SetupReport, setup};
pub use verify::{Verdict, verify};
pub use words::{
    context_from_hex, field_from_hex, field_to_hex, field_to_word, word_from_hex, word_to_field,
    word_to_hex,
};
