//! Tests on models written here node by node: what exporters rarely write, and what must be refused. Models exported by
//! PyTorch, with its outputs, are in `prover/model/tests/`.

mod einsum;
mod mutants;
mod patterns;
mod refusals;

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::tensor_shape_proto::{Dimension, dimension::Value as Dim};
use tract_onnx::pb::{
    AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, TensorProto,
    TensorShapeProto, TypeProto, ValueInfoProto, type_proto,
};

use super::{ImportError, import_proto};
use crate::graph::{Graph, GraphOp, Unary};

/// A model under construction.
#[derive(Default)]
struct Model(GraphProto);

impl Model {
    fn input(mut self, name: &str, shape: &[usize]) -> Self {
        self.0.input.push(tensor_info(name, shape, DataType::Float));
        self
    }

    fn weight(mut self, name: &str, shape: &[usize], data: &[f32]) -> Self {
        self.0.initializer.push(TensorProto {
            name: name.into(),
            dims: shape.iter().map(|&d| d as i64).collect(),
            data_type: DataType::Float as i32,
            float_data: data.to_vec(),
            ..Default::default()
        });
        self
    }

    fn ints(mut self, name: &str, data: &[i64]) -> Self {
        self.0.initializer.push(TensorProto {
            name: name.into(),
            dims: vec![data.len() as i64],
            data_type: DataType::Int64 as i32,
            int64_data: data.to_vec(),
            ..Default::default()
        });
        self
    }

    fn node(self, op: &str, inputs: &[&str], output: &str) -> Self {
        self.node_with(op, inputs, output, vec![])
    }

    fn node_with(
        mut self,
        op: &str,
        inputs: &[&str],
        output: &str,
        attribute: Vec<AttributeProto>,
    ) -> Self {
        self.0.node.push(NodeProto {
            op_type: op.into(),
            name: format!("n_{output}"),
            input: inputs.iter().map(|&s| s.into()).collect(),
            output: vec![output.into()],
            attribute,
            ..Default::default()
        });
        self
    }

    /// The model with output `y`.
    fn proto(mut self) -> ModelProto {
        self.0.output.push(ValueInfoProto {
            name: "y".into(),
            ..Default::default()
        });
        let opset = OperatorSetIdProto {
            domain: String::new(),
            version: 18,
        };
        ModelProto {
            ir_version: 8,
            opset_import: vec![opset],
            graph: Some(self.0),
            ..Default::default()
        }
    }

    fn import(self) -> Result<Graph, ImportError> {
        import_proto(&self.proto(), None)
    }
}

fn tensor_info(name: &str, shape: &[usize], dtype: DataType) -> ValueInfoProto {
    let dim = |&d: &usize| Dimension {
        value: Some(Dim::DimValue(d as i64)),
        ..Default::default()
    };
    let shape = TensorShapeProto {
        dim: shape.iter().map(dim).collect(),
    };
    let tensor = type_proto::Tensor {
        elem_type: dtype as i32,
        shape: Some(shape),
    };
    let value = Some(type_proto::Value::TensorType(tensor));
    ValueInfoProto {
        name: name.into(),
        r#type: Some(TypeProto {
            value,
            ..Default::default()
        }),
        ..Default::default()
    }
}

fn int(name: &str, i: i64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        i,
        r#type: 2,
        ..Default::default()
    }
}

fn text(name: &str, s: &str) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        s: s.into(),
        r#type: 3,
        ..Default::default()
    }
}

/// Numbers without a pattern, between −2 and 2.
fn numbers(count: usize) -> Vec<f32> {
    let mut state = 9u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 / (1 << 22) as f32 - 2.0
    };
    (0..count).map(|_| next()).collect()
}

/// The output on one input.
fn run(graph: &Graph, input: &[f32]) -> Vec<f32> {
    graph
        .run_outputs(&[input.to_vec()])
        .expect("inputs fit")
        .remove(0)
}

fn assert_close(got: &[f32], wanted: &[f32]) {
    assert_eq!(got.len(), wanted.len());
    for (i, (g, w)) in got.iter().zip(wanted).enumerate() {
        assert!(
            (g - w).abs() <= 1e-5 * (1.0 + w.abs()),
            "element {i}: {g} for {w}"
        );
    }
}

/// Operators in order, without inputs and constants.
fn operators(graph: &Graph) -> Vec<String> {
    let op = |node: &crate::Node| match &node.op {
        GraphOp::Input | GraphOp::Const(_) => None,
        op => Some(
            format!("{op:?}")
                .split([' ', '('])
                .next()
                .unwrap_or_default()
                .to_owned(),
        ),
    };
    graph.nodes.iter().filter_map(op).collect()
}

/// The chains of all scalar functions.
fn chains(graph: &Graph) -> Vec<Vec<Unary>> {
    let chain = |node: &crate::Node| match &node.op {
        GraphOp::Unary(chain) => Some(chain.clone()),
        _ => None,
    };
    graph.nodes.iter().filter_map(chain).collect()
}
