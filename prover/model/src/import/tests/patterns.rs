//! Recognition of norms, masks and scalar chains in forms beyond those of the exporters.

use tract_onnx::pb::tensor_proto::DataType;

use super::{Model, assert_close, chains, int, numbers, operators, run};
use crate::graph::{Graph, GraphOp, Unary};

const ROWS: usize = 3;
const WIDTH: usize = 4;

fn rows(f: impl Fn(&[f32]) -> Vec<f32>) -> Vec<f32> {
    numbers(ROWS * WIDTH).chunks(WIDTH).flat_map(f).collect()
}

fn model() -> Model {
    Model::default()
        .input("x", &[ROWS, WIDTH])
        .ints("last", &[-1])
}

fn output(graph: &Graph) -> Vec<f32> {
    run(graph, &numbers(ROWS * WIDTH))
}

fn rms(row: &[f32], eps: f32) -> f32 {
    (row.iter().map(|x| x * x).sum::<f32>() / row.len() as f32 + eps).sqrt()
}

#[test]
fn rms_norm_with_its_gain_inside() {
    let gain = [1.0, -2.0, 3.0, 0.5];
    let graph = model()
        .weight("g", &[WIDTH], &gain)
        .weight("eps", &[], &[0.01])
        .node("Mul", &["x", "x"], "square")
        .node("ReduceMean", &["square", "last"], "mean")
        .node("Add", &["eps", "mean"], "var")
        .node("Sqrt", &["var"], "root")
        .node("Mul", &["g", "x"], "scaled")
        .node("Div", &["scaled", "root"], "y")
        .import()
        .expect("an RMS norm");
    assert_eq!(operators(&graph), ["RmsNorm", "Mul"]);
    let wanted = rows(|r| {
        r.iter()
            .zip(gain)
            .map(|(x, g)| x * g / rms(r, 0.01))
            .collect()
    });
    assert_close(&output(&graph), &wanted);
}

#[test]
fn l2_norm_with_a_bound() {
    let graph = model()
        .weight("bound", &[], &[1e-12])
        .node("ReduceL2", &["x", "last"], "norm")
        .node("Max", &["norm", "bound"], "bounded")
        .node("Div", &["x", "bounded"], "y")
        .import()
        .expect("an L2 norm");
    assert_eq!(operators(&graph), ["RmsNorm", "Mul"]);
    let wanted = rows(|r| {
        r.iter()
            .map(|x| x / rms(r, 0.0) / (WIDTH as f32).sqrt())
            .collect()
    });
    assert_close(&output(&graph), &wanted);
    assert_eq!(run(&graph, &[0.0; ROWS * WIDTH]), [0.0; ROWS * WIDTH]);
}

#[test]
fn a_large_bound_is_not_a_norm() {
    let result = model()
        .weight("bound", &[], &[1.0])
        .node("ReduceL2", &["x", "last"], "norm")
        .node("Max", &["norm", "bound"], "bounded")
        .node("Div", &["x", "bounded"], "y")
        .import();
    assert!(result.is_err_and(|e| e.to_string().contains("operator Div")));
}

#[test]
fn layer_norm_with_the_mean_subtracted_as_a_sum() {
    let graph = model()
        .weight("minus", &[], &[-0.25])
        .weight("quarter", &[], &[0.25])
        .weight("half", &[], &[-0.5])
        .node("ReduceSum", &["x", "last"], "sum")
        .node("Mul", &["sum", "minus"], "mean")
        .node("Add", &["mean", "x"], "centred")
        .node("Mul", &["centred", "centred"], "square")
        .node("ReduceSum", &["square", "last"], "squares")
        .node("Mul", &["squares", "quarter"], "var")
        .node("Pow", &["var", "half"], "inverse")
        .node("Mul", &["inverse", "centred"], "y")
        .import()
        .expect("a layer norm");
    assert_eq!(operators(&graph), ["LayerNorm"]);
    let wanted = rows(|r| {
        let mean = r.iter().sum::<f32>() / WIDTH as f32;
        let centred: Vec<f32> = r.iter().map(|x| x - mean).collect();
        centred.iter().map(|x| x / rms(&centred, 0.0)).collect()
    });
    assert_close(&output(&graph), &wanted);
}

#[test]
fn masks_of_several_kinds_become_one() {
    let bias = [0.5, 0.0, -0.5, f32::NEG_INFINITY];
    let graph = model()
        .weight("bias", &[WIDTH], &bias)
        .weight("low", &[1], &[f32::MIN])
        .weight("open", &[WIDTH], &[0.0, 1.0, 1.0, 1.0])
        .node("Add", &["x", "bias"], "biased")
        .node_with("Cast", &["open"], "condition", vec![int("to", 9)])
        .node("Where", &["condition", "biased", "low"], "masked")
        .node_with("Softmax", &["masked"], "p", vec![int("axis", -1)])
        .node("IsNaN", &["p"], "nan")
        .weight("zero", &[], &[0.0])
        .node("Where", &["nan", "zero", "p"], "y")
        .import()
        .expect("a masked softmax");
    assert_eq!(operators(&graph), ["Add", "Softmax"]);
    let allowed = graph.nodes.iter().find_map(|n| match &n.op {
        GraphOp::Softmax { allowed } => allowed.clone(),
        _ => None,
    });
    assert_eq!(
        allowed.expect("a mask")[..WIDTH],
        [false, true, true, false]
    );
    let wanted = rows(|r| {
        let (a, b) = (r[1].exp(), (r[2] - 0.5).exp());
        vec![0.0, a / (a + b), b / (a + b), 0.0]
    });
    assert_close(&output(&graph), &wanted);
}

#[test]
fn softmax_by_hand_over_the_first_axis() {
    let graph = model()
        .ints("first", &[0])
        .node("ReduceMax", &["x", "first"], "max")
        .node("Sub", &["x", "max"], "shifted")
        .node("Exp", &["shifted"], "e")
        .node("ReduceSum", &["e", "first"], "sum")
        .node("Reciprocal", &["sum"], "inverse")
        .node("Mul", &["inverse", "e"], "y")
        .import()
        .expect("a softmax");
    assert_eq!(operators(&graph), ["Transpose", "Softmax", "Transpose"]);
    let sum: f32 = output(&graph).iter().step_by(WIDTH).sum();
    assert!((sum - 1.0).abs() < 1e-6);
}

#[test]
fn a_value_used_elsewhere_ends_the_chain() {
    let graph = model()
        .weight("two", &[], &[2.0])
        .weight("half", &[], &[0.5])
        .node("Mul", &["x", "two"], "twice")
        .node("Tanh", &["twice"], "t")
        .node("Mul", &["t", "half"], "h")
        .node("Exp", &["h"], "e")
        .node_with("Concat", &["t", "e"], "y", vec![int("axis", 1)])
        .import()
        .expect("two chains");
    let expected = [
        vec![Unary::Affine(2.0, 0.0), Unary::Tanh],
        vec![Unary::Affine(0.5, 0.0), Unary::Exp],
    ];
    assert_eq!(chains(&graph), expected);
}

#[test]
fn arithmetic_alone_makes_no_chain() {
    let graph = model()
        .weight("two", &[], &[2.0])
        .weight("one", &[], &[1.0])
        .node("Mul", &["x", "two"], "twice")
        .node("Div", &["twice", "two"], "back")
        .node("Sub", &["back", "one"], "less")
        .node("Add", &["less", "x"], "y")
        .import()
        .expect("arithmetic");
    // tract may cancel the two factors.
    assert!(chains(&graph).is_empty(), "{:?}", operators(&graph));
    assert_close(
        &output(&graph),
        &rows(|r| r.iter().map(|x| 2.0 * x - 1.0).collect()),
    );
}

#[test]
fn leading_and_trailing_constants_join_a_gelu() {
    // 3 · gelu(x / 2 + 1), with erf, the constant factors in an odd order
    let graph = model()
        .weight("half", &[], &[0.5])
        .weight("one", &[], &[1.0])
        .weight("root", &[], &[std::f32::consts::SQRT_2])
        .weight("c", &[], &[1.5])
        .node("Mul", &["x", "half"], "a")
        .node("Add", &["a", "one"], "z")
        .node("Div", &["z", "root"], "b")
        .node("Erf", &["b"], "e")
        .node("Add", &["one", "e"], "f")
        .node("Mul", &["f", "c"], "g")
        .node("Mul", &["g", "z"], "y")
        .import()
        .expect("a GELU");
    let [chain] = &chains(&graph)[..] else {
        panic!("one chain")
    };
    assert_eq!(operators(&graph), ["Unary"]);
    assert_eq!(chain[0], Unary::Affine(0.5, 1.0));
    let gelu = |x: f64| 3.0 * Unary::GeluExact.eval(0.5 * x + 1.0);
    let wanted = rows(|r| r.iter().map(|&x| gelu(f64::from(x)) as f32).collect());
    assert_close(&output(&graph), &wanted);
}

#[test]
fn division_of_one_scalar_function_by_another() {
    // x / (1 + e^−x)
    let graph = model()
        .weight("one", &[], &[1.0])
        .node("Neg", &["x"], "minus")
        .node("Exp", &["minus"], "e")
        .node("Add", &["e", "one"], "d")
        .node("Div", &["x", "d"], "y")
        .import()
        .expect("a SiLU");
    assert_eq!(chains(&graph), [vec![Unary::Silu]]);
}

#[test]
fn a_choice_by_a_constant_is_a_product() {
    let graph = model()
        .weight("open", &[WIDTH], &[1.0, 0.0, 1.0, 0.0])
        .weight("seven", &[], &[7.0])
        .node_with("Cast", &["open"], "condition", vec![int("to", 9)])
        .node("Where", &["condition", "x", "seven"], "y")
        .import()
        .expect("a choice");
    assert_close(&output(&graph), &rows(|r| vec![r[0], 7.0, r[2], 7.0]));
}

#[test]
fn outputs_keep_their_names() {
    // y is the input itself: it gets a node of its own, so that both names exist.
    let graph = model()
        .node("Identity", &["x"], "y")
        .import()
        .expect("an identity");
    assert_eq!(graph.values[graph.inputs[0].0].name, "x");
    assert_eq!(graph.values[graph.outputs[0].0].name, "y");
    assert_eq!(output(&graph), numbers(ROWS * WIDTH));
}

/// A model with a padding mask `m` of integers beside `x`.
fn padded(bias: f32) -> Model {
    let mut model = model();
    model
        .0
        .input
        .push(super::tensor_info("m", &[1, WIDTH], DataType::Int64));
    model
        .weight("one", &[], &[1.0])
        .weight("huge", &[], &[bias])
        .node_with("Cast", &["m"], "real", vec![int("to", 1)])
        .node("Sub", &["real", "one"], "minus")
        .node("Mul", &["minus", "huge"], "bias")
        .node("Add", &["x", "bias"], "masked")
        .node_with("Softmax", &["masked"], "y", vec![int("axis", -1)])
}

#[test]
fn a_padding_mask_is_an_operand_of_the_softmax() {
    let graph = padded(1e9).import().expect("a padded softmax");
    let softmax = graph
        .nodes
        .iter()
        .find(|n| matches!(n.op, GraphOp::Softmax { .. }));
    assert_eq!(softmax.expect("a softmax").inputs.len(), 2);
    assert!(
        !operators(&graph).contains(&"Add".to_owned()),
        "no huge number is left"
    );
    let got = graph.run_outputs(&[numbers(ROWS * WIDTH), vec![1.0, 0.0, 1.0, 0.0]]);
    let wanted = rows(|r| {
        let (a, b) = (r[0].exp(), r[2].exp());
        vec![a / (a + b), 0.0, b / (a + b), 0.0]
    });
    assert_close(&got.expect("inputs fit")[0], &wanted);
}

#[test]
fn a_small_bias_by_an_integer_is_no_mask() {
    let graph = padded(3.0).import().expect("a biased softmax");
    assert!(operators(&graph).contains(&"Add".to_owned()));
    let got = graph.run_outputs(&[vec![0.0; ROWS * WIDTH], vec![1.0, 0.0, 1.0, 1.0]]);
    let low = (-3f32).exp() / (3.0 + (-3f32).exp());
    assert!((got.expect("inputs fit")[0][1] - low).abs() < 1e-6);
}

#[test]
fn a_positive_factor_leaves_a_direction() {
    let graph = |bound: f32| {
        model()
            .weight("tiny", &[], &[1e-9])
            .weight("bound", &[], &[bound])
            .node("ReduceSum", &["x", "last"], "sum")
            .node("Max", &["sum", "tiny"], "length")
            .node("Div", &["x", "length"], "scaled")
            .node("ReduceL2", &["scaled", "last"], "norm")
            .node("Max", &["norm", "bound"], "bounded")
            .node("Div", &["scaled", "bounded"], "y")
            .import()
    };
    let graph_of_tiny = graph(1e-12).expect("a direction");
    assert_eq!(operators(&graph_of_tiny), ["RmsNorm", "Mul"]);
    let wanted = rows(|r| {
        r.iter()
            .map(|x| x / rms(r, 0.0) / (WIDTH as f32).sqrt())
            .collect()
    });
    assert_close(&output(&graph_of_tiny), &wanted);
    assert!(graph(1.0).is_err(), "with a large bound the factor matters");
}
