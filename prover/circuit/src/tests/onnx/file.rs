//! ONNX files, byte by byte: as much of the protobuf format as the generator needs (`onnx.proto3`, numbers of its fields in
//! the comments).

/// A model under construction.
#[derive(Default)]
pub(super) struct OnnxFile {
    /// Encoded fields of the graph.
    graph: Vec<u8>,
    names: usize,
}

const FLOAT: u64 = 1;
const INT64: u64 = 7;

impl OnnxFile {
    fn name(&mut self) -> String {
        self.names += 1;
        format!("v{}", self.names)
    }

    /// ValueInfo: name = 1, type = 2 (tensor_type = 1: elem_type = 1, shape = 2 (dim = 1 (dim_value = 1))).
    pub(super) fn input(&mut self, name: &str, shape: &[usize], ids: bool) {
        let dims: Vec<u8> = shape
            .iter()
            .flat_map(|&dim| message(1, &number(1, dim as u64)))
            .collect();
        let elem = number(1, if ids { INT64 } else { FLOAT });
        let tensor = [elem, message(2, &dims)].concat();
        let info = [text(1, name), message(2, &message(1, &tensor))].concat();
        self.graph.extend(message(11, &info));
    }

    pub(super) fn output(&mut self, name: &str) {
        self.graph.extend(message(12, &text(1, name)));
    }

    /// Tensor: dims = 1, data_type = 2, name = 8, raw_data = 9. Returns its name.
    pub(super) fn weight(&mut self, shape: &[usize], data: &[f32]) -> String {
        let name = self.name();
        let dims: Vec<u8> = shape
            .iter()
            .flat_map(|&dim| number(1, dim as u64))
            .collect();
        let raw: Vec<u8> = data.iter().flat_map(|v| v.to_le_bytes()).collect();
        let tensor = [dims, number(2, FLOAT), text(8, &name), message(9, &raw)].concat();
        self.graph.extend(message(5, &tensor));
        name
    }

    /// Node: input = 1, output = 2, name = 3, op_type = 4, attribute = 5. Returns the name of its output.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<Vec<u8>>) -> String {
        let output = self.name();
        let inputs: Vec<u8> = inputs.iter().flat_map(|name| text(1, name)).collect();
        let attributes: Vec<u8> = attributes.iter().flat_map(|a| message(5, a)).collect();
        let names = [
            text(2, &output),
            text(3, &format!("n_{output}")),
            text(4, op),
        ]
        .concat();
        let node = [inputs, names, attributes].concat();
        self.graph.extend(message(1, &node));
        output
    }

    /// Attribute: name = 1, i = 3, type = 20 (2: an integer).
    pub(super) fn int(name: &str, value: i64) -> Vec<u8> {
        [text(1, name), number(3, value as u64), number(20, 2)].concat()
    }

    /// Attribute: name = 1, ints = 8, type = 20 (7: integers).
    pub(super) fn ints(name: &str, values: &[i64]) -> Vec<u8> {
        let values: Vec<u8> = values.iter().flat_map(|&v| number(8, v as u64)).collect();
        [text(1, name), values, number(20, 7)].concat()
    }

    /// Model: ir_version = 1, graph = 7, opset_import = 8 (domain = 1, version = 2).
    pub(super) fn bytes(&self) -> Vec<u8> {
        let graph = [&self.graph[..], &text(2, "random")].concat();
        let opset = [text(1, ""), number(2, 18)].concat();
        [number(1, 8), message(7, &graph), message(8, &opset)].concat()
    }
}

fn varint(mut value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// A field that is a number (wire type 0).
fn number(field: u64, value: u64) -> Vec<u8> {
    [varint(field << 3), varint(value)].concat()
}

/// A field that is bytes: a message, a text (wire type 2).
fn message(field: u64, bytes: &[u8]) -> Vec<u8> {
    [
        varint(field << 3 | 2),
        varint(bytes.len() as u64),
        bytes.to_vec(),
    ]
    .concat()
}

fn text(field: u64, value: &str) -> Vec<u8> {
    message(field, value.as_bytes())
}
