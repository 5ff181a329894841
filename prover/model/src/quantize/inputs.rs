//! Model inputs in real units: `{"inputs": {"<name>": nested arrays}}`, floats for real tensors and integers for token
//! ids. Used for calibration, for requests and, with `nest`, for what comes out.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::error::InputError;
use crate::{Dtype, Graph, GraphOp, ValueId};

/// What a model input is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputSpec {
    /// Its ONNX name.
    pub name: String,
    /// Its static shape.
    pub shape: Vec<usize>,
    /// For token ids how many there are, for a padding mask 2; `None` for real numbers.
    pub vocab: Option<usize>,
    /// Whether it is a padding mask: ones for text, zeros for padding, not all zero.
    #[serde(default)]
    pub mask: bool,
}

/// Number of token ids where no embedding limits them: what an activation can hold.
const MAX_VOCAB: usize = 1 << 15;

/// The declared inputs of a graph, in order.
pub fn input_specs(graph: &Graph) -> Vec<InputSpec> {
    let spec = |&id: &ValueId| {
        let value = &graph.values[id.0];
        InputSpec {
            name: value.name.clone(),
            shape: value.shape.clone(),
            vocab: match value.dtype {
                Dtype::Float => None,
                Dtype::Int if is_padding_mask(graph, id) => Some(2),
                Dtype::Int => Some(vocabulary(graph, id)),
            },
            mask: value.dtype == Dtype::Int && is_padding_mask(graph, id),
        }
    };
    graph.inputs.iter().map(spec).collect()
}

/// Whether an input, moved about, says which positions a softmax allows.
pub(crate) fn is_padding_mask(graph: &Graph, input: ValueId) -> bool {
    let mut moved = vec![false; graph.values.len()];
    moved[input.0] = true;
    graph.nodes.iter().any(|node| {
        if matches!(
            node.op,
            GraphOp::Reshape | GraphOp::Transpose { .. } | GraphOp::Broadcast
        ) {
            moved[node.output.0] |= moved[node.inputs[0].0];
        }
        let masks = matches!(node.op, GraphOp::Softmax { .. });
        masks && node.inputs.get(1).is_some_and(|m| moved[m.0])
    })
}

/// Rows of the smallest embedding that reads these ids, directly or through wiring.
fn vocabulary(graph: &Graph, ids: ValueId) -> usize {
    let mut from_ids = vec![false; graph.values.len()];
    from_ids[ids.0] = true;
    let mut vocab = MAX_VOCAB;
    for node in &graph.nodes {
        let touched = node.inputs.iter().any(|v| from_ids[v.0]);
        match node.op {
            GraphOp::Gather if node.inputs.get(1).is_some_and(|v| from_ids[v.0]) => {
                vocab = vocab.min(graph.values[node.inputs[0].0].shape[0]);
            }
            GraphOp::Reshape
            | GraphOp::Transpose { .. }
            | GraphOp::Slice { .. }
            | GraphOp::Concat { .. }
            | GraphOp::Broadcast
                if touched =>
            {
                from_ids[node.output.0] = true;
            }
            _ => {}
        }
    }
    vocab
}

/// Values of every model input, row-major, in the model's order; token ids as whole numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Inputs(pub Vec<Vec<f32>>);

impl Inputs {
    /// Reads `{"inputs": {name: nested arrays}}`; every declared input must be there, and nothing else.
    pub fn from_json(specs: &[InputSpec], json: &Json) -> Result<Self, InputError> {
        let layout = |found: &Json| InputError::Layout {
            expected: r#"an object {"inputs": {name: nested arrays}}"#.into(),
            found: shorten(found),
        };
        let given = json.get("inputs").and_then(Json::as_object);
        let given = given.ok_or_else(|| layout(json))?;
        if let Some(name) = given.keys().find(|k| specs.iter().all(|s| s.name != **k)) {
            let known: Vec<&str> = specs.iter().map(|s| s.name.as_str()).collect();
            return Err(InputError::Unknown {
                name: name.clone(),
                known: known.join(", "),
            });
        }
        let read = |spec: &InputSpec| {
            let value = given.get(&spec.name).ok_or_else(|| InputError::Missing {
                name: spec.name.clone(),
            })?;
            read_tensor(spec, value)
        };
        Ok(Inputs(specs.iter().map(read).collect::<Result<_, _>>()?))
    }

    /// Reads a JSON list of [`Inputs::from_json`] objects (a calibration file).
    pub fn list_from_json(specs: &[InputSpec], json: &Json) -> Result<Vec<Self>, InputError> {
        let list = json.as_array().ok_or_else(|| InputError::Layout {
            expected: "a list of input objects".into(),
            found: shorten(json),
        })?;
        list.iter()
            .map(|item| Self::from_json(specs, item))
            .collect()
    }

    /// The same as JSON.
    pub fn to_json(&self, specs: &[InputSpec]) -> Json {
        let tensor = |(spec, values): (&InputSpec, &Vec<f32>)| {
            let number = |&v: &f32| match spec.vocab {
                Some(_) => Json::from(v as i64),
                None => Json::from(v),
            };
            let items: Vec<Json> = values.iter().map(number).collect();
            (spec.name.clone(), nest(&spec.shape, items))
        };
        let all: Map<String, Json> = specs.iter().zip(&self.0).map(tensor).collect();
        serde_json::json!({ "inputs": all })
    }
}

/// One tensor of numbers, checked against its declaration.
fn read_tensor(spec: &InputSpec, json: &Json) -> Result<Vec<f32>, InputError> {
    let mut items = Vec::new();
    flatten(spec, json, 0, &mut items)?;
    let mut out = Vec::with_capacity(items.len());
    for (index, item) in items.into_iter().enumerate() {
        let wrong = |expected| InputError::Type {
            name: spec.name.clone(),
            index,
            found: shorten(item),
            expected,
        };
        match spec.vocab {
            None => out.push(item.as_f64().ok_or_else(|| wrong("a number"))? as f32),
            Some(vocab) => {
                let id = item.as_i64().ok_or_else(|| wrong("an integer token id"))?;
                if !spec.mask && (id < 0 || id >= vocab as i64) {
                    return Err(InputError::Token {
                        name: spec.name.clone(),
                        index,
                        found: id,
                        vocab,
                    });
                }
                out.push(id as f32);
            }
        }
    }
    if spec.mask {
        check_mask(&spec.name, &out)?;
    }
    Ok(out)
}

/// A padding mask holds zeros and ones, and at least a one.
pub(crate) fn check_mask(name: &str, mask: &[f32]) -> Result<(), InputError> {
    if let Some(index) = mask.iter().position(|&m| m != 0.0 && m != 1.0) {
        return Err(InputError::Mask {
            name: name.to_owned(),
            index,
            found: mask[index],
        });
    }
    if mask.iter().all(|&m| m == 0.0) {
        let name = name.to_owned();
        return Err(InputError::EmptyMask { name });
    }
    Ok(())
}

/// Appends the leaves of nested arrays, demanding the declared length at every depth.
fn flatten<'j>(
    spec: &InputSpec,
    json: &'j Json,
    depth: usize,
    out: &mut Vec<&'j Json>,
) -> Result<(), InputError> {
    let shape = |found: String| InputError::Shape {
        name: spec.name.clone(),
        found,
        expected: spec.shape.clone(),
    };
    match (json.as_array(), spec.shape.get(depth)) {
        (None, None) => out.push(json),
        (Some(list), Some(&len)) if list.len() == len => {
            for item in list {
                flatten(spec, item, depth + 1, out)?;
            }
        }
        (Some(list), Some(_)) => {
            return Err(shape(format!("with {} items on axis {depth}", list.len())));
        }
        (Some(_), None) => return Err(shape(format!("with more than {depth} axes"))),
        (None, Some(_)) => return Err(shape(format!("with only {depth} axes"))),
    }
    Ok(())
}

/// Nested arrays of a shape from its elements in row-major order.
pub fn nest(shape: &[usize], items: Vec<Json>) -> Json {
    fn level(shape: &[usize], items: &mut impl Iterator<Item = Json>) -> Json {
        match shape.split_first() {
            None => items.next().unwrap_or(Json::Null),
            Some((&len, rest)) => (0..len).map(|_| level(rest, items)).collect(),
        }
    }
    level(shape, &mut items.into_iter())
}

fn shorten(json: &Json) -> String {
    let text = json.to_string();
    match text.char_indices().nth(60) {
        Some((cut, _)) => format!("{}…", &text[..cut]),
        None => text,
    }
}
