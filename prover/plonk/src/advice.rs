//! The advice columns, committed to phase by phase, with the challenges in between.

use crate::commit::Commit;
use crate::key::Key;
use crate::prove::{ProveError, Squeeze};
use halo2_base::halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::transcript::{EncodedChallenge, TranscriptWrite};
use rand::RngCore;
use std::marker::PhantomData;

/// Advice columns.
pub trait Witness {
    /// Hands over the columns of each phase, phases in order.
    fn fill(&mut self, phases: &mut dyn Phases) -> Result<(), ProveError>;
}

/// Takes the columns of one phase after the other.
pub trait Phases {
    /// Commits to the columns of the next phase, in their order. Rows that are not given are 0; the last rows are the
    /// prover's. Returns all challenges so far.
    fn commit(&mut self, columns: Vec<Vec<Fr>>) -> Result<&[Fr], ProveError>;
}

/// What was committed to so far.
pub(crate) struct Advice<'a, R, T, E> {
    key: &'a Key,
    commit: &'a Commit<'a>,
    rng: &'a mut R,
    transcript: &'a mut T,
    columns: Vec<Vec<Fr>>,
    challenges: Vec<Fr>,
    phase: u8,
    _encoding: PhantomData<E>,
}

impl<'a, R, T, E> Advice<'a, R, T, E> {
    pub(crate) fn new(
        key: &'a Key,
        commit: &'a Commit<'a>,
        rng: &'a mut R,
        transcript: &'a mut T,
    ) -> Self {
        Advice {
            columns: vec![Vec::new(); key.vk.cs().num_advice_columns()],
            challenges: Vec::new(),
            phase: 0,
            _encoding: PhantomData,
            key,
            commit,
            rng,
            transcript,
        }
    }

    /// All columns and challenges, once every phase was given.
    pub(crate) fn finish(self) -> Result<(Vec<Vec<Fr>>, Vec<Fr>), ProveError> {
        let missing = self.columns.iter().filter(|c| c.is_empty()).count();
        match missing {
            0 => Ok((self.columns, self.challenges)),
            expected => Err(ProveError::Columns {
                phase: self.phase,
                got: 0,
                expected,
            }),
        }
    }
}

impl<R, T, E> Phases for Advice<'_, R, T, E>
where
    R: RngCore,
    E: EncodedChallenge<G1Affine>,
    T: TranscriptWrite<G1Affine, E>,
{
    fn commit(&mut self, columns: Vec<Vec<Fr>>) -> Result<&[Fr], ProveError> {
        let (cs, phase) = (self.key.vk.cs(), self.phase);
        let phases = cs.advice_column_phase();
        let own: Vec<usize> = (0..phases.len()).filter(|&c| phases[c] == phase).collect();
        let (got, expected) = (columns.len(), own.len());
        if got != expected {
            return Err(ProveError::Columns {
                phase,
                got,
                expected,
            });
        }
        let columns = columns.into_iter().map(|c| padded(self.key, c));
        let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
        for column in &mut columns {
            let hiding = &mut column[self.key.usable_rows..];
            hiding.fill_with(|| Fr::random(&mut *self.rng));
        }
        for point in self.commit.all_values(&columns) {
            self.transcript.write_point(point)?;
        }
        for (index, column) in own.into_iter().zip(columns) {
            self.columns[index] = column;
        }
        for drawn in cs.challenge_phase() {
            if drawn == phase {
                self.challenges.push(self.transcript.squeeze());
            }
        }
        self.phase += 1;
        Ok(&self.challenges)
    }
}

/// A column of all rows; what is not given is 0.
pub(crate) fn padded(key: &Key, mut column: Vec<Fr>) -> Result<Vec<Fr>, ProveError> {
    let (got, usable) = (column.len(), key.usable_rows);
    if got > usable {
        return Err(ProveError::Rows { got, usable });
    }
    column.resize(key.domain.n(), Fr::ZERO);
    Ok(column)
}
