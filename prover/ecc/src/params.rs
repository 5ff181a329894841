//! The shape: width, domain and sizes of the jobs; and what it needs, for a planner.

use crate::{EccError, limbs::PIECE_BITS};

/// Bits of a window. Digits are odd and signed, so a table has 2^(w − 1) entries.
pub(crate) const WINDOW_BITS: usize = 4;
/// Windows of a scalar: 64 odd digits reach every odd number below 2^254 in absolute value.
pub(crate) const WINDOWS: usize = 64;
/// Entries of a point's table: ±P, ±3P, …, ±15P.
pub(crate) const ENTRIES: usize = 1 << (WINDOW_BITS - 1);
/// Rows at the end that halo2 blinds, rounded up. A test compares with the constraint system.
pub(crate) const RESERVED_ROWS: usize = 64;
/// The range table has a row for each 17-bit number, so the domain must be larger.
pub(crate) const SMALLEST_K: u32 = PIECE_BITS as u32 + 1;
/// The two-adicity of the scalar field ends at 28.
const LARGEST_K: u32 = 28;

/// Blocks with the constants, at the start of the circuit.
pub(crate) const CONSTANT_BLOCKS: usize = 2;
/// Blocks of a job besides those of its points: start, doublings (two blocks each), end, result (three).
const JOB_BLOCKS: usize = 1 + (WINDOWS - 1) * WINDOW_BITS * 2 + 1 + 3;
/// Blocks of a point: curve and tangent (four), −2P (two), two an entry but the first; an addition a window.
const POINT_BLOCKS: usize = 6 + 2 * (ENTRIES - 1) + WINDOWS;

/// Number of range-checked columns. A block of 80 pieces takes 80/width rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Width {
    /// 5 columns, 16 rows a block.
    W5,
    /// 10 columns, 8 rows a block.
    W10,
    /// 20 columns, 4 rows a block.
    W20,
    /// 40 columns, 2 rows a block.
    W40,
}

impl Width {
    /// All widths, narrow ones first.
    pub const ALL: [Width; 4] = [Width::W5, Width::W10, Width::W20, Width::W40];

    /// Range-checked columns.
    pub const fn columns(self) -> usize {
        match self {
            Width::W5 => 5,
            Width::W10 => 10,
            Width::W20 => 20,
            Width::W40 => 40,
        }
    }

    /// Rows of a block.
    pub const fn rows(self) -> usize {
        crate::block::BLOCK_PIECES / self.columns()
    }
}

/// What the circuit's shape depends on: constraints on `width` only, fixed cells and copies on all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct EccParams {
    /// Number of range-checked columns.
    pub width: Width,
    /// log2 of the number of rows, at least 18.
    pub k: u32,
    /// Number of points of each multiplication.
    pub jobs: Vec<usize>,
}

impl EccParams {
    /// The smallest circuit of a width for these jobs.
    pub fn smallest(width: Width, jobs: &[usize]) -> Result<Self, EccError> {
        let mut params = EccParams {
            width,
            k: SMALLEST_K,
            jobs: jobs.to_vec(),
        };
        while let Err(error) = params.check() {
            match error {
                EccError::Rows { .. } if params.k < LARGEST_K => params.k += 1,
                _ => return Err(error),
            }
        }
        Ok(params)
    }

    /// Elliptic-curve operations, one a block.
    pub fn blocks(&self) -> usize {
        let jobs = self.jobs.iter();
        let of_job = |n: &usize| JOB_BLOCKS.saturating_add(POINT_BLOCKS.saturating_mul(*n));
        jobs.map(of_job)
            .fold(CONSTANT_BLOCKS, usize::saturating_add)
    }

    /// Rows of all blocks.
    pub fn rows(&self) -> usize {
        self.blocks().saturating_mul(self.width.rows())
    }

    /// Rows on which lookups count; the running sum ends on the row after them.
    pub(crate) fn active_rows(&self) -> usize {
        (1 << self.k) - RESERVED_ROWS
    }

    /// Whether a circuit of this shape can be.
    pub fn check(&self) -> Result<(), EccError> {
        if self.jobs.is_empty() {
            return Err(EccError::NoJobs);
        }
        if let Some(job) = self.jobs.iter().position(|n| *n == 0) {
            return Err(EccError::EmptyJob { job });
        }
        let (k, smallest) = (self.k, SMALLEST_K);
        if !(SMALLEST_K..=LARGEST_K).contains(&k) {
            return Err(EccError::Domain { k, smallest });
        }
        let (needed, available) = (self.rows(), self.active_rows());
        if needed > available {
            return Err(EccError::Rows {
                k,
                needed,
                available,
            });
        }
        Ok(())
    }
}
