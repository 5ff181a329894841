//! What must not be imported, and what the error says.

use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{FunctionProto, ModelProto};

use super::super::{ImportError, import_proto};
use super::{Model, int, tensor_info};

fn tanh() -> Model {
    Model::default()
        .input("x", &[2, 2])
        .node("Tanh", &["x"], "y")
}

fn refused(proto: &ModelProto) -> ImportError {
    import_proto(proto, None).expect_err("it is refused")
}

#[test]
fn functions_and_foreign_domains() {
    let mut proto = tanh().proto();
    proto.functions.push(FunctionProto {
        name: Some("f".into()),
        ..Default::default()
    });
    assert!(matches!(refused(&proto), ImportError::Function { name } if name == "f"));

    let mut proto = tanh().proto();
    proto.graph.as_mut().expect("a graph").node[0].domain = "com.example".into();
    let ImportError::ForeignDomain {
        node,
        operator,
        domain,
    } = refused(&proto)
    else {
        panic!("a domain")
    };
    assert_eq!(
        (&*node, &*operator, &*domain),
        ("n_y", "Tanh", "com.example")
    );
}

#[test]
fn attention_with_any_mask() {
    let result = Model::default()
        .input("x", &[1, 2, 4])
        .node("Attention", &["x", "x", "x"], "y")
        .import();
    assert!(matches!(result, Err(ImportError::Attention { node, .. }) if node == "n_y"));
}

#[test]
fn operators_without_a_meaning_here() {
    let error = Model::default()
        .input("x", &[1, 2, 4])
        .node("Conv", &["x", "x"], "y")
        .import();
    let text = error.expect_err("no convolution").to_string();
    assert!(
        text.contains("`n_y`") && text.contains("Conv") && text.contains("MatMul"),
        "{text}"
    );

    let error = Model::default()
        .input("x", &[2, 2])
        .node("Sin", &["x"], "y")
        .import();
    assert!(matches!(error, Err(ImportError::Unsupported { operator, .. }) if operator == "Sin"));

    let error = Model::default()
        .input("x", &[2])
        .input("z", &[2])
        .node("Div", &["x", "z"], "y")
        .import();
    assert!(matches!(error, Err(ImportError::Unsupported { operator, .. }) if operator == "Div"));
}

#[test]
fn element_types() {
    let mut proto = tanh().proto();
    proto.graph.as_mut().expect("a graph").input[0] = tensor_info("x", &[2, 2], DataType::Bfloat16);
    assert!(matches!(refused(&proto), ImportError::ElementType { tensor, .. } if tensor == "x"));

    let cast =
        Model::default()
            .input("x", &[2])
            .node_with("Cast", &["x"], "y", vec![int("to", 16)]);
    assert!(
        matches!(cast.import(), Err(ImportError::ElementType { tensor, .. }) if tensor == "n_y")
    );
}

#[test]
fn dynamic_shapes() {
    let mut proto = tanh().proto();
    let mut input = tensor_info("x", &[2, 2], DataType::Float);
    let tract_onnx::pb::type_proto::Value::TensorType(tensor) = input
        .r#type
        .as_mut()
        .and_then(|t| t.value.as_mut())
        .expect("a tensor");
    let dim = &mut tensor.shape.as_mut().expect("a shape").dim[1];
    dim.value = Some(tract_onnx::pb::tensor_shape_proto::dimension::Value::DimParam("seq".into()));
    proto.graph.as_mut().expect("a graph").input[0] = input;
    let ImportError::DynamicShape { input, axis, dim } = refused(&proto) else {
        panic!("a shape")
    };
    assert_eq!((&*input, axis, &*dim), ("x", 1, "seq"));
}

#[test]
fn weights_that_are_not_numbers() {
    let with = |value: f32| {
        let weights = [1.0, 2.0, value, 3.0];
        Model::default()
            .input("x", &[2, 2])
            .weight("w", &[2, 2], &weights)
            .node_with("Transpose", &["w"], "t", vec![])
            .node("MatMul", &["x", "t"], "y")
            .import()
    };
    assert!(with(0.0).is_ok());
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let Err(ImportError::NonFinite { tensor, index, .. }) = with(bad) else {
            panic!("{bad}")
        };
        assert_eq!((&*tensor, index), ("w", 2));
    }
    assert!(
        matches!(with(f32::MIN), Err(ImportError::NonFinite { .. })),
        "a mask value that is no mask"
    );
}

#[test]
fn a_row_that_is_masked_as_a_whole() {
    let low = f32::NEG_INFINITY;
    let result = Model::default()
        .input("x", &[2, 2])
        .weight("m", &[2, 2], &[0.0, low, low, low])
        .node("Add", &["x", "m"], "s")
        .node_with("Softmax", &["s"], "y", vec![int("axis", -1)])
        .import();
    assert!(matches!(result, Err(ImportError::MaskedRow { row: 1, .. })));
}

#[test]
fn damaged_graphs() {
    let reads_nothing = Model::default()
        .input("x", &[2])
        .node("Add", &["x", "nobody"], "y")
        .import();
    assert!(
        matches!(reads_nothing, Err(ImportError::Malformed { reason }) if reason.contains("nobody"))
    );
    let no_output = Model::default()
        .input("x", &[2])
        .node("Tanh", &["x"], "z")
        .import();
    assert!(matches!(no_output, Err(ImportError::Malformed { reason }) if reason.contains("`y`")));
    let short = Model::default()
        .input("x", &[2])
        .weight("w", &[3], &[1.0])
        .node("Add", &["x", "w"], "y")
        .import();
    assert!(matches!(short, Err(ImportError::Malformed { reason }) if reason.contains("`w`")));
    let huge = Model::default()
        .input("x", &[1 << 40])
        .node("Tanh", &["x"], "y")
        .import();
    assert!(matches!(huge, Err(ImportError::Malformed { .. })));
    let misfit = Model::default()
        .input("x", &[2, 3])
        .input("z", &[2, 3])
        .node("MatMul", &["x", "z"], "y")
        .import();
    assert!(misfit.is_err());
}

#[test]
fn the_wrong_celu_of_tract() {
    // tract 0.23.9 leaves Celu's factor α out: if this is refused for another reason one day, look again.
    let result = Model::default()
        .input("x", &[2])
        .node("Celu", &["x"], "y")
        .import();
    assert!(matches!(result, Err(ImportError::Unsupported { operator, .. }) if operator == "Celu"));
}
