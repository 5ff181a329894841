//! A circuit with the interface of a layer proof: two challenge phases, weights in fixed columns, public words in/out.

use crate::{aggregate::Snark, srs::Srs};
use halo2_base::halo2_proofs::{
    circuit::{Layouter, SimpleFloorPlanner, Value},
    halo2curves::{bn256::Fr, ff::Field},
    plonk::{
        Advice, Challenge, Circuit, Column, ConstraintSystem, Error, Expression, FirstPhase, Fixed,
        Instance, SecondPhase, keygen_pk, keygen_vk,
    },
    poly::Rotation,
};
use snark_verifier_sdk::{CircuitExt, halo2::gen_snark_shplonk};

/// Columns: phase-0 advice (two of them public), phase-1 advice, weights; and the power in the gates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size {
    pub(crate) k: u32,
    pub(crate) first: usize,
    pub(crate) second: usize,
    pub(crate) weights: usize,
    pub(crate) degree: usize,
}

impl Size {
    /// As small as the interface allows.
    pub(crate) const TINY: Self = Self {
        k: 6,
        first: 2,
        second: 1,
        weights: 1,
        degree: 3,
    };
    /// The columns of the real layer circuit.
    pub(crate) const LAYER: Self = Self {
        k: 8,
        first: 6,
        second: 5,
        weights: 12,
        degree: 5,
    };
}

#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) size: Size,
    pub(crate) seed: u64,
    pub(crate) boundary: [Fr; 2],
}

#[derive(Clone, Debug)]
pub(crate) struct Config {
    first: Vec<Column<Advice>>,
    second: Vec<Column<Advice>>,
    weights: Vec<Column<Fixed>>,
    q: Column<Fixed>,
    io: Column<Instance>,
    r: Challenge,
}

impl Circuit<Fr> for Layer {
    type Config = Config;
    type FloorPlanner = SimpleFloorPlanner;
    type Params = (usize, usize, usize, usize);

    fn params(&self) -> Self::Params {
        let Size {
            first,
            second,
            weights,
            degree,
            ..
        } = self.size;
        (first, second, weights, degree)
    }

    fn without_witnesses(&self) -> Self {
        self.clone()
    }

    fn configure(_: &mut ConstraintSystem<Fr>) -> Config {
        unreachable!("configured with parameters")
    }

    /// q·(b_j − r·a_0^(degree−2)·…) = 0 for each second-phase column, q·(a_1' …) over all weights.
    fn configure_with_params(
        meta: &mut ConstraintSystem<Fr>,
        (first, second, weights, degree): Self::Params,
    ) -> Config {
        let first: Vec<_> = (0..first)
            .map(|_| meta.advice_column_in(FirstPhase))
            .collect();
        let r = meta.challenge_usable_after(FirstPhase);
        let second: Vec<_> = (0..second)
            .map(|_| meta.advice_column_in(SecondPhase))
            .collect();
        let weights: Vec<_> = (0..weights).map(|_| meta.fixed_column()).collect();
        let q = meta.fixed_column();
        let io = meta.instance_column();
        first[..2].iter().for_each(|c| meta.enable_equality(*c));
        meta.enable_equality(io);
        for (j, b) in second.iter().enumerate() {
            meta.create_gate("product", |meta| {
                let q = meta.query_fixed(q, Rotation::cur());
                let b = meta.query_advice(*b, Rotation::cur());
                let a = meta.query_advice(first[j % first.len()], Rotation::cur());
                let r = meta.query_challenge(r);
                let power = (0..degree - 1)
                    .map(|_| a.clone())
                    .reduce(|x, y| x * y)
                    .expect("degree > 1");
                vec![q * (b - r * power)]
            });
        }
        meta.create_gate("weights", |meta| {
            let q = meta.query_fixed(q, Rotation::cur());
            let a = meta.query_advice(first[0], Rotation::cur());
            let next = meta.query_advice(first[first.len() - 1], Rotation::next());
            let sum = weights
                .iter()
                .map(|w| meta.query_fixed(*w, Rotation::cur()))
                .reduce(|x: Expression<Fr>, y| x + y)
                .expect("a weight");
            vec![q * (next - a * sum)]
        });
        Config {
            first,
            second,
            weights,
            q,
            io,
            r,
        }
    }

    fn synthesize(&self, config: Config, mut layouter: impl Layouter<Fr>) -> Result<(), Error> {
        let weights: Vec<Fr> = (0..config.weights.len())
            .map(|j| Fr::from(self.seed * 100 + j as u64 + 1))
            .collect();
        let total: Fr = weights.iter().sum();
        let n = config.first.len();
        // row 0 holds the two public words in the first two columns, the gate looks from there at row 1
        let mut rows = [vec![Fr::from(5); n], vec![Fr::from(9); n]];
        rows[0][..2].copy_from_slice(&self.boundary);
        rows[1][n - 1] = self.boundary[0] * total;
        let cells = layouter.assign_region(
            || "layer",
            |mut region| {
                let mut cells = vec![];
                for (row, values) in rows.iter().enumerate() {
                    for (column, value) in config.first.iter().zip(values) {
                        cells.push(
                            region
                                .assign_advice(*column, row, Value::known(*value))
                                .cell(),
                        );
                    }
                }
                for (column, weight) in config.weights.iter().zip(&weights) {
                    region.assign_fixed(*column, 0, *weight);
                }
                region.assign_fixed(config.q, 0, Fr::ONE);
                region.next_phase();
                let r = region.get_challenge(config.r);
                for (j, column) in config.second.iter().enumerate() {
                    let power = rows[0][j % n].pow([self.size.degree as u64 - 1]);
                    region.assign_advice(*column, 0, r.map(|r| r * power));
                }
                Ok(cells)
            },
        )?;
        layouter.constrain_instance(cells[0], config.io, 0);
        layouter.constrain_instance(cells[1], config.io, 1);
        Ok(())
    }
}

impl CircuitExt<Fr> for Layer {
    fn num_instance(&self) -> Vec<usize> {
        vec![2]
    }

    fn instances(&self) -> Vec<Vec<Fr>> {
        vec![self.boundary.to_vec()]
    }
}

/// Proves one layer.
pub(crate) fn prove(size: Size, seed: u64, boundary: [Fr; 2]) -> Snark {
    let srs = Srs::insecure_development(size.k);
    let layer = Layer {
        size,
        seed,
        boundary,
    };
    let vk = keygen_vk(&srs.params, &layer).unwrap();
    let pk = keygen_pk(&srs.params, vk, &layer).unwrap();
    gen_snark_shplonk(&srs.params, &pk, layer, None::<&str>)
}
