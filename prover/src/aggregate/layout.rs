//! Choice of the layout of a circuit: it is built with stand-ins to count its cells, and again as it will be.

use super::{
    AggregateError, AggregationConfig, CurveChip,
    assembly::{AggregationCircuit, CircuitParams},
    circuit::{self, Exposed, Witness},
    dummy,
    plan::{self, BLINDING_ROWS, Cells, WIDE_BLINDING_ROWS},
    shape::msm_points,
    slot::Slot,
};
use halo2_base::{
    gates::circuit::{BaseCircuitParams, CircuitBuilderStage, builder::BaseCircuitBuilder},
    halo2_proofs::halo2curves::bn256::{Fr, G1Affine},
};
use halocast_ecc::{EccParams, Width};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;

/// A circuit to be laid out.
pub(crate) struct Draft<'a> {
    pub(crate) slots: &'a [Slot],
    /// Words of the right number; their values are not used.
    pub(crate) exposed: Exposed<'a>,
    pub(crate) config: &'a AggregationConfig,
}

impl Draft<'_> {
    /// The circuit without a witness, ready for key generation, and its cells.
    pub(crate) fn lay_out(&self) -> Result<(AggregationCircuit, Cells), AggregateError> {
        match self.config.chip {
            CurveChip::Wide => self.lay_out_wide(),
            CurveChip::Stock => self.lay_out_stock(),
        }
    }

    /// With our chip the sizes of the multiplications and the number of other cells follow from the shape alone: the circuit is
    /// built once to count them, and once as it will be.
    fn lay_out_wide(&self) -> Result<(AggregationCircuit, Cells), AggregateError> {
        let any = EccParams {
            width: Width::W40,
            k: COUNTING_K,
            jobs: vec![],
        };
        let mut counted = self.build(&plan::wide_params(any, 1))?;
        let cells = count(&counted.builder);
        // halo2-base warns of constraints that are dropped.
        counted.builder.clear();
        let params = plan::choose_wide(&counted.jobs(), cells.advice, self.config)?;
        let mut circuit = self.build(&params)?;
        circuit.builder.calculate_params(Some(WIDE_BLINDING_ROWS));
        Ok((circuit, cells))
    }

    /// Builds the circuit with stand-ins at the k that the estimate suggests; again if the true size suggests another.
    fn lay_out_stock(&self) -> Result<(AggregationCircuit, Cells), AggregateError> {
        let (instances, config) = (self.words(), self.config);
        let guess = plan::choose(plan::estimate(msm_points(self.slots)), instances, config);
        let mut k = guess.map_or(config.max_k, |plan| plan.k);
        let mut last = None;
        loop {
            let params = CircuitParams {
                base: stand_in_params(k),
                wide: None,
            };
            let mut circuit = self.build(&params)?;
            let cells = count(&circuit.builder);
            let plan = plan::choose(cells, instances, config)?;
            // the table of 2^(k−1) values must fit the domain; a larger domain works with a smaller table
            if plan.k == k || last == Some(plan.k) && plan.k > k {
                circuit.builder.set_k(plan.k as usize);
                circuit.builder.calculate_params(Some(BLINDING_ROWS));
                return Ok((circuit, cells));
            }
            last = Some(k);
            k = plan.k;
        }
    }

    fn build(&self, params: &CircuitParams) -> Result<AggregationCircuit, AggregateError> {
        let mut rng = ChaCha20Rng::seed_from_u64(0);
        let proofs: Vec<_> = self
            .slots
            .iter()
            .map(|slot| dummy::proof(slot, &mut rng))
            .collect();
        let witness = Witness {
            proofs: &proofs,
            blind: dummy::pair(&mut rng),
            exposed: self.exposed.clone(),
        };
        let g = G1Affine::generator();
        let stage = CircuitBuilderStage::Keygen;
        Ok(circuit::build(stage, params, g, self.slots, witness)?)
    }

    /// Public words.
    fn words(&self) -> usize {
        let words = match &self.exposed {
            Exposed::Items => 1,
            Exposed::Statements(all) => all.iter().map(|(_, words)| words.count()).sum(),
        };
        super::ACCUMULATOR_WORDS + words
    }
}

/// A domain that is never filled.
const COUNTING_K: u32 = 26;

fn count(builder: &BaseCircuitBuilder<Fr>) -> Cells {
    let statistics = builder.statistics();
    Cells {
        advice: statistics.gate.total_advice_per_phase.iter().sum(),
        lookups: statistics.total_lookup_advice_per_phase.iter().sum(),
    }
}

pub(crate) fn stand_in_params(k: u32) -> BaseCircuitParams {
    BaseCircuitParams {
        k: k as usize,
        lookup_bits: Some(k as usize - 1),
        num_instance_columns: 1,
        ..Default::default()
    }
}
