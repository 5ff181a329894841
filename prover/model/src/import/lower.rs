//! From tract's typed model to our operators, node by node. What is constant is only turned into a node when
//! something that is not constant reads it.

use std::collections::HashMap;

use tract_onnx::prelude::*;
use tract_onnx::tract_core::ops;
use tract_onnx::tract_core::ops::array::{
    Gather, GatherNd, MultiBroadcastTo, Pad, PadMode, Slice, Tile, TypedConcat,
};
use tract_onnx::tract_core::ops::binary::TypedBinOp;
use tract_onnx::tract_core::ops::cast::Cast;
use tract_onnx::tract_core::ops::change_axes::{AxisOp, InOut};
use tract_onnx::tract_core::ops::downsample::Downsample;
use tract_onnx::tract_core::ops::einsum::EinSum;
use tract_onnx::tract_core::ops::element_wise::ElementWiseOp;
use tract_onnx::tract_core::ops::identity::Identity;
use tract_onnx::tract_core::ops::logic::Iff;
use tract_onnx::tract_core::ops::nn::{Reduce, Reducer, RmsNorm, Softmax, SoftmaxKind};

use super::arith::Binary;
use super::einsum::Letters;
use super::error::ImportError;
use super::functions;
use super::ir::{Builder, Id, Op, Result};
use super::load::floats;
use crate::graph::{Dtype, GraphOp, Unary};

/// Integers up to this are exact in f32.
const EXACT: f32 = 16_777_216.0;

/// Lowers a model; the result holds the ids of its outputs.
pub(super) fn lower(model: &TypedModel) -> Result<(Builder, Vec<Id>)> {
    let mut lowering = Lowering {
        model,
        b: Builder::default(),
        ids: HashMap::new(),
    };
    let order = model
        .eval_order()
        .map_err(|e| ImportError::malformed(format!("{e:#}")))?;
    for &outlet in &model.inputs {
        lowering.input(outlet)?;
    }
    for id in order {
        let node = model.node(id);
        let outlet = OutletId::new(id, 0);
        let known = lowering.ids.contains_key(&outlet)
            || node.outputs.iter().all(|o| o.fact.konst.is_some());
        if !known {
            lowering.b.scope = lowering.name(outlet);
            let value = lowering.node(node)?;
            lowering.check_shape(outlet, value)?;
            lowering.ids.insert(outlet, value);
        }
    }
    let outputs = model
        .outputs
        .iter()
        .map(|&o| lowering.id(o))
        .collect::<Result<_>>()?;
    Ok((lowering.b, outputs))
}

struct Lowering<'a> {
    model: &'a TypedModel,
    b: Builder,
    ids: HashMap<OutletId, Id>,
}

impl Lowering<'_> {
    fn name(&self, outlet: OutletId) -> String {
        let node = &self.model.node(outlet.node).name;
        self.model.outlet_label(outlet).unwrap_or(node).to_owned()
    }

    fn fact(&self, outlet: OutletId) -> &TypedFact {
        &self.model.node(outlet.node).outputs[outlet.slot].fact
    }

    fn shape(&self, outlet: OutletId) -> Result<Vec<usize>> {
        let shape = &self.fact(outlet).shape;
        shape
            .as_concrete()
            .map(<[usize]>::to_vec)
            .ok_or_else(|| ImportError::DynamicValue {
                value: self.name(outlet),
                shape: format!("{shape:?}"),
            })
    }

    fn input(&mut self, outlet: OutletId) -> Result<()> {
        // Not its label: tract's rewrites move the labels of identities to their operand.
        let name = self.model.node(outlet.node).name.clone();
        let found = self.fact(outlet).datum_type;
        let dtype = match found {
            d if d.is_float() => Dtype::Float,
            d if d.is_integer() => Dtype::Int,
            d => {
                return Err(ImportError::ElementType {
                    tensor: name,
                    found: format!("{d:?}"),
                });
            }
        };
        let shape = self.shape(outlet)?;
        let id = self.b.input(&name, shape, dtype)?;
        self.ids.insert(outlet, id);
        Ok(())
    }

    /// The value of an outlet; constants become nodes here.
    fn id(&mut self, outlet: OutletId) -> Result<Id> {
        if let Some(id) = self.ids.get(&outlet) {
            return Ok(*id);
        }
        let name = self.name(outlet);
        let Some(tensor) = self.fact(outlet).konst.clone() else {
            return Err(ImportError::malformed(format!(
                "`{name}` is read before it is written"
            )));
        };
        let dtype = if tensor.datum_type().is_float() {
            Dtype::Float
        } else {
            Dtype::Int
        };
        let unreadable =
            |e: TractError| ImportError::malformed(format!("constant `{name}`: {e:#}"));
        let data = floats(&tensor).map_err(unreadable)?;
        if dtype == Dtype::Int && data.iter().any(|x| x.abs() >= EXACT) {
            return Err(self.b.unsupported(
                "Constant",
                &format!("`{name}` holds an integer of more than 24 bits"),
            ));
        }
        let id = self
            .b
            .constant(&name, data, tensor.shape().to_vec(), dtype)?;
        self.ids.insert(outlet, id);
        Ok(id)
    }

    /// What was made must have the shape that tract inferred.
    fn check_shape(&self, outlet: OutletId, id: Id) -> Result<()> {
        if self.shape(outlet)? == self.b.shape(id) {
            return Ok(());
        }
        let shapes = vec![self.shape(outlet)?, self.b.shape(id).to_vec()];
        Err(ImportError::Shapes {
            node: self.name(outlet),
            shapes,
        })
    }

    fn node(&mut self, node: &TypedNode) -> Result<Id> {
        if node.outputs.len() != 1 {
            return Err(self
                .b
                .unsupported(&node.op.name(), "it has several results"));
        }
        if let Some(op) = node.op_as::<TypedConcat>() {
            return self.concat(node, op.axis);
        }
        let inputs = node
            .inputs
            .iter()
            .map(|&o| self.id(o))
            .collect::<Result<Vec<Id>>>()?;
        if let Some(result) = self.wiring(node, &inputs)? {
            return Ok(result);
        }
        if let Some(result) = self.arithmetic(node, &inputs)? {
            return Ok(result);
        }
        Err(self
            .b
            .unsupported(&node.op.name(), "it acts on values that are not constant"))
    }

    /// Operators that move elements.
    fn wiring(&mut self, node: &TypedNode, inputs: &[Id]) -> Result<Option<Id>> {
        let Some(&x) = inputs.first() else {
            return Ok(None);
        };
        let shape = self.shape(OutletId::new(node.id, 0))?;
        if node.op_is::<Identity>() {
            return Ok(Some(x));
        }
        if let Some(Cast { to }) = node.op_as::<Cast>() {
            return self.cast(x, *to).map(Some);
        }
        if let Some(axis_op) = node.op_as::<AxisOp>() {
            return match *axis_op {
                AxisOp::Move(from, to) => {
                    self.b.check_axes(x, &[from, to])?;
                    let mut perm: Vec<usize> = (0..shape.len()).collect();
                    let moved = perm.remove(from);
                    perm.insert(to, moved);
                    self.b.transpose(x, perm).map(Some)
                }
                _ => self.b.reshape(x, shape).map(Some),
            };
        }
        if node.op_is::<ops::array::FiniteReshape>() {
            return self.b.reshape(x, shape).map(Some);
        }
        if node.op_is::<MultiBroadcastTo>() {
            return self.b.broadcast(x, shape).map(Some);
        }
        if let Some(Slice { axis, start, .. }) = node.op_as::<Slice>() {
            let start = start.to_i64().ok().and_then(|s| usize::try_from(s).ok());
            let start =
                start.ok_or_else(|| self.b.unsupported("Slice", "its start is not static"))?;
            return self
                .b
                .slice(x, *axis, start, start + shape[*axis])
                .map(Some);
        }
        if let Some(op) = node.op_as::<Downsample>() {
            if op.stride < 1 {
                return Err(self.b.unsupported("Slice", "its step is negative"));
            }
            self.b.check_axes(x, &[op.axis])?;
            let positions: Vec<usize> = (op.modulo..self.b.shape(x)[op.axis])
                .step_by(op.stride.unsigned_abs())
                .collect();
            return self.b.select(x, op.axis, &positions).map(Some);
        }
        if node.op_is::<Tile>() {
            return self.tile(x, &shape).map(Some);
        }
        if node.op_is::<GatherNd>() {
            return self.gather_nd(node, x, inputs[1]).map(Some);
        }
        match (node.op_as::<Gather>(), node.op_as::<Pad>()) {
            (Some(op), _) => self.b.gather(x, inputs[1], op.axis).map(Some),
            (_, Some(op)) => self.pad(x, op).map(Some),
            _ => Ok(None),
        }
    }

    /// Only with one index a row, which is a gather on the first axis.
    fn gather_nd(&mut self, node: &TypedNode, x: Id, indices: Id) -> Result<Id> {
        let batch_dims = node.op_as::<GatherNd>().map_or(0, |op| op.batch_dims);
        match self.b.shape(indices).split_last() {
            Some((1, rest)) if batch_dims == 0 => {
                let rest = rest.to_vec();
                let indices = self.b.reshape(indices, rest)?;
                self.b.gather(x, indices, 0)
            }
            _ => Err(self
                .b
                .unsupported("GatherND", "it has several indices a row")),
        }
    }

    fn cast(&mut self, x: Id, to: DatumType) -> Result<Id> {
        match self.b.dtype(x) {
            Dtype::Float if to.is_float() => Ok(x),
            Dtype::Int if to.is_integer() && !matches!(self.b.op(x), Op::IsNan) => Ok(x),
            Dtype::Int if to.is_float() && !matches!(self.b.op(x), Op::IsNan) => self.b.number(x),
            from => Err(self
                .b
                .unsupported("Cast", &format!("from {from:?} to {to:?}"))),
        }
    }

    /// Joins the parts that are not empty.
    fn concat(&mut self, node: &TypedNode, axis: usize) -> Result<Id> {
        let mut parts = Vec::new();
        for &outlet in &node.inputs {
            if self.shape(outlet)?.get(axis) != Some(&0) {
                parts.push(self.id(outlet)?);
            }
        }
        self.b.concat(&parts, axis)
    }

    fn tile(&mut self, mut x: Id, shape: &[usize]) -> Result<Id> {
        self.b
            .check_axes(x, &(0..shape.len()).collect::<Vec<_>>())?;
        for (axis, &len) in shape.iter().enumerate() {
            let copies = len / self.b.shape(x)[axis].max(1);
            x = self.b.concat(&vec![x; copies], axis)?;
        }
        Ok(x)
    }

    fn pad(&mut self, mut x: Id, op: &Pad) -> Result<Id> {
        let PadMode::Constant(value) = &op.mode else {
            return Err(self.b.unsupported("Pad", "only constant padding is"));
        };
        let value = floats(value)
            .ok()
            .and_then(|v| v.first().copied())
            .unwrap_or(0.0);
        for (axis, &(before, after)) in op.pads.iter().enumerate() {
            let mut parts = vec![x];
            for (len, place) in [(before, 0), (after, 1)] {
                if len > 0 {
                    let mut shape = self.b.shape(x).to_vec();
                    shape[axis] = len;
                    let data = vec![value; shape.iter().product()];
                    let name = format!("{}.pad", self.b.scope);
                    let dtype = self.b.dtype(x);
                    let filler = self.b.constant(&name, data, shape, dtype)?;
                    parts.insert(place * parts.len(), filler);
                }
            }
            x = self.b.concat(&parts, axis)?;
        }
        Ok(x)
    }

    /// Operators that compute.
    fn arithmetic(&mut self, node: &TypedNode, inputs: &[Id]) -> Result<Option<Id>> {
        let Some(&x) = inputs.first() else {
            return Ok(None);
        };
        if let Some(op) = node.op_as::<ElementWiseOp>() {
            return functions::element_wise(&mut self.b, &*op.0, x).map(Some);
        }
        if let Some(op) = node.op_as::<TypedBinOp>() {
            return functions::binary(&mut self.b, &*op.0, x, inputs[1]).map(Some);
        }
        if let Some(op) = node.op_as::<EinSum>() {
            if op.q_params.is_some() {
                return Err(self.b.unsupported("EinSum", "it is quantized"));
            }
            return self.b.einsum(&letters(op), inputs).map(Some);
        }
        if let Some(op) = node.op_as::<RmsNorm>() {
            let eps = floats(&op.eps).ok().and_then(|e| e.first().copied());
            let eps =
                eps.ok_or_else(|| self.b.unsupported("RmsNorm", "its epsilon is not a number"))?;
            return self.b.norm(x, &[op.axis], eps).map(Some);
        }
        if let Some(op) = node.op_as::<Softmax>() {
            if op.kind != SoftmaxKind::Softmax || op.quant_output_dt.is_some() {
                return Err(self
                    .b
                    .unsupported(&node.op.name(), "only the plain softmax is"));
            }
            return self.b.softmax(x, &op.axes).map(Some);
        }
        if let Some(op) = node.op_as::<Reduce>() {
            return self.reduce(op, x).map(Some);
        }
        if node.op_is::<Iff>() {
            return self.b.choose(x, inputs[1], inputs[2]).map(Some);
        }
        Ok(None)
    }

    fn reduce(&mut self, op: &Reduce, x: Id) -> Result<Id> {
        let axes: Vec<usize> = op.axes.to_vec();
        self.b.check_axes(x, &axes)?;
        let unsupported = |l: &Self| {
            l.b.unsupported(
                &format!("Reduce<{:?}>", op.reducer),
                "over these axes or at all",
            )
        };
        if self.b.dtype(x) == Dtype::Int {
            return Err(unsupported(self));
        }
        match op.reducer {
            Reducer::Sum => self.b.sum(x, &axes),
            Reducer::MeanOfSquares => {
                let square = self.b.unary(Unary::Pow(2.0), x)?;
                let n: usize = axes.iter().map(|&a| self.b.shape(x)[a]).product();
                let sum = self.b.sum(square, &axes)?;
                let inverse = self.b.scalar(1.0 / n as f32, self.b.shape(x).len())?;
                self.b.binary(Binary::Mul, sum, inverse)
            }
            Reducer::Max => {
                let mut shape = self.b.shape(x).to_vec();
                axes.iter().for_each(|&a| shape[a] = 1);
                self.b
                    .raw(Op::ReduceMax { axes }, &[x], shape, Dtype::Float)
            }
            Reducer::ArgMax(false) if axes.len() == 1 => {
                let (rows, _) = self.b.axes_last(x, &axes)?;
                let mut kept = self.b.shape(x).to_vec();
                kept[axes[0]] = 1;
                let shape = self
                    .b
                    .shape(rows)
                    .split_last()
                    .map_or(vec![], |(_, s)| s.to_vec());
                let index = self
                    .b
                    .raw(Op::Graph(GraphOp::ArgMax), &[rows], shape, Dtype::Int)?;
                self.b.reshape(index, kept)
            }
            _ => Err(unsupported(self)),
        }
    }
}

/// The axis letters of a tract einsum.
fn letters(op: &EinSum) -> Letters {
    let of = |io: InOut| {
        let mut own: Vec<(usize, char)> = op
            .axes
            .iter_all_axes()
            .flat_map(|axis| axis.interface(io).iter().map(|&place| (place, axis.repr)))
            .collect();
        own.sort_unstable();
        own.into_iter().map(|(_, letter)| letter).collect()
    };
    Letters {
        inputs: (0..op.axes.input_count())
            .map(|i| of(InOut::In(i)))
            .collect(),
        output: of(InOut::Out(0)),
    }
}
