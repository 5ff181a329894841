//! halo2-ecc's chip behind the seam: the baseline that ours is measured against.

use super::{PointChip, Pool};
use halo2_base::{
    AssignedValue, Context,
    gates::{GateChip, RangeInstructions},
    halo2_proofs::halo2curves::{
        bn256::{Fr, G1Affine},
        ff::PrimeField,
    },
};
use snark_verifier::loader::halo2::halo2_ecc::{
    bigint::ProperCrtUint,
    bn254::FpChip,
    ecc::{BaseFieldEccChip, EcPoint},
    fields::FieldChip,
};

/// halo2-ecc's chip: about 104,000 cells a point.
#[derive(Clone, Debug)]
pub(crate) struct StockChip<'a>(BaseFieldEccChip<'a, G1Affine>);

impl<'a> StockChip<'a> {
    pub(crate) fn new(field: &'a FpChip<'a, Fr>) -> Self {
        Self(BaseFieldEccChip::<G1Affine>::new(field))
    }
}

impl PointChip for StockChip<'_> {
    type Point = EcPoint<Fr, ProperCrtUint<Fr>>;

    fn gate(&self) -> &GateChip<Fr> {
        self.0.field_chip().range().gate()
    }

    fn assign_point(&self, ctx: &mut Context<Fr>, point: G1Affine) -> Self::Point {
        let assigned = self.0.assign_point::<G1Affine>(ctx, point);
        for coordinate in [assigned.x(), assigned.y()] {
            self.0
                .field_chip()
                .enforce_less_than_p(ctx, coordinate.clone());
        }
        assigned
    }

    fn assign_constant(&self, ctx: &mut Context<Fr>, point: G1Affine) -> Self::Point {
        self.0.assign_constant_point::<G1Affine>(ctx, point)
    }

    fn native_coordinates(&self, point: &Self::Point) -> [AssignedValue<Fr>; 2] {
        [*point.x().native(), *point.y().native()]
    }

    fn limbs(&self, _: &mut Context<Fr>, point: &Self::Point) -> Vec<AssignedValue<Fr>> {
        [point.x().limbs(), point.y().limbs()].concat()
    }

    fn multi_scalar_multiply(
        &self,
        pool: &mut Pool,
        pairs: &[(AssignedValue<Fr>, Self::Point)],
        addend: &Self::Point,
    ) -> Self::Point {
        let (scalars, points): (Vec<_>, Vec<_>) =
            pairs.iter().map(|(s, p)| (vec![*s], p.clone())).unzip();
        let bits = Fr::NUM_BITS as usize;
        let product = self
            .0
            .variable_base_msm::<G1Affine>(pool, &points, scalars, bits);
        let terms = [product, addend.clone()];
        self.0.sum::<G1Affine>(pool.main(), terms)
    }
}
