//! JSON in real units: what is accepted, and the error for each thing that is not.

use serde_json::json;

use super::net::{Net, Rng, quantized};
use crate::{Graph, GraphOp, InputError, Inputs, Unary, input_specs, nest};

fn graph() -> Graph {
    let mut net = Net::new();
    let ids = net.tokens(&[1, 2]);
    let x = net.input(&[2]);
    let table = net.constant(&[4, 2], vec![0.1; 8]);
    let e = net.op(GraphOp::Gather, &[table, ids], &[1, 2, 2]);
    let y = net.op(GraphOp::Add, &[e, x], &[1, 2, 2]);
    let y = net.unary(&[Unary::Affine(0.5, 0.0)], y);
    net.output(y)
}

fn read(ids: serde_json::Value, x: serde_json::Value) -> Result<Inputs, InputError> {
    let specs = input_specs(&graph());
    Inputs::from_json(&specs, &json!({"inputs": {"v0": ids, "v1": x}}))
}

#[test]
fn reads_and_writes() {
    let inputs = read(json!([[3, 0]]), json!([1, -0.5])).unwrap();
    assert_eq!(inputs.0, [vec![3.0, 0.0], vec![1.0, -0.5]]);
    let specs = input_specs(&graph());
    assert_eq!(specs[0].vocab, Some(4));
    let json = inputs.to_json(&specs);
    assert_eq!(Inputs::from_json(&specs, &json).unwrap(), inputs);
    let list = Inputs::list_from_json(&specs, &json!([json.clone(), json]));
    assert_eq!(list.unwrap().len(), 2);
}

#[test]
fn names_what_is_wrong() {
    let x = || json!([1.0, 2.0]);
    let text = |r: Result<Inputs, InputError>| r.unwrap_err().to_string();
    assert_eq!(
        text(read(json!([[4, 0]]), x())),
        "input v0[0]: token id 4 is outside 0..4"
    );
    assert!(text(read(json!([[-1, 0]]), x())).contains("token id -1"));
    assert!(text(read(json!([[1.5, 0]]), x())).contains("1.5 is not an integer token id"));
    assert!(text(read(json!([["a", 0]]), x())).contains("is not an integer"));
    assert!(text(read(json!([1]), x())).contains("only 1 axes"));
    assert!(text(read(json!([[1, 0]]), json!([1.0]))).contains("with 1 items on axis 0"));
    assert!(text(read(json!([[1, 0]]), json!([[1.0], 2.0]))).contains("more than 1 axes"));
    assert!(text(read(json!([[1, 0]]), json!([null, 2.0]))).contains("null is not a number"));
    let specs = input_specs(&graph());
    let from = |json| Inputs::from_json(&specs, &json);
    assert!(text(from(json!({"inputs": {"v0": [[0, 0]]}}))).contains("v1 is missing"));
    let extra = json!({"inputs": {"v0": [[0, 0]], "v1": [0, 0], "w": 1}});
    assert_eq!(
        text(from(extra)),
        "unknown input w; the model's inputs are v0, v1"
    );
    assert!(text(from(json!([1]))).contains("expected an object"));
}

#[test]
fn values_beyond_the_range_are_refused() {
    let q = quantized(&graph(), &mut Rng(1), 4);
    let error = q.integers(&Inputs(vec![vec![0.0; 2], vec![0.0, 1e6]]));
    let Err(InputError::Range {
        name, index, found, ..
    }) = error
    else {
        panic!("{error:?}")
    };
    assert_eq!((name.as_str(), index, found), ("v1", 1, 1e6));
    assert!(
        q.integers(&Inputs(vec![vec![0.0; 2], vec![0.0, f32::NAN]]))
            .is_err()
    );
}

#[test]
fn halves_round_away_from_zero() {
    let q = quantized(&graph(), &mut Rng(1), 4);
    let unit = f32::from(q.program.tensor(q.inputs[1].1).scale.0).exp2();
    let given = q.integers(&Inputs(vec![vec![0.0; 2], vec![0.5 / unit, -0.5 / unit]]));
    assert_eq!(given.unwrap()[1].1, [1, -1]);
}

#[test]
fn outputs_are_nested() {
    let q = quantized(&graph(), &mut Rng(1), 4);
    let run = q
        .run(&read(json!([[3, 0]]), json!([1.0, -0.5])).unwrap())
        .unwrap();
    let json = q.outputs_json(&run.trace);
    let real = json["outputs"]["v5"][0][1][1].as_f64().unwrap();
    assert!((real + 0.2).abs() < 1e-3, "{json}");
    assert!(json["integers"]["v5"][0][1][1].is_i64());
    assert_eq!(nest(&[], vec![json!(1)]), json!(1));
    assert_eq!(nest(&[2, 0], vec![]), json!([[], []]));
}
