//! The quotient's numerator as snark-verifier serializes it. Its own type is not exported, so that nobody can match on it; its
//! serialized form is public through `PlonkProtocol`. The mirror below has the same variants in the same order (bincode numbers them);
//! the crate is pinned exactly, and a test compares the mirror's value with snark-verifier's own evaluation.

use crate::GenerateError;
use halo2_base::halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use serde::Deserialize;
use snark_verifier::{util::arithmetic::Rotation, verifier::plonk::PlonkProtocol};

/// A polynomial opened at `ω^rotation · z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
pub(crate) struct Query {
    /// Number of the polynomial: preprocessed, instance, witness, quotient.
    pub(crate) poly: usize,
    /// Power of the domain's generator.
    pub(crate) rotation: Rotation,
}

impl Query {
    pub(crate) fn new(poly: usize, rotation: i32) -> Self {
        let rotation = Rotation(rotation);
        Self { poly, rotation }
    }
}

/// Polynomials that every circuit has.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) enum CommonPolynomial {
    /// X.
    Identity,
    /// 1 in one row, 0 in all others; negative rows count from the end.
    Lagrange(i32),
}

/// What a constraint is made of.
#[derive(Clone, Debug, Deserialize)]
pub(crate) enum Expression {
    Constant(Fr),
    CommonPolynomial(CommonPolynomial),
    Polynomial(Query),
    Challenge(usize),
    Negated(Box<Expression>),
    Sum(Box<Expression>, Box<Expression>),
    Product(Box<Expression>, Box<Expression>),
    Scaled(Box<Expression>, Fr),
    /// Horner's rule: `((e_0 · s + e_1) · s + …)`.
    DistributePowers(Vec<Expression>, Box<Expression>),
}

impl Expression {
    /// The numerator of a key.
    pub(crate) fn numerator(protocol: &PlonkProtocol<G1Affine>) -> Result<Self, GenerateError> {
        let foreign = |e: bincode::Error| {
            GenerateError::UnsupportedKey(format!("the numerator does not read: {e}"))
        };
        let bytes = bincode::serialize(&protocol.quotient.numerator).map_err(foreign)?;
        bincode::deserialize(&bytes).map_err(foreign)
    }

    /// Calls `f` on this expression and all it contains.
    pub(crate) fn visit(&self, f: &mut impl FnMut(&Self)) {
        f(self);
        match self {
            Self::Negated(a) | Self::Scaled(a, _) => a.visit(f),
            Self::Sum(a, b) | Self::Product(a, b) => {
                a.visit(f);
                b.visit(f);
            }
            Self::DistributePowers(all, base) => {
                all.iter().for_each(|e| e.visit(f));
                base.visit(f);
            }
            Self::Constant(_)
            | Self::CommonPolynomial(_)
            | Self::Polynomial(_)
            | Self::Challenge(_) => {}
        }
    }
}
