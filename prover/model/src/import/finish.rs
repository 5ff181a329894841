//! From the builder to the [`Graph`]: what no output needs is left out, the last auxiliary operators are written out or
//! refused, constants are checked, names made unique.

use std::collections::HashSet;
use std::sync::Arc;

use super::error::ImportError;
use super::ir::{Builder, Id, Op, Result};
use super::scalar::users;
use crate::graph::{Dtype, Graph, GraphOp, Node, Unary, Value, ValueId};

/// Larger numbers come from masks (the lowest number of a type): they are no weights.
const LARGEST: f32 = 1e30;
/// Why a division is refused: 1/b as a table loses all precision where b comes near zero.
const DIVISION: &str = "division by a tensor that is not constant, outside norms and softmax";

/// The finished graph. `names` are the outputs' names in the ONNX file.
pub(super) fn finish(
    b: &Builder,
    outputs: &[Id],
    names: &[String],
    suspects: &[(String, usize)],
) -> Result<Graph> {
    let users = users(b, outputs);
    let graph = Graph {
        values: vec![],
        nodes: vec![],
        inputs: vec![],
        outputs: vec![],
    };
    let mut emit = Emit {
        b,
        suspects,
        graph,
        ids: vec![None; b.nodes.len()],
    };
    for &id in &b.inputs {
        let value = emit.node(id, GraphOp::Input, vec![]);
        emit.graph.inputs.push(value);
    }
    for (id, users) in users.iter().enumerate() {
        let live = !users.is_empty() || outputs.contains(&id);
        if live && emit.ids[id].is_none() {
            emit.lower(id)?;
        }
    }
    for (&id, name) in outputs.iter().zip(names) {
        emit.output(id, name);
    }
    emit.unique_names();
    Ok(emit.graph)
}

struct Emit<'a> {
    b: &'a Builder,
    suspects: &'a [(String, usize)],
    graph: Graph,
    ids: Vec<Option<ValueId>>,
}

impl Emit<'_> {
    fn lower(&mut self, id: Id) -> Result<()> {
        let node = &self.b.nodes[id];
        let inputs: Vec<ValueId> = node.inputs.iter().filter_map(|&i| self.ids[i]).collect();
        let op = match &node.op {
            Op::Graph(GraphOp::Mul) if node.inputs.iter().any(|&i| self.inverts(i)) => {
                return Err(self.refused(id, "Div", DIVISION));
            }
            Op::Graph(op) => op.clone(),
            Op::Where => return self.choice(id, &inputs),
            Op::Div => return Err(self.refused(id, "Div", DIVISION)),
            Op::Max | Op::Min => {
                return Err(self.refused(
                    id,
                    "Max/Min",
                    "both operands are tensors, or one is a constant vector",
                ));
            }
            Op::IsNan => {
                return Err(self.refused(
                    id,
                    "IsNaN",
                    "only `Where(IsNaN(p), 0, p)` of a softmax is",
                ));
            }
            Op::ReduceMax { .. } => {
                return Err(self.refused(id, "ReduceMax", "only inside a softmax"));
            }
        };
        if let GraphOp::Const(data) = &op {
            self.check(&node.name, data)?;
        }
        self.node(id, op, inputs);
        Ok(())
    }

    /// Whether a factor is a reciprocal: tract writes `a / b` as `a · (1 / b)`.
    fn inverts(&self, id: Id) -> bool {
        let Some(GraphOp::Unary(chain)) = self.b.graph_op(id) else {
            return false;
        };
        chain.last() == Some(&Unary::Recip)
    }

    fn refused(&self, id: Id, operator: &str, reason: &str) -> ImportError {
        ImportError::unsupported(&self.b.nodes[id].name, operator, reason)
    }

    /// NaN, ±∞ and numbers that only masks have. Where a weight with −∞ was seen on loading, it is named.
    fn check(&self, name: &str, data: &[f32]) -> Result<()> {
        let bad = |x: f32| x.is_nan() || x.abs() > LARGEST;
        let Some(index) = data.iter().position(|&x| bad(x)) else {
            return Ok(());
        };
        let own = (name.to_owned(), index);
        let (tensor, place) = match self.suspects.first() {
            Some(suspect) if !data[index].is_finite() => suspect.clone(),
            _ => own,
        };
        Err(ImportError::NonFinite {
            tensor,
            index: place,
            value: data[index],
        })
    }

    fn node(&mut self, id: Id, op: GraphOp, inputs: Vec<ValueId>) -> ValueId {
        let node = &self.b.nodes[id];
        let value = self.push(op, inputs, &node.name, node.shape.clone(), node.dtype);
        self.ids[id] = Some(value);
        value
    }

    fn push(
        &mut self,
        op: GraphOp,
        inputs: Vec<ValueId>,
        name: &str,
        shape: Vec<usize>,
        dtype: Dtype,
    ) -> ValueId {
        let output = ValueId(self.graph.values.len());
        self.graph.values.push(Value {
            name: name.to_owned(),
            shape,
            dtype,
        });
        self.graph.nodes.push(Node { op, inputs, output });
        output
    }

    /// A choice by a constant condition c: `c·a + (1 − c)·b`; a branch of zeros falls away.
    fn choice(&mut self, id: Id, inputs: &[ValueId]) -> Result<()> {
        let node = &self.b.nodes[id];
        let [condition, a, b] = node.inputs[..] else {
            return Err(self.refused(id, "Where", "it needs three inputs"));
        };
        let mask = self.b.data(condition).unwrap_or_default();
        let keep = mask.iter().map(|&c| f32::from(c != 0.0)).collect();
        let drop = mask.iter().map(|&c| f32::from(c == 0.0)).collect();
        let mut terms = Vec::new();
        for (branch, value, weights) in [(a, inputs[1], keep), (b, inputs[2], drop)] {
            if self.b.uniform(branch) != Some(0.0) {
                let shape = self.b.shape(condition).to_vec();
                let name = format!("{}.mask", node.name);
                let weights = self.push(
                    GraphOp::Const(Arc::new(weights)),
                    vec![],
                    &name,
                    shape,
                    Dtype::Float,
                );
                let name = node.name.clone();
                terms.push(self.push(
                    GraphOp::Mul,
                    vec![value, weights],
                    &name,
                    node.shape.clone(),
                    Dtype::Float,
                ));
            }
        }
        let value = match terms[..] {
            [a, b] => self.push(
                GraphOp::Add,
                vec![a, b],
                &node.name,
                node.shape.clone(),
                Dtype::Float,
            ),
            [only] => only,
            _ => return Err(self.refused(id, "Where", "both branches are zero")),
        };
        self.ids[id] = Some(value);
        Ok(())
    }

    /// Marks an output and gives it its ONNX name. Two outputs of one value, and an output that is an input or a
    /// constant, get a node of their own.
    fn output(&mut self, id: Id, name: &str) {
        let Some(value) = self.ids[id] else { return };
        let plain = !matches!(
            self.b.graph_op(id),
            Some(GraphOp::Input | GraphOp::Const(_))
        );
        let value = if plain && !self.graph.outputs.contains(&value) {
            value
        } else {
            let node = &self.b.nodes[id];
            self.push(
                GraphOp::Reshape,
                vec![value],
                name,
                node.shape.clone(),
                node.dtype,
            )
        };
        self.graph.values[value.0].name = name.to_owned();
        self.graph.outputs.push(value);
    }

    /// Inputs and outputs keep their names, then the last value of a name does.
    fn unique_names(&mut self) {
        let fixed: Vec<usize> = self
            .graph
            .inputs
            .iter()
            .chain(&self.graph.outputs)
            .map(|v| v.0)
            .collect();
        let mut taken: HashSet<String> = fixed
            .iter()
            .map(|&v| self.graph.values[v].name.clone())
            .collect();
        for index in (0..self.graph.values.len())
            .rev()
            .filter(|i| !fixed.contains(i))
        {
            let name = self.graph.values[index].name.clone();
            let mut unique = name.clone();
            let mut n = 1;
            while !taken.insert(unique.clone()) {
                unique = format!("{name}.{n}");
                n += 1;
            }
            self.graph.values[index].name = unique;
        }
    }
}
