//! Random small programs over every operator: what the executor computes, the circuit accepts, bit for bit; what the
//! executor refuses has no witness; and what is changed in an honest run is refused.
//!
//! A program is grown from a tape of random numbers, op by op on the values of the run so far, so that accumulators land
//! where it matters: at ±1 and 0, at the ends of the clamps, at the last excess that can be proven and one beyond. An
//! exhausted tape gives zeros, which are the plainest choices: proptest shrinks a failure by shortening the tape.
//! `HALOCAST_CASES=1000` tries more programs; without it the same few are tried each time.

mod grow;

pub(super) use grow::{Stream, Tape};

use super::checker::{Checker, cell_mut, check, number};
use super::lies::{is_free, is_refused};
use super::ops::Case;
use crate::circuit::LayerCircuit;
use crate::layout::Layout;
use crate::segment::{Segment, Witness, build};
use crate::{
    CircuitError, LayerKey, MIN_K, SegmentPolicy, boundary_instances, check_partition, partition,
};
use grow::Grown;
use halo2_base::halo2_proofs::SerdeFormat;
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, Fr};
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::keygen_vk;
use halo2_base::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halocast_ir::{ACT_MAX, ACT_MIN, Program, TensorId, Trace, execute, pack};
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// Programs tried by `make test`.
const CASES: u32 = 100;
/// Programs of them whose keys are made by halo2 as well.
const KEYS: usize = 5;
/// Numbers on a tape: enough for eight ops and what is done with them.
const TAPE: usize = 320;

/// How many cases to try: `HALOCAST_CASES`, or the default.
pub(super) fn cases(default: u32) -> u32 {
    match std::env::var("HALOCAST_CASES") {
        Ok(text) => text.parse().expect("HALOCAST_CASES is a number"),
        Err(_) => default,
    }
}

/// Runs a property on random tapes, always the same ones; panics with the shortest tape that breaks it.
pub(super) fn for_tapes(cases: u32, property: impl Fn(&mut Tape<'_>) -> Result<(), TestCaseError>) {
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let tapes = proptest::collection::vec(proptest::num::u32::ANY, 0..TAPE);
    let result = TestRunner::new_with_rng(config, rng).run(&tapes, |words| {
        let mut tape = Tape::new(&words);
        property(&mut tape)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

fn fail(what: impl Into<String>) -> TestCaseError {
    TestCaseError::fail(what.into())
}

/// What came up, so that a generator which has run dry is noticed.
#[derive(Debug, Default)]
struct Seen {
    operators: BTreeMap<&'static str, usize>,
    saturated: [usize; 2],
    refused: BTreeMap<&'static str, usize>,
    segments: usize,
    batches: usize,
    keys: usize,
    cells: usize,
    values: usize,
}

impl Seen {
    fn assert_enough(&self) {
        assert_eq!(self.operators.len(), 10, "{self:?}");
        assert!(self.operators.values().all(|&n| n >= 5), "{self:?}");
        assert!(self.saturated.iter().all(|&n| n >= 20), "{self:?}");
        assert!(self.refused.len() >= 4, "{self:?}");
        let Seen {
            segments,
            batches,
            cells,
            values,
            ..
        } = *self;
        assert!(segments > 40 && cells > 100 && values > 60, "{self:?}");
        assert!(batches > 20, "{self:?}");
    }
}

#[test]
fn executor_and_circuit_agree_on_random_programs() {
    let (checker, seen) = (Checker::new(), RefCell::new(Seen::default()));
    let params = ParamsKZG::<Bn256>::setup(MIN_K, ChaCha12Rng::seed_from_u64(3));
    let property = |tape: &mut Tape<'_>| {
        let grown = Grown::new(tape);
        let mut seen = seen.borrow_mut();
        note(&grown, &mut seen);
        whole_program(&grown, &checker)?;
        if seen.keys < KEYS {
            seen.keys += 1;
            keys(&grown, &params)?;
        }
        segments(&grown, &checker, tape, &mut seen)?;
        batch(&grown, &checker, &mut seen)?;
        refusals(&grown, &mut seen)?;
        values(&grown, tape, &mut seen)?;
        cells(&grown, &checker, tape, &mut seen)
    };
    for_tapes(cases(CASES), property);
    let seen = seen.into_inner();
    println!("{seen:?}");
    if cases(CASES) >= CASES {
        seen.assert_enough();
    }
}

fn note(grown: &Grown, seen: &mut Seen) {
    for op in &grown.program.ops {
        *seen.operators.entry(op.kind.label()).or_default() += 1;
        let Some(out) = op.kind.writes() else {
            continue;
        };
        for (end, count) in [ACT_MIN, ACT_MAX].into_iter().zip(&mut seen.saturated) {
            let values = grown.trace.get(out).iter();
            *count += values.filter(|&&v| i64::from(v) == end).count();
        }
    }
}

/// One segment.
fn case(grown: &Grown) -> Case {
    let program = &grown.program;
    let ids = program.inputs.iter().chain(&program.hints);
    let given: Vec<Vec<i32>> = ids.map(|&id| grown.trace.get(id).to_vec()).collect();
    Case::new(program.clone(), &given)
}

/// The checker accepts, and the sums of the lookup argument close.
fn accepted(case: &Case, checker: &Checker) -> Result<Layout, TestCaseError> {
    let layout = case.layout().map_err(|e| fail(e.to_string()))?;
    let verdict = checker.check_from(&layout, case.instances(), 0);
    verdict.map_err(|refusal| fail(format!("{refusal:?}")))?;
    let sums = layout.accumulate(&checker.challenges()).sum;
    match sums[layout.last] == Fr::ZERO {
        true => Ok(layout),
        false => Err(fail("the lookups' sum does not close")),
    }
}

fn whole_program(grown: &Grown, checker: &Checker) -> Result<(), TestCaseError> {
    let case = case(grown);
    if case.trace != grown.trace {
        return Err(fail("the executor is not a function of its inputs"));
    }
    accepted(&case, checker).map(drop)
}

/// Our verifying key is the one that halo2 makes of the circuit's own synthesis: no constraint, fixed cell or copy is lost.
fn keys(grown: &Grown, params: &ParamsKZG<Bn256>) -> Result<(), TestCaseError> {
    let case = case(grown);
    if case.segment.k != MIN_K {
        return Ok(());
    }
    let layout = Arc::new(case.layout().map_err(|e| fail(e.to_string()))?);
    let theirs = keygen_vk(params, &LayerCircuit { layout }).map_err(|e| fail(e.to_string()))?;
    let ours = LayerKey::generate(params, &case.program, &case.segment);
    let mut bytes = Vec::new();
    let ours = ours.map_err(|e| fail(e.to_string()))?;
    ours.write(&mut bytes).expect("into memory");
    match bytes == theirs.to_bytes(SerdeFormat::RawBytes) {
        true => Ok(()),
        false => Err(fail("our key is not halo2's")),
    }
}

/// The same, cut anywhere: every part is accepted, and they chain.
fn segments(
    grown: &Grown,
    checker: &Checker,
    tape: &mut Tape<'_>,
    seen: &mut Seen,
) -> Result<(), TestCaseError> {
    let count = 2 + tape.below(2);
    if grown.program.ops.len() < count {
        return Ok(());
    }
    let parts = partition(&grown.program, SegmentPolicy::Count(count));
    let parts = parts.map_err(|e| fail(e.to_string()))?;
    check_partition(&grown.program, &parts).map_err(|e| fail(e.to_string()))?;
    let mut ends = Vec::new();
    for segment in parts {
        let case = Case {
            program: grown.program.clone(),
            segment,
            trace: grown.trace.clone(),
        };
        accepted(&case, checker)?;
        let salt = Fr::from(5);
        ends.push(boundary_instances(&case.segment, &case.trace, [salt; 2]));
        seen.segments += 1;
    }
    match ends.windows(2).all(|pair| pair[0][1] == pair[1][0]) {
        true => Ok(()),
        false => Err(fail("the segments do not chain")),
    }
}

/// Two runs in one program: each gives what it gives alone, and its own public words; the circuit accepts.
fn batch(grown: &Grown, checker: &Checker, seen: &mut Seen) -> Result<(), TestCaseError> {
    let (program, alone) = (&grown.program, case(grown));
    let ids = program.inputs.iter().chain(&program.hints);
    let turned = |id: &TensorId| alone.trace.get(*id).iter().rev().copied().collect();
    let given: Vec<_> = ids.map(|id| (*id, turned(id))).collect();
    let other = match execute(program, &given) {
        Ok(trace) => trace,
        // The other way round some program cannot be run: then the same run twice.
        Err(_) => alone.trace.clone(),
    };
    seen.batches += usize::from(other != alone.trace);
    let runs = [&alone.trace, &other];
    let batched = program.batched(runs.len());
    let batched = batched.map_err(|e| fail(e.to_string()))?;
    let inputs = program.batched_inputs(&runs.map(|run| run.concat(&program.inputs)));
    let hints = program
        .hints
        .iter()
        .map(|&id| runs.map(|run| run.get(id)).concat());
    let given: Vec<_> = std::iter::once(inputs).chain(hints).collect();
    let case = Case::new(batched, &given);
    let words = |trace: &Trace, ids: &[TensorId]| pack(&trace.concat(ids));
    for (ids, whole) in [
        (&program.inputs, &case.program.inputs),
        (&program.outputs, &case.program.outputs),
    ] {
        let own = runs.map(|run| words(run, ids)).concat();
        if words(&case.trace, whole) != own {
            return Err(fail("the words of a batch are not those of its items"));
        }
    }
    accepted(&case, checker).map(drop)
}

/// What the executor refuses, the circuit has no witness for.
fn refusals(grown: &Grown, seen: &mut Seen) -> Result<(), TestCaseError> {
    for refused in &grown.refused {
        let last = refused.program.ops.last().expect("the refused one");
        let segment = whole(&refused.program);
        match witness_of(&refused.program, &segment, &refused.trace) {
            Err(CircuitError::Unprovable { .. }) => {}
            other => return Err(fail(format!("{last:?}: {other:?}"))),
        }
        *seen.refused.entry(last.kind.label()).or_default() += 1;
    }
    Ok(())
}

fn whole(program: &Program) -> Segment {
    Segment {
        name: "test".into(),
        ops: 0..program.ops.len(),
        inputs: program.inputs.clone(),
        outputs: program.outputs.clone(),
        hints: program.hints.clone(),
        k: 17,
    }
}

fn witness_of(program: &Program, segment: &Segment, trace: &Trace) -> Result<(), CircuitError> {
    let salts = Case::salts();
    build(program, segment, Some(Witness { trace, salts })).map(drop)
}

/// A trace with one value changed is not taken for an honest one.
fn values(grown: &Grown, tape: &mut Tape<'_>, seen: &mut Seen) -> Result<(), TestCaseError> {
    let outs: Vec<TensorId> = grown
        .program
        .ops
        .iter()
        .filter_map(|op| op.kind.writes())
        .collect();
    let segment = whole(&grown.program);
    for _ in 0..3 {
        let Some(&id) = outs.get(tape.below(outs.len().max(1))) else {
            return Ok(());
        };
        let mut trace = grown.trace.clone();
        let values = &mut trace.values[id.0 as usize];
        let at = tape.below(values.len());
        values[at] += *tape.pick(&[1, -1, 1 << 14, 1 << 16]);
        match witness_of(&grown.program, &segment, &trace) {
            Err(CircuitError::Disagreement { index, .. }) if index == at => seen.values += 1,
            other => return Err(fail(format!("tensor {id:?}[{at}]: {other:?}"))),
        }
    }
    Ok(())
}

/// A cell of an honest run changed at random: refused, wherever something ties it.
fn cells(
    grown: &Grown,
    checker: &Checker,
    tape: &mut Tape<'_>,
    seen: &mut Seen,
) -> Result<(), TestCaseError> {
    let case = case(grown);
    let mut layout = case.layout().map_err(|e| fail(e.to_string()))?;
    let copies = layout.rows.copies.iter().flat_map(|&(x, y)| [x, y]);
    let copied: HashSet<(usize, u32)> = copies.map(|c| (number(c.column), c.row)).collect();
    for _ in 0..12 {
        let (column, row) = (tape.below(5), tape.below(layout.rows.len()));
        if is_free(&layout.rows, &copied, column, row) {
            continue;
        }
        let change = *tape.pick(&[
            Fr::ONE,
            -Fr::ONE,
            Fr::from(1 << 16),
            -Fr::from(1 << 16),
            Fr::from(2).invert().expect("2 is not 0"),
        ]);
        *cell_mut(&mut layout.rows, column, row) += change;
        let refused = is_refused(checker, &layout, case.instances(), row);
        *cell_mut(&mut layout.rows, column, row) -= change;
        if !refused {
            return Err(fail(format!("column {column} row {row} + {change:?}")));
        }
        seen.cells += 1;
    }
    check(&layout, case.instances()).map_err(|refusal| fail(format!("{refusal:?}")))
}

/// The generator's own sanity: every tape gives a program that validates and runs, an empty one too.
#[test]
fn every_tape_is_a_program() {
    let grown = Grown::new(&mut Tape::new(&[]));
    assert_eq!(grown.program.ops.len(), 1);
    let words: Vec<u32> = (0..600u32).map(|i| i.wrapping_mul(0x9e37_79b9)).collect();
    let grown = Grown::new(&mut Tape::new(&words));
    assert!(grown.program.ops.len() > 3);
}
