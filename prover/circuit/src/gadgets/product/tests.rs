//! When weights are packed, at the edge of the bound, and what would happen beyond it.

use super::*;
use crate::gadgets::hint;
use crate::layout::Layout;
use crate::tests::checker::{Refusal, check};
use halocast_ir::{Program, Task};

/// Rounding and coding of the result, as `packs` counts them.
const CONSTANT: i64 = (ACT_OFFSET + 1) << NARROW_SHIFT;
/// What a product may be without them.
const ROOM: i64 = (1 << 40) - CONSTANT;

fn matrix(rows: usize, data: &[i32]) -> Matrix {
    let cols = data.len() / rows;
    let data = data.to_vec();
    Matrix { rows, cols, data }
}

fn rescale(mul: i64) -> Rescale {
    let bits = ClampBits::Act;
    Rescale { mul, bits }
}

/// Σ|w| over a column, of both signs and in the last of the columns.
#[test]
fn weights_may_fill_the_bound_exactly() {
    let sum = ROOM / ACT_OFFSET;
    assert_eq!(sum * ACT_OFFSET, ROOM);
    let (most, rest) = (sum as i32 - 10, 10);
    let bias = |last| Some([0, last]);
    let fits = |w: [i32; 4], last: i64| {
        packs(
            &matrix(2, &w),
            bias(last).as_ref().map(|b| &b[..]),
            rescale(1),
        )
    };
    for (up, down) in [(most, -rest), (-most, rest), (most, rest)] {
        assert!(fits([1, up, 2, down], 0), "2^40");
        assert!(!fits([1, up, 2, down], 1), "2^40 + 1");
        assert!(!fits([1, up + up.signum(), 2, down], 0), "one weight more");
    }
}

#[test]
fn a_bias_may_fill_the_bound_exactly() {
    let fits = |bias: [i64; 2]| packs(&matrix(1, &[0, 0]), Some(&bias), rescale(1));
    assert!(fits([0, ROOM]) && fits([-ROOM, 0]));
    assert!(!fits([0, ROOM + 1]) && !fits([-ROOM - 1, 0]));
}

#[test]
fn a_multiplier_may_fill_the_bound_exactly() {
    let fits = |mul| packs(&matrix(1, &[0, 0]), Some(&[1, -1]), rescale(mul));
    assert!(fits(ROOM) && fits(-ROOM));
    assert!(!fits(ROOM + 1) && !fits(-ROOM - 1));
    // Times a weight: 2^15·w·mul.
    let fits = |mul| packs(&matrix(1, &[3]), None, rescale(mul));
    let most = ROOM / (3 * ACT_OFFSET);
    assert!(fits(most) && !fits(most + 1) && fits(-most) && !fits(-most - 1));
}

/// The rows of a product of x = 2^14 with six weights in one cell, whatever `packs` says, for these accumulators.
fn packed_product(
    weights: &Matrix,
    acc: &[i64],
) -> Result<Result<(), Refusal>, crate::CircuitError> {
    let mut b = Builder::new(true);
    let x = hint(&mut b, &[1 << 14]);
    let zero = b.constant_wire(0).cell;
    results(&mut b, acc, [weights.cols, GROUP], None, rescale(1))?;
    operand_rows(&mut b, &x, weights, GROUP, zero);
    let program = Program {
        tensors: vec![],
        tables: vec![],
        ops: vec![],
        inputs: vec![],
        hints: vec![],
        outputs: vec![],
        task: Task::Infer,
    };
    let layout = Layout::new(b, &program, "control", 17)?;
    Ok(check(&layout, [Fr::ZERO; 2]))
}

/// Beyond the bound a borrow goes through: the fifth result takes 2^41 away, the fourth has one more. So the bound is
/// what stops it, and the check would see it if something else did.
#[test]
fn beyond_the_bound_results_borrow() {
    let weights = matrix(1, &[1, 2, 3, 4, 1 << 27, 6]);
    assert!(!packs(&weights, None, rescale(1)));
    let honest: Vec<i64> = weights.data.iter().map(|&w| i64::from(w) << 14).collect();
    assert!(
        packed_product(&weights, &honest).is_err(),
        "too large to rescale"
    );
    let mut lie = honest.clone();
    lie[4] -= 1 << 41;
    let name = "MulEnd".to_owned();
    assert!(
        matches!(packed_product(&weights, &lie).unwrap(), Err(Refusal::Gate { name: n, .. }) if n == name)
    );
    lie[3] += 1;
    assert_eq!(packed_product(&weights, &lie).unwrap(), Ok(()));
}
