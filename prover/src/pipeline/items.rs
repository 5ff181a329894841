//! The run that a proof is about: of one item, or of several in one program.

use super::{Execution, PipelineError, Request, execute};
use crate::bundle::Bundle;
use halocast_ir::{Trace, Word};

/// The run, with its public words.
#[derive(Debug)]
pub(super) struct Run {
    /// Input words of all items, one item after the other.
    pub(super) inputs: Vec<Word>,
    /// Output words, likewise.
    pub(super) outputs: Vec<Word>,
    /// Every activation of the program that is proven.
    pub(super) trace: Trace,
}

/// Runs the requests. Where they are fewer than a proof has items, the last is repeated.
pub(super) fn run(bundle: &Bundle, requests: &[Request]) -> Result<Run, PipelineError> {
    let items = bundle.items();
    if !(1..=items).contains(&requests.len()) {
        return Err(PipelineError::Items {
            got: requests.len(),
            most: items,
        });
    }
    let one = |(index, request): (usize, &Request)| {
        execute(bundle, request).map_err(|e| of_item(items, index, e))
    };
    let executions: Vec<Execution> = requests
        .iter()
        .enumerate()
        .map(one)
        .collect::<Result<_, _>>()?;
    let last = requests.len() - 1;
    let order: Vec<usize> = (0..items).map(|slot| slot.min(last)).collect();
    let words = |of: &dyn Fn(usize) -> Vec<Word>| order.iter().flat_map(|&i| of(i)).collect();
    Ok(Run {
        inputs: words(&|i| requests[i].words()),
        outputs: words(&|i| executions[i].output_words(bundle)),
        trace: match items {
            1 => executions.into_iter().next().expect("there is one").trace,
            _ => together(
                bundle,
                order.iter().map(|&i| &executions[i].trace).collect(),
            )?,
        },
    })
}

/// The run of the program of all items, from the runs of each.
fn together(bundle: &Bundle, runs: Vec<&Trace>) -> Result<Trace, PipelineError> {
    let (single, proven) = (bundle.program(), bundle.proven());
    let inputs: Vec<_> = runs.iter().map(|run| run.concat(&single.inputs)).collect();
    let inputs = (proven.inputs[0], single.batched_inputs(&inputs));
    let hint = |&id| {
        (
            id,
            runs.iter().flat_map(|run| run.get(id).to_vec()).collect(),
        )
    };
    let given: Vec<_> = std::iter::once(inputs)
        .chain(single.hints.iter().map(hint))
        .collect();
    Ok(halocast_ir::execute(proven, &given)?)
}

/// Which of several items it was.
fn of_item(items: usize, index: usize, error: PipelineError) -> PipelineError {
    match items {
        1 => error,
        _ => PipelineError::Item {
            index,
            source: Box::new(error),
        },
    }
}
