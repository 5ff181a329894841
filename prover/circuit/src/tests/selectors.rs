//! Which gates are on together: the selectors of the constraint system itself, on every sort of row that there is and on those
//! without a code. `fixed` looks at the columns as they are filled.

use super::checker::is_on;
use super::ops::{Make, all};
use crate::CircuitError;
use crate::builder::Builder;
use crate::gates::{ALL, DEGREE, ENDS, Gate, Gates, LayerConfig, ROWS, SELECTORS};
use crate::layout::Layout;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use std::cell::RefCell;
use std::collections::HashSet;

/// (degree of the gate's polynomials, of its selector), as on the cards.
const DEGREES: [(Gate, usize, usize); 19] = [
    (Gate::NarrowAct, 3, 2),
    (Gate::NarrowFunc, 3, 2),
    (Gate::Wide, 3, 2),
    (Gate::Zero, 3, 2),
    (Gate::Reduce, 3, 2),
    (Gate::Sbox2, 3, 2),
    (Gate::Partial, 3, 2),
    (Gate::Max, 2, 3),
    (Gate::StepActs, 2, 3),
    (Gate::MulEnd, 2, 3),
    (Gate::Absorb, 2, 3),
    (Gate::StepWeights, 1, 3),
    (Gate::StepResult, 1, 4),
    (Gate::GroupStart, 1, 4),
    (Gate::GroupStep, 1, 4),
    (Gate::ResultEnd, 1, 4),
    (Gate::Reveal, 1, 3),
    (Gate::Clear, 1, 4),
    (Gate::LogupEnd, 1, 4),
];

pub(super) fn configured() -> (ConstraintSystem<Fr>, LayerConfig) {
    let mut cs = ConstraintSystem::default();
    let config = LayerConfig::configure(&mut cs);
    (cs, config)
}

/// Selector and rest of each polynomial of a gate.
pub(super) fn polynomials(
    cs: &ConstraintSystem<Fr>,
    gate: Gate,
) -> impl Iterator<Item = (&Expression<Fr>, &Expression<Fr>)> {
    let name = format!("{gate:?}");
    let found = cs.gates().iter().find(move |g| g.name() == name);
    let polynomials = found.expect("every gate is named after its code");
    polynomials.polynomials().iter().map(|p| match p {
        Expression::Product(selector, rest) => (&**selector, &**rest),
        other => panic!("no selector: {other:?}"),
    })
}

/// The value of an expression in selector columns of the same row alone.
pub(super) fn value_of(
    config: &LayerConfig,
    selector: &Expression<Fr>,
    code: [Fr; SELECTORS],
) -> Fr {
    let column = |index| config.selectors.iter().position(|c| c.index() == index);
    selector.evaluate(
        &|constant| constant,
        &|_| unreachable!("no halo2 selectors"),
        &|query| {
            assert_eq!(query.rotation().0, 0);
            let at = column(query.column_index()).expect("a selector column");
            code[at]
        },
        &|_| unreachable!("no advice in a selector"),
        &|_| unreachable!("no instance in a selector"),
        &|_| unreachable!("no challenge in a selector"),
        &|x| -x,
        &|x, y| x + y,
        &|x, y| x * y,
        &|x, c| x * c,
    )
}

#[test]
fn every_selector_is_on_exactly_where_its_gate_is() {
    let (cs, config) = configured();
    for row in &ROWS {
        let code = row.code().map(|c| Fr::from(u64::from(c)));
        for gate in ALL {
            for (selector, _) in polynomials(&cs, gate) {
                let on = value_of(&config, selector, code) != Fr::ZERO;
                assert_eq!(on, row.gates.has(gate), "{gate:?} on {row:?}");
            }
        }
    }
}

#[test]
fn degrees_are_those_of_the_cards() {
    let (cs, _) = configured();
    for (gate, rest, selector) in DEGREES {
        let degrees = polynomials(&cs, gate).map(|(s, p)| (p.degree(), s.degree()));
        let degrees: Vec<_> = degrees.collect();
        assert!(degrees.iter().all(|d| d.1 == selector), "{gate:?}");
        assert_eq!(degrees.iter().map(|d| d.0).max(), Some(rest), "{gate:?}");
        assert!(rest + selector <= DEGREE, "{gate:?}");
    }
    assert_eq!(DEGREES.map(|d| d.0), ALL);
}

/// Where every fixed column is 0, as on the rows that blind, nothing is said about any cell of the row or of the next.
#[test]
fn rows_that_blind_are_inert() {
    let (cs, _) = configured();
    let rng = RefCell::new(ChaCha12Rng::seed_from_u64(5));
    let random = || Fr::random(&mut *rng.borrow_mut());
    for gate in cs.gates() {
        for polynomial in gate.polynomials() {
            let value = polynomial.evaluate(
                &|constant| constant,
                &|_| unreachable!("no halo2 selectors"),
                &|_| Fr::ZERO,
                &|_| random(),
                &|_| random(),
                &|_| random(),
                &|x| -x,
                &|x, y| x + y,
                &|x, y| x * y,
                &|x, c| x * c,
            );
            assert_eq!(value, Fr::ZERO, "{}", gate.name());
        }
    }
}

/// What may stand on a row, as the cards of gates and gadgets have it: each gate with what stands beside it.
fn together() -> Vec<Vec<Gate>> {
    use Gate::*;
    let alone = [
        NarrowAct,
        NarrowFunc,
        Wide,
        Zero,
        Reduce,
        Sbox2,
        Partial,
        Max,
        StepActs,
        Absorb,
        StepWeights,
        ResultEnd,
    ];
    let mut sets: Vec<Vec<Gate>> = alone.map(|gate| vec![gate]).to_vec();
    sets.push(vec![]);
    // A result is rescaled where its Horner step is; the first of a product starts the chain.
    for narrow in [NarrowAct, NarrowFunc] {
        sets.extend([StepResult, GroupStart, GroupStep].map(|step| vec![narrow, step]));
        sets.push(vec![narrow, StepResult, Clear]);
    }
    sets.extend([StepWeights, Reduce, StepActs].map(|first| vec![first, Clear]));
    sets.extend([vec![Zero, MulEnd], vec![Wide, Reveal]]);
    sets.push(vec![Wide, Reveal, Clear, LogupEnd]);
    sets
}

/// Of all sets of gates, those that no code switches on together are refused when the rows are laid out.
#[test]
fn unknown_rows_are_refused() {
    let program = Make::new().finish(&[]);
    let sets = together().into_iter();
    let together: HashSet<u32> = sets
        .map(|set| set.into_iter().map(|gate| 1 << gate as u32).sum())
        .collect();
    assert_eq!(together.len(), ROWS.len());
    for set in 0u32..1 << ALL.len() {
        let gates = ALL.into_iter().filter(|&gate| set >> gate as u32 & 1 == 1);
        let mut rows = Builder::new(true);
        let row = rows.row();
        gates.for_each(|gate| rows.gate(row, gate));
        let gates = rows.gates[row];
        let known = together.contains(&set);
        match Layout::new(rows, &program, "bench", 17) {
            Ok(_) => assert!(known, "{gates}"),
            Err(CircuitError::Gates { row: at, .. }) => assert!(!known && at == row, "{gates}"),
            Err(other) => panic!("{other}"),
        }
    }
}

/// Every sort of row is laid out for some op: there is none too many.
#[test]
fn every_row_occurs() {
    let mut missing: Vec<Gates> = ROWS.iter().map(|row| row.gates).collect();
    for (_, case) in all() {
        let rows = case.layout().unwrap().rows;
        missing.retain(|gates| !rows.gates.contains(gates));
    }
    assert!(missing.is_empty(), "{missing:?}");
}

/// Why a gate of a row stands there for its kind's sake only.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Idle {
    /// `Wide` on the ends of the lookup argument.
    End,
    /// `Zero` beside `MulEnd`.
    MulEnd,
    /// `NarrowAct` beside the Horner step of a gathered row's word.
    Gathered,
    /// `Reduce` beside `Clear` where no sum starts: none goes on in the next row, or is revealed there.
    Cleared,
}

fn idle(rows: &Builder, row: usize) -> Option<Idle> {
    let on = |row: usize, gate| row < rows.len() && is_on(rows, row, gate);
    let sum_goes_on =
        on(row + 1, Gate::Reveal) || (on(row + 1, Gate::Reduce) && !on(row + 1, Gate::Clear));
    if rows.gates[row] == ENDS {
        Some(Idle::End)
    } else if on(row, Gate::MulEnd) {
        Some(Idle::MulEnd)
    } else if on(row, Gate::StepResult) {
        let end = (row..rows.len()).find(|&end| on(end, Gate::ResultEnd))?;
        (rows.embeds[end] != 0).then_some(Idle::Gathered)
    } else {
        let cleared = on(row, Gate::Reduce) && on(row, Gate::Clear) && !sum_goes_on;
        cleared.then_some(Idle::Cleared)
    }
}

/// Where a gate stands for its kind's sake, it has no coefficients.
#[test]
fn idle_gates_have_no_coefficients() {
    let mut missing = vec![Idle::End, Idle::MulEnd, Idle::Gathered, Idle::Cleared];
    for (name, case) in all() {
        let rows = case.layout().unwrap().rows;
        for row in 0..rows.len() {
            let Some(idle) = idle(&rows, row) else {
                continue;
            };
            assert_eq!(rows.w[row], [Fr::ZERO; 4], "{name}: row {row}, {idle:?}");
            missing.retain(|other| *other != idle);
        }
    }
    assert_eq!(missing, []);
}
