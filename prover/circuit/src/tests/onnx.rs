//! Random small ONNX files all the way: written, imported, quantized, executed. The circuit accepts what the executor
//! computed, and the integers mean what the float model says, within the error that `docs/design/quantization.md` states.
//! `HALOCAST_CASES=1000` tries more; `random` does the same for integer programs, with every edge.

mod file;

use super::checker::Checker;
use super::ops::Case;
use super::random::{Stream, Tape, cases, for_tapes};
use file::OnnxFile;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_model::{Graph, Inputs, QuantizeOptions, Quantized, import_onnx, quantize};
use proptest::test_runner::TestCaseError;
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Files tried by `make test`.
const CASES: u32 = 40;
/// Largest relative error of the outputs of a file.
const BOUND: f64 = 2e-3;
/// Rows of an embedding.
const VOCAB: usize = 7;
/// Calibration inputs of a file.
const SAMPLES: usize = 24;

/// A value of the float graph: `[rows, columns]`.
#[derive(Clone, Debug)]
struct Float {
    name: String,
    shape: [usize; 2],
}

/// A file with what is known of it.
struct Model {
    file: OnnxFile,
    values: Vec<Float>,
    ids: bool,
    operators: Vec<&'static str>,
}

impl Model {
    fn random(tape: &mut Tape<'_>) -> Model {
        let mut model = Model {
            file: OnnxFile::default(),
            values: vec![],
            ids: tape.below(3) == 2,
            operators: vec![],
        };
        let shape = [1 + tape.below(3), 4 + tape.below(3)];
        model.source(tape, shape);
        for _ in 0..1 + tape.below(5) {
            model.step(tape);
        }
        let last = model.values.last().expect("a source").name.clone();
        model.file.output(&last);
        model
    }

    /// Activations, or rows of an embedding table by ids.
    fn source(&mut self, tape: &mut Tape<'_>, [rows, cols]: [usize; 2]) {
        if self.ids {
            self.file.input("x", &[rows], true);
            let table = self.weight(tape, [VOCAB, cols], 1.0);
            self.node("Gather", &[&table, "x"], [rows, cols], vec![]);
        } else {
            self.file.input("x", &[rows, cols], false);
            let name = "x".to_owned();
            let shape = [rows, cols];
            self.values.push(Float { name, shape });
            // An output that is an input says nothing.
            self.linear(tape);
        }
    }

    fn weight(&mut self, tape: &mut Tape<'_>, shape: [usize; 2], scale: f32) -> String {
        let data = normals(&mut tape.stream(), shape[0] * shape[1], scale);
        self.file.weight(&shape, &data)
    }

    fn vector(&mut self, tape: &mut Tape<'_>, length: usize, scale: f32) -> String {
        let data = normals(&mut tape.stream(), length, scale);
        self.file.weight(&[length], &data)
    }

    fn node(
        &mut self,
        op: &'static str,
        inputs: &[&str],
        shape: [usize; 2],
        attributes: Vec<Vec<u8>>,
    ) {
        let name = self.file.node(op, inputs, attributes);
        self.values.push(Float { name, shape });
        self.operators.push(op);
    }

    fn any(&self, tape: &mut Tape<'_>) -> Float {
        tape.pick(&self.values).clone()
    }

    fn last(&self) -> Float {
        self.values.last().expect("a source").clone()
    }

    fn step(&mut self, tape: &mut Tape<'_>) {
        let x = self.last();
        match tape.below(9) {
            0 => self.linear(tape),
            1 => {
                let functions = ["Tanh", "Sigmoid", "Relu", "Erf"];
                let function = *tape.pick(&functions);
                self.node(function, &[&x.name], x.shape, vec![]);
            }
            2 => {
                let row = self.weight(tape, [1, x.shape[1]], 1.0);
                let op = *tape.pick(&["Add", "Mul", "Sub"]);
                self.node(op, &[&x.name, &row], x.shape, vec![]);
            }
            3 => {
                let same = self.values.iter().filter(|v| v.shape == x.shape);
                let same: Vec<Float> = same.cloned().collect();
                let y = tape.pick(&same).name.clone();
                let op = *tape.pick(&["Add", "Mul"]);
                self.node(op, &[&x.name, &y], x.shape, vec![]);
            }
            4 => {
                let axis = vec![OnnxFile::int("axis", -1)];
                self.node("Softmax", &[&x.name], x.shape, axis);
            }
            5 if x.shape[1] >= 4 => {
                let [gain, bias] = [0.7, 0.3].map(|scale| self.vector(tape, x.shape[1], scale));
                self.node(
                    "LayerNormalization",
                    &[&x.name, &gain, &bias],
                    x.shape,
                    vec![],
                );
            }
            6 => self.scores(tape),
            7 => {
                let y = self.any(tape);
                if x.shape[0] == y.shape[0] && x.shape[1] + y.shape[1] <= 12 {
                    let shape = [x.shape[0], x.shape[1] + y.shape[1]];
                    let axis = vec![OnnxFile::int("axis", 1)];
                    self.node("Concat", &[&x.name, &y.name], shape, axis);
                }
            }
            _ => {
                let [rows, cols] = x.shape;
                let perm = vec![OnnxFile::ints("perm", &[1, 0])];
                self.node("Transpose", &[&x.name], [cols, rows], perm);
            }
        }
    }

    fn linear(&mut self, tape: &mut Tape<'_>) {
        let (x, cols) = (self.last(), 2 + tape.below(6));
        let weight = self.weight(tape, [x.shape[1], cols], 0.6);
        let shape = [x.shape[0], cols];
        self.node("MatMul", &[&x.name, &weight], shape, vec![]);
        if tape.below(2) == 1 {
            let bias = self.weight(tape, [1, cols], 0.5);
            let product = self.last().name;
            self.node("Add", &[&product, &bias], shape, vec![]);
        }
    }

    /// A product of two activations: x·yᵀ for values of one width.
    fn scores(&mut self, tape: &mut Tape<'_>) {
        let x = self.last();
        let fits = self.values.iter().filter(|y| y.shape[1] == x.shape[1]);
        let fits: Vec<Float> = fits.cloned().collect();
        let y = tape.pick(&fits).clone();
        let [rows, cols] = y.shape;
        let perm = vec![OnnxFile::ints("perm", &[1, 0])];
        self.node("Transpose", &[&y.name], [cols, rows], perm);
        let turned = self.last().name;
        self.node("MatMul", &[&x.name, &turned], [x.shape[0], rows], vec![]);
    }

    fn sample(&self, graph: &Graph, stream: &mut Stream) -> Inputs {
        let count = graph.values[graph.inputs[0].0].shape.iter().product();
        let one = |_| match self.ids {
            true => stream.below(VOCAB as u64) as f32,
            false => normal(stream),
        };
        Inputs(vec![(0..count).map(one).collect()])
    }
}

fn normals(stream: &mut Stream, count: usize, scale: f32) -> Vec<f32> {
    (0..count).map(|_| normal(stream) * scale).collect()
}

/// About normal, within ±2.4.
fn normal(stream: &mut Stream) -> f32 {
    let unit = |stream: &mut Stream| stream.below(1 << 20) as f32 / (1 << 20) as f32 - 0.5;
    (0..4).map(|_| unit(stream)).sum::<f32>() * 1.2
}

fn fail(what: impl Into<String>) -> TestCaseError {
    TestCaseError::fail(what.into())
}

/// The run of the quantized model as a case of the circuit: accepted, with sums that close.
fn in_circuit(
    quantized: &Quantized,
    inputs: &Inputs,
    checker: &Checker,
) -> Result<Vec<Vec<f64>>, TestCaseError> {
    let run = quantized.run(inputs).map_err(|e| fail(e.to_string()))?;
    let program = &quantized.program;
    let ids = program.inputs.iter();
    let given: Vec<Vec<i32>> = ids.map(|&id| run.trace.get(id).to_vec()).collect();
    let case = Case::new(program.clone(), &given);
    if case.trace != run.trace {
        return Err(fail("two runs differ"));
    }
    let layout = case.layout().map_err(|e| fail(e.to_string()))?;
    let verdict = checker.check_from(&layout, case.instances(), 0);
    verdict.map_err(|refusal| fail(format!("{refusal:?}")))?;
    if layout.accumulate(&checker.challenges()).sum[layout.last] != Fr::ZERO {
        return Err(fail("the lookups' sum does not close"));
    }
    let outputs = quantized.outputs.iter();
    Ok(outputs
        .map(|o| quantized.reals(&run.trace, o.tensor))
        .collect())
}

/// Relative error over all outputs and samples, |quantized − float| / |float| as vectors: the fidelity report's measure.
fn error(graph: &Graph, quantized: &Quantized, samples: &[Inputs]) -> Result<f64, TestCaseError> {
    let (mut float, mut difference) = (0f64, 0f64);
    for inputs in samples {
        let wanted = graph.run_outputs(&inputs.0).expect("an input of the model");
        let run = quantized.run(inputs).map_err(|e| fail(e.to_string()))?;
        for (wanted, output) in wanted.iter().zip(&quantized.outputs) {
            let got = quantized.reals(&run.trace, output.tensor);
            for (&wanted, got) in wanted.iter().zip(got) {
                float += f64::from(wanted).powi(2);
                difference += (f64::from(wanted) - got).powi(2);
            }
        }
    }
    Ok(if float > 0.0 {
        (difference / float).sqrt()
    } else {
        difference.sqrt()
    })
}

#[test]
fn random_onnx_files_are_proven_as_executed_and_near_the_float_model() {
    let (checker, dir) = (Checker::new(), tempfile::tempdir().unwrap());
    let seen = RefCell::new((BTreeMap::<&str, usize>::new(), 0f64));
    let property = |tape: &mut Tape<'_>| {
        let model = Model::random(tape);
        let path = dir.path().join("model.onnx");
        std::fs::write(&path, model.file.bytes()).unwrap();
        let graph = import_onnx(&path).map_err(|e| fail(format!("{:?}: {e}", model.operators)))?;
        let mut stream = tape.stream();
        let samples: Vec<Inputs> = (0..SAMPLES)
            .map(|_| model.sample(&graph, &mut stream))
            .collect();
        let options = QuantizeOptions::default();
        let quantized = quantize(&graph, &samples, &options).map_err(|e| fail(e.to_string()))?;
        let error = error(&graph, &quantized, &samples)?;
        if error > BOUND {
            return Err(fail(format!("error {error} after {:?}", model.operators)));
        }
        for inputs in &samples[..2] {
            in_circuit(&quantized, inputs, &checker)?;
        }
        let mut seen = seen.borrow_mut();
        seen.1 = seen.1.max(error);
        for op in model.operators {
            *seen.0.entry(op).or_default() += 1;
        }
        Ok(())
    };
    for_tapes(cases(CASES), property);
    let (operators, worst) = seen.into_inner();
    println!("largest error {worst:.1e}; {operators:?}");
    if cases(CASES) >= CASES {
        for op in [
            "Gather",
            "MatMul",
            "Add",
            "Mul",
            "Softmax",
            "LayerNormalization",
            "Transpose",
        ] {
            assert!(operators.contains_key(op), "{op}: {operators:?}");
        }
    }
}
