//! ONNX to the typed float graph, by way of tract.
//!
//! | file | job |
//! |---|---|
//! | `precheck` | refuses on the protobuf what tract would misread or trip over |
//! | `load` | tract: shapes, types, constant folding, up to its "middle level" |
//! | `lower`, `functions` | tract's operators to ours, node by node |
//! | `ir` | the graph in the making; sharing, constant folding |
//! | `wiring`, `arith`, `einsum` | constructors, each bringing its operator to one form |
//! | `norm`, `softmax` | recognition of norms, softmaxes and masks |
//! | `scalar` | chains of scalar functions to one table |
//! | `finish` | dead values out, last checks, names |
//!
//! Nothing here relies on tract to recognise a pattern: what it recognises varies with the exporter.

mod arith;
mod einsum;
mod error;
mod finish;
mod functions;
mod ir;
mod load;
mod lower;
mod norm;
mod precheck;
mod scalar;
mod softmax;
#[cfg(test)]
mod tests;
mod wiring;

use std::path::Path;

pub use error::ImportError;
use tract_onnx::pb::ModelProto;

use crate::graph::Graph;

/// Largest number of elements of a tensor: beyond it a file is damaged or a model too large for a proof.
pub const MAX_ELEMENTS: usize = 1 << 29;

/// Reads an ONNX model (with its external data, if any) as a [`Graph`]. Shapes must be static.
pub fn import_onnx(path: &Path) -> Result<Graph, ImportError> {
    let graph = import_proto(&load::read(path)?, path.parent())?;
    tracing::debug!(
        values = graph.values.len(),
        nodes = graph.nodes.len(),
        "imported {}",
        path.display()
    );
    Ok(graph)
}

fn import_proto(proto: &ModelProto, dir: Option<&Path>) -> Result<Graph, ImportError> {
    let loaded = load::load(proto, dir)?;
    let (mut builder, outputs) = lower::lower(&loaded.model)?;
    scalar::fuse(&mut builder, &outputs);
    finish::finish(&builder, &outputs, &loaded.outputs, &loaded.suspects)
}
