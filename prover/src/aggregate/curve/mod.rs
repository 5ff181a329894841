//! Curve arithmetic under snark-verifier's loader, in two parts.
//!
//! [`PointChip`] is what an elliptic-curve chip must offer: points on the curve with canonical coordinates, their
//! coordinates as native words and limbs, and ONE multi-scalar multiplication a side. `wide.rs` is ours
//! (`halocast-ecc`), `stock.rs` halo2-ecc's, the baseline.
//!
//! [`DeferredEcc`] (`deferred.rs`) is the chip that the loader sees. It never multiplies: `scalar · point` becomes an entry
//! of a [`Combination`]. So the verifiers of all proofs run to their end with scalar arithmetic only, and the aggregation
//! multiplies all their points at once, which saves the doublings of each separate multiplication.

mod deferred;
mod stock;
mod wide;

pub(crate) use deferred::{Combination, DeferredEcc, DeferredPoint};
pub(crate) use stock::StockChip;
pub(crate) use wide::{Job, WideChip};

use halo2_base::{
    AssignedValue, Context,
    gates::{GateChip, flex_gate::threads::SinglePhaseCoreManager},
    halo2_proofs::halo2curves::bn256::{Fr, G1Affine},
};
use std::fmt::Debug;

/// Virtual region that the chips write to.
pub(crate) type Pool = SinglePhaseCoreManager<Fr>;

/// What the aggregation asks of an elliptic-curve chip.
pub(crate) trait PointChip: Clone + Debug {
    /// A point of the curve, coordinates below the base field's modulus. A chip may put these checks off to the
    /// multiplication; then every point must be multiplied.
    type Point: Clone + Debug;

    /// Gate for scalar arithmetic.
    fn gate(&self) -> &GateChip<Fr>;
    /// A free point: constrained to the curve and to canonical coordinates, so that one point has one encoding in
    /// transcripts and in M.
    fn assign_point(&self, ctx: &mut Context<Fr>, point: G1Affine) -> Self::Point;
    /// A fixed point.
    fn assign_constant(&self, ctx: &mut Context<Fr>, point: G1Affine) -> Self::Point;
    /// Both coordinates mod r.
    fn native_coordinates(&self, point: &Self::Point) -> [AssignedValue<Fr>; 2];
    /// Limbs of 88 bits of x, then of y.
    fn limbs(&self, ctx: &mut Context<Fr>, point: &Self::Point) -> Vec<AssignedValue<Fr>>;
    /// `Σ scalar · point + addend` with scalars mod r.
    fn multi_scalar_multiply(
        &self,
        pool: &mut Pool,
        pairs: &[(AssignedValue<Fr>, Self::Point)],
        addend: &Self::Point,
    ) -> Self::Point;
}
