//! The key that proves a circuit, and the prover that takes it: ours, or, for the baseline circuit with its halo2 lookups, halo2's.

use super::{
    AggregateError,
    assembly::{AggregationCircuit, CircuitParams},
    circuit_key::halo2_error,
};
use crate::srs::Srs;
use halo2_base::halo2_proofs::{
    SerdeFormat,
    halo2curves::bn256::{Fr, G1Affine},
    plonk::{self, VerifyingKey, create_proof},
    poly::kzg::{commitment::KZGCommitmentScheme, multiopen::ProverSHPLONK},
    transcript::{EncodedChallenge, TranscriptWrite},
};
use halocast_plonk::{Key, Synthesis};
use rand::{CryptoRng, RngCore};
use std::io::{self, Read, Write};

/// A proving key.
#[derive(Debug)]
pub(crate) enum ProvingKey {
    Ours(Box<Key>),
    Halo2(Box<plonk::ProvingKey<G1Affine>>),
}

impl ProvingKey {
    /// For our prover, or for halo2's.
    pub(crate) fn new(
        key: plonk::ProvingKey<G1Affine>,
        ours: bool,
    ) -> Result<Self, AggregateError> {
        if !ours {
            return Ok(ProvingKey::Halo2(Box::new(key)));
        }
        let key = Key::of_halo2(&key).map_err(|e| halo2_error("proving key", &e))?;
        Ok(ProvingKey::Ours(Box::new(key)))
    }

    pub(crate) fn vk(&self) -> &VerifyingKey<G1Affine> {
        match self {
            ProvingKey::Ours(key) => key.vk(),
            ProvingKey::Halo2(key) => key.get_vk(),
        }
    }

    pub(crate) fn prove<E, T>(
        &self,
        srs: &Srs,
        circuit: AggregationCircuit,
        words: &[Fr],
        rng: impl RngCore + CryptoRng,
        transcript: &mut T,
    ) -> Result<(), AggregateError>
    where
        E: EncodedChallenge<G1Affine>,
        T: TranscriptWrite<G1Affine, E>,
    {
        let params = &srs.params;
        match self {
            ProvingKey::Ours(key) => {
                let mut witness = Synthesis {
                    circuit: &circuit,
                    instance: words,
                };
                let proven =
                    halocast_plonk::create_proof(params, key, words, &mut witness, rng, transcript);
                proven.map_err(|e| halo2_error("proof", &e))
            }
            ProvingKey::Halo2(key) => {
                let words: &[&[Fr]] = &[words];
                create_proof::<KZGCommitmentScheme<_>, ProverSHPLONK<'_, _>, _, _, _, _>(
                    params,
                    key,
                    &[circuit],
                    &[words],
                    rng,
                    transcript,
                )
                .map_err(|e| halo2_error("proof", &e))
            }
        }
    }

    /// Writes the key. halo2's part panics on an error of the writer.
    pub(crate) fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        match self {
            ProvingKey::Ours(key) => key.write(writer),
            ProvingKey::Halo2(key) => key.write(writer, SerdeFormat::RawBytesUnchecked),
        }
    }

    /// Reads a key of a circuit with these parameters.
    pub(crate) fn read(reader: &mut impl Read, params: &CircuitParams) -> io::Result<Self> {
        if params.wide.is_some() {
            let key = Key::read::<AggregationCircuit>(reader, params.clone())?;
            return Ok(ProvingKey::Ours(Box::new(key)));
        }
        let format = SerdeFormat::RawBytesUnchecked;
        let key = plonk::ProvingKey::read::<_, AggregationCircuit>(reader, format, params.clone())?;
        Ok(ProvingKey::Halo2(Box::new(key)))
    }
}
