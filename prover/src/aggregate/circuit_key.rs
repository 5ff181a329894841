//! What aggregations and folds have in common: a proving key with all that is needed to fill its circuit, made, written,
//! read and used in one way.

use super::{
    AggregateError, AggregationConfig, InnerProof, KeygenError,
    accumulator::Pair,
    assembly::{AggregationCircuit, CircuitParams},
    circuit::{self, Exposed, Witness},
    layout::Draft,
    proving::ProvingKey,
    slot::Slot,
};
use crate::srs::{
    Srs, SrsId, SrsSource, SrsStore,
    sealed::{Format, SealingWriter, open_sealed, write_sealed},
};
use halo2_base::{
    gates::{circuit::CircuitBuilderStage, flex_gate::MultiPhaseThreadBreakPoints},
    halo2_proofs::{
        halo2curves::bn256::{Fr, G1Affine},
        plonk::{Circuit, VerifyingKey, keygen_pk, keygen_vk},
        poly::commitment::ParamsProver,
        transcript::{EncodedChallenge, TranscriptWrite},
    },
};
use rand::{CryptoRng, RngCore, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use std::{
    io::{self, Read, Write},
    path::Path,
};

/// Proving key of a circuit that verifies proofs.
#[derive(Debug)]
pub(crate) struct CircuitKey {
    pub(crate) made: Made,
    key: ProvingKey,
}

/// The part of a key that is not halo2's.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Made {
    pub(crate) params: CircuitParams,
    break_points: MultiPhaseThreadBreakPoints,
    /// Advice cells; lookups.
    cells: (usize, usize),
}

/// Beginning of a key file, for people.
#[derive(Debug, Serialize, Deserialize)]
struct Header {
    k: usize,
    srs: String,
    meta_len: u64,
}

impl CircuitKey {
    /// Chooses the layout and makes the key. The string of the size that the layout needs is taken from `store`.
    pub(crate) fn keygen(
        store: &SrsStore,
        source: &SrsSource,
        slots: &[Slot],
        exposed: Exposed<'_>,
        config: &AggregationConfig,
    ) -> Result<(Self, Srs), KeygenError> {
        let draft = Draft {
            slots,
            exposed,
            config,
        };
        let (circuit, cells) = draft.lay_out()?;
        let params = circuit.params();
        tracing::info!(?params, ?cells, "circuit laid out");
        let srs = store.load(source, params.base.k as u32)?;
        for slot in slots {
            slot.check_srs(srs.id())?;
        }
        let vk = keygen_vk(&srs.params, &circuit).map_err(|e| halo2_error("verifying key", &e))?;
        let pk =
            keygen_pk(&srs.params, vk, &circuit).map_err(|e| halo2_error("proving key", &e))?;
        let key = ProvingKey::new(pk, params.wide.is_some())?;
        let made = Made {
            params,
            break_points: circuit.builder.break_points(),
            cells: (cells.advice, cells.lookups),
        };
        Ok((Self { made, key }, srs))
    }

    /// log2 of the rows.
    pub(crate) fn k(&self) -> u32 {
        self.made.params.base.k as u32
    }

    /// Gate columns; range-checked columns.
    pub(crate) fn columns(&self) -> (usize, usize) {
        let CircuitParams { base, wide } = &self.made.params;
        let lookups = base.num_lookup_advice_per_phase.iter().sum();
        (
            base.num_advice_per_phase.iter().sum(),
            wide.as_ref().map_or(lookups, |w| w.width.columns()),
        )
    }

    /// Advice cells and lookups in use.
    pub(crate) fn cells(&self) -> (usize, usize) {
        self.made.cells
    }

    /// Whether the string is the key's, in secret and size.
    pub(crate) fn check_srs(&self, key: SrsId, srs: &Srs) -> Result<(), AggregateError> {
        let given = srs.id();
        if key != given {
            return Err(AggregateError::SrsMismatch { key, given });
        }
        if srs.k() != self.k() {
            return Err(AggregateError::SrsSize {
                got: srs.k(),
                expected: self.k(),
            });
        }
        Ok(())
    }

    /// Fills the circuit. Nothing is checked.
    pub(crate) fn fill(
        &self,
        srs: &Srs,
        slots: &[Slot],
        proofs: &[InnerProof],
        blind: Pair,
        exposed: Exposed<'_>,
    ) -> Result<AggregationCircuit, AggregateError> {
        let witness = Witness {
            proofs,
            blind,
            exposed,
        };
        let stage = CircuitBuilderStage::Prover;
        let circuit = circuit::build(
            stage,
            &self.made.params,
            srs.params.get_g()[0],
            slots,
            witness,
        )?;
        Ok(circuit.use_break_points(self.made.break_points.clone()))
    }

    /// The verifying key.
    pub(crate) fn vk(&self) -> &VerifyingKey<G1Affine> {
        self.key.vk()
    }

    /// Proves a filled circuit into a transcript.
    pub(crate) fn create_proof<E, T>(
        &self,
        srs: &Srs,
        circuit: AggregationCircuit,
        words: &[Fr],
        transcript: &mut T,
        rng: impl RngCore + CryptoRng,
    ) -> Result<(), AggregateError>
    where
        E: EncodedChallenge<G1Affine>,
        T: TranscriptWrite<G1Affine, E>,
    {
        let rng = ChaCha20Rng::from_rng(rng).map_err(|e| halo2_error("randomness", &e))?;
        self.key.prove(srs, circuit, words, rng, transcript)
    }

    /// Writes the key with what belongs to it; nothing is left behind if that fails.
    pub(crate) fn write(
        &self,
        path: &Path,
        format: Format,
        beside: &impl Serialize,
        srs: String,
    ) -> Result<(), AggregateError> {
        let meta = bincode::serialize(&(beside, &self.made)).expect("plain data");
        let mut counter = Counter(0);
        self.write_key(&mut counter);
        let header = Header {
            k: self.made.params.base.k,
            srs,
            meta_len: meta.len() as u64,
        };
        let body = |w: &mut SealingWriter| {
            w.write_all(&meta).expect("the writer keeps its errors");
            self.write_key(w);
        };
        let length = meta.len() as u64 + counter.0;
        Ok(write_sealed(path, format, &header, length, body)?)
    }

    fn write_key(&self, writer: &mut impl Write) {
        let written = self.key.write(writer);
        written.expect("the writers keep their errors");
    }

    /// Reads a key, and what belongs to it, after length and checksum agree.
    pub(crate) fn read<B: DeserializeOwned>(
        path: &Path,
        format: Format,
    ) -> Result<(B, Self), AggregateError> {
        let mut file = open_sealed::<Header>(path, format)?;
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
        let (beside, made): (B, Made) =
            bincode::deserialize(&meta).map_err(|e| error(e.to_string()))?;
        let key = ProvingKey::read(&mut file.payload, &made.params);
        let key = key.map_err(|e| error(e.to_string()))?;
        Ok((beside, Self { made, key }))
    }
}

pub(super) fn halo2_error(stage: &'static str, error: &dyn std::fmt::Display) -> AggregateError {
    AggregateError::Halo2 {
        stage,
        reason: error.to_string(),
    }
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
