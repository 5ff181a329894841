//! A segment of a program and the rows that prove it.

use crate::CircuitError;
use crate::builder::{Builder, Wire};
use crate::gadgets::{self, Operands, Rescale, Wires};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::{ClampBits, Form, Op, OpKind, Program, Source, TensorId, Trace};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;

/// A run of ops that one layer proof covers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Segment {
    /// Name, for people.
    pub name: String,
    /// Indices into [`Program::ops`].
    pub ops: Range<usize>,
    /// Tensors live at its start, in commitment order (the program's inputs for the first segment).
    pub inputs: Vec<TensorId>,
    /// Tensors live at its end, in commitment order (the program's outputs for the last segment).
    pub outputs: Vec<TensorId>,
    /// Hints that first appear here.
    pub hints: Vec<TensorId>,
    /// log2 of the domain size.
    pub k: u32,
}

/// What a proof needs beside the key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Witness<'a> {
    pub(crate) trace: &'a Trace,
    /// Salts of the commitments at the start and at the end.
    pub(crate) salts: [Fr; 2],
}

/// Builds the rows of a segment.
pub(crate) fn build(
    program: &Program,
    segment: &Segment,
    witness: Option<Witness<'_>>,
) -> Result<Builder, CircuitError> {
    let mut assembly = Assembly {
        program,
        segment,
        witness,
        b: Builder::new(witness.is_some()),
        wires: HashMap::new(),
    };
    assembly.start()?;
    for index in segment.ops.clone() {
        assembly.op(index)?;
    }
    assembly.finish()?;
    Ok(assembly.b)
}

/// Rows of a segment after its start and after each of its ops (the boundary at its end not counted).
pub(crate) fn row_marks(program: &Program, segment: &Segment) -> Result<Vec<usize>, CircuitError> {
    let mut assembly = Assembly {
        program,
        segment,
        witness: None,
        b: Builder::new(false),
        wires: HashMap::new(),
    };
    assembly.start()?;
    let mut marks = vec![assembly.b.len()];
    for index in segment.ops.clone() {
        assembly.op(index)?;
        marks.push(assembly.b.len());
    }
    Ok(marks)
}

struct Assembly<'a> {
    program: &'a Program,
    segment: &'a Segment,
    witness: Option<Witness<'a>>,
    b: Builder,
    wires: HashMap<TensorId, Vec<Wire>>,
}

impl Assembly<'_> {
    fn start(&mut self) -> Result<(), CircuitError> {
        self.b.enter("boundary in");
        let values = self.values(&self.segment.inputs);
        let salt = self.witness.map_or(Fr::ZERO, |w| w.salts[0]);
        let wires = gadgets::load(&mut self.b, &values, salt)?;
        let mut rest = wires.as_slice();
        for &id in &self.segment.inputs {
            let (own, others) = rest.split_at(self.program.tensor(id).len());
            self.wires.insert(id, own.to_vec());
            rest = others;
        }
        for &id in &self.segment.hints {
            let values = self.values(&[id]);
            self.wires.insert(id, gadgets::hint(&mut self.b, &values));
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<(), CircuitError> {
        self.b.enter("boundary out");
        let wires: Vec<Wire> = self
            .segment
            .outputs
            .iter()
            .flat_map(|id| self.wires[id].iter().copied())
            .collect();
        let salt = self.witness.map_or(Fr::ZERO, |w| w.salts[1]);
        let [_, instance] = self.b.instance_cells();
        gadgets::commit(&mut self.b, &wires, salt, instance)
    }

    /// Values of boundary tensors (zeros without a witness).
    fn values(&self, ids: &[TensorId]) -> Vec<i32> {
        match self.witness {
            Some(witness) => witness.trace.concat(ids),
            None => vec![0; self.program.value_count(ids)],
        }
    }

    fn op(&mut self, index: usize) -> Result<(), CircuitError> {
        let op = &self.program.ops[index];
        self.b.enter(&op.name);
        let wires = self.gadget(&op.kind)?;
        let Some(out) = op.kind.writes() else {
            return Ok(());
        };
        self.agree(op, out, &wires)?;
        if clamps_to_func(&op.kind) && !self.goes_through_a_table(index, out) {
            gadgets::prove_func_range(&mut self.b, &wires)?;
        }
        self.wires.insert(out, wires);
        Ok(())
    }

    fn gadget(&mut self, kind: &OpKind) -> Wires {
        let program = self.program;
        let table = |id: halocast_ir::TableId| program.tables[id.0 as usize].values.as_slice();
        let last_axis = |id: TensorId| *program.tensor(id).shape.last().expect("validated");
        let (b, wires) = (&mut self.b, &self.wires);
        match kind {
            OpKind::Linear {
                x,
                w,
                bias,
                mul,
                bits,
                ..
            } => gadgets::linear(
                b,
                &wires[x],
                w,
                bias.as_deref(),
                Rescale {
                    mul: *mul,
                    bits: *bits,
                },
            ),
            OpKind::MatMul {
                x, y, mul, bits, ..
            } => {
                let (xs, ys) = (&program.tensor(*x).shape, &program.tensor(*y).shape);
                let rescale = Rescale {
                    mul: *mul,
                    bits: *bits,
                };
                let (left, right) = (xs[1] * xs[2], ys[1] * ys[2]);
                let mut out = Vec::new();
                for (x, y) in wires[x].chunks(left).zip(wires[y].chunks(right)) {
                    out.extend(gadgets::mat_mul(b, x, y, [xs[1], xs[2], ys[2]], rescale)?);
                }
                Ok(out)
            }
            OpKind::Elementwise {
                a,
                b: second,
                coefs,
                form,
                ..
            } => {
                let operands = Operands {
                    a: &wires[a],
                    b: second.map(|s| wires[&s].as_slice()),
                };
                gadgets::elementwise(b, &operands, coefs, *form)
            }
            OpKind::AssertZero {
                a,
                b: second,
                coefs,
            } => {
                let operands = Operands {
                    a: &wires[a],
                    b: second.map(|s| wires[&s].as_slice()),
                };
                gadgets::assert_zero(b, &operands, coefs).map(|()| Vec::new())
            }
            OpKind::Lookup { x, table: id, .. } => gadgets::lookup(b, &wires[x], *id, table(*id)),
            OpKind::Softmax {
                x,
                allowed,
                mul,
                exp,
                ..
            } => {
                let allowed = |i: usize| allowed.as_ref().is_none_or(|mask| mask[i]);
                let exponential = gadgets::Exponential {
                    mul: *mul,
                    table: *exp,
                    values: table(*exp),
                };
                gadgets::softmax(b, &wires[x], last_axis(*x), allowed, &exponential)
            }
            OpKind::RmsNorm {
                x,
                gain,
                bias,
                eps,
                log2_k,
                ..
            } => {
                let norm = gadgets::Norm {
                    gain,
                    bias,
                    eps: *eps,
                    log2_k: *log2_k,
                };
                gadgets::rms_norm(b, &wires[x], &norm)
            }
            OpKind::ArgMax { x, .. } => gadgets::arg_max(b, &wires[x], last_axis(*x)),
            OpKind::Gather { ids, table, .. } => gadgets::gather(b, &wires[ids], table),
            OpKind::Rearrange { sources, map, .. } => {
                let wire = |source: &Source| match *source {
                    Source::Cell { tensor, index } => {
                        wires[&sources[tensor as usize]][index as usize]
                    }
                    Source::Const(c) => b.constant_wire(c as i64),
                };
                Ok(map.iter().map(wire).collect())
            }
        }
    }

    /// Circuit and executor must compute the same.
    fn agree(&self, op: &Op, out: TensorId, wires: &[Wire]) -> Result<(), CircuitError> {
        let Some(witness) = self.witness else {
            return Ok(());
        };
        for (index, (&wire, &executor)) in wires.iter().zip(witness.trace.get(out)).enumerate() {
            let (circuit, executor) = (self.b.integer(wire), executor as i64);
            if circuit != executor {
                let (op, tensor) = (op.name.clone(), self.program.tensor(out).name.clone());
                return Err(CircuitError::Disagreement {
                    op,
                    tensor,
                    index,
                    circuit,
                    executor,
                });
            }
        }
        Ok(())
    }

    /// Whether a later op of this segment looks every element of the tensor up in a table.
    fn goes_through_a_table(&self, index: usize, tensor: TensorId) -> bool {
        let later = &self.program.ops[index + 1..self.segment.ops.end];
        later
            .iter()
            .any(|op| matches!(op.kind, OpKind::Lookup { x, .. } if x == tensor))
    }
}

fn clamps_to_func(kind: &OpKind) -> bool {
    match kind {
        OpKind::Linear { bits, .. } | OpKind::MatMul { bits, .. } => *bits == ClampBits::Func,
        OpKind::Elementwise { form, .. } => *form == Form::Narrow(ClampBits::Func),
        _ => false,
    }
}
