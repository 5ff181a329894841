//! A lie for each polynomial of the gates on phase 0 and of the lookup argument: the whole layout holds but for that one
//! polynomial, so that a circuit without it accepts. (`phase1` does the same for what fixes the accumulators.)

use super::checker::{Broken, Checker, polynomial};
use super::ops::Make;
use crate::builder::{Builder, Column};
use crate::field::fr;
use crate::gadgets::hint;
use crate::gates::Gate;
use crate::layout::{Accumulators, Layout};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halocast_ir::ACT_OFFSET;
use std::collections::HashSet;

/// One row with a gate; A and B are copies of two homes, Y, R and E the prover's.
struct Bench {
    gate: Gate,
    w: [i128; 4],
    operands: [i64; 2],
}

impl Bench {
    /// The layout with these Y, R, E, and the row.
    fn with(&self, limbs: [i128; 3]) -> (Layout, usize) {
        let mut rows = Builder::new(true);
        let values = self.operands.map(|v| (v - ACT_OFFSET) as i32);
        let homes = hint(&mut rows, &values);
        let row = rows.row_with(self.gate, self.w.map(fr));
        for (column, home) in [Column::A, Column::B].into_iter().zip(homes) {
            rows.copy(column, row, home.cell);
        }
        let [y, r, e] = limbs;
        rows.set_limbs(row, y, r, e);
        let program = Make::new().finish(&[]);
        (Layout::new(rows, &program, "bench", 17).unwrap(), row)
    }
}

/// What refuses a lie.
enum By {
    Polynomial(usize),
    Range,
}

struct Lie {
    what: &'static str,
    bench: Bench,
    /// Y, R, E.
    honest: [i128; 3],
    forged: [i128; 3],
    by: By,
}

/// F = A·2^16: Y is the operand itself, without remainder.
fn identity(gate: Gate, operand: i64) -> Bench {
    Bench {
        gate,
        w: [0, 1 << 16, 0, 0],
        operands: [operand, 0],
    }
}

fn max(a: i64, b: i64) -> Bench {
    Bench {
        gate: Gate::Max,
        w: [0; 4],
        operands: [a, b],
    }
}

/// A second form of v, with the excess T: E·(2·Y/T − 1) = 2·Y − T, and Y + 2·Y − T = v for Y = (v + T)/3.
fn second_form(v: i128, top: i128) -> [i128; 3] {
    assert_eq!((v + top) % 3, 0);
    [(v + top) / 3, 0, top]
}

fn lies() -> Vec<Lie> {
    let lie = |what, bench, honest, forged, by| Lie {
        what,
        bench,
        honest,
        forged,
        by,
    };
    let [act, func] = [(1 << 16) - 1, (1 << 14) - 1];
    let mut lies = Vec::new();
    for (gate, top) in [(Gate::NarrowAct, act), (Gate::NarrowFunc, func)] {
        let honest = [300, 0, 0];
        let bench = || identity(gate, 300);
        lies.extend([
            lie(
                "another result",
                bench(),
                honest,
                [301, 0, 0],
                By::Polynomial(0),
            ),
            lie(
                "another remainder",
                bench(),
                honest,
                [300, 1, 0],
                By::Polynomial(0),
            ),
            lie(
                "an excess beside a result in range",
                bench(),
                honest,
                second_form(300, top),
                By::Polynomial(1),
            ),
            lie(
                "saturated, the excess negative",
                bench(),
                honest,
                [top, 0, 300 - top],
                By::Range,
            ),
            lie(
                "saturated below, the excess negative",
                bench(),
                honest,
                [0, 0, -300],
                By::Range,
            ),
            lie(
                "less, the remainder more than 16 bits",
                bench(),
                honest,
                [299, 1 << 16, 0],
                By::Range,
            ),
        ]);
    }
    let wide = || Bench {
        gate: Gate::Wide,
        w: [0, 1 << 32, 0, 0],
        operands: [300, 0],
    };
    let zero = Bench {
        gate: Gate::Zero,
        w: [1, 2, 3, -(300 * 7 + 600 + 22)],
        operands: [300, 7],
    };
    lies.extend([
        lie(
            "another result",
            wide(),
            [300, 0, 0],
            [301, 0, 0],
            By::Polynomial(0),
        ),
        lie(
            "a limb more than 16 bits",
            wide(),
            [300, 0, 0],
            [299, 0, 1 << 16],
            By::Range,
        ),
        lie(
            "the smaller, B",
            max(9, 7),
            [9, 0, 2],
            [7, 0, 0],
            By::Polynomial(0),
        ),
        lie(
            "the smaller, A",
            max(7, 9),
            [9, 2, 0],
            [7, 0, 0],
            By::Polynomial(1),
        ),
        lie(
            "larger than both",
            max(7, 9),
            [9, 2, 0],
            [10, 3, 1],
            By::Polynomial(2),
        ),
        lie(
            "the smaller, a difference negative",
            max(9, 7),
            [9, 0, 2],
            [7, -2, 0],
            By::Range,
        ),
    ]);
    lies.push(lie(
        "a form that is not 0",
        zero,
        [0; 3],
        [0; 3],
        By::Polynomial(0),
    ));
    lies
}

#[test]
fn each_lie_is_refused_by_one_constraint_alone() {
    let checker = Checker::new();
    let none = [Fr::ZERO; 2];
    for lie in lies() {
        let gate = lie.bench.gate;
        let (mut honest, row) = lie.bench.with(lie.honest);
        if gate == Gate::Zero {
            honest.rows.w[row][3] += Fr::ONE;
        }
        assert_eq!(checker.every_broken(&honest, none), [], "{gate:?}");
        let (forged, row) = lie.bench.with(lie.forged);
        let expected = match lie.by {
            By::Polynomial(index) => polynomial(&format!("{gate:?}"), index, row),
            By::Range => Broken::Lookup { row },
        };
        let what = lie.what;
        assert_eq!(
            checker.every_broken(&forged, none),
            [expected],
            "{gate:?}: {what}"
        );
    }
}

/// The columns of the lookup argument for a layout, and what the sum should end with but does not.
fn sums(layout: &Layout, checker: &Checker) -> (Accumulators, Fr) {
    let columns = layout.accumulate(&checker.challenges());
    let open = columns.sum[layout.last];
    (columns, open)
}

/// A Y that is in no table, in three disguises: the sum left open; closed by the helper of one row; closed by a step of the
/// sum itself. And multiplicities that are not the true ones.
#[test]
fn the_lookup_argument_needs_each_of_its_polynomials() {
    let checker = Checker::new();
    let bench = identity(Gate::NarrowAct, 300);
    let (mut layout, row) = bench.with([300, 0, 0]);
    let (honest, open) = sums(&layout, &checker);
    assert_eq!(open, Fr::ZERO);
    assert_eq!(checker.broken_sums(&layout, &honest, layout.last), []);

    let end = polynomial("LogupEnd", 0, layout.last);
    layout.multiplicities[row] += 1;
    let (columns, _) = sums(&layout, &checker);
    let found = checker.broken_sums(&layout, &columns, layout.last);
    assert_eq!(found, vec![end.clone()]);
    layout.multiplicities[row] -= 1;

    layout.rows.y[row - 1] = Fr::from(1 << 16);
    layout.count_multiplicities();
    let (mut columns, open) = sums(&layout, &checker);
    assert_ne!(open, Fr::ZERO);
    assert_eq!(checker.broken_sums(&layout, &columns, layout.last), [end]);

    let rest = row + 1..=layout.last;
    columns.sum[rest].iter_mut().for_each(|s| *s -= open);
    let expected = [polynomial("Logup", 1, row)];
    assert_eq!(
        checker.broken_sums(&layout, &columns, layout.last),
        expected
    );

    columns.helper[row] -= open;
    let expected = [polynomial("Logup", 0, row)];
    assert_eq!(
        checker.broken_sums(&layout, &columns, layout.last),
        expected
    );
}

/// The gates of which every polynomial has its lie above: with those of `phase1` they are all gates.
#[test]
fn no_polynomial_is_without_its_lie() {
    let mut tried: HashSet<(String, usize)> = lies()
        .into_iter()
        .filter_map(|lie| match lie.by {
            By::Polynomial(index) => Some((format!("{:?}", lie.bench.gate), index)),
            By::Range => None,
        })
        .collect();
    tried.extend([("Logup", 0), ("Logup", 1), ("LogupEnd", 0)].map(|(g, i)| (g.to_owned(), i)));
    let phase1 = super::phase1::gates();
    let all: HashSet<(String, usize)> = Checker::new()
        .gates()
        .into_iter()
        .filter(|(name, _)| !phase1.contains(name))
        .flat_map(|(name, count)| (0..count).map(move |index| (name.clone(), index)))
        .collect();
    assert_eq!(tried, all);
    assert_eq!(phase1.len() + 7, Checker::new().gates().len());
}
