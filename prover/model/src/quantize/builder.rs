//! The program under construction: tensors, ops, wiring, tables. Knows nothing of the float graph but value numbers.

use std::collections::HashMap;

use halocast_ir::{ACT_MAX, Op, OpKind, Program, Scale, Table, TableId, Task, Tensor, TensorId};

use super::function::exp2;
use super::view::View;
use crate::ValueId;

/// A program being built.
pub(crate) struct Builder {
    pub(crate) program: Program,
    /// Which tensor holds which float value, element for element.
    pub(crate) probes: Vec<(TensorId, ValueId)>,
    /// Largest integer expected in each tensor.
    peaks: Vec<f64>,
    /// What readers rely on of each tensor's shape.
    fixed: Vec<Fixed>,
    names: HashMap<String, usize>,
    moved: Vec<(View, TensorId)>,
}

impl Builder {
    pub(crate) fn new() -> Self {
        Builder {
            program: Program {
                tensors: Vec::new(),
                tables: Vec::new(),
                ops: Vec::new(),
                inputs: Vec::new(),
                hints: Vec::new(),
                outputs: Vec::new(),
                task: Task::Infer,
            },
            probes: Vec::new(),
            peaks: Vec::new(),
            fixed: Vec::new(),
            names: HashMap::new(),
            moved: Vec::new(),
        }
    }

    /// A new tensor; `limit` is the largest real absolute value expected in it.
    pub(crate) fn tensor(
        &mut self,
        name: &str,
        shape: &[usize],
        scale: Scale,
        limit: f64,
    ) -> TensorId {
        let id = TensorId(self.program.tensors.len() as u32);
        let count = self.names.entry(name.to_owned()).or_insert(0);
        *count += 1;
        let name = match *count {
            1 => name.to_owned(),
            n => format!("{name}#{n}"),
        };
        self.program.tensors.push(Tensor {
            name,
            shape: shape.to_vec(),
            scale,
        });
        let peak = limit * exp2(i32::from(scale.0));
        self.peaks.push(peak.clamp(1.0, ACT_MAX as f64));
        self.fixed.push(Fixed::Nothing);
        id
    }

    pub(crate) fn op(&mut self, name: &str, kind: OpKind) {
        let name = name.to_owned();
        self.program.ops.push(Op { name, kind });
    }

    pub(crate) fn table(&mut self, table: Table) -> TableId {
        let tables = &mut self.program.tables;
        let found = tables.iter().position(|t| t.values == table.values);
        let index = found.unwrap_or_else(|| {
            tables.push(table);
            tables.len() - 1
        });
        TableId(index as u32)
    }

    pub(crate) fn len(&self, id: TensorId) -> usize {
        self.program.tensor(id).len()
    }

    pub(crate) fn scale(&self, id: TensorId) -> Scale {
        self.program.tensor(id).scale
    }

    /// Largest integer expected among the elements of a view.
    pub(crate) fn peak(&self, view: &View) -> f64 {
        let peaks = view.sources.iter().map(|s| self.peaks[s.0 as usize]);
        peaks.fold(1.0, f64::max)
    }

    /// All of a tensor, as a view.
    pub(crate) fn view(&self, id: TensorId) -> View {
        View::whole(id, self.len(id), self.scale(id))
    }

    /// Whether a view is a whole tensor in order, so that reading it needs no wiring.
    pub(crate) fn is_whole(&self, view: &View) -> bool {
        view.as_whole(|id| self.len(id)).is_some()
    }

    /// Fixes the shape of a tensor that others rely on.
    pub(crate) fn pin(&mut self, id: TensorId) {
        self.fixed[id.0 as usize] = Fixed::All;
    }

    /// A tensor that holds a view, laid out as its reader needs: one that exists where its layout agrees or is still
    /// free, else a new one behind a `Rearrange`.
    pub(crate) fn place(&mut self, name: &str, view: &View, layout: Layout) -> TensorId {
        let whole = view.as_whole(|id| self.len(id));
        let moved = self.moved.iter().filter(|(v, _)| v == view);
        // Repeated elements (a mask for every head) are wired anew for each reader: wiring costs no rows, but what several
        // layers read crosses the cuts between them, and the sources are shorter.
        let moved = moved.filter(|_| !self.repeats(view));
        let known: Vec<TensorId> = whole.into_iter().chain(moved.map(|(_, id)| *id)).collect();
        if let Some(&id) = known.iter().find(|&&id| self.lay_out(id, layout)) {
            return id;
        }
        let name = format!("{name}/wiring");
        let limit = self.peak(view) * exp2(-i32::from(view.scale.0));
        let out = self.tensor(&name, &[view.len()], view.scale, limit);
        self.op(
            &name,
            OpKind::Rearrange {
                sources: view.sources.clone(),
                map: view.map.clone(),
                out,
            },
        );
        self.lay_out(out, layout);
        self.moved.push((view.clone(), out));
        out
    }

    /// Whether a view is longer than the tensors it reads.
    fn repeats(&self, view: &View) -> bool {
        let sources: usize = view.sources.iter().map(|&id| self.len(id)).sum();
        view.len() > sources
    }

    /// Whether `id` has, or can be given, this layout.
    fn lay_out(&mut self, id: TensorId, layout: Layout) -> bool {
        let shape = &mut self.program.tensors[id.0 as usize].shape;
        let fixed = &mut self.fixed[id.0 as usize];
        match layout {
            Layout::Any => {}
            Layout::Rows(n) if shape.last() == Some(&n) => *fixed = (*fixed).max(Fixed::LastAxis),
            Layout::Rows(n) if *fixed == Fixed::Nothing => {
                let len: usize = shape.iter().product();
                (*shape, *fixed) = (vec![len / n, n], Fixed::LastAxis);
            }
            Layout::Exact(wanted) if shape == wanted => *fixed = Fixed::All,
            Layout::Exact(wanted)
                if *fixed == Fixed::Nothing
                    || *fixed == Fixed::LastAxis && shape.last() == wanted.last() =>
            {
                (*shape, *fixed) = (wanted.to_vec(), Fixed::All);
            }
            _ => return false,
        }
        true
    }
}

/// What a reader needs of a tensor's shape.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Layout<'a> {
    /// Only the elements in order.
    Any,
    /// Rows of so many elements.
    Rows(usize),
    /// Exactly this shape.
    Exact(&'a [usize]),
}

/// What readers already rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Fixed {
    Nothing,
    LastAxis,
    All,
}
