//! Choice of domain and columns. More columns at a smaller k prove faster; each column makes the contract longer, and
//! the contract has a limit. The figures are fits to measurements (docs/design/aggregation.md).

use super::{AggregateError, assembly::CircuitParams};
use halo2_base::gates::circuit::BaseCircuitParams;
use halocast_ecc::{EccParams, Width};
use serde::{Deserialize, Serialize};

/// Rows that halo2 needs for blinding.
pub(crate) const BLINDING_ROWS: usize = 20;

/// Rows that our chip keeps free at the end; more rotations blind more rows.
pub(crate) const WIDE_BLINDING_ROWS: usize = 64;

/// Which chip multiplies the points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CurveChip {
    /// Ours (`halocast-ecc`).
    #[default]
    Wide,
    /// halo2-ecc's: the baseline of benchmarks.
    Stock,
}

/// What to spend least of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// CPU time of the prover.
    #[default]
    Total,
    /// Gas: the fewest commitments that a prover makes in at most 1.6 times the least time.
    Gas,
}

/// Layer proofs of a fold where nothing is asked for.
const FOLD_CAPACITY: usize = 8;

/// How many layer proofs a fold takes where nothing is asked for; 0: no folds. An aggregation of a fold has as few columns
/// as one of four layer proofs, so beyond four a fold saves gas; it costs a proof more, and saves memory when there are many.
pub fn fold_capacity(objective: Objective, proofs: usize) -> usize {
    let direct = match objective {
        Objective::Total => 16,
        Objective::Gas => 4,
    };
    match proofs <= direct {
        true => 0,
        false => FOLD_CAPACITY.min(proofs),
    }
}

/// What the choice may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AggregationConfig {
    /// Smallest domain considered.
    pub min_k: u32,
    /// Largest domain considered; memory doubles with each.
    pub max_k: u32,
    /// Which chip multiplies the points.
    pub chip: CurveChip,
    /// What to spend least of; the stock chip has no choice.
    pub objective: Objective,
    /// Number of range-checked columns of our chip; `None`: whatever serves the objective.
    pub width: Option<Width>,
    /// Bytes that a prover may use, key included.
    pub max_memory: u64,
    /// Largest number of gate columns.
    pub max_advice: usize,
    /// Limit for the estimated code of the raw verifier (EIP-170 allows 24,576 bytes).
    pub max_code_bytes: usize,
}

impl Default for AggregationConfig {
    fn default() -> Self {
        Self {
            min_k: 17,
            max_k: 22,
            chip: CurveChip::default(),
            objective: Objective::default(),
            width: None,
            max_memory: u64::MAX,
            max_advice: 9,
            max_code_bytes: 24_000,
        }
    }
}

/// Size of a circuit before it is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) advice: usize,
    pub(crate) lookups: usize,
}

/// A layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) k: u32,
    pub(crate) advice: usize,
    pub(crate) lookup: usize,
}

impl Plan {
    fn at(k: u32, cells: Cells) -> Self {
        let rows = (1usize << k) - BLINDING_ROWS;
        Self {
            k,
            advice: cells.advice.div_ceil(rows).max(1),
            lookup: cells.lookups.div_ceil(rows).max(1),
        }
    }

    /// CPU seconds of the prover.
    fn seconds(self) -> f64 {
        let columns = self.advice as f64 + 2.5 * self.lookup as f64;
        (f64::from(self.k) - 20.0).exp2() * (43.0 + 11.2 * columns)
    }

    /// Bytes of the raw verifier's run-time code.
    pub(crate) fn code_bytes(self, instances: usize) -> usize {
        8_900 + 1_100 * self.advice + 2_600 * self.lookup + 211 * instances
    }
}

/// The layout of least time within the limits.
pub(crate) fn choose(
    cells: Cells,
    instances: usize,
    config: &AggregationConfig,
) -> Result<Plan, AggregateError> {
    (config.min_k..=config.max_k)
        .map(|k| Plan::at(k, cells))
        .filter(|p| {
            p.advice <= config.max_advice && p.code_bytes(instances) <= config.max_code_bytes
        })
        .min_by(|a, b| a.seconds().total_cmp(&b.seconds()))
        .ok_or(AggregateError::DoesNotFit {
            cells: cells.advice,
            lookups: cells.lookups,
            max_k: config.max_k,
            max_code_bytes: config.max_code_bytes,
        })
}

/// The parameters of [`choose_layout`].
pub(crate) fn choose_wide(
    jobs: &[usize],
    advice: usize,
    config: &AggregationConfig,
) -> Result<CircuitParams, AggregateError> {
    let best = choose_layout(jobs, advice, config)?;
    Ok(wide_params(best.wide, best.columns))
}

/// The layout that serves the objective with our chip: `jobs` are the sizes of the multiplications, `advice` the cells for
/// scalars and hashes.
pub(crate) fn choose_layout(
    jobs: &[usize],
    advice: usize,
    config: &AggregationConfig,
) -> Result<Layout, AggregateError> {
    let layouts = (config.min_k..=config.max_k)
        .flat_map(|k| Width::ALL.map(|width| (width, k)))
        .map(|(width, k)| EccParams {
            width,
            k,
            jobs: jobs.to_vec(),
        })
        .map(|wide| Layout {
            columns: advice.div_ceil((1 << wide.k) - WIDE_BLINDING_ROWS),
            wide,
        });
    let holds = |l: &Layout| l.wide.check().is_ok() && l.columns <= config.max_advice;
    let all: Vec<Layout> = layouts.filter(holds).collect();
    let asked = |l: &&Layout| config.width.is_none_or(|width| width == l.wide.width);
    let candidates: Vec<&Layout> = all.iter().filter(asked).collect();
    if candidates.is_empty() {
        return Err(AggregateError::TooManyPoints {
            points: jobs.iter().sum(),
            max_k: config.max_k,
        });
    }
    let best = best(&candidates, config);
    best.cloned()
        .ok_or_else(|| no_memory(&candidates, &all, config))
}

/// A circuit with our chip: its shape, and the gate columns beside it.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    pub(crate) wide: EccParams,
    pub(crate) columns: usize,
}

impl Layout {
    /// CPU seconds of the prover: within 10 % of what docs/benchmarks.md has for three, six and eight proofs, a fold of six,
    /// and its root at both k.
    pub(crate) fn seconds(&self) -> f64 {
        let work = 36.0 + 2.3 * self.wide.width.columns() as f64 + 3.6 * self.columns as f64;
        (f64::from(self.wide.k) - 18.0).exp2() * work
    }

    /// Peak memory of the prover: so many polynomials an advice column, of 32 bytes a row.
    pub(crate) fn bytes(&self) -> u64 {
        let advice = self.wide.width.columns() + CHIP_COLUMNS + self.columns;
        (POLYNOMIALS_PER_COLUMN * advice as u64) << (self.wide.k + 5)
    }

    /// Commitments that differ between layouts.
    pub(crate) fn commitments(&self) -> usize {
        self.wide.width.columns() + COLUMN_COMMITMENTS * self.columns
    }
}

/// The layout that serves the objective within the memory.
fn best<'a>(candidates: &[&'a Layout], config: &AggregationConfig) -> Option<&'a Layout> {
    let fits = candidates.iter().copied();
    let fits: Vec<&Layout> = fits.filter(|l| l.bytes() <= config.max_memory).collect();
    let fastest = fits
        .iter()
        .map(|l| l.seconds())
        .fold(f64::INFINITY, f64::min);
    let allowed = match config.objective {
        Objective::Total => fastest,
        Objective::Gas => GAS_PATIENCE * fastest,
    };
    fits.into_iter()
        .filter(|l| l.seconds() <= allowed)
        .min_by_key(|l| l.commitments())
}

/// Says what would do: another width within the memory, or the memory of the smallest layout.
fn no_memory(candidates: &[&Layout], all: &[Layout], config: &AggregationConfig) -> AggregateError {
    let needed = candidates.iter().map(|l| l.bytes()).min();
    let others: Vec<&Layout> = all.iter().collect();
    let smallest = others.iter().copied().min_by_key(|l| l.bytes());
    let would_do = best(&others, config).or(smallest);
    AggregateError::NoMemory {
        needed: needed.unwrap_or_default(),
        available: config.max_memory,
        width: would_do.map_or(0, |l| l.wide.width.columns()),
        width_needs: would_do.map_or(0, Layout::bytes),
    }
}

/// Parameters of a circuit with our chip.
pub(crate) fn wide_params(wide: EccParams, columns: usize) -> CircuitParams {
    CircuitParams {
        base: BaseCircuitParams {
            k: wide.k as usize,
            num_advice_per_phase: vec![columns],
            num_fixed: 1,
            num_lookup_advice_per_phase: vec![],
            lookup_bits: None,
            num_instance_columns: 1,
        },
        wide: Some(wide),
    }
}

/// How much longer than the fastest a circuit for little gas may take.
const GAS_PATIENCE: f64 = 1.6;
/// Commitments that a gate column brings with its selector and its place in the permutation.
const COLUMN_COMMITMENTS: usize = 3;

/// Advice columns of our chip beside the range-checked ones.
const CHIP_COLUMNS: usize = 9;
/// Polynomials in memory at the peak for each advice column, measured (docs/benchmarks.md) and rounded up.
const POLYNOMIALS_PER_COLUMN: u64 = 10;

/// Estimate from the number of points, to begin with; corrected after the circuit has been built once.
pub(crate) fn estimate(points: usize) -> Cells {
    Cells {
        advice: 1_000_000 + 104_000 * points,
        lookups: 150_000 + 12_000 * points,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_cells_never_choose_a_smaller_layout() {
        let config = AggregationConfig::default();
        let mut rows = 0;
        for points in (10..130).step_by(5) {
            let plan = choose(estimate(points), 16, &config).unwrap();
            assert!(plan.code_bytes(16) <= config.max_code_bytes);
            let now = plan.advice << plan.k;
            assert!(now >= estimate(points).advice);
            assert!(now + (1 << plan.k) >= rows, "{points}: {plan:?}");
            rows = now;
        }
    }

    #[test]
    fn gas_asks_for_a_narrower_circuit_than_time() {
        let of = |objective| {
            let config = AggregationConfig {
                objective,
                ..AggregationConfig::default()
            };
            let params = choose_wide(&[240, 7], 1_060_000, &config).unwrap();
            let wide = params.wide.unwrap();
            (wide.width, wide.k)
        };
        assert_eq!(of(Objective::Total), (Width::W10, 18));
        assert!(of(Objective::Gas).0 < Width::W10);
        choose_wide(&[100_000], 1_000, &AggregationConfig::default()).unwrap_err();
    }

    #[test]
    fn memory_limits_the_width_and_the_error_says_which_fits() {
        let with = |width, max_memory| {
            let config = AggregationConfig {
                width,
                max_memory,
                ..AggregationConfig::default()
            };
            choose_wide(&[240, 7], 1_060_000, &config)
        };
        let width = |params: Result<CircuitParams, _>| params.unwrap().wide.unwrap().width;
        assert_eq!(width(with(None, u64::MAX)), Width::W10);
        assert_eq!(width(with(Some(Width::W40), u64::MAX)), Width::W40);
        let error = with(Some(Width::W40), 3 << 30).unwrap_err().to_string();
        assert_eq!(
            error,
            "the aggregation needs 4.2 GiB, 3.0 GiB may be used; with 10 columns it needs 1.9 GiB"
        );
        let error = with(None, 1 << 30).unwrap_err().to_string();
        assert_eq!(
            error,
            "the aggregation needs 1.9 GiB, 1.0 GiB may be used; with 10 columns it needs 1.9 GiB"
        );
    }

    #[test]
    fn too_many_cells_are_an_error() {
        let error = choose(estimate(1000), 16, &AggregationConfig::default()).unwrap_err();
        assert!(error.to_string().contains("fit no layout"), "{error}");
    }
}
