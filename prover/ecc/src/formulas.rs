//! The three identities mod p that the chip checks, as functions of limbs: for gates, witnesses and bounds alike.
//!
//! A block's number slots: λ (a slope; in blocks that materialise a point its y; in `Curve` blocks helpers), x (the
//! accumulator's abscissa before the step), and two quotients. (x_T, ±y_T) is the point that the step adds. A prime marks
//! the next block.
//!
//! The accumulator's y is not written down in a chain. After a step it is `λ(x_T − x′) − ±y_T`, before the next one it is
//! `±y_T′ − λ′(x_T′ − x′)`; [`ordinate`] says that both are the same, which replaces the check of λ and that of y.

use crate::{
    integer::Int,
    limbs::{Check, HALF_BITS, Limbs, Ring},
};

/// `λ² − x − x_T − x′ = (q − 8)·p`: x′ is the abscissa of the sum, if λ is the slope.
pub(crate) fn abscissa<T: Ring>(slope: &Limbs<T>, [x, target, next]: [&Limbs<T>; 3]) -> Check<T> {
    slope
        .product(slope)
        .minus(x.alone())
        .minus(target.alone())
        .minus(next.alone())
}

/// What a block and the next one say about the ordinate between them: `λ·(x_T − x′) − ±y_T` of one of the two.
pub(crate) struct Side<T> {
    pub(crate) slope: Limbs<T>,
    pub(crate) target: Limbs<T>,
    /// +1 or −1.
    pub(crate) sign: T,
    pub(crate) y_lo: T,
    pub(crate) y_hi: T,
}

/// `λ(x_T − x′) + λ′(x_T′ − x′) − ±y_T − ±y_T′ = (q + 2^254·e − 2p − 8)·p`.
pub(crate) fn ordinate<T: Ring>(sides: [Side<T>; 2], between: &Limbs<T>) -> Check<T> {
    let [first, second] = sides.map(|side| {
        let lo = side.sign.clone() * side.y_lo;
        let hi = side.sign * side.y_hi;
        let y = Check {
            native: hi.clone().shl(HALF_BITS) + lo.clone(),
            lo,
            hi,
        };
        side.slope.product(&side.target.minus(between)).minus(y)
    });
    first.plus(second)
}

/// Which relation a block states, as factors that are 0 or 1.
#[derive(Clone, Debug)]
pub(crate) struct Relation<T> {
    pub(crate) tangent: T,
    pub(crate) square: T,
    pub(crate) curve: T,
}

impl<T: Ring> Relation<T> {
    /// 1 if there is one.
    pub(crate) fn any(&self) -> T {
        self.tangent.clone() + self.square.clone() + self.curve.clone()
    }

    /// 1 if its quotient can exceed 2^254.
    pub(crate) fn wide(&self) -> T {
        self.tangent.clone() + self.curve.clone()
    }

    /// The multiple of p that keeps the quotient positive: p + 8 for the curve's equation.
    pub(crate) fn offset(&self) -> Limbs<T> {
        Limbs::constant(relation_offset()).times(&self.curve)
    }
}

/// One formula for three relations:
/// tangent `3x² + 2λλ′`: λ = y, and λ′ is the slope of the tangent at (x, −y);
/// square  `x² − λ′`: λ′ = x² mod p;
/// curve   `x² − λλ′ − 3`: the slot x holds y, λ its x², λ′ its x.
pub(crate) fn relation<T: Ring>(
    which: &Relation<T>,
    x: &Limbs<T>,
    slope: &Limbs<T>,
    next_slope: &Limbs<T>,
) -> Check<T> {
    let squares = which.any() + which.tangent.clone().scaled(Int::small(2));
    let products = which.tangent.clone().scaled(Int::small(2)) - which.curve.clone();
    let three = which.curve.clone().scaled(Int::small(3));
    let mut check = x
        .product(x)
        .times(&squares)
        .plus(slope.product(next_slope).times(&products))
        .minus(next_slope.alone().times(&which.square));
    check.lo = check.lo - three.clone();
    check.native = check.native - three;
    check
}

/// Offset of the quotient of [`abscissa`].
pub(crate) fn abscissa_offset() -> Int {
    Int::small(8)
}

/// Offset of the quotient of [`ordinate`].
pub(crate) fn ordinate_offset() -> Int {
    Int::p() + Int::p() + Int::small(8)
}

/// Offset of the quotient of the curve's equation.
pub(crate) fn relation_offset() -> Int {
    Int::p() + Int::small(8)
}

/// `quotient − offset` times p.
pub(crate) fn multiple_of_p<T: Ring>(quotient: &Limbs<T>, offset: Int) -> Check<T> {
    quotient.minus(&Limbs::constant(offset)).times_p()
}
