//! Which block is where, what its fixed cells say, and which plain cells are copies of which: all from the shape alone.
//!
//! ```text
//! O, 2^252·O                                             constants
//! job:   Pass(O)                                         acc = −O
//!        Digit × n                                       top window
//!        (Tangent Double) × 4, Digit × n                 63 times
//!        Build(2^252·O), Result, Curve, Spare            the sum
//! point: Point(P), Curve, Spare                          entry 1; P is on the curve, its coordinates are canonical
//!        Tangent(P) Double Pass(−2P)
//!        Build(P) Entry(3P) Build(−2P) Entry(−5P) Build(2P) Entry(7P) … LastEntry(15P)
//! ```

use crate::{
    EccError, PointCells, Position,
    block::{Kind, plain},
    params::{ENTRIES, EccParams, WINDOW_BITS, WINDOWS},
};
use halo2_base::halo2_proofs::halo2curves::{bn256::Fr, ff::Field};

/// A plain cell by block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PlainCell {
    pub(crate) block: usize,
    pub(crate) cell: usize,
}

/// Two cells that must be equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Copied {
    /// What it is for.
    pub(crate) name: &'static str,
    pub(crate) from: PlainCell,
    pub(crate) to: PlainCell,
}

/// What the shape says of a block.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) kind: Kind,
    /// Job, for messages.
    pub(crate) job: usize,
    /// Number of the point in the job.
    pub(crate) point: usize,
    /// `Digit`: number of the window. `Entry`: number of the entry. `Build`: number of the entry that is next.
    pub(crate) index: usize,
    /// Number of the table among all tables, from 1.
    pub(crate) table: u64,
}

impl Block {
    /// The fixed value: weight of the window, multiple that the entry is, sign of what is added.
    pub(crate) fn value(&self) -> Fr {
        match self.kind {
            Kind::Digit => Fr::from(2).pow([(WINDOW_BITS * self.index) as u64]),
            Kind::Point | Kind::Entry | Kind::LastEntry => signed(multiple(self.index)),
            Kind::Build => Fr::from(subtracts(self.index) as u64),
            _ => Fr::ZERO,
        }
    }
}

/// The multiple of P that entry m is: 1, 3, −5, 7, −9, 11, −13, 15.
pub(crate) fn multiple(m: usize) -> i64 {
    let absolute = 2 * m as i64 + 1;
    if m > 1 && m.is_multiple_of(2) {
        -absolute
    } else {
        absolute
    }
}

/// Whether −2P is subtracted on the way to entry m.
pub(crate) fn subtracts(m: usize) -> bool {
    m > 1 && multiple(m) > 0
}

pub(crate) fn signed(value: i64) -> Fr {
    let absolute = Fr::from(value.unsigned_abs());
    if value < 0 { -absolute } else { absolute }
}

/// Where a job's blocks are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct JobBlocks {
    pub(crate) start: usize,
    pub(crate) result: usize,
    /// The `Point` block of each point.
    pub(crate) points: Vec<usize>,
}

/// The laid-out shape.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    params: EccParams,
    pub(crate) blocks: Vec<Block>,
    pub(crate) copies: Vec<Copied>,
    pub(crate) jobs: Vec<JobBlocks>,
}

impl Layout {
    /// Lays the shape out.
    pub fn new(params: &EccParams) -> Result<Self, EccError> {
        params.check()?;
        let mut layout = Layout {
            params: params.clone(),
            blocks: Vec::with_capacity(params.blocks()),
            copies: vec![],
            jobs: vec![],
        };
        for _ in 0..2 {
            layout.push(Kind::Constant, 0, 0, 0);
        }
        let mut tables = 0;
        for (job, &size) in params.jobs.iter().enumerate() {
            layout.job(job, size, &mut tables);
        }
        debug_assert_eq!(layout.blocks.len(), params.blocks());
        Ok(layout)
    }

    /// The shape.
    pub fn params(&self) -> &EccParams {
        &self.params
    }

    /// The cells of input point `point` of a job: on the curve, coordinates below p.
    /// Panics if there is no such point in the shape.
    pub fn point(&self, job: usize, point: usize) -> PointCells<Position> {
        self.point_cells(self.jobs[job].points[point])
    }

    /// The cell of a scalar. Panics if there is none such in the shape.
    pub fn scalar(&self, job: usize, point: usize) -> Position {
        self.position(PlainCell {
            block: self.jobs[job].points[point],
            cell: plain::SCALAR,
        })
    }

    /// The cells of a job's result: coordinates below p. Panics if there is no such job in the shape.
    pub fn result(&self, job: usize) -> PointCells<Position> {
        self.point_cells(self.jobs[job].result)
    }

    fn point_cells(&self, block: usize) -> PointCells<Position> {
        PointCells::from_all(std::array::from_fn(|cell| {
            self.position(PlainCell { block, cell })
        }))
    }

    pub(crate) fn position(&self, at: PlainCell) -> Position {
        let spot = self.params.width.plain(at.cell);
        Position {
            column: spot.column,
            row: at.block * self.params.width.rows() + spot.row,
        }
    }

    fn push(&mut self, kind: Kind, job: usize, point: usize, index: usize) -> usize {
        self.blocks.push(Block {
            kind,
            job,
            point,
            index,
            table: 0,
        });
        self.blocks.len() - 1
    }

    fn copy(&mut self, name: &'static str, from: usize, to: usize, cells: std::ops::Range<usize>) {
        self.copies.extend(cells.map(|cell| Copied {
            name,
            from: PlainCell { block: from, cell },
            to: PlainCell { block: to, cell },
        }));
    }

    fn job(&mut self, job: usize, size: usize, tables: &mut u64) {
        let first_table = *tables + 1;
        *tables += size as u64;
        let start = self.push(Kind::Pass, job, 0, 0);
        self.copy("copy.start", 0, start, plain::X..plain::SIGN);
        for window in (0..WINDOWS).rev() {
            if window + 1 != WINDOWS {
                (0..WINDOW_BITS).for_each(|_| self.doubling(job, 0));
            }
            for point in 0..size {
                let block = self.push(Kind::Digit, job, point, window);
                self.blocks[block].table = first_table + point as u64;
            }
        }
        let end = self.push(Kind::Build, job, 0, 0);
        self.copy("copy.end", 1, end, plain::X..plain::SIGN);
        let result = self.on_curve(Kind::Result, job, 0);
        let points = (0..size)
            .map(|point| self.table(job, point, first_table + point as u64))
            .collect();
        self.jobs.push(JobBlocks {
            start,
            result,
            points,
        });
    }

    fn doubling(&mut self, job: usize, point: usize) {
        let tangent = self.push(Kind::Tangent, job, point, 0);
        let double = self.push(Kind::Double, job, point, 0);
        self.copy("copy.double", tangent, double, plain::X..plain::SIGN);
    }

    fn on_curve(&mut self, kind: Kind, job: usize, point: usize) -> usize {
        let block = self.push(kind, job, point, 0);
        let curve = self.push(Kind::Curve, job, point, 0);
        self.push(Kind::Spare, job, point, 0);
        self.copy("copy.curve", block, curve, plain::X..plain::Y_LO);
        block
    }

    /// The chain that builds the table of a point and takes its scalar apart.
    fn table(&mut self, job: usize, point: usize, table: u64) -> usize {
        let input = self.on_curve(Kind::Point, job, point);
        self.blocks[input].table = table;
        let tangent = self.blocks.len();
        self.doubling(job, point);
        self.copy("copy.base", input, tangent, plain::X..plain::SIGN);
        let twice = self.push(Kind::Pass, job, point, 0);
        let mut previous = input;
        for m in 1..ENTRIES {
            let build = self.push(Kind::Build, job, point, m);
            let operand = if m == 1 { input } else { twice };
            self.copy("copy.build", operand, build, plain::X..plain::SIGN);
            let last = m + 1 == ENTRIES;
            let kind = if last { Kind::LastEntry } else { Kind::Entry };
            let entry = self.push(kind, job, point, m);
            self.blocks[entry].table = table;
            self.rest("copy.rest", previous, plain::REST, entry);
            previous = entry;
        }
        self.copies.push(Copied {
            name: "copy.zero",
            from: PlainCell {
                block: 0,
                cell: plain::ZERO,
            },
            to: PlainCell {
                block: previous,
                cell: plain::REST,
            },
        });
        input
    }

    fn rest(&mut self, name: &'static str, from: usize, cell: usize, entry: usize) {
        self.copies.push(Copied {
            name,
            from: PlainCell { block: from, cell },
            to: PlainCell {
                block: entry,
                cell: plain::SCALAR,
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Width;

    #[test]
    fn blocks_are_counted_right() {
        for jobs in [vec![1], vec![3, 1, 2], vec![36; 4]] {
            let params = EccParams::smallest(Width::W10, &jobs).unwrap();
            assert_eq!(Layout::new(&params).unwrap().blocks.len(), params.blocks());
        }
    }

    #[test]
    fn bad_shapes_are_named() {
        let smallest = |jobs: &[usize]| EccParams::smallest(Width::W10, jobs);
        assert_eq!(smallest(&[]), Err(EccError::NoJobs));
        assert_eq!(smallest(&[1, 0]), Err(EccError::EmptyJob { job: 1 }));
        assert!(matches!(
            smallest(&[usize::MAX]),
            Err(EccError::Rows { .. })
        ));
        assert_eq!(smallest(&[123, 6]).unwrap().k, 18);
        assert_eq!(smallest(&[383]).unwrap().k, 18);
        assert_eq!(smallest(&[384]).unwrap().k, 19);
        let params = EccParams {
            width: Width::W5,
            k: 17,
            jobs: vec![1],
        };
        assert_eq!(
            Layout::new(&params),
            Err(EccError::Domain {
                k: 17,
                smallest: 18
            })
        );
    }

    #[test]
    fn entries_follow_from_one_another() {
        let mut acc = 2; // after Pass(−2P)
        for m in 1..ENTRIES {
            acc += if m == 1 {
                1
            } else {
                -2 * if subtracts(m) { -1 } else { 1 }
            };
            assert_eq!(acc, multiple(m));
            acc = -acc;
        }
    }
}
