//! Products: a false result that is rescaled anew is refused by Freivalds' check, and results that share a fixed cell
//! cannot borrow from each other.

use super::checker::{Checker, Refusal, State, any_on, is_on};
use super::ops::{Case, linear_case, mat_mul_case, packed_case, unpacked_case};
use crate::builder::Builder;
use crate::field::int;
use crate::gates::{GROUP_BITS, Gate};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use std::collections::HashSet;

const STEPS: [Gate; 3] = [Gate::StepResult, Gate::GroupStart, Gate::GroupStep];

fn narrow_at(rows: &Builder, row: usize) -> Option<Gate> {
    let gates = [Gate::NarrowAct, Gate::NarrowFunc];
    gates.into_iter().find(|&gate| is_on(rows, row, gate))
}

/// Every result of a product changed by one, with Y, R, E of its row worked out anew (Y stays): everything is as it
/// should be but the product. Phase 1 may say so at its end or carry the difference into `clear`.
#[test]
fn a_false_product_is_refused_by_its_check() {
    let cases = [
        ("linear", linear_case(), 18 + 6),
        ("packed", packed_case(), 3 * 14 + 3 * 8),
        ("unpacked", unpacked_case(), 2 * 7),
        ("mat_mul", mat_mul_case(), 2 * 3 * 2),
    ];
    let checker = Checker::new();
    for (name, case, results) in cases {
        let (mut layout, instances) = (case.layout().unwrap(), case.instances());
        let mut tried = 0;
        for row in 0..layout.rows.len() {
            let narrow = narrow_at(&layout.rows, row);
            let Some(gate) = narrow.filter(|_| any_on(&layout.rows, row, &STEPS)) else {
                continue;
            };
            let honest = layout.rows.y[row];
            layout.rows.b[row] += Fr::ONE;
            layout.rows.narrow(row, gate).unwrap();
            if layout.rows.y[row] == honest {
                let refusal = |state: &State| match checker.check_rows(
                    &layout,
                    instances,
                    state,
                    0..layout.rows.len(),
                ) {
                    Err(Refusal::Gate { name, .. }) => name,
                    verdict => panic!("{name}: row {row}: {verdict:?}"),
                };
                let challenges = checker.challenges();
                assert_eq!(refusal(&layout.run_state(&challenges)), "MulEnd", "{name}");
                let carried = layout.run_state_from(&challenges, |_, carried| carried);
                assert_eq!(refusal(&carried), "Clear", "{name}");
                tried += 1;
            }
            layout.rows.b[row] -= Fr::ONE;
            layout.rows.narrow(row, gate).unwrap();
        }
        assert!(tried > results * 3 / 4, "{name}: {tried} of {results}");
    }
}

/// Σ Y + E·(2·Y/T − 1) over all Y, E of 16 bits with E·Y·(T − Y) = 0: what `narrow` can say of ⌊F / 2^16⌋.
fn narrow_values(top: u64) -> HashSet<i128> {
    let inverse = Fr::from(top).invert().unwrap();
    let value = |y: u64, e: u64| {
        let sign = Fr::from(2 * y) * inverse - Fr::ONE;
        int(Fr::from(y) + Fr::from(e) * sign).unwrap()
    };
    let all = 0..1u64 << 16;
    let ends = [0, top];
    let plain = all.clone().map(|y| value(y, 0));
    let beyond = ends
        .into_iter()
        .flat_map(|y| all.clone().map(move |e| (y, e)));
    plain.chain(beyond.map(|(y, e)| value(y, e))).collect()
}

/// Freivalds sees only the sum of a packed group: a result that takes 2^41 from its neighbour passes it, but then no
/// Y, R, E of 16 bits exist for its row. (`gadgets/product/tests.rs` has the borrow that goes through where a matrix is
/// packed beyond the bound.)
#[test]
fn packed_results_do_not_borrow_from_each_other() {
    let case = packed_case();
    let mut layout = case.layout().unwrap();
    let groups = [Gate::GroupStart, Gate::GroupStep];
    let borrows = |row: &usize| is_on(&layout.rows, *row, Gate::GroupStep);
    let rows: Vec<usize> = (1..layout.rows.len()).filter(borrows).collect();
    assert_eq!(rows.len(), 3 * (1 + 5 + 5) + 3 * (1 + 5));
    let checker = Checker::new();
    let honest = layout.run_state(&checker.challenges());
    let carry = Fr::from(2).pow([u64::from(GROUP_BITS)]);
    let values = [(1 << 16) - 1, (1 << 14) - 1].map(narrow_values);
    for row in rows {
        let values = match narrow_at(&layout.rows, row).unwrap() {
            Gate::NarrowAct => &values[0],
            _ => &values[1],
        };
        let floor = |form: Fr| int(form).unwrap() >> 16;
        assert!(values.contains(&floor(layout.rows.form(row))));
        for sign in [Fr::ONE, -Fr::ONE] {
            layout.rows.b[row - 1] -= sign;
            layout.rows.b[row] += sign * carry;
            let forged = layout.run_state(&checker.challenges());
            for (honest, forged) in honest.iter().zip(&forged) {
                assert_eq!(
                    honest[row + 1],
                    forged[row + 1],
                    "the group's sum is the same"
                );
            }
            let forged = floor(layout.rows.form(row));
            assert!(
                !values.contains(&forged),
                "row {row}: {forged} can be rescaled"
            );
            layout.rows.b[row - 1] += sign;
            layout.rows.b[row] -= sign * carry;
        }
        assert!(any_on(&layout.rows, row, &groups));
    }
}

#[test]
fn weights_are_packed_only_where_results_cannot_meet() {
    let grouped = |case: Case| {
        let rows = case.layout().unwrap().rows;
        let groups = [Gate::GroupStart, Gate::GroupStep];
        (0..rows.len()).any(|row| any_on(&rows, row, &groups))
    };
    assert!(grouped(packed_case()));
    assert!(!grouped(unpacked_case()));
}

/// (2) of `narrow`: without it v = ⌊F / 2^16⌋ would have a second form, (v + T)/3 with the excess T, for then
/// E·(2·Y/T − 1) = 2·Y − T and Y + 2·Y − T = v. Remainder and equation (1) are those of the honest row.
#[test]
fn no_excess_beside_a_result_within_its_range() {
    let checker = Checker::new();
    let mut tried = HashSet::new();
    for case in [linear_case(), packed_case()] {
        let (mut layout, instances) = (case.layout().unwrap(), case.instances());
        let state = layout.run_state(&checker.challenges());
        for row in 0..layout.rows.len() {
            // The other clamp's results also meet their function's table, which is looked at first.
            let Some(gate @ Gate::NarrowAct) = narrow_at(&layout.rows, row) else {
                continue;
            };
            let top = (1i128 << 16) - 1;
            let value = int(layout.rows.form(row)).unwrap() >> 16;
            let forged = (value + top) / 3;
            if (value + top) % 3 != 0 || !(1..top).contains(&forged) || forged == value {
                continue;
            }
            let honest = [layout.rows.y[row], layout.rows.e[row]];
            let [y, e] = [forged, top].map(|v| Fr::from(v as u64));
            (layout.rows.y[row], layout.rows.e[row]) = (y, e);
            let sign = y.double() * e.invert().unwrap() - Fr::ONE;
            let first = (y + e * sign) * Fr::from(1 << 16) + layout.rows.r[row];
            assert_eq!(first, layout.rows.form(row), "(1) holds");
            let name = format!("{gate:?}");
            match checker.check_rows(&layout, instances, &state, row..row + 1) {
                Err(Refusal::Gate { name: by, .. }) if by == name => tried.insert(name),
                verdict => panic!("row {row}: {verdict:?}"),
            };
            [layout.rows.y[row], layout.rows.e[row]] = honest;
        }
    }
    assert!(!tried.is_empty());
}

/// What the argument on packing (`gadgets::product::packs`) takes from `narrow`: −2^32 < F < 2^33, for both clamps.
#[test]
fn narrow_bounds_its_form() {
    for top in [(1u64 << 16) - 1, (1 << 14) - 1] {
        let values = narrow_values(top);
        let (low, high) = (values.iter().min().unwrap(), values.iter().max().unwrap());
        let least = low << 16;
        let most = (high << 16) + 0xffff;
        assert!(-(1 << 32) < least && most < 1 << 33, "{least} {most}");
    }
}
