//! From the float graph to the integer program, node by node in topological order.
//!
//! Every float value is first *lazy*: a [`Form`] over tensors that exist. Arithmetic with constants and wiring only
//! change the form; an operator that needs integers makes the form a tensor (`tensors`). Products look ahead and take
//! the arithmetic that follows them into their weights (`tail`).
//!
//! | file | operators |
//! |---|---|
//! | `tail` | what a product or norm may absorb |
//! | `tensors` | forms to tensors: `Elementwise`, `Rearrange` |
//! | `arithmetic` | Add, Sub, Mul, affine chains |
//! | `wire` | Reshape, Transpose, Slice, Concat, Broadcast |
//! | `product` | MatMul with a constant, ReduceSum |
//! | `batched` | MatMul of two activations |
//! | `norm` | RmsNorm, LayerNorm, Softmax |
//! | `residual` | a product, a residual sum and the layer norm that follows them |
//! | `lookup` | Unary, Gather, ArgMax |

mod arithmetic;
mod batched;
mod lookup;
mod norm;
mod product;
mod residual;
mod tail;
mod tensors;
mod wire;

use std::collections::HashMap;
use std::rc::Rc;

use halocast_ir::{Coefs, OpKind, Scale, TensorId};

use super::analysis::Analysis;
use super::builder::{Builder, Layout};
use super::error::QuantizeError;
use super::form::{Coef, Form};
use super::inputs::is_padding_mask;
use super::scales::{FunctionPlan, QuantizeOptions, plan_functions};
use super::view::View;
use crate::{Dtype, Graph, GraphOp, ValueId};

/// A model input or output in the program.
pub(crate) type Ports = Vec<(ValueId, TensorId)>;

/// A softmax whose multiplier waits for the table that all of them share.
struct PendingSoftmax {
    op: usize,
    /// Real units of exponent to one integer of its input.
    unit: f64,
}

/// Lowering in progress.
pub(crate) struct Lowering<'a> {
    graph: &'a Graph,
    analysis: &'a Analysis,
    options: &'a QuantizeOptions,
    functions: HashMap<usize, FunctionPlan>,
    out: Builder,
    /// What each float value is, once its node was visited.
    lazy: Vec<Option<Form>>,
    /// Nodes taken into an earlier op.
    absorbed: Vec<bool>,
    /// Arguments of function nodes that a product already wrote in the domain of the table.
    domains: HashMap<usize, TensorId>,
    softmaxes: Vec<PendingSoftmax>,
}

impl<'a> Lowering<'a> {
    /// Lowers a graph; returns the program under its builder and where the model's outputs are.
    pub(crate) fn run(
        graph: &'a Graph,
        analysis: &'a Analysis,
        options: &'a QuantizeOptions,
    ) -> Result<(Builder, Ports, Ports), QuantizeError> {
        let mut lowering = Lowering {
            graph,
            analysis,
            options,
            functions: plan_functions(graph, analysis, options),
            out: Builder::new(),
            lazy: vec![None; graph.values.len()],
            absorbed: vec![false; graph.nodes.len()],
            domains: HashMap::new(),
            softmaxes: Vec::new(),
        };
        let inputs = lowering.inputs();
        for index in 0..graph.nodes.len() {
            if analysis.live[index] && !lowering.absorbed[index] {
                lowering.node(index)?;
                lowering.settle(graph.nodes[index].output)?;
            }
        }
        let outputs = lowering.outputs()?;
        lowering.share_exponential();
        Ok((lowering.out, inputs, outputs))
    }

    fn inputs(&mut self) -> Ports {
        let mut ports = Vec::new();
        for &v in &self.graph.inputs {
            let value = &self.graph.values[v.0];
            let range = &self.analysis.ranges[v.0];
            let scale = match value.dtype {
                Dtype::Int => Scale(0),
                Dtype::Float => self.options.act(range),
            };
            let id = self
                .out
                .tensor(&value.name, &value.shape, scale, range.max_abs());
            self.out.pin(id);
            self.out.program.inputs.push(id);
            if is_padding_mask(self.graph, v) {
                self.zeros_and_ones(&value.name, id);
            }
            self.set_tensor(v, id);
            ports.push((v, id));
        }
        ports
    }

    /// The statement m² − m = 0 for every element.
    fn zeros_and_ones(&mut self, name: &str, id: TensorId) {
        let coefs = Coefs::uniform(1, -1, 0, 0);
        let (a, b) = (id, Some(id));
        self.out.op(name, OpKind::AssertZero { a, b, coefs });
    }

    fn outputs(&mut self) -> Result<Ports, QuantizeError> {
        let mut ports = Vec::new();
        for &v in &self.graph.outputs {
            if let Some(values) = self.analysis.constants[v.0].clone() {
                let view = self.constant_view(&values, self.options.act(&self.range(v)));
                self.lazy[v.0] = Some(Form::of(Rc::new(view)));
            }
            let view = self.materialise(v)?;
            let id = self
                .out
                .place(self.name(v), &view, Layout::Exact(self.shape(v)));
            self.out.program.outputs.push(id);
            ports.push((v, id));
        }
        Ok(ports)
    }

    fn node(&mut self, index: usize) -> Result<(), QuantizeError> {
        let node = &self.graph.nodes[index];
        match &node.op {
            GraphOp::Input | GraphOp::Const(_) => Ok(()),
            GraphOp::Add | GraphOp::Sub | GraphOp::Mul => self.binary(index),
            GraphOp::Unary(chain) => self.unary(index, chain),
            GraphOp::MatMul => self.matmul(index),
            GraphOp::ReduceSum { axes } => self.reduce_sum(index, axes),
            GraphOp::Softmax { allowed } => self.softmax(index, allowed.as_deref()),
            GraphOp::RmsNorm { eps } => self.rms_norm(index, f64::from(*eps)),
            GraphOp::LayerNorm { eps } => self.layer_norm(index, f64::from(*eps)),
            GraphOp::ArgMax => self.arg_max(index),
            GraphOp::Gather => self.gather(index),
            GraphOp::Reshape
            | GraphOp::Transpose { .. }
            | GraphOp::Slice { .. }
            | GraphOp::Concat { .. }
            | GraphOp::Broadcast => self.wire(index),
        }
    }

    /// Computes a value with two operands once when it is read more than once.
    fn settle(&mut self, v: ValueId) -> Result<(), QuantizeError> {
        let readers =
            self.analysis.consumers[v.0].len() + usize::from(self.analysis.is_output[v.0]);
        if self.lazy[v.0].as_ref().is_some_and(|f| f.b.is_some()) && readers > 1 {
            self.materialise(v)?;
        }
        Ok(())
    }

    fn name(&self, v: ValueId) -> &'a str {
        &self.graph.values[v.0].name
    }

    fn shape(&self, v: ValueId) -> &'a [usize] {
        &self.graph.values[v.0].shape
    }

    fn range(&self, v: ValueId) -> super::analysis::Range {
        self.analysis.ranges[v.0]
    }

    fn unsupported(&self, v: ValueId, what: impl Into<String>) -> QuantizeError {
        QuantizeError::Unsupported {
            node: self.name(v).to_owned(),
            what: what.into(),
        }
    }

    /// The form of a value; constants become views at the scale of their own range.
    fn form(&self, v: ValueId) -> Result<Form, QuantizeError> {
        if let Some(form) = &self.lazy[v.0] {
            return Ok(form.clone());
        }
        match &self.analysis.constants[v.0] {
            Some(values) => {
                let scale = self.options.act(&self.range(v));
                Ok(Form::of(Rc::new(self.constant_view(values, scale))))
            }
            None => Err(self.unsupported(v, "is read before it is computed")),
        }
    }

    fn constant_view(&self, values: &[f64], scale: Scale) -> View {
        let unit = super::function::exp2(i32::from(scale.0));
        // `as` saturates.
        View::constants(values.iter().map(|v| (v * unit).round() as i16), scale)
    }

    /// A constant broadcast to a shape, if the value is one.
    fn constant(&self, v: ValueId, shape: &[usize]) -> Option<Vec<f64>> {
        let values = self.analysis.constants[v.0].as_ref()?;
        let map = super::wiring::broadcast(self.shape(v), shape);
        Some(map.iter().map(|&i| values[i as usize]).collect())
    }

    /// Declares that a tensor holds a value, element for element.
    fn set_tensor(&mut self, v: ValueId, id: TensorId) {
        self.out.probes.push((id, v));
        self.lazy[v.0] = Some(Form::of(Rc::new(self.out.view(id))));
    }

    /// A coefficient vector of a constant.
    fn coef(values: Vec<f64>) -> Coef {
        Coef::each(values)
    }
}
