//! Rows and domains of the ops between two cuts. Building the rows of every span would take minutes, so they are estimated
//! from those of the whole program; what a plan wants to use is built and counted (`settle`), and the plan made again with
//! what is then known. The estimate can be too small: a function that costs no row beside its product costs two an element
//! when a cut stands between them.

use super::SpanSize;
use super::live::{live_tensors, spans};
use crate::layout::{TableCounter, UNUSABLE_ROWS, domain_for};
use crate::segment::{Segment, build, row_marks};
use crate::{CircuitError, gates};
use halocast_ir::{Program, SLOTS_PER_WORD, TensorId};
use std::cell::RefCell;
use std::collections::HashMap;

/// Sizes of spans, and what is live between them.
pub(super) struct Spans<'a> {
    program: &'a Program,
    /// Rows of the ops before each position.
    before: Vec<usize>,
    /// Table rows that each op brings when it is the first of its segment to need them.
    tables: TableCounter,
    /// Tensors live before each op; the last entry is the outputs.
    live: Vec<Vec<TensorId>>,
    known: RefCell<HashMap<(usize, usize), Known>>,
}

#[derive(Clone, Copy)]
struct Known {
    size: SpanSize,
    counted: bool,
}

impl<'a> Spans<'a> {
    pub(super) fn new(program: &'a Program) -> Result<Self, CircuitError> {
        let whole = Segment {
            name: "whole".into(),
            ops: 0..program.ops.len(),
            inputs: program.inputs.clone(),
            outputs: program.outputs.clone(),
            hints: program.hints.clone(),
            k: 0,
        };
        Ok(Spans {
            program,
            before: row_marks(program, &whole)?,
            tables: TableCounter::new(program),
            live: live_tensors(program),
            known: RefCell::default(),
        })
    }

    /// Number of ops.
    pub(super) fn ops(&self) -> usize {
        self.before.len() - 1
    }

    /// Rows of the ops themselves, in the whole program.
    pub(super) fn own_rows(&self, from: usize, to: usize) -> usize {
        self.before[to] - self.before[from]
    }

    /// Activations live at a position.
    pub(super) fn live_values(&self, at: usize) -> usize {
        self.program.value_count(&self.live[at])
    }

    /// Size of ops `from..to`, as far as known.
    pub(super) fn size(&self, from: usize, to: usize) -> SpanSize {
        if let Some(known) = self.known.borrow().get(&(from, to)) {
            return known.size;
        }
        let size = self.estimate(from, to);
        let known = Known {
            size,
            counted: false,
        };
        self.known.borrow_mut().insert((from, to), known);
        size
    }

    /// From the rows of the whole program and those of both boundaries.
    pub(super) fn estimate(&self, from: usize, to: usize) -> SpanSize {
        let values = [from, to].map(|at| self.live_values(at));
        let boundary: usize = values.map(boundary_rows).iter().sum();
        let rows = self.own_rows(from, to) + boundary;
        // Constants and clamps that a cut makes each side state again.
        let slack = 256 + values.iter().sum::<usize>();
        let need = (rows + slack).max(self.tables.rows(from, to)) + UNUSABLE_ROWS + 1;
        let k = need.next_power_of_two().trailing_zeros();
        SpanSize { k, rows }
    }

    /// Builds the rows of the spans between cuts that were only estimated. Whether their domains were right.
    pub(super) fn settle(&self, cuts: &[usize]) -> Result<bool, CircuitError> {
        let mut right = true;
        let segments = spans(self.program, &self.live, cuts);
        for (span, segment) in cuts.windows(2).zip(segments) {
            let key = (span[0], span[1]);
            if self.known.borrow().get(&key).is_some_and(|k| k.counted) {
                continue;
            }
            let rows = build(self.program, &segment, None)?;
            let size = SpanSize {
                k: domain_for(&rows),
                rows: rows.len(),
            };
            right &= size.k == self.size(key.0, key.1).k;
            let known = Known {
                size,
                counted: true,
            };
            self.known.borrow_mut().insert(key, known);
        }
        Ok(right)
    }

    /// The segments between cuts, with the domains that are known.
    pub(super) fn segments(&self, cuts: &[usize]) -> Vec<Segment> {
        let mut segments = spans(self.program, &self.live, cuts);
        for segment in &mut segments {
            segment.k = self.size(segment.ops.start, segment.ops.end).k;
        }
        segments
    }
}

/// Rows of packing and hashing so many activations (loaded ones stand on these rows).
pub(super) fn boundary_rows(values: usize) -> usize {
    let words = values.div_ceil(SLOTS_PER_WORD);
    let permutation = 1 + 2 * gates::FULL_ROUNDS + gates::PARTIAL_ROUNDS;
    9 * words + (words + 1).div_ceil(2) * permutation + permutation
}
