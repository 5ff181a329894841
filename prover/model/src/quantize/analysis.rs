//! What lowering needs to know of a float graph: which values are constants, who reads a value, and the ranges that
//! the calibration inputs reach.

use std::collections::HashMap;
use std::rc::Rc;

use super::error::QuantizeError;
use super::inputs::Inputs;
use crate::{Graph, GraphOp, Node, ValueId};

/// e^−x is 0 in a softmax's table for x from here on: the table ends at 2^14 / 1462 = 11.21.
const EXP_REACH: f64 = 11.25;

/// Smallest and largest value seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Largest absolute value where only saturation is asked for (scores that a mask hides).
    pub(crate) hidden: f64,
}

impl Range {
    pub(crate) const EMPTY: Range = Range {
        min: f64::INFINITY,
        max: f64::NEG_INFINITY,
        hidden: 0.0,
    };

    pub(crate) fn add(&mut self, x: f64) {
        self.min = self.min.min(x);
        self.max = self.max.max(x);
    }

    /// Largest absolute value; 0 if nothing was seen.
    pub(crate) fn max_abs(&self) -> f64 {
        if self.min > self.max {
            0.0
        } else {
            self.min.abs().max(self.max.abs())
        }
    }

    /// The range of `a·x + b`.
    pub(crate) fn affine(&self, a: f64, b: f64) -> Range {
        let (p, q) = (self.min * a + b, self.max * a + b);
        Range {
            min: p.min(q),
            max: p.max(q),
            hidden: self.hidden * a.abs() + b.abs(),
        }
    }

    pub(crate) fn join(&self, other: &Range) -> Range {
        Range {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            hidden: self.hidden.max(other.hidden),
        }
    }
}

/// One operand of a sum that a layer norm reads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Residual {
    /// Range of its mean over the norm's axis.
    pub(crate) mean: Range,
    /// Range of the other operand less the mean of the sum.
    pub(crate) other: Range,
}

/// A graph seen through its calibration.
pub(crate) struct Analysis {
    /// Values that no input reaches.
    pub(crate) constants: Vec<Option<Rc<Vec<f64>>>>,
    /// Live, non-constant nodes reading each value (once for each occurrence).
    pub(crate) consumers: Vec<Vec<usize>>,
    /// Whether a value is a model output.
    pub(crate) is_output: Vec<bool>,
    /// Nodes to lower: an output depends on them and they depend on an input.
    pub(crate) live: Vec<bool>,
    /// Range of every value.
    pub(crate) ranges: Vec<Range>,
    /// For each layer norm: ranges of the mean and of what remains after subtracting it.
    pub(crate) centred: HashMap<usize, (Range, Range)>,
    /// For each layer norm of a sum of two: what is known of either operand, were it the residual.
    pub(crate) residuals: HashMap<usize, [Residual; 2]>,
}

impl Analysis {
    /// Runs the float reference over the calibration inputs.
    pub(crate) fn new(graph: &Graph, calibration: &[Inputs]) -> Result<Self, QuantizeError> {
        let (is_output, live, constant) = reachability(graph);
        let mut consumers = vec![Vec::new(); graph.values.len()];
        for (index, node) in graph.nodes.iter().enumerate().filter(|(i, _)| live[*i]) {
            for input in &node.inputs {
                consumers[input.0].push(index);
            }
        }
        let mut out = Analysis {
            constants: vec![None; graph.values.len()],
            consumers,
            is_output,
            live,
            ranges: vec![Range::EMPTY; graph.values.len()],
            centred: HashMap::new(),
            residuals: HashMap::new(),
        };
        let masks = out.relevant_scores(graph);
        let room = out.padded_scores(graph);
        for (sample, inputs) in calibration.iter().enumerate() {
            let values = graph.run(&inputs.0).map_err(|e| QuantizeError::Reference {
                sample,
                what: e.to_string(),
            })?;
            check_finite(graph, &values, &constant, sample)?;
            for (v, values) in values.iter().enumerate() {
                out.measure(v, values, masks.get(&ValueId(v)).map(|m| &m[..]));
            }
            out.measure_norms(graph, &values);
            if sample == 0 {
                let keep = |v: &Vec<f32>| Rc::new(v.iter().map(|&x| f64::from(x)).collect());
                let all = values.iter().zip(&constant);
                out.constants = all.map(|(v, &c)| c.then(|| keep(v))).collect();
            }
        }
        if calibration.is_empty() {
            return Err(QuantizeError::NoCalibration);
        }
        for (v, room) in room {
            let range = &mut out.ranges[v.0];
            range.add(range.min - room);
        }
        Ok(out)
    }

    /// The one live node that reads `v`, unless `v` is also an output or read twice.
    pub(crate) fn sole_consumer(&self, v: ValueId) -> Option<usize> {
        match self.consumers[v.0][..] {
            [node] if !self.is_output[v.0] => Some(node),
            _ => None,
        }
    }

    fn measure(&mut self, v: usize, values: &[f32], relevant: Option<&[bool]>) {
        let range = &mut self.ranges[v];
        for (i, &x) in values.iter().enumerate() {
            if relevant.is_none_or(|m| m[i]) {
                range.add(f64::from(x));
            } else {
                range.hidden = range.hidden.max(f64::from(x).abs());
            }
        }
    }

    /// Values that only a softmax with a padding mask reads (through reshapes and positive factors), with the room they
    /// need below all scores: there lies what stands for padding, and its exponential must be 0.
    fn padded_scores(&self, graph: &Graph) -> HashMap<ValueId, f64> {
        let mut rooms = HashMap::new();
        for (index, node) in graph.nodes.iter().enumerate().rev() {
            let room = match &node.op {
                _ if !self.live[index] => None,
                GraphOp::Softmax { .. } if node.inputs.len() > 1 => Some(EXP_REACH),
                GraphOp::Reshape => rooms.get(&node.output).copied(),
                GraphOp::Mul => self.constant_factor(graph, node).and_then(|factor| {
                    let room = rooms.get(&node.output)?;
                    (factor > 0.0).then(|| room / factor)
                }),
                _ => None,
            };
            let x = node.inputs.first();
            if let (Some(room), Some(&x)) = (room, x)
                && self.sole_consumer(x) == Some(index)
            {
                rooms.insert(x, room);
            }
        }
        rooms
    }

    /// The one number that a product multiplies its first operand by.
    fn constant_factor(&self, graph: &Graph, node: &Node) -> Option<f64> {
        let of = graph.nodes.iter().find(|n| n.output == node.inputs[1])?;
        match &of.op {
            GraphOp::Const(data) if data.len() == 1 => Some(f64::from(data[0])),
            _ => None,
        }
    }

    fn measure_norms(&mut self, graph: &Graph, values: &[Vec<f32>]) {
        for (index, node) in graph.nodes.iter().enumerate() {
            if !matches!(node.op, GraphOp::LayerNorm { .. }) {
                continue;
            }
            let n = last_axis(graph, node.inputs[0]);
            let empty = (Range::EMPTY, Range::EMPTY);
            let (means, rest) = self.centred.entry(index).or_insert(empty);
            for row in values[node.inputs[0].0].chunks(n) {
                let mean = row.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
                means.add(mean);
                row.iter().for_each(|&x| rest.add(f64::from(x) - mean));
            }
            self.measure_residuals(graph, values, index, n);
        }
    }

    fn measure_residuals(&mut self, graph: &Graph, values: &[Vec<f32>], index: usize, n: usize) {
        let sum = graph.nodes[index].inputs[0];
        let adds = |node: &&Node| node.output == sum && matches!(node.op, GraphOp::Add);
        let Some(add) = graph.nodes[..index].iter().rev().find(adds) else {
            return;
        };
        let operands = [0, 1].map(|i| &values[add.inputs[i].0]);
        if operands.iter().any(|o| o.len() != values[sum.0].len()) {
            return;
        }
        let empty = Residual {
            mean: Range::EMPTY,
            other: Range::EMPTY,
        };
        let known = self.residuals.entry(index).or_insert([empty; 2]);
        let mean = |row: &[f32]| row.iter().map(|&x| f64::from(x)).sum::<f64>() / n as f64;
        for (t, row) in values[sum.0].chunks(n).enumerate() {
            let whole = mean(row);
            for (k, known) in known.iter_mut().enumerate() {
                known.mean.add(mean(&operands[k][t * n..(t + 1) * n]));
                let other = &operands[1 - k][t * n..(t + 1) * n];
                other
                    .iter()
                    .for_each(|&x| known.other.add(f64::from(x) - whole));
            }
        }
    }

    /// Masks of the values that only a masked softmax reads, also through reshapes and arithmetic with constants.
    fn relevant_scores(&self, graph: &Graph) -> HashMap<ValueId, Rc<Vec<bool>>> {
        let mut masks: HashMap<ValueId, Rc<Vec<bool>>> = HashMap::new();
        for (index, node) in graph.nodes.iter().enumerate().rev() {
            if !self.live[index] {
                continue;
            }
            let mask = match &node.op {
                GraphOp::Softmax { allowed } => allowed.as_ref().map(|m| Rc::new(m.to_vec())),
                GraphOp::Reshape | GraphOp::Mul | GraphOp::Add => masks.get(&node.output).cloned(),
                _ => None,
            };
            let Some(mask) = mask else { continue };
            // The first operand of a softmax: the second is a mask.
            let scores = match node.op {
                GraphOp::Softmax { .. } => &node.inputs[..1],
                _ => &node.inputs[..],
            };
            for &input in scores {
                let same_len = len(graph, input) == mask.len();
                if self.sole_consumer(input) == Some(index) && same_len {
                    masks.insert(input, mask.clone());
                }
            }
        }
        masks
    }
}

/// (is an output, node is live, value is constant).
fn reachability(graph: &Graph) -> (Vec<bool>, Vec<bool>, Vec<bool>) {
    let mut is_output = vec![false; graph.values.len()];
    graph.outputs.iter().for_each(|v| is_output[v.0] = true);
    let mut constant = vec![false; graph.values.len()];
    for node in &graph.nodes {
        let fixed = node.inputs.iter().all(|v| constant[v.0]);
        constant[node.output.0] = fixed && !matches!(node.op, GraphOp::Input);
    }
    let mut wanted = is_output.clone();
    let mut live = vec![false; graph.nodes.len()];
    for (index, node) in graph.nodes.iter().enumerate().rev() {
        let Node { inputs, output, .. } = node;
        if wanted[output.0] && !constant[output.0] {
            live[index] = true;
            inputs.iter().for_each(|v| wanted[v.0] = true);
        }
    }
    (is_output, live, constant)
}

fn check_finite(
    graph: &Graph,
    values: &[Vec<f32>],
    constant: &[bool],
    sample: usize,
) -> Result<(), QuantizeError> {
    for (v, values) in values.iter().enumerate() {
        if let Some(index) = values.iter().position(|x| !x.is_finite()) {
            // A constant −inf that a mask consumed is not read any more.
            if constant[v] && !values[index].is_nan() {
                continue;
            }
            return Err(QuantizeError::NotFinite {
                value: graph.values[v].name.clone(),
                index,
                found: values[index],
                sample,
            });
        }
    }
    Ok(())
}

/// Number of elements of a value.
pub(crate) fn len(graph: &Graph, v: ValueId) -> usize {
    graph.values[v.0].shape.iter().product()
}

/// Length of the last axis of a value; 1 for scalars.
pub(crate) fn last_axis(graph: &Graph, v: ValueId) -> usize {
    graph.values[v.0].shape.last().copied().unwrap_or(1)
}
