//! What aggregating will take, before there are keys to lay a circuit out for: the layout that [`super::plan`] would choose for
//! as many cells and points as circuits of this kind were found to have.

use super::plan::{Layout, choose_layout};
use super::{AggregateError, AggregationConfig};
use halocast_circuit::LAYER_POINTS;

/// What goes into a circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// So many layer proofs.
    Layers(usize),
    /// So many folds.
    Folds(usize),
}

/// What a circuit will be and take.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Forecast {
    /// log2 of the rows.
    pub k: u32,
    /// Range-checked columns.
    pub width: usize,
    /// Gate columns.
    pub columns: usize,
    /// CPU seconds of a proof, on the machine that the layouts were measured on.
    pub cpu_s: f64,
    /// Peak memory of a proof in bytes.
    pub bytes: u64,
    /// Points that verifying its proof multiplies.
    pub points: usize,
}

/// Chooses a layout.
///
/// # Errors
/// [`AggregateError::TooManyPoints`] if no layout holds so many proofs, [`AggregateError::NoMemory`] if none of them fits
/// the configured memory.
pub fn forecast(given: Given, config: &AggregationConfig) -> Result<Forecast, AggregateError> {
    let (jobs, cells) = match given {
        Given::Layers(n) => (
            layer_jobs(n, LAYER_POINTS - 1),
            OTHER_CELLS + LAYER_CELLS * n,
        ),
        Given::Folds(n) => {
            let left = n * (FOLD_POINTS + 1) + 2;
            (vec![left, 2 * n + 1], OTHER_CELLS + FOLD_CELLS * n)
        }
    };
    let layout = choose_layout(&jobs, cells, config)?;
    Ok(Forecast {
        k: layout.wide.k,
        width: layout.wide.width.columns(),
        columns: layout.columns,
        cpu_s: layout.seconds(),
        bytes: layout.bytes(),
        points: chain_points(&layout),
    })
}

/// Points of both multiplications over n layer proofs: on the left those of each proof, one generator for all, the blind; on
/// the right a quotient of each, and the blind.
pub(super) fn layer_jobs(n: usize, points: usize) -> Vec<usize> {
    vec![n * points + 2, n + 1]
}

/// Points that a verifier of the circuit multiplies.
fn chain_points(layout: &Layout) -> usize {
    FIXED_POINTS + layout.commitments()
}

/// Cells of verifying a layer proof, nearly all for hashing: 199,000 with 17 fixed columns (1,195,184 for six proofs, 1,606,806 for
/// eight), and a fixed column is 3,610 (a commitment and an evaluation).
pub(super) const LAYER_CELLS: usize = 184_500;
/// Cells for statement and accumulator.
const OTHER_CELLS: usize = 4_000;
/// Cells of verifying a fold of eight: 538,474.
const FOLD_CELLS: usize = 535_000;
/// Points of a fold's proof, whose circuit has the width of least time.
const FOLD_POINTS: usize = 54;
/// Points of an aggregation's proof that no layout changes: 56 at width 10 with 5 gate columns.
const FIXED_POINTS: usize = 31;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aggregate::Objective;

    fn config(objective: Objective) -> AggregationConfig {
        AggregationConfig {
            objective,
            ..AggregationConfig::default()
        }
    }

    /// The circuits of docs/benchmarks.md come out as they were.
    #[test]
    fn circuits_that_were_measured_are_foretold() {
        let total = config(Objective::Total);
        let six = forecast(Given::Layers(6), &total).unwrap();
        assert_eq!((six.k, six.width, six.columns, six.points), (18, 10, 5, 56));
        assert!((65.0..82.0).contains(&six.cpu_s), "{six:?}");
        let eight = forecast(Given::Layers(8), &total).unwrap();
        assert_eq!((eight.k, eight.width), (18, 10));
        let root = forecast(Given::Folds(1), &config(Objective::Gas)).unwrap();
        assert_eq!(root.width, 5);
        assert!(root.points < six.points, "{root:?}");
    }

    #[test]
    fn more_proofs_never_cost_less() {
        let total = config(Objective::Total);
        let mut before = 0.0;
        for n in 1..40 {
            let cost = forecast(Given::Layers(n), &total).unwrap().cpu_s;
            assert!(cost >= before, "{n} proofs: {cost} after {before}");
            before = cost;
        }
    }

    #[test]
    fn memory_is_heeded_and_what_is_needed_is_said() {
        let with = |max_memory| {
            let config = AggregationConfig {
                max_memory,
                ..config(Objective::Total)
            };
            forecast(Given::Layers(6), &config)
        };
        let error = with(1 << 30).unwrap_err();
        let AggregateError::NoMemory { needed, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(with(needed).unwrap().bytes, needed);
        with(needed - 1).unwrap_err();
    }
}
