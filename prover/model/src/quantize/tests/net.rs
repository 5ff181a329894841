//! Graphs by hand and random numbers for tests.

use std::sync::Arc;

use crate::{
    Dtype, Graph, GraphOp, Inputs, Node, QuantizeOptions, Quantized, Unary, Value, ValueId,
    quantize,
};

/// A graph under construction.
pub(crate) struct Net(pub(crate) Graph);

impl Net {
    pub(crate) fn new() -> Self {
        Net(Graph {
            values: Vec::new(),
            nodes: Vec::new(),
            inputs: Vec::new(),
            outputs: Vec::new(),
        })
    }

    fn node(&mut self, op: GraphOp, inputs: &[ValueId], shape: &[usize], dtype: Dtype) -> ValueId {
        let output = ValueId(self.0.values.len());
        self.0.values.push(Value {
            name: format!("v{}", output.0),
            shape: shape.to_vec(),
            dtype,
        });
        let inputs = inputs.to_vec();
        self.0.nodes.push(Node { op, inputs, output });
        output
    }

    pub(crate) fn input(&mut self, shape: &[usize]) -> ValueId {
        let v = self.node(GraphOp::Input, &[], shape, Dtype::Float);
        self.0.inputs.push(v);
        v
    }

    pub(crate) fn tokens(&mut self, shape: &[usize]) -> ValueId {
        let v = self.node(GraphOp::Input, &[], shape, Dtype::Int);
        self.0.inputs.push(v);
        v
    }

    pub(crate) fn constant(&mut self, shape: &[usize], data: Vec<f32>) -> ValueId {
        assert_eq!(data.len(), shape.iter().product::<usize>());
        self.node(GraphOp::Const(Arc::new(data)), &[], shape, Dtype::Float)
    }

    pub(crate) fn op(&mut self, op: GraphOp, inputs: &[ValueId], shape: &[usize]) -> ValueId {
        let dtype = match op {
            GraphOp::ArgMax => Dtype::Int,
            _ => Dtype::Float,
        };
        self.node(op, inputs, shape, dtype)
    }

    /// An operator whose result has the shape of its first operand.
    pub(crate) fn like(&mut self, op: GraphOp, inputs: &[ValueId]) -> ValueId {
        let shape = self.0.values[inputs[0].0].shape.clone();
        self.op(op, inputs, &shape)
    }

    pub(crate) fn unary(&mut self, chain: &[Unary], x: ValueId) -> ValueId {
        self.like(GraphOp::Unary(chain.to_vec()), &[x])
    }

    pub(crate) fn output(mut self, v: ValueId) -> Graph {
        self.0.outputs.push(v);
        self.0
    }
}

/// xorshift64*.
pub(crate) struct Rng(pub(crate) u64);

impl Rng {
    pub(crate) fn unit(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40) as f32 / (1u64 << 24) as f32
    }

    /// Roughly normal, within ±4·scale.
    pub(crate) fn normal(&mut self, scale: f32) -> f32 {
        let sum: f32 = (0..8).map(|_| self.unit() - 0.5).sum();
        sum * scale * 1.2
    }

    pub(crate) fn normals(&mut self, n: usize, scale: f32) -> Vec<f32> {
        (0..n).map(|_| self.normal(scale)).collect()
    }

    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.unit() * n as f32) as usize
    }

    /// Random inputs for a graph; token ids below `vocab`.
    pub(crate) fn inputs(&mut self, graph: &Graph, scale: f32, vocab: usize) -> Inputs {
        let one = |v: &ValueId, rng: &mut Rng| {
            let value = &graph.values[v.0];
            let n = value.shape.iter().product();
            match value.dtype {
                Dtype::Float => rng.normals(n, scale),
                Dtype::Int => (0..n).map(|_| rng.below(vocab) as f32).collect(),
            }
        };
        Inputs(graph.inputs.iter().map(|v| one(v, self)).collect())
    }
}

/// Quantizes on random inputs.
pub(crate) fn quantized(graph: &Graph, rng: &mut Rng, vocab: usize) -> Quantized {
    let calibration: Vec<Inputs> = (0..64).map(|_| rng.inputs(graph, 1.0, vocab)).collect();
    quantize(graph, &calibration, &QuantizeOptions::default()).expect("the graph is supported")
}

/// Quantizes and compares all outputs on fresh inputs: error over largest value of the output at most `bound`.
pub(crate) fn check(graph: &Graph, seed: u64, bound: f64) -> Quantized {
    let mut rng = Rng(seed | 1);
    let quantized = quantized(graph, &mut rng, 16);
    let mut errors = vec![(0f64, 0f64); graph.outputs.len()];
    for _ in 0..16 {
        let inputs = rng.inputs(graph, 0.8, 16);
        let float = graph.run(&inputs.0).expect("inputs fit");
        let run = quantized.run(&inputs).expect("within the calibrated range");
        let outputs = graph.outputs.iter().zip(&quantized.outputs);
        for ((v, output), (error, top)) in outputs.zip(&mut errors) {
            let got = quantized.reals(&run.trace, output.tensor);
            assert_eq!(got.len(), float[v.0].len());
            for (&x, y) in float[v.0].iter().zip(&got) {
                *error = error.max((f64::from(x) - y).abs());
                *top = top.max(f64::from(x).abs());
            }
        }
    }
    for ((error, top), output) in errors.iter().zip(&quantized.outputs) {
        let name = &output.name;
        assert!(*error <= bound * top, "{name}: error {error} of {top}");
    }
    quantized
}

/// Number of ops of a kind.
pub(crate) fn count(quantized: &Quantized, label: &str) -> usize {
    let ops = quantized.program.ops.iter();
    ops.filter(|op| op.kind.label() == label).count()
}
