//! The graph while it is being made: [`GraphOp`]s and the few operators that only exist until a pattern takes them.
//! Nodes are made through [`Builder`]'s constructors (here the plumbing; in `wiring`, `arith`, `norm`, `softmax` and
//! `einsum` the operators), which look *back* at their operands: constants fold, equal nodes are shared, and a
//! decomposed norm or softmax is recognised when its last operator is made. What a pattern leaves behind is dead and
//! never reaches the [`Graph`](crate::Graph).

use std::collections::HashMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use super::MAX_ELEMENTS;
use super::error::ImportError;
use crate::graph::{Dtype, GraphOp, Unary};
use crate::reference::{Operand, elementwise, eval_op};
use crate::tensor::broadcast_shape;

/// Index of a node, which is also its value. Operands have lower indices than their users.
pub(super) type Id = usize;

/// An operator of the graph, or one that must have been taken by a pattern in the end.
#[derive(Clone, Debug)]
pub(super) enum Op {
    Graph(GraphOp),
    Div,
    Max,
    Min,
    /// condition (0/1), then, else
    Where,
    IsNan,
    ReduceMax {
        axes: Vec<usize>,
    },
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) op: Op,
    pub(super) inputs: Vec<Id>,
    pub(super) shape: Vec<usize>,
    pub(super) dtype: Dtype,
    pub(super) name: String,
}

pub(super) type Result<T> = std::result::Result<T, ImportError>;

#[derive(Default)]
pub(super) struct Builder {
    pub(super) nodes: Vec<Node>,
    pub(super) inputs: Vec<Id>,
    /// Name of the ONNX value being lowered; new nodes get it.
    pub(super) scope: String,
    seen: HashMap<String, Id>,
    constants: HashMap<u64, Vec<Id>>,
}

impl Builder {
    pub(super) fn input(&mut self, name: &str, shape: Vec<usize>, dtype: Dtype) -> Result<Id> {
        self.scope = name.to_owned();
        let id = self.append(Op::Graph(GraphOp::Input), vec![], shape, dtype)?;
        self.inputs.push(id);
        Ok(id)
    }

    /// A constant; one with the same content is used again.
    pub(super) fn constant(
        &mut self,
        name: &str,
        data: Vec<f32>,
        shape: Vec<usize>,
        dtype: Dtype,
    ) -> Result<Id> {
        let mut hasher = DefaultHasher::new();
        (&shape, dtype == Dtype::Int).hash(&mut hasher);
        data.iter().for_each(|x| x.to_bits().hash(&mut hasher));
        let key = hasher.finish();
        let same = |id: &&Id| {
            let node = &self.nodes[**id];
            let bits = |data: &[f32]| data.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            node.shape == shape
                && node.dtype == dtype
                && self.data(**id).is_some_and(|d| bits(d) == bits(&data))
        };
        if let Some(id) = self
            .constants
            .get(&key)
            .and_then(|ids| ids.iter().find(same))
        {
            return Ok(*id);
        }
        let id = self.append(
            Op::Graph(GraphOp::Const(Arc::new(data))),
            vec![],
            shape,
            dtype,
        )?;
        self.nodes[id].name = name.to_owned();
        self.constants.entry(key).or_default().push(id);
        Ok(id)
    }

    /// A scalar constant of a rank, named after the current scope.
    pub(super) fn scalar(&mut self, value: f32, rank: usize) -> Result<Id> {
        let name = format!("{}.{value}", self.scope);
        self.constant(&name, vec![value], vec![1; rank], Dtype::Float)
    }

    /// A node as it is, after constant folding and sharing. `shape` is its result's.
    pub(super) fn raw(
        &mut self,
        op: Op,
        inputs: &[Id],
        shape: Vec<usize>,
        dtype: Dtype,
    ) -> Result<Id> {
        self.check_size(&shape)?;
        if let Some(data) = self.fold(&op, inputs, &shape) {
            let name = self.nodes[inputs[0]].name.clone();
            return self.constant(&name, data, shape, dtype);
        }
        if matches!(op, Op::Graph(GraphOp::Softmax { allowed: Some(_) })) {
            return self.append(op, inputs.to_vec(), shape, dtype); // the mask is too long for a key
        }
        let key = format!("{op:?} {inputs:?} {shape:?} {dtype:?}");
        if let Some(id) = self.seen.get(&key) {
            return Ok(*id);
        }
        let id = self.append(op, inputs.to_vec(), shape, dtype)?;
        self.seen.insert(key, id);
        Ok(id)
    }

    fn append(&mut self, op: Op, inputs: Vec<Id>, shape: Vec<usize>, dtype: Dtype) -> Result<Id> {
        self.check_size(&shape)?;
        self.nodes.push(Node {
            op,
            inputs,
            shape,
            dtype,
            name: self.scope.clone(),
        });
        Ok(self.nodes.len() - 1)
    }

    fn check_size(&self, shape: &[usize]) -> Result<()> {
        let elements = shape.iter().fold(1usize, |n, &d| n.saturating_mul(d));
        if elements > MAX_ELEMENTS || shape.contains(&0) {
            return Err(ImportError::TooLarge {
                value: self.scope.clone(),
                shape: shape.to_vec(),
            });
        }
        Ok(())
    }

    fn fold(&self, op: &Op, inputs: &[Id], shape: &[usize]) -> Option<Vec<f32>> {
        if inputs.is_empty() {
            return None;
        }
        let operand = |&id: &Id| {
            Some(Operand {
                data: self.data(id)?,
                shape: self.shape(id),
            })
        };
        let operands: Vec<Operand> = inputs.iter().map(operand).collect::<Option<_>>()?;
        let pair = |f: fn(f32, f32) -> f32| Some(elementwise(operands[0], operands[1], shape, f));
        match op {
            Op::Graph(op) => eval_op(op, &operands, shape).ok(),
            Op::Div => pair(|a, b| a / b),
            Op::Max => pair(f32::max),
            Op::Min => pair(f32::min),
            Op::Where | Op::IsNan | Op::ReduceMax { .. } => None,
        }
    }

    /// The result of an elementwise operator on these operands.
    pub(super) fn joint_shape(&self, a: Id, b: Id) -> Result<Vec<usize>> {
        broadcast_shape(self.shape(a), self.shape(b)).ok_or_else(|| self.misfit(&[a, b]))
    }

    // What the patterns look at.

    pub(super) fn op(&self, id: Id) -> &Op {
        &self.nodes[id].op
    }

    pub(super) fn graph_op(&self, id: Id) -> Option<&GraphOp> {
        match &self.nodes[id].op {
            Op::Graph(op) => Some(op),
            _ => None,
        }
    }

    pub(super) fn operand(&self, id: Id, index: usize) -> Id {
        self.nodes[id].inputs[index]
    }

    pub(super) fn shape(&self, id: Id) -> &[usize] {
        &self.nodes[id].shape
    }

    pub(super) fn dtype(&self, id: Id) -> Dtype {
        self.nodes[id].dtype
    }

    pub(super) fn data(&self, id: Id) -> Option<&[f32]> {
        match self.graph_op(id)? {
            GraphOp::Const(data) => Some(data),
            _ => None,
        }
    }

    /// The one value of a constant whose elements are all equal.
    pub(super) fn uniform(&self, id: Id) -> Option<f32> {
        let data = self.data(id)?;
        data.iter()
            .all(|x| x.to_bits() == data[0].to_bits())
            .then(|| data[0])
    }

    /// The value of a constant of one element.
    pub(super) fn single(&self, id: Id) -> Option<f32> {
        self.data(id)
            .filter(|data| data.len() == 1)
            .map(|data| data[0])
    }

    /// The operand of a scalar function, if `id` is one.
    pub(super) fn unary_of(&self, id: Id) -> Option<(&Unary, Id)> {
        match self.graph_op(id)? {
            GraphOp::Unary(chain) if chain.len() == 1 => Some((&chain[0], self.operand(id, 0))),
            _ => None,
        }
    }

    /// `id` without the reshapes and broadcasts it went through.
    pub(super) fn through_wiring(&self, mut id: Id) -> Id {
        while let Some(GraphOp::Reshape | GraphOp::Broadcast) = self.graph_op(id)
            && !self.is_number(id)
        {
            id = self.operand(id, 0);
        }
        id
    }

    pub(super) fn unsupported(&self, operator: &str, reason: &str) -> ImportError {
        ImportError::unsupported(&self.scope, operator, reason)
    }

    pub(super) fn misfit(&self, ids: &[Id]) -> ImportError {
        let shapes = ids.iter().map(|&id| self.shape(id).to_vec()).collect();
        ImportError::Shapes {
            node: self.scope.clone(),
            shapes,
        }
    }
}
