//! Multiplication put off to the end.

use super::{PointChip, Pool};
use halo2_base::{
    AssignedValue, Context,
    gates::{GateChip, GateInstructions},
    halo2_proofs::halo2curves::{
        bn256::{Fr, G1Affine},
        group::{Curve, prime::PrimeCurveAffine},
    },
};
use snark_verifier::{
    Error, loader::halo2::EccInstructions, system::halo2::transcript::halo2::NativeEncoding,
};
use std::ops::Deref;

/// `Σ scalar · point + Σ point + Σ scalar · constant + constant`, not evaluated.
#[derive(Clone, Debug)]
pub(crate) struct Combination<P> {
    scaled: Vec<(AssignedValue<Fr>, P)>,
    plain: Vec<P>,
    fixed: Vec<(AssignedValue<Fr>, G1Affine)>,
    constant: G1Affine,
}

impl<P: Clone> Combination<P> {
    fn zero() -> Self {
        Self {
            scaled: vec![],
            plain: vec![],
            fixed: vec![],
            constant: G1Affine::identity(),
        }
    }

    fn extend(&mut self, other: Self) {
        self.scaled.extend(other.scaled);
        self.plain.extend(other.plain);
        self.fixed.extend(other.fixed);
        self.constant = (self.constant + other.constant).to_affine();
    }

    /// `factor · self`: one multiplication of scalars an entry.
    pub(crate) fn scaled_by(
        self,
        ctx: &mut Context<Fr>,
        gate: &GateChip<Fr>,
        factor: AssignedValue<Fr>,
    ) -> Self {
        let scaled = self
            .scaled
            .into_iter()
            .map(|(s, p)| (gate.mul(ctx, s, factor), p))
            .collect::<Vec<_>>();
        let plain = self.plain.into_iter().map(|p| (factor, p));
        let mut fixed: Vec<_> = self
            .fixed
            .into_iter()
            .map(|(s, c)| (gate.mul(ctx, s, factor), c))
            .collect();
        if !bool::from(self.constant.is_identity()) {
            fixed.push((factor, self.constant));
        }
        Self {
            scaled: scaled.into_iter().chain(plain).collect(),
            plain: vec![],
            fixed,
            constant: G1Affine::identity(),
        }
    }

    /// Sums combinations that have been scaled, with one entry for each distinct constant.
    pub(crate) fn pairs<C: PointChip<Point = P>>(
        combinations: Vec<Self>,
        ctx: &mut Context<Fr>,
        chip: &C,
    ) -> Vec<(AssignedValue<Fr>, P)> {
        let mut pairs = vec![];
        let mut fixed: Vec<(G1Affine, Vec<AssignedValue<Fr>>)> = vec![];
        for combination in combinations {
            debug_assert!(combination.plain.is_empty(), "scale before pairing");
            pairs.extend(combination.scaled);
            for (scalar, constant) in combination.fixed {
                match fixed.iter_mut().find(|(c, _)| *c == constant) {
                    Some((_, scalars)) => scalars.push(scalar),
                    None => fixed.push((constant, vec![scalar])),
                }
            }
        }
        for (constant, scalars) in fixed {
            let scalar = chip.gate().sum(ctx, scalars);
            pairs.push((scalar, chip.assign_constant(ctx, constant)));
        }
        pairs
    }
}

/// A point as the loader sees it.
#[derive(Clone, Debug)]
pub(crate) enum DeferredPoint<P> {
    /// An assigned point.
    Plain(P),
    /// A result of multiplications, not evaluated.
    Sum(Combination<P>),
}

impl<P: Clone> DeferredPoint<P> {
    /// The assigned point; `None` for a result.
    pub(crate) fn plain(&self) -> Option<&P> {
        match self {
            Self::Plain(point) => Some(point),
            Self::Sum(_) => None,
        }
    }

    /// As a combination.
    pub(crate) fn combination(&self) -> Combination<P> {
        match self {
            Self::Plain(point) => Combination {
                plain: vec![point.clone()],
                ..Combination::zero()
            },
            Self::Sum(combination) => combination.clone(),
        }
    }
}

/// The chip under the loader: scalar arithmetic at once, curve arithmetic later.
#[derive(Clone, Debug)]
pub(crate) struct DeferredEcc<C> {
    chip: C,
}

impl<C: PointChip> DeferredEcc<C> {
    pub(crate) fn new(chip: C) -> Self {
        Self { chip }
    }

    pub(crate) fn chip(&self) -> &C {
        &self.chip
    }
}

impl<C: PointChip> EccInstructions<G1Affine> for DeferredEcc<C> {
    type Context = Pool;
    type ScalarChip = GateChip<Fr>;
    type AssignedCell = AssignedValue<Fr>;
    type AssignedScalar = AssignedValue<Fr>;
    type AssignedEcPoint = DeferredPoint<C::Point>;

    fn scalar_chip(&self) -> &GateChip<Fr> {
        self.chip.gate()
    }

    fn assign_constant(&self, pool: &mut Pool, point: G1Affine) -> Self::AssignedEcPoint {
        DeferredPoint::Plain(self.chip.assign_constant(pool.main(), point))
    }

    fn assign_point(&self, pool: &mut Pool, point: G1Affine) -> Self::AssignedEcPoint {
        DeferredPoint::Plain(self.chip.assign_point(pool.main(), point))
    }

    fn sum_with_const(
        &self,
        _: &mut Pool,
        values: &[impl Deref<Target = Self::AssignedEcPoint>],
        constant: G1Affine,
    ) -> Self::AssignedEcPoint {
        if let ([only], true) = (values, bool::from(constant.is_identity())) {
            return only.deref().clone();
        }
        let mut sum = Combination {
            constant,
            ..Combination::zero()
        };
        values
            .iter()
            .for_each(|v| sum.extend(v.deref().combination()));
        DeferredPoint::Sum(sum)
    }

    fn fixed_base_msm(
        &mut self,
        _: &mut Pool,
        pairs: &[(impl Deref<Target = AssignedValue<Fr>>, G1Affine)],
    ) -> Self::AssignedEcPoint {
        let fixed = pairs
            .iter()
            .map(|(scalar, point)| (**scalar, *point))
            .collect();
        DeferredPoint::Sum(Combination {
            fixed,
            ..Combination::zero()
        })
    }

    fn variable_base_msm(
        &mut self,
        pool: &mut Pool,
        pairs: &[(
            impl Deref<Target = AssignedValue<Fr>>,
            impl Deref<Target = Self::AssignedEcPoint>,
        )],
    ) -> Self::AssignedEcPoint {
        let mut sum = Combination::zero();
        for (scalar, point) in pairs {
            sum.extend(point.deref().combination().scaled_by(
                pool.main(),
                self.chip.gate(),
                **scalar,
            ));
        }
        DeferredPoint::Sum(sum)
    }

    /// The verifiers compare no points; a caller that starts to must decide what equality of sums is to mean.
    fn assert_equal(&self, _: &mut Pool, _: &Self::AssignedEcPoint, _: &Self::AssignedEcPoint) {
        unreachable!("no verifier here compares points")
    }
}

impl<C: PointChip> NativeEncoding<G1Affine> for DeferredEcc<C> {
    fn encode(
        &self,
        _: &mut Pool,
        point: &Self::AssignedEcPoint,
    ) -> Result<Vec<AssignedValue<Fr>>, Error> {
        let point = point
            .plain()
            .ok_or_else(|| Error::AssertionFailure("an unevaluated sum in a transcript".into()))?;
        Ok(self.chip.native_coordinates(point).to_vec())
    }
}
