//! Lies about tables.

use super::{Forger, Lie, ORDINATE, RELATION, to_fq};
use crate::{block::Kind, integer::Int, tests::rng, witness::Step};
use halo2_base::halo2_proofs::halo2curves::{
    bn256::{Fq, G1},
    ff::Field,
    group::{Curve, Group},
};

pub(super) fn all() -> Vec<Lie> {
    vec![
        wrong_entry(),
        wrong_build_sign(),
        table_of_another_point(),
        negated_double(),
        another_abscissa_after_pass(),
        wrong_tangent(),
        doubling_with_another_point(),
        offered_point_is_another(),
        open_y_is_another(),
    ]
}

/// The hole that the prototype had.
pub(super) fn wrong_entry() -> Lie {
    let mut forger = Forger::random(2);
    forger.plan.tables[0].builds[1].0 = G1::random(rng(5)).to_affine();
    forger.plan.entries[0] = forger.plan.tables[0].entries();
    forger.lie(
        "entry 3P is another point",
        &["copy.build"],
        forger.follow(),
    )
}

fn wrong_build_sign() -> Lie {
    let mut forger = Forger::random(2);
    forger.plan.tables[0].builds[3].1 = false;
    forger.plan.entries[0] = forger.plan.tables[0].entries();
    forger.lie("entry 7P is 3P", &["sign.build"], forger.follow())
}

fn table_of_another_point() -> Lie {
    let mut forger = Forger::random(2);
    let other = G1::random(rng(6)).to_affine();
    let table = &mut forger.plan.tables[0];
    table.base = other;
    let twice = -(G1::from(other) + other).to_affine();
    table.builds[2..]
        .iter_mut()
        .for_each(|build| build.0 = twice);
    forger.plan.entries[0] = table.entries();
    forger.lie("-2P is of another point", &["copy.base"], forger.follow())
}

// Tables whose later entries no digit uses: what is wrong with them shows nowhere else.

/// Goes on from block `first` with accumulator (x, y), on the curve or not, to the end of the table.
pub(super) fn walk(forger: &Forger, steps: &mut [Step], first: usize, [mut x, mut y]: [Fq; 2]) {
    let mut twice = None;
    let blocks = forger.layout.blocks.iter();
    for (step, block) in steps.iter_mut().zip(blocks).skip(first) {
        let kind = block.kind;
        step.x = Int::from(&x);
        if kind == Kind::Build {
            match twice {
                Some(target) if block.index > 1 => step.target = target,
                _ => {}
            }
            let [tx, ty] = step.target.map(to_fq);
            let ty = if step.negate { -ty } else { ty };
            let slope = (ty - y) * (tx - x).invert().unwrap();
            step.slope = Int::from(&slope);
            let next = slope.square() - x - tx;
            y = slope * (x - next) - y;
            x = next;
            continue;
        }
        step.slope = Int::from(&y);
        step.target = [step.x, step.slope];
        if kind == Kind::Pass {
            twice = Some(step.target);
        }
        if kind == Kind::LastEntry {
            return;
        }
        y = -y;
    }
}

/// The block that materialises -2P.
pub(super) fn twice_block(forger: &Forger) -> usize {
    forger.blocks(Kind::Pass)[1]
}

fn negated_double() -> Lie {
    let forger = Forger::first_entries_only();
    let mut steps = forger.steps();
    let at = twice_block(&forger);
    let [x, y] = steps[at].target.map(to_fq);
    walk(&forger, &mut steps, at, [x, -y]);
    forger.lie("y of -2P negated", &ORDINATE, forger.fill(&steps))
}

fn another_abscissa_after_pass() -> Lie {
    let forger = Forger::first_entries_only();
    let mut steps = forger.steps();
    let at = twice_block(&forger);
    let [x, y] = steps[at].target.map(to_fq);
    let next = Fq::from(77);
    // What `ordinate` makes of it.
    walk(&forger, &mut steps, at + 1, [next, y * (x - next) - y]);
    restore_twice(&forger, &mut steps, at);
    forger.lie("another x after -2P", &["pass.x"], forger.fill(&steps))
}

/// -2P itself is as it was.
fn restore_twice(forger: &Forger, steps: &mut [Step], at: usize) {
    let honest = forger.steps();
    steps[at] = honest[at];
}

fn wrong_tangent() -> Lie {
    let forger = Forger::first_entries_only();
    let mut steps = forger.steps();
    let double = twice_block(&forger) - 1;
    let x = to_fq(steps[double].x);
    let y = -to_fq(steps[double].target[1]);
    let slope = Fq::from(12345);
    steps[double].slope = Int::from(&slope);
    let next = slope.square() - x.double();
    walk(
        &forger,
        &mut steps,
        double + 1,
        [next, slope * (x - next) - y],
    );
    forger.lie("not the tangent", &RELATION, forger.fill(&steps))
}

fn doubling_with_another_point() -> Lie {
    let forger = Forger::first_entries_only();
    let mut steps = forger.steps();
    let double = twice_block(&forger) - 1;
    let x = to_fq(steps[double].x);
    let y = to_fq(steps[double].target[1]);
    let slope = to_fq(steps[double].slope);
    // Another point on the tangent.
    let other = Fq::from(99);
    let other_y = y - slope * (other - x);
    steps[double].target = [Int::from(&other), Int::from(&other_y)];
    let next = slope.square() - x - other;
    walk(
        &forger,
        &mut steps,
        double + 1,
        [next, slope * (other - next) + other_y],
    );
    forger.lie(
        "a double of P and another point",
        &["copy.double"],
        forger.fill(&steps),
    )
}

fn offered_point_is_another() -> Lie {
    let forger = Forger::first_entries_only();
    let mut steps = forger.steps();
    let at = forger.block(Kind::LastEntry);
    let next = to_fq(steps[at].x);
    let [tx, ty] = steps[at - 1].target.map(to_fq);
    let ty = if steps[at - 1].negate { -ty } else { ty };
    let left = ty - to_fq(steps[at - 1].slope) * (tx - next);
    // λ′ = y: λ(x_T − x′) + y(x − x′) = y_T + y
    let x = Fq::from(55);
    let y = left * (x - next - Fq::ONE).invert().unwrap();
    steps[at].target = [Int::from(&x), Int::from(&y)];
    steps[at].slope = Int::from(&y);
    forger.lie(
        "entry is another point",
        &["materialise.x"],
        forger.fill(&steps),
    )
}

fn open_y_is_another() -> Lie {
    let forger = Forger::first_entries_only();
    let mut steps = forger.steps();
    let at = forger.block(Kind::LastEntry);
    steps[at].slope = Int::small(5);
    forger.lie(
        "y in the open is not y",
        &["materialise.y"],
        forger.fill(&steps),
    )
}
