//! Which gates are on where: the selectors of the constraint system itself, on every row that there is and on those without a
//! code.

use super::checker::is_on;
use super::ops::{Make, all, wiring_case};
use crate::CircuitError;
use crate::builder::Builder;
use crate::circuit::LayerCircuit;
use crate::gates::{ALL, Code, DEGREE, ENDS, Gate, Gates, LayerConfig, ROWS};
use crate::layout::Layout;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{ConstraintSystem, Expression};
use rand::SeedableRng;
use rand_chacha::ChaCha12Rng;
use std::cell::RefCell;
use std::collections::HashSet;
use std::sync::Arc;

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

fn configured() -> (ConstraintSystem<Fr>, LayerConfig) {
    let mut cs = ConstraintSystem::default();
    let config = LayerConfig::configure(&mut cs);
    (cs, config)
}

/// Selector and rest of each polynomial of a gate.
fn polynomials(
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
fn selector_at(config: &LayerConfig, selector: &Expression<Fr>, code: Code) -> Fr {
    let column = |index| config.selectors.iter().position(|c| c.index() == index);
    selector.evaluate(
        &|constant| constant,
        &|_| unreachable!("no halo2 selectors"),
        &|query| {
            assert_eq!(query.rotation().0, 0);
            let at = column(query.column_index()).expect("a selector column");
            Fr::from(u64::from(code[at]))
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
        for gate in ALL {
            for (selector, _) in polynomials(&cs, gate) {
                let on = selector_at(&config, selector, row.code()) != Fr::ZERO;
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

#[test]
fn codes_tell_rows_apart() {
    let codes: HashSet<Code> = ROWS.iter().map(|row| row.code()).collect();
    assert_eq!(codes.len(), ROWS.len());
    for (i, row) in ROWS.iter().enumerate() {
        assert!(ROWS[..i].iter().all(|other| other.gates != row.gates));
        assert_eq!(row.gates.code(), Some(row.code()));
    }
    assert_eq!(Gates::default().code(), Some([0; 4]));
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

/// Rows past the last gadget have no gate; the last row of the domain ends the lookup argument; those after it, which blind,
/// have nothing at all.
#[test]
fn rows_past_the_gadgets_have_no_gate() {
    let layout = wiring_case().layout().unwrap();
    let (used, last) = (layout.rows.len(), layout.last);
    assert!(used < last);
    assert!((used..last).all(|row| layout.code(row) == [0; 4]));
    assert_eq!(Some(layout.code(last)), ENDS.code());
    let (_, config) = configured();
    let layout = Arc::new(layout);
    let fixed = LayerCircuit { layout }.fixed(&config);
    assert!(fixed.iter().all(|column| column.len() == last + 1));
}

/// The lookup argument is on from the row after the first where S is 0 to the one before the last, and on no other.
#[test]
fn the_lookup_argument_has_no_gap() {
    for (name, case) in all() {
        let layout = Arc::new(case.layout().unwrap());
        let (_, config) = configured();
        let (last, fixed) = (
            layout.last,
            LayerCircuit {
                layout: layout.clone(),
            }
            .fixed(&config),
        );
        let active = &fixed[config.table[2].index()];
        for (row, active) in active.iter().enumerate() {
            let inside = (1..last).contains(&row);
            assert_eq!(*active != Fr::ZERO, inside, "{name}: row {row}");
        }
        for end in [1, last] {
            assert_eq!(Some(layout.code(end)), ENDS.code(), "{name}");
        }
    }
}

/// No commitment of a key is the point at infinity, no two are the same.
#[test]
fn fixed_columns_differ() {
    for (name, case) in all() {
        let layout = Arc::new(case.layout().unwrap());
        let (_, config) = configured();
        let fixed = LayerCircuit { layout }.fixed(&config);
        for (i, column) in fixed.iter().enumerate() {
            assert!(column.iter().any(|v| *v != Fr::ZERO), "{name}: {i}");
            assert!(
                fixed[..i].iter().all(|other| other != column),
                "{name}: {i}"
            );
        }
    }
}

/// Gates that no code switches on together are refused when the rows are laid out.
#[test]
fn unknown_rows_are_refused() {
    let program = Make::new().finish(&[]);
    for (i, &first) in ALL.iter().enumerate() {
        for &second in &ALL[i..] {
            let mut rows = Builder::new(true);
            let row = rows.row_with(first, [Fr::ZERO; 4]);
            rows.gate(row, second);
            let known = ROWS.iter().any(|known| known.gates == rows.gates[row]);
            match Layout::new(rows, &program, "bench", 17) {
                Ok(_) => assert!(known, "{first:?} and {second:?}"),
                Err(CircuitError::Gates { row: at, .. }) => {
                    assert!(!known && at == row, "{first:?} and {second:?}");
                }
                Err(other) => panic!("{other}"),
            }
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
        // Where a gate stands for its kind's sake, it has no coefficients.
        for row in 0..rows.len() {
            let idle = is_on(&rows, row, Gate::MulEnd) || rows.gates[row] == ENDS;
            assert!(!idle || rows.w[row] == [Fr::ZERO; 4]);
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}
