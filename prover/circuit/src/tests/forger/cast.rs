//! The honest program and the lies about it. A lie is the advice of a lying program of the same form (other weights, another
//! table, other constants) under the honest key, mended or grafted where that is sharper.

use super::Phase1;
use crate::builder::{Builder, LOGUP_START_ROW};
use crate::field::{fr, int};
use crate::layout::{ChallengeValues, Layout};
use crate::segment::{Witness, build, row_marks};
use crate::tests::checker::{Broken, columns, columns_mut};
use crate::tests::ops::{Case, Make};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::*;

/// A lie, and what refuses it.
pub(super) struct Lie {
    pub(super) name: &'static str,
    pub(super) layout: Layout,
    pub(super) instances: [Fr; 2],
    pub(super) phase1: Phase1,
    pub(super) broken: Vec<Expected>,
}

/// A broken constraint, wherever it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Expected {
    Polynomial(&'static str, usize),
    Copy,
    Lookup,
}

impl Expected {
    pub(super) fn of(broken: &Broken) -> Expected {
        let names = [
            "MulEnd",
            "NarrowAct",
            "Wide",
            "Logup",
            "LogupEnd",
            "StepResult",
            "Zero",
            "Clear",
            "Reveal",
        ];
        match broken {
            Broken::Polynomial { gate, index, .. } => {
                let name = names.into_iter().find(|name| name == gate);
                Expected::Polynomial(name.unwrap_or("another gate"), *index)
            }
            Broken::Copy { .. } => Expected::Copy,
            Broken::Lookup { .. } => Expected::Lookup,
        }
    }
}

/// Ops of the program by number.
const FIRST: usize = 0;
const SECOND: usize = 1;
const SCORES: usize = 2;
const SOFTMAX: usize = 5;
const ARG_MAX: usize = 6;
/// Columns of the two weight matrices.
const WIDTH: usize = 4;

/// Two layers of weights; scores, which are z; a function of z; softmax of the scores; the arg-max of candidates.
pub(super) fn honest() -> Case {
    let mut p = Make::new();
    let (x, candidates) = (p.input(&[2, WIDTH]), p.input(&[1, WIDTH]));
    let [y, z, scores, u, f, probabilities] = [(); 6].map(|()| p.tensor(&[2, WIDTH]));
    let choice = p.tensor(&[1]);
    let function = p.table(|i| (i as i32 * 3 - 20000) as i16);
    let exp = p.table(|i| ((-(i as f64) / 512.0).exp() * 16384.0).round() as i16);
    // So large that six weights do not fit a cell (the first product is not packed); the second's multiplier is small.
    let weights = |seed: i32| Matrix {
        rows: WIDTH,
        cols: WIDTH,
        data: (0..16).map(|i| (i * seed) % 9973 - 4986).collect(),
    };
    for (x, seed, mul, out) in [(x, 7919, 1 << 13, y), (y, 6007, 2, z)] {
        p.op(OpKind::Linear {
            x,
            w: weights(seed),
            bias: None,
            mul,
            bits: ClampBits::Act,
            out,
        });
    }
    for (bits, factor, out) in [
        (ClampBits::Act, 1 << 16, scores),
        (ClampBits::Func, 1 << 14, u),
    ] {
        p.op(OpKind::Elementwise {
            a: z,
            b: None,
            coefs: Coefs {
                one: vec![0; 2 * WIDTH],
                ..Coefs::uniform(0, factor, 0, 0)
            },
            form: Form::Narrow(bits),
            out,
        });
    }
    p.op(OpKind::Lookup {
        x: u,
        table: function,
        out: f,
    });
    p.op(OpKind::Softmax {
        x: scores,
        allowed: None,
        mul: 1 << 15,
        exp,
        out: probabilities,
    });
    p.op(OpKind::ArgMax {
        x: candidates,
        out: choice,
    });
    let program = p.finish(&[z, f, probabilities, choice]);
    Case::new(
        program,
        &[vec![3, -2, 1, 0, 1, 4, -3, 2], vec![1, 7, 7, -3]],
    )
}

fn changed(case: &Case, change: impl FnOnce(&mut Program)) -> Case {
    let mut program = case.program.clone();
    change(&mut program);
    let inputs = program.inputs.iter();
    let given: Vec<Vec<i32>> = inputs.map(|&id| case.trace.get(id).to_vec()).collect();
    Case::new(program, &given)
}

/// Layouts of the same fixed cells but for coefficients.
fn of_one_form(x: &Builder, y: &Builder) -> bool {
    let same_rows = x.gates == y.gates && x.copies == y.copies;
    same_rows && x.tags == y.tags && x.embeds == y.embeds
}

/// The advice of a lying run from some row on, under the honest key.
fn under_the_key(case: &Case, liar: &Case, from: usize) -> Layout {
    let (mut layout, lying) = (case.layout().unwrap(), liar.layout().unwrap().rows);
    assert!(of_one_form(&layout.rows, &lying));
    for (column, lies) in columns_mut(&mut layout.rows)
        .into_iter()
        .zip(columns(&lying))
    {
        column[from..].copy_from_slice(&lies[from..]);
        // The two instances stand on the first rows.
        column[1] = lies[1];
    }
    layout.count_multiplicities();
    layout
}

fn lie(name: &'static str, (layout, instances): (Layout, [Fr; 2]), broken: &[Expected]) -> Lie {
    Lie {
        name,
        layout,
        instances,
        phase1: Phase1::Honest,
        broken: broken.to_vec(),
    }
}

fn weights(program: &mut Program, op: usize) -> &mut Vec<i32> {
    match &mut program.ops[op].kind {
        OpKind::Linear { w, .. } => &mut w.data,
        other => panic!("{} has no weights", other.label()),
    }
}

/// The program with the weights of its two layers swapped.
pub(super) fn other_model(case: &Case) -> Case {
    changed(case, |program| {
        let first = weights(program, FIRST).clone();
        let second = std::mem::replace(weights(program, SECOND), first);
        *weights(program, FIRST) = second;
    })
}

fn swapped_weights(case: &Case) -> Lie {
    let liar = other_model(case);
    let advice = (under_the_key(case, &liar, 0), liar.instances());
    let product = Expected::Polynomial("MulEnd", 0);
    lie("swapped weights", advice, &[product, product])
}

/// The first weights have 1 more and, a column on, 2 less: for ρ = 2 their rows have the same fingerprints.
pub(super) fn constant_challenge(case: &Case) -> Lie {
    let liar = changed(case, |program| {
        let weights = weights(program, FIRST);
        weights[0] += 100;
        weights[1] -= 200;
    });
    let constants = ChallengeValues {
        rho: fr(2),
        sigma: fr(3),
        beta: fr(1 << 100),
        gamma: fr(1 << 101),
    };
    let advice = (under_the_key(case, &liar, 0), liar.instances());
    let broken = [Expected::Polynomial("MulEnd", 0)];
    Lie {
        phase1: Phase1::Known(constants),
        ..lie("constant challenge", advice, &broken)
    }
}

/// The same false product by a prover who follows the protocol from phase 1 on.
fn false_product(case: &Case) -> Lie {
    Lie {
        name: "false product",
        phase1: Phase1::Honest,
        ..constant_challenge(case)
    }
}

/// Constants of the scores' op, which the honest program has as 0.
fn with_scores(case: &Case, element: usize, one: i64) -> Case {
    changed(case, |program| match &mut program.ops[SCORES].kind {
        OpKind::Elementwise { coefs, .. } => coefs.one[element] = one << NARROW_SHIFT,
        other => panic!("{} has no coefficients", other.label()),
    })
}

/// The scores are true; from the softmax on the last of the first row is the lowest there is, so that its exponential is 0.
fn truncated_softmax(case: &Case) -> Lie {
    let liar = with_scores(case, WIDTH - 1, -(1 << 16));
    let last = liar.trace.get(TensorId(4))[WIDTH - 1];
    assert_eq!(i64::from(last), ACT_MIN);
    assert_eq!(liar.trace.get(TensorId(7))[WIDTH - 1], 0, "no probability");
    let from = row_marks(&case.program, &case.segment).unwrap()[SOFTMAX];
    let advice = (under_the_key(case, &liar, from), liar.instances());
    // The maximum's and the exponential's copy.
    lie(
        "truncated softmax row",
        advice,
        &[Expected::Copy, Expected::Copy],
    )
}

/// The arg-max of other candidates, with copies of the true ones.
fn wrong_tie(case: &Case) -> Lie {
    let liar = Case::new(
        case.program.clone(),
        &[case.trace.get(TensorId(0)).to_vec(), vec![1, 6, 7, -3]],
    );
    let choice = |case: &Case| case.trace.get(*case.program.outputs.last().unwrap())[0];
    assert_eq!((choice(case), choice(&liar)), (1, 2));
    let from = row_marks(&case.program, &case.segment).unwrap()[ARG_MAX];
    let mut layout = under_the_key(case, &liar, from);
    for (to, source) in layout.rows.copies.clone() {
        if to.row as usize >= from {
            let value = layout.rows.value(source);
            layout.rows.put(to.column, to.row as usize, value);
        }
    }
    let instances = [case.instances()[0], liar.instances()[1]];
    let wide = Expected::Polynomial("Wide", 0);
    lie("higher index of a tie", (layout, instances), &[wide])
}

/// An element of the scores with the row that rescales it, and the result that the row's form gives.
fn a_score(case: &Case, fits: impl Fn(i128) -> bool) -> (usize, usize, i128) {
    let layout = case.layout().unwrap();
    let first = row_marks(&case.program, &case.segment).unwrap()[SCORES];
    let value = |row: usize| int(layout.rows.form(row)).unwrap() >> NARROW_SHIFT;
    let rows = first..first + 2 * WIDTH;
    let found = rows.map(|row| (row - first, row, value(row)));
    let mut found = found.filter(|&(_, _, value)| fits(value));
    found.next().expect("one of eight")
}

/// A score claimed to be the largest activation. `excess` says by which excess; without one, what the lying program has.
fn saturated(
    case: &Case,
    name: &'static str,
    excess: impl Fn(i128) -> Option<i128>,
    by: Expected,
) -> Lie {
    let (element, row, value) = a_score(case, |_| true);
    let liar = with_scores(case, element, 1 << 16);
    let mut layout = under_the_key(case, &liar, 0);
    assert_eq!(layout.rows.y[row], fr(0xffff));
    if let Some(excess) = excess(value) {
        let remainder = int(layout.rows.form(row)).unwrap() & 0xffff;
        layout.rows.set_limbs(row, 0xffff, remainder, excess);
        layout.count_multiplicities();
    }
    lie(name, (layout, liar.instances()), &[by])
}

/// A score with a second form: (v + T)/3, the excess T (see `narrow`'s (2)).
fn second_form(case: &Case) -> Lie {
    let top = 0xffff;
    let (element, row, value) = a_score(case, |v| v % 3 == 0 && (v + top) / 3 != v);
    let forged = (value + top) / 3;
    let liar = with_scores(case, element, (forged - value) as i64);
    let mut layout = under_the_key(case, &liar, 0);
    assert_eq!(layout.rows.y[row], fr(forged));
    let remainder = int(layout.rows.form(row)).unwrap() & 0xffff;
    layout.rows.set_limbs(row, forged, remainder, top);
    layout.count_multiplicities();
    let by = Expected::Polynomial("NarrowAct", 1);
    lie("excess in range", (layout, liar.instances()), &[by])
}

/// A value of the function that is one more.
fn forged_table(case: &Case, name: &'static str, phase1: Phase1, broken: Expected) -> Lie {
    let argument = case.trace.get(TensorId(5))[0];
    let liar = changed(case, |program| {
        let row = i64::from(argument) + FUNC_OFFSET;
        program.tables[0].values[row as usize] += 1;
    });
    let advice = (under_the_key(case, &liar, 0), liar.instances());
    Lie {
        phase1,
        ..lie(name, advice, &[broken])
    }
}

/// An honest run whose table says that a row is looked up once less, another once more.
fn forged_multiplicities(case: &Case) -> Lie {
    let mut layout = case.layout().unwrap();
    let used = layout.multiplicities.iter().position(|&m| m > 0);
    // The first rows are those of the range: no two are alike.
    let mut unused = layout.multiplicities.iter().skip(LOGUP_START_ROW);
    let unused = unused.position(|&m| m == 0).map(|i| i + LOGUP_START_ROW);
    layout.multiplicities[used.unwrap()] -= 1;
    layout.multiplicities[unused.unwrap()] += 1;
    let end = Expected::Polynomial("LogupEnd", 0);
    lie("multiplicities", (layout, case.instances()), &[end])
}

/// The honest run for another first instance; A of its row is that one, too, or still the honest one.
fn other_instance(case: &Case, name: &'static str, and_a: bool, broken: Expected) -> Lie {
    let (mut layout, mut instances) = (case.layout().unwrap(), case.instances());
    instances[0] += Fr::ONE;
    if and_a {
        layout.rows.a[0] += Fr::ONE;
    }
    lie(name, (layout, instances), &[broken])
}

/// No lie: the honest run with one salt at both ends.
pub(super) fn truth_with_one_salt(case: &Case) -> Lie {
    let salts = [Case::salts()[0]; 2];
    let trace = &case.trace;
    let rows = build(&case.program, &case.segment, Some(Witness { trace, salts }));
    let layout = Layout::new(rows.unwrap(), &case.program, "test", case.segment.k);
    let instances = crate::boundary_instances(&case.segment, trace, salts);
    lie("one salt", (layout.unwrap(), instances), &[])
}

/// All lies about a segment.
pub(super) fn lies(case: &Case) -> Vec<Lie> {
    let polynomial = Expected::Polynomial;
    let somewhere = LOGUP_START_ROW + 7;
    vec![
        constant_challenge(case),
        false_product(case),
        swapped_weights(case),
        truncated_softmax(case),
        wrong_tie(case),
        saturated(case, "saturated", |_| None, polynomial("NarrowAct", 0)),
        saturated(
            case,
            "saturated, the excess negative",
            |value| Some(value - 0xffff),
            polynomial("LogupEnd", 0),
        ),
        second_form(case),
        forged_table(case, "table row", Phase1::Honest, polynomial("LogupEnd", 0)),
        forged_table(
            case,
            "table row, closed by the sum",
            Phase1::ClosedBySum(somewhere),
            polynomial("Logup", 1),
        ),
        forged_table(
            case,
            "table row, closed by the helper",
            Phase1::ClosedByHelper(somewhere),
            polynomial("Logup", 0),
        ),
        forged_table(
            case,
            "table row, closed where the sum starts",
            Phase1::ClosedAtStart,
            polynomial("LogupEnd", 0),
        ),
        forged_multiplicities(case),
        other_instance(case, "another instance", false, polynomial("Reveal", 0)),
        other_instance(case, "another instance and A", true, Expected::Copy),
    ]
}
