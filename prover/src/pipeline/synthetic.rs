//! A program that is no model: rows by the ten thousand from few lines, to measure proofs with.

use super::PipelineError;
use super::describe::manifest;
use crate::bundle::{Bundle, Compiled, NewBundle};
use crate::costs::CostModel;
use halocast_ir::{ClampBits, Coefs, Form, Op, OpKind, Program, Scale, Task, Tensor, TensorId};
use halocast_model::{InputSpec, OutputSpec, Quantized};
use serde_json::{Value, json};
use std::path::Path;

/// Values of a tensor, each a row of an op.
const VALUES: usize = 240;
/// Ops of the segments: next to no rows, the most of 2^17, and most of 2^18.
const OPS: [usize; 3] = [1, 480, 1000];
const DOMAINS: [u32; 3] = [17, 17, 18];

/// A chain of identities, each with its rescale.
pub(super) fn quantized() -> Quantized {
    let count = OPS.iter().sum::<usize>() as u32;
    let tensor = |i: u32| Tensor {
        name: format!("t{i}"),
        shape: vec![VALUES],
        scale: Scale(0),
    };
    let op = |i: u32| Op {
        name: format!("op{i}"),
        kind: OpKind::Elementwise {
            a: TensorId(i),
            b: None,
            coefs: Coefs::uniform(0, 1 << 16, 0, 0),
            form: Form::Narrow(ClampBits::Act),
            out: TensorId(i + 1),
        },
    };
    let (first, last) = (TensorId(0), TensorId(count));
    let input = InputSpec {
        name: "x".into(),
        shape: vec![VALUES],
        vocab: None,
        mask: false,
    };
    let output = OutputSpec {
        name: "y".into(),
        shape: vec![VALUES],
        tensor: last,
    };
    Quantized {
        program: Program {
            tensors: (0..=count).map(tensor).collect(),
            tables: vec![],
            ops: (0..count).map(op).collect(),
            inputs: vec![first],
            hints: vec![],
            outputs: vec![last],
            task: Task::Infer,
        },
        inputs: vec![(input, first)],
        outputs: vec![output],
        probes: vec![],
    }
}

/// The program as a bundle, in three segments.
pub(super) fn bundle(root: &Path) -> Result<Bundle, PipelineError> {
    let quantized = quantized();
    let [first, second, _] = OPS;
    let cuts = [0, first, first + second, OPS.iter().sum()];
    let mut segments = halocast_circuit::cut_at(&quantized.program, &cuts)?;
    for (segment, k) in segments.iter_mut().zip(DOMAINS) {
        segment.k = segment.k.max(k);
    }
    let compiled = Compiled {
        quantized,
        items: 1,
        segments,
    };
    let manifest = manifest("calibration", &compiled, &CostModel::default())?;
    let new = NewBundle {
        manifest,
        compiled: &compiled,
        files: vec![],
    };
    Ok(Bundle::create(root, new, false)?)
}

/// Its input: values all over the range.
pub(super) fn input() -> Value {
    let value = |i: usize| (i as i64 * 7919) % 60_000 - 30_000;
    let values: Vec<i64> = (0..VALUES).map(value).collect();
    json!({"inputs": {"x": values}})
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::{Request, execute};

    #[test]
    fn the_segments_are_what_they_are_measured_for() {
        let dir = tempfile::tempdir().unwrap();
        let bundle = bundle(&dir.path().join("b")).unwrap();
        let segments = &bundle.manifest().segments;
        let found: Vec<u32> = segments.iter().map(|s| s.k).collect();
        assert_eq!(found, DOMAINS);
        assert!(segments[0].rows < 10_000, "{segments:?}");
        for (segment, domain) in segments[1..].iter().zip([17, 18]) {
            let filled = segment.rows as f64 / f64::from(1 << domain);
            assert!((0.8..1.0).contains(&filled), "{segment:?}");
        }
        let request = Request::from_json(&bundle, &input()).unwrap();
        let run = execute(&bundle, &request).unwrap();
        assert_eq!(run.output_words(&bundle), request.words());
    }
}
