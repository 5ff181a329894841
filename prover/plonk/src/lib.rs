//! A prover for halo2 circuits over BN254 with KZG and SHPLONK (Boneh, Drake, Fisch, Gabizon, eprint 2020/081). It writes
//! what halo2-axiom's `create_proof` writes, to be verified by the same keys and verifiers; soundness rests on those alone.
//! No proof made here can make a false statement pass; what can go wrong is a proof that does not verify, or one that tells
//! more than it should (`prove.rs` says what hides the witness). `verifying_key` is another matter: what it leaves out of a key no
//! verifier misses. Tests compare its keys with halo2's.
//!
//! Where it saves: gates run as one straight-line program over blocks of rows (`tape.rs`), the quotient is put together from
//! cosets without a transform of the whole extended domain (`quotient.rs`), polynomials are combined before they are divided
//! (`opening.rs`), transforms go depth first through the cache (`fft.rs`), additions of points share inversions by the hundred
//! (`buckets.rs`), witness columns are moved and not copied. Where the machine has AVX-512 IFMA, arithmetic goes by eight elements (`lanes`,
//! and the files that end in `_lanes`); elsewhere the same steps are done one element at a time. `docs/benchmarks.md` has the figures.
//!
//! One proof: witness → `prove.rs` → (`permutation.rs`, `quotient.rs` ← `tape.rs` ← `graph.rs`, `opening.rs`) → transcript; `domain.rs` and
//! `fft.rs` have the transforms, `commit.rs`, `msm.rs` and `buckets.rs` the commitments, `linear.rs` sums of polynomials, `key.rs` what is known before.

mod advice;
mod buckets;
#[cfg(target_arch = "x86_64")]
mod buckets_lanes;
mod commit;
mod domain;
mod fft;
#[cfg(target_arch = "x86_64")]
mod fft_lanes;
mod graph;
mod key;
mod key_file;
#[cfg(target_arch = "x86_64")]
mod lanes;
mod linear;
mod msm;
mod opening;
mod permutation;
mod prove;
mod quotient;
mod synthesis;
mod tape;
#[cfg(target_arch = "x86_64")]
mod tape_lanes;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod without_lanes;

pub use advice::{Phases, Witness};
pub use key::{Copies, Key, KeyError, verifying_key};
pub use key_file::read_verifying_key;
pub use prove::{ProveError, create_proof};
pub use synthesis::Synthesis;
