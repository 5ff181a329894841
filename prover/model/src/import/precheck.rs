//! Checks on the protobuf, before tract sees it: tract looks operators up by name alone, ignores domains and functions,
//! and trusts sizes. What is refused here is refused with the names of the ONNX file.

use std::collections::{HashMap, HashSet};

use tract_onnx::pb::tensor_proto::{DataLocation, DataType};
use tract_onnx::pb::tensor_shape_proto::dimension::Value as Dim;
use tract_onnx::pb::type_proto::Value as Type;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto};

use super::MAX_ELEMENTS;
use super::error::{FOLDABLE, ImportError, SUPPORTED};

/// Attention operators: a boolean mask reaches tract's `SDPA` as 0.0/1.0 added to the scores.
const ATTENTION: &[&str] = &["Attention", "MultiHeadAttention", "GroupQueryAttention"];

/// Operators whose result is as long as a constant says.
const SIZED: &[&str] = &[
    "ConstantOfShape",
    "Expand",
    "OneHot",
    "Pad",
    "Range",
    "Reshape",
    "Tile",
];
/// Most elements that such a constant may ask for.
const LARGEST_RESULT: i64 = 1 << 26;

/// Refuses what must not reach tract.
pub(super) fn check(model: &ModelProto) -> Result<&GraphProto, ImportError> {
    if let Some(function) = model.functions.first() {
        return Err(ImportError::Function {
            name: function.name().to_owned(),
        });
    }
    let graph = model
        .graph
        .as_ref()
        .ok_or_else(|| ImportError::malformed("it holds no graph"))?;
    if graph.node.is_empty() || graph.output.is_empty() {
        return Err(ImportError::malformed(
            "its graph has no nodes or no outputs",
        ));
    }
    if !graph.sparse_initializer.is_empty() {
        return Err(ImportError::malformed(
            "it holds sparse initializers, which are not supported",
        ));
    }
    graph
        .initializer
        .iter()
        .try_for_each(|t| check_tensor(t, &t.name))?;
    let weights: HashSet<&str> = graph.initializer.iter().map(|t| t.name.as_str()).collect();
    let inputs = graph
        .input
        .iter()
        .filter(|i| !weights.contains(i.name.as_str()));
    inputs.clone().try_for_each(check_input)?;
    graph.node.iter().try_for_each(check_node)?;
    check_lengths(graph)?;
    check_names(
        graph,
        weights
            .iter()
            .copied()
            .chain(inputs.map(|i| i.name.as_str()))
            .collect(),
    )?;
    Ok(graph)
}

fn check_input(input: &ValueInfoProto) -> Result<(), ImportError> {
    let name = &input.name;
    let Some(Type::TensorType(tensor)) = input.r#type.as_ref().and_then(|t| t.value.as_ref())
    else {
        return Err(ImportError::malformed(format!(
            "input `{name}` has no tensor type"
        )));
    };
    check_dtype(tensor.elem_type, name)?;
    let dynamic = |axis: usize, dim: &str| ImportError::DynamicShape {
        input: name.clone(),
        axis,
        dim: dim.to_owned(),
    };
    let shape = tensor
        .shape
        .as_ref()
        .ok_or_else(|| dynamic(0, "no shape"))?;
    let mut elements = 1i64;
    for (axis, dim) in shape.dim.iter().enumerate() {
        match &dim.value {
            Some(Dim::DimValue(len)) if *len > 0 => elements = elements.saturating_mul(*len),
            Some(Dim::DimValue(len)) => return Err(dynamic(axis, &len.to_string())),
            Some(Dim::DimParam(symbol)) => return Err(dynamic(axis, symbol)),
            None => return Err(dynamic(axis, "?")),
        }
    }
    if elements > MAX_ELEMENTS as i64 {
        return Err(ImportError::malformed(format!(
            "input `{name}` has {elements} elements"
        )));
    }
    Ok(())
}

fn check_dtype(code: i32, name: &str) -> Result<DataType, ImportError> {
    let known = DataType::try_from(code)
        .ok()
        .filter(|d| element_size(*d).is_some());
    known.ok_or_else(|| {
        let found = DataType::try_from(code).map_or(format!("number {code}"), |d| format!("{d:?}"));
        ImportError::ElementType {
            tensor: name.to_owned(),
            found,
        }
    })
}

/// Bytes of an element; `None` for the types that are not supported.
fn element_size(dtype: DataType) -> Option<usize> {
    match dtype {
        DataType::Bool | DataType::Uint8 | DataType::Int8 => Some(1),
        DataType::Uint16 | DataType::Int16 | DataType::Float16 => Some(2),
        DataType::Uint32 | DataType::Int32 | DataType::Float => Some(4),
        DataType::Uint64 | DataType::Int64 | DataType::Double => Some(8),
        _ => None,
    }
}

/// The data must be as long as the shape says: tract copies by the shape.
fn check_tensor(tensor: &TensorProto, name: &str) -> Result<(), ImportError> {
    let size = element_size(check_dtype(tensor.data_type, name)?).unwrap_or(1);
    let negative = tensor.dims.iter().any(|&d| d < 0);
    let elements = tensor.dims.iter().fold(1i64, |n, &d| n.saturating_mul(d));
    if negative || elements > MAX_ELEMENTS as i64 {
        let reason = format!("tensor `{name}` has shape {:?}", tensor.dims);
        return Err(ImportError::malformed(reason));
    }
    let external = tensor.data_location == Some(DataLocation::External as i32);
    let typed = [
        tensor.float_data.len(),
        tensor.int32_data.len(),
        tensor.int64_data.len(),
        tensor.double_data.len(),
        tensor.uint64_data.len(),
    ];
    let found = match tensor.raw_data.len() {
        0 => typed.iter().sum(),
        bytes if bytes % size == 0 => bytes / size,
        bytes => {
            return Err(ImportError::malformed(format!(
                "tensor `{name}` holds {bytes} bytes"
            )));
        }
    };
    if !external && found != elements as usize {
        let reason = format!(
            "tensor `{name}` of shape {:?} holds {found} elements",
            tensor.dims
        );
        return Err(ImportError::malformed(reason));
    }
    Ok(())
}

fn check_node(node: &NodeProto) -> Result<(), ImportError> {
    let name = node_name(node);
    let operator = node.op_type.clone();
    if ATTENTION.contains(&node.op_type.as_str()) {
        return Err(ImportError::Attention {
            node: name,
            operator,
        });
    }
    if !matches!(node.domain.as_str(), "" | "ai.onnx") {
        return Err(ImportError::ForeignDomain {
            node: name,
            operator,
            domain: node.domain.clone(),
        });
    }
    if !SUPPORTED.contains(&&*operator) && !FOLDABLE.contains(&&*operator) {
        return Err(ImportError::unsupported(
            &name,
            operator,
            "there is no such operator here",
        ));
    }
    for attribute in &node.attribute {
        if let Some(tensor) = &attribute.t {
            check_tensor(tensor, &name)?;
        }
        if operator == "Cast" && attribute.name == "to" {
            check_dtype(attribute.i as i32, &name)?;
        }
    }
    Ok(())
}

/// Constants that say how long a result is must not ask for more memory than a model may need: tract evaluates these
/// operators on constants while it loads.
fn check_lengths(graph: &GraphProto) -> Result<(), ImportError> {
    let constants = graph.node.iter().filter(|n| n.op_type == "Constant");
    let values =
        constants.filter_map(|n| Some((n.output.first()?, n.attribute.first()?.t.as_ref()?)));
    let weights = graph.initializer.iter().map(|t| (&t.name, t));
    let known: HashMap<&str, &TensorProto> = weights
        .chain(values)
        .map(|(name, t)| (name.as_str(), t))
        .collect();
    for node in graph
        .node
        .iter()
        .filter(|n| SIZED.contains(&n.op_type.as_str()))
    {
        for tensor in node.input.iter().filter_map(|i| known.get(i.as_str())) {
            let product = integers(tensor)
                .iter()
                .fold(1i64, |n, &d| n.saturating_mul(d.saturating_abs().max(1)));
            if product > LARGEST_RESULT {
                let (node, list) = (node_name(node), integers(tensor));
                let reason = format!("node `{node}` makes a tensor of {list:?} elements");
                return Err(ImportError::malformed(reason));
            }
        }
    }
    Ok(())
}

/// The elements of a list of 64-bit integers; of any other tensor, none.
fn integers(tensor: &TensorProto) -> Vec<i64> {
    if tensor.data_type != DataType::Int64 as i32 || tensor.dims.len() > 1 {
        return vec![];
    }
    let raw = tensor.raw_data.chunks_exact(8);
    let raw = raw.map(|b| b.iter().rev().fold(0u64, |n, &b| n << 8 | u64::from(b)) as i64);
    raw.chain(tensor.int64_data.iter().copied()).collect()
}

/// Every name that is read has been written: tract indexes a map with them.
fn check_names<'a>(graph: &'a GraphProto, mut known: HashSet<&'a str>) -> Result<(), ImportError> {
    for node in &graph.node {
        if let Some(missing) = node
            .input
            .iter()
            .find(|i| !i.is_empty() && !known.contains(i.as_str()))
        {
            let node = node_name(node);
            return Err(ImportError::malformed(format!(
                "node `{node}` reads `{missing}`, which nothing has written"
            )));
        }
        known.extend(node.output.iter().map(String::as_str));
    }
    match graph
        .output
        .iter()
        .find(|o| !known.contains(o.name.as_str()))
    {
        Some(output) => Err(ImportError::malformed(format!(
            "nothing writes output `{}`",
            output.name
        ))),
        None => Ok(()),
    }
}

fn node_name(node: &NodeProto) -> String {
    match (&node.name, node.output.first()) {
        (name, Some(output)) if name.is_empty() => output.clone(),
        (name, _) => name.clone(),
    }
}
