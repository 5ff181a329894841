//! Key generation and the key on disk.

use super::{
    AggregateError, AggregationConfig, AggregationShape, AggregationVk, CurveChip, InputVisibility,
    Openings,
    assembly::{AggregationCircuit, CircuitParams},
    circuit::{self, Blind, Witness},
    dummy,
    plan::{self, BLINDING_ROWS, Cells, WIDE_BLINDING_ROWS},
};
use crate::srs::{
    Srs, SrsError, SrsSource, SrsStore,
    sealed::{Format, SealingWriter, open_sealed, write_sealed},
};
use halo2_base::{
    gates::{
        circuit::{BaseCircuitParams, CircuitBuilderStage, builder::BaseCircuitBuilder},
        flex_gate::MultiPhaseThreadBreakPoints,
    },
    halo2_proofs::{
        SerdeFormat,
        halo2curves::{
            bn256::{Fr, G1Affine},
            ff::Field,
        },
        plonk::{Circuit, ProvingKey, keygen_pk, keygen_vk},
        poly::commitment::ParamsProver,
    },
};
use halocast_ecc::{EccParams, Width};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize};
use snark_verifier_sdk::Snark;
use std::{
    io::{self, Read, Write},
    path::Path,
};

const FORMAT: Format = Format {
    kind: "aggregation-key",
    version: 2,
};

/// Proving key of an aggregation, with all that is needed to fill its circuit again.
#[derive(Debug)]
pub struct AggregationKey {
    pub(crate) meta: Meta,
    pub(crate) pk: ProvingKey<G1Affine>,
}

/// The part of a key that is not halo2's.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Meta {
    pub(crate) shape: AggregationShape,
    pub(crate) params: CircuitParams,
    pub(crate) break_points: MultiPhaseThreadBreakPoints,
    pub(crate) vk: AggregationVk,
    pub(crate) cells: (usize, usize),
}

/// Beginning of a key file, for people.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    segments: usize,
    k: usize,
    vk_digest: String,
    srs: String,
    meta_len: u64,
}

impl AggregationKey {
    /// Chooses the layout and makes the key. Strings of the size that the layout needs are taken from `store`.
    pub fn keygen(
        store: &SrsStore,
        source: &SrsSource,
        shape: AggregationShape,
        config: &AggregationConfig,
    ) -> Result<Self, KeygenError> {
        let g = halo2_base::halo2_proofs::halo2curves::group::prime::PrimeCurveAffine::generator();
        let (circuit, cells) = match config.chip {
            CurveChip::Wide => lay_out_wide(&shape, g, config)?,
            CurveChip::Stock => lay_out_stock(&shape, g, config)?,
        };
        let params = circuit.params();
        tracing::info!(?params, ?cells, "aggregation circuit laid out");
        let srs = store.load(source, params.base.k as u32)?;
        let halo2 = |stage| {
            move |e: halo2_base::halo2_proofs::plonk::Error| AggregateError::Halo2 {
                stage,
                reason: e.to_string(),
            }
        };
        let vk = keygen_vk(&srs.params, &circuit).map_err(halo2("verifying key"))?;
        let pk = keygen_pk(&srs.params, vk, &circuit).map_err(halo2("proving key"))?;
        let break_points = circuit.builder.break_points();
        let vk = AggregationVk::new(&srs, pk.get_vk(), &shape);
        let meta = Meta {
            shape,
            params,
            break_points,
            vk,
            cells: (cells.advice, cells.lookups),
        };
        Ok(Self { meta, pk })
    }

    /// What the key is for.
    pub fn shape(&self) -> &AggregationShape {
        &self.meta.shape
    }

    /// Key of the verifier.
    pub fn vk(&self) -> &AggregationVk {
        &self.meta.vk
    }

    /// log2 of the rows; the size of the reference string that proving needs.
    pub fn k(&self) -> u32 {
        self.meta.params.base.k as u32
    }

    /// Gate columns; range-checked columns.
    pub fn columns(&self) -> (usize, usize) {
        let CircuitParams { base, wide } = &self.meta.params;
        let lookups = base.num_lookup_advice_per_phase.iter().sum();
        (
            base.num_advice_per_phase.iter().sum(),
            wide.as_ref().map_or(lookups, |w| w.width.columns()),
        )
    }

    /// Advice cells and lookup cells in use.
    pub fn cells(&self) -> (usize, usize) {
        self.meta.cells
    }

    /// Writes the key; nothing is left behind if that fails.
    pub fn write(&self, path: &Path) -> Result<(), AggregateError> {
        let meta = bincode::serialize(&self.meta).expect("a key's description is plain data");
        let mut counter = Counter(0);
        self.write_pk(&mut counter);
        let header = Header {
            segments: self.meta.shape.segments(),
            k: self.meta.params.base.k,
            vk_digest: hex::encode(self.meta.vk.digest()),
            srs: self.meta.vk.srs_origin().to_string(),
            meta_len: meta.len() as u64,
        };
        let body = |w: &mut SealingWriter| {
            w.write_all(&meta).expect("the writer keeps its errors");
            self.write_pk(w);
        };
        Ok(write_sealed(
            path,
            FORMAT,
            &header,
            meta.len() as u64 + counter.0,
            body,
        )?)
    }

    /// halo2's writer panics on an error; both writers here never return one.
    fn write_pk(&self, writer: &mut impl Write) {
        self.pk
            .write(writer, SerdeFormat::RawBytesUnchecked)
            .expect("the writer keeps its errors");
    }

    /// Reads a key after length and checksum agree.
    pub fn read(path: &Path) -> Result<Self, AggregateError> {
        let mut file = open_sealed::<Header>(path, FORMAT)?;
        let error = |reason: String| AggregateError::KeyFile {
            path: path.to_owned(),
            reason,
        };
        if file.header.meta_len > file.payload_len {
            return Err(error("the description is longer than the file".to_owned()));
        }
        let mut meta = vec![0u8; file.header.meta_len as usize];
        file.payload
            .read_exact(&mut meta)
            .map_err(|e| error(e.to_string()))?;
        let meta: Meta = bincode::deserialize(&meta).map_err(|e| error(e.to_string()))?;
        let pk = ProvingKey::read::<_, AggregationCircuit>(
            &mut file.payload,
            SerdeFormat::RawBytesUnchecked,
            meta.params.clone(),
        )
        .map_err(|e| error(e.to_string()))?;
        Ok(Self { meta, pk })
    }
}

/// Key generation needs a string, so it can fail for either reason.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeygenError {
    /// The circuit.
    #[error(transparent)]
    Aggregate(#[from] AggregateError),
    /// The string.
    #[error(transparent)]
    Srs(#[from] SrsError),
}

/// Counts bytes.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0 += buf.len() as u64;
        Ok(buf.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// With our chip the sizes of the multiplications and the number of other cells follow from the shape alone: the circuit is
/// built once to count them, and once as it will be.
fn lay_out_wide(
    shape: &AggregationShape,
    g: G1Affine,
    config: &AggregationConfig,
) -> Result<(AggregationCircuit, Cells), AggregateError> {
    let any = EccParams {
        width: Width::W40,
        k: COUNTING_K,
        jobs: vec![],
    };
    let mut counted = build_stand_in(shape, g, &plan::wide_params(any, 1))?;
    let cells = count(&counted.builder);
    // halo2-base warns of constraints that are dropped.
    counted.builder.clear();
    let params = plan::choose_wide(&counted.jobs(), cells.advice, config)?;
    let mut circuit = build_stand_in(shape, g, &params)?;
    circuit.builder.calculate_params(Some(WIDE_BLINDING_ROWS));
    Ok((circuit, cells))
}

/// A domain that is never filled.
const COUNTING_K: u32 = 26;

/// Builds the circuit with stand-ins at the k that the estimate suggests; again if the true size suggests another.
fn lay_out_stock(
    shape: &AggregationShape,
    g: G1Affine,
    config: &AggregationConfig,
) -> Result<(AggregationCircuit, Cells), AggregateError> {
    let instances = shape.layout().total();
    let guess = plan::choose(plan::estimate(shape.msm_points()), instances, config);
    let mut k = guess.map_or(config.max_k, |plan| plan.k);
    let mut last = None;
    loop {
        let params = CircuitParams {
            base: stand_in_params(k),
            wide: None,
        };
        let mut circuit = build_stand_in(shape, g, &params)?;
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

fn count(builder: &BaseCircuitBuilder<Fr>) -> Cells {
    let statistics = builder.statistics();
    Cells {
        advice: statistics.gate.total_advice_per_phase.iter().sum(),
        lookups: statistics.total_lookup_advice_per_phase.iter().sum(),
    }
}

fn build_stand_in(
    shape: &AggregationShape,
    g: G1Affine,
    params: &CircuitParams,
) -> Result<AggregationCircuit, AggregateError> {
    let mut rng = ChaCha20Rng::seed_from_u64(0);
    let snarks: Vec<Snark> = shape
        .slots()
        .iter()
        .map(|slot| dummy::snark(slot, &mut rng))
        .collect();
    let blind = Blind {
        lhs: dummy::point(&mut rng),
        rhs: dummy::point(&mut rng),
    };
    let layout = shape.layout();
    let inputs = if shape.visibility() == InputVisibility::Public {
        layout.input_words
    } else {
        0
    };
    let openings = Openings {
        salt_in: Fr::ZERO,
        inputs: vec![Fr::ZERO; inputs],
        salt_out: Fr::ZERO,
        outputs: vec![Fr::ZERO; layout.output_words],
    };
    let witness = Witness {
        snarks: &snarks,
        blind,
        openings: &openings,
        model_salt: Fr::ZERO,
        context: Fr::ZERO,
    };
    let circuit = circuit::build(CircuitBuilderStage::Keygen, params, g, shape, witness)?;
    Ok(circuit)
}

pub(crate) fn stand_in_params(k: u32) -> BaseCircuitParams {
    BaseCircuitParams {
        k: k as usize,
        lookup_bits: Some(k as usize - 1),
        num_instance_columns: 1,
        ..Default::default()
    }
}

/// The generator that the in-circuit verifiers use must be the string's.
pub(crate) fn generator(srs: &Srs) -> G1Affine {
    srs.params.get_g()[0]
}
