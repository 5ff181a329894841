//! Constructors of the operators that only move elements. Each returns its operand where nothing would move, and
//! merges with a like one below it.

use super::ir::{Builder, Id, Op, Result};
use crate::graph::{Dtype, GraphOp};

impl Builder {
    /// Tract does not check every axis that a file states.
    pub(super) fn check_axes(&self, x: Id, axes: &[usize]) -> Result<()> {
        match axes.iter().all(|&axis| axis < self.shape(x).len()) {
            true => Ok(()),
            false => Err(self.misfit(&[x])),
        }
    }

    pub(super) fn reshape(&mut self, x: Id, shape: Vec<usize>) -> Result<Id> {
        if self.shape(x).iter().product::<usize>() != shape.iter().product::<usize>() {
            return Err(self.misfit(&[x]));
        }
        let source = match self.graph_op(x) {
            Some(GraphOp::Reshape) if !self.is_number(x) => self.operand(x, 0),
            _ => x,
        };
        if self.shape(source) == shape {
            return Ok(source);
        }
        let dtype = self.dtype(x);
        self.raw(Op::Graph(GraphOp::Reshape), &[source], shape, dtype)
    }

    /// Integers as real numbers: a reshape to the same shape with another element type.
    pub(super) fn number(&mut self, x: Id) -> Result<Id> {
        let shape = self.shape(x).to_vec();
        self.raw(Op::Graph(GraphOp::Reshape), &[x], shape, Dtype::Float)
    }

    /// Whether a value is what `number` makes.
    pub(super) fn is_number(&self, x: Id) -> bool {
        matches!(self.graph_op(x), Some(GraphOp::Reshape))
            && self.dtype(x) != self.dtype(self.operand(x, 0))
    }

    pub(super) fn transpose(&mut self, x: Id, perm: Vec<usize>) -> Result<Id> {
        self.check_axes(x, &perm)?;
        let (x, perm) = match self.graph_op(x) {
            Some(GraphOp::Transpose { perm: first }) => {
                (self.operand(x, 0), perm.iter().map(|&p| first[p]).collect())
            }
            _ => (x, perm),
        };
        let shape: Vec<usize> = perm.iter().map(|&p| self.shape(x)[p]).collect();
        let long = perm.iter().filter(|&&p| self.shape(x)[p] > 1);
        if long.is_sorted() {
            return self.reshape(x, shape); // only axes of length 1 move
        }
        let dtype = self.dtype(x);
        self.raw(Op::Graph(GraphOp::Transpose { perm }), &[x], shape, dtype)
    }

    pub(super) fn broadcast(&mut self, x: Id, shape: Vec<usize>) -> Result<Id> {
        let mut expanded = vec![1; shape.len().saturating_sub(self.shape(x).len())];
        expanded.extend(self.shape(x));
        let fits = expanded.len() == shape.len()
            && expanded
                .iter()
                .zip(&shape)
                .all(|(&from, &to)| from == to || from == 1);
        if !fits {
            return Err(self.misfit(&[x]));
        }
        let x = self.reshape(x, expanded)?;
        if self.shape(x) == shape {
            return Ok(x);
        }
        let dtype = self.dtype(x);
        self.raw(Op::Graph(GraphOp::Broadcast), &[x], shape, dtype)
    }

    pub(super) fn slice(&mut self, x: Id, axis: usize, start: usize, end: usize) -> Result<Id> {
        self.check_axes(x, &[axis])?;
        let len = self.shape(x)[axis];
        if start >= end || end > len {
            return Err(self.misfit(&[x]));
        }
        if end - start == len {
            return Ok(x);
        }
        let mut shape = self.shape(x).to_vec();
        shape[axis] = end - start;
        let dtype = self.dtype(x);
        self.raw(
            Op::Graph(GraphOp::Slice { axis, start, end }),
            &[x],
            shape,
            dtype,
        )
    }

    pub(super) fn concat(&mut self, parts: &[Id], axis: usize) -> Result<Id> {
        let Some(&first) = parts.first() else {
            return Err(self.unsupported("Concat", "it has no inputs"));
        };
        self.check_axes(first, &[axis])?;
        let mut shape = self.shape(first).to_vec();
        let dtype = self.dtype(first);
        shape[axis] = 0;
        for &part in parts {
            let mut rest = self.shape(part).to_vec();
            shape[axis] += rest.get(axis).copied().unwrap_or(0);
            if let Some(len) = rest.get_mut(axis) {
                *len = shape[axis];
            }
            if rest != shape || self.dtype(part) != dtype {
                return Err(self.misfit(parts));
            }
        }
        match parts {
            [only] => Ok(*only),
            _ => self.raw(Op::Graph(GraphOp::Concat { axis }), parts, shape, dtype),
        }
    }

    /// The given positions of an axis, in the given order: slices, joined where there are several runs.
    pub(super) fn select(&mut self, x: Id, axis: usize, positions: &[usize]) -> Result<Id> {
        self.check_axes(x, &[axis])?;
        if let Some(every) = self.select_strided(x, axis, positions)? {
            return Ok(every);
        }
        let mut parts = Vec::new();
        for run in positions.chunk_by(|a, b| a + 1 == *b) {
            parts.push(self.slice(x, axis, run[0], run[0] + run.len())?);
        }
        self.concat(&parts, axis)
    }

    /// Every n-th position, where the axis splits evenly: a slice of `[.., len / n, n, ..]`.
    fn select_strided(&mut self, x: Id, axis: usize, positions: &[usize]) -> Result<Option<Id>> {
        let [first, second, ..] = *positions else {
            return Ok(None);
        };
        let shape = self.shape(x).to_vec();
        let step = second.saturating_sub(first);
        let all = (first..shape[axis]).step_by(step.max(1));
        if step < 2
            || first >= step
            || !shape[axis].is_multiple_of(step)
            || !all.eq(positions.iter().copied())
        {
            return Ok(None);
        }
        let mut split = shape.clone();
        split.splice(axis..=axis, [shape[axis] / step, step]);
        let split = self.reshape(x, split)?;
        let column = self.slice(split, axis + 1, first, first + 1)?;
        let mut shape = shape;
        shape[axis] = positions.len();
        self.reshape(column, shape).map(Some)
    }

    /// Applies `f` to `x` with `axes` merged into one last axis, and moves the result back.
    pub(super) fn over_last(
        &mut self,
        x: Id,
        axes: &[usize],
        f: impl FnOnce(&mut Self, Id) -> Result<Id>,
    ) -> Result<Id> {
        let (moved, perm) = self.axes_last(x, axes)?;
        let moved_shape: Vec<usize> = perm.iter().map(|&p| self.shape(x)[p]).collect();
        let y = f(self, moved)?;
        let y = self.reshape(y, moved_shape)?;
        let mut back = vec![0; perm.len()];
        perm.iter()
            .enumerate()
            .for_each(|(to, &from)| back[from] = to);
        self.transpose(y, back)
    }

    /// `x` with `axes` moved to the end and merged, and the permutation.
    pub(super) fn axes_last(&mut self, x: Id, axes: &[usize]) -> Result<(Id, Vec<usize>)> {
        self.check_axes(x, axes)?;
        let rest = (0..self.shape(x).len()).filter(|a| !axes.contains(a));
        let perm: Vec<usize> = rest.clone().chain(axes.iter().copied()).collect();
        let mut merged: Vec<usize> = rest.map(|a| self.shape(x)[a]).collect();
        merged.push(axes.iter().map(|&a| self.shape(x)[a]).product());
        let moved = self.transpose(x, perm.clone())?;
        Ok((self.reshape(moved, merged)?, perm))
    }

    /// Rows (along `axis`) of a table by ids.
    pub(super) fn gather(&mut self, table: Id, ids: Id, axis: usize) -> Result<Id> {
        self.check_axes(table, &[axis])?;
        let shape = self.shape(table).to_vec();
        let ids_shape = self.shape(ids).to_vec();
        let result: Vec<usize> = shape[..axis]
            .iter()
            .chain(&ids_shape)
            .chain(&shape[axis + 1..])
            .copied()
            .collect();
        if let Some(ids) = self.data(ids) {
            let wrap = |&id: &f32| {
                if id < 0.0 {
                    id + shape[axis] as f32
                } else {
                    id
                }
            };
            let positions: Vec<usize> = ids.iter().map(|id| wrap(id) as usize).collect();
            if ids
                .iter()
                .any(|id| wrap(id) < 0.0 || wrap(id) >= shape[axis] as f32)
            {
                return Err(self.unsupported("Gather", "an index is outside the axis"));
            }
            let rows = self.select(table, axis, &positions)?;
            return self.reshape(rows, result);
        }
        if self.data(table).is_none() || axis != 0 || self.dtype(ids) != Dtype::Int {
            return Err(self.unsupported(
                "Gather",
                "it needs constant indices, or a constant table on axis 0",
            ));
        }
        let flat = self.reshape(table, vec![shape[0], shape[1..].iter().product()])?;
        let mut rows = ids_shape;
        rows.push(self.shape(flat)[1]);
        let rows = self.raw(Op::Graph(GraphOp::Gather), &[flat, ids], rows, Dtype::Float)?;
        self.reshape(rows, result)
    }
}
