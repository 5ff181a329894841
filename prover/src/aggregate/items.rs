//! What a fold says of the proofs under it, natively and as constraints.
//!
//! ```text
//! item       (k, key digest, public words but the accumulator) of one proof
//! D          Poseidon(FOLD, n, item_0, …, item_{n−1}), the public word of a fold
//! ```
//! The items of folds carry their own D, so D binds a whole tree. Whoever is given D opens it, level by level: the keys of
//! folds are compared with constants, since only a known circuit's D means anything; the keys of layer proofs are
//! handed on, to be hashed into M.

use super::{
    commitment::segment_key_digest,
    slot::Slot,
    statement::{Hasher, Segment},
};
use crate::poseidon::poseidon_hash;
use halo2_base::{AssignedValue, Context, halo2_proofs::halo2curves::bn256::Fr};
use serde::{Deserialize, Serialize};
use snark_verifier_sdk::Snark;

/// First word under D, the letters "fold": no list of items is the list of keys under M.
const FOLD: u64 = 0x666f_6c64;

/// One proof as folds see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// log2 of its domain.
    pub k: u32,
    /// Digest of its verifying key.
    pub key_digest: Fr,
    /// Its public words without an accumulator: both boundary commitments of a layer proof, D of a fold.
    pub words: Vec<Fr>,
    /// What D opens to; empty for a layer proof.
    pub items: Vec<Item>,
}

impl Item {
    pub(crate) fn of(snark: &Snark, skip: usize, items: &[Item]) -> Self {
        Self {
            k: snark.protocol.domain.k as u32,
            key_digest: segment_key_digest(&snark.protocol),
            words: snark.instances[0][skip..].to_vec(),
            items: items.to_vec(),
        }
    }

    /// The items of layer proofs under it, in order.
    pub(crate) fn leaves(&self) -> Vec<&Item> {
        match self.items.is_empty() {
            true => vec![self],
            false => self.items.iter().flat_map(Self::leaves).collect(),
        }
    }

    /// The items of a slot, from the leaves under it in order; takes as many leaves as the slot has.
    pub(crate) fn from_leaves(
        slot: &Slot,
        leaves: &mut impl Iterator<Item = Self>,
    ) -> Option<Self> {
        let Slot::Fold(vk) = slot else {
            return leaves.next();
        };
        let items = (0..vk.capacity()).map(|_| Self::from_leaves(vk.slot(), leaves));
        let items: Vec<Self> = items.collect::<Option<_>>()?;
        let (k, key_digest) = vk.identity();
        Some(Self {
            k,
            key_digest,
            words: vec![items_digest(&items)],
            items,
        })
    }

    /// Whether it is an item of the slot whose words open, all the way down, to the items that it holds. Proofs are not
    /// looked at.
    pub(crate) fn check(&self, slot: &Slot) -> Result<(), String> {
        let Slot::Fold(vk) = slot else {
            return match self.items.is_empty() && self.words.len() == super::PUBLIC_WORDS_PER_LAYER
            {
                true => Ok(()),
                false => Err("an item is not a layer proof's".to_owned()),
            };
        };
        if (self.k, self.key_digest) != vk.identity() {
            return Err("an item is of a fold under another key".to_owned());
        }
        if self.items.len() != vk.capacity() || self.words != [items_digest(&self.items)] {
            return Err("the items are not those that the fold is about".to_owned());
        }
        let mut items = self.items.iter();
        items.try_for_each(|item| item.check(vk.slot()))
    }
}

/// D, natively.
pub(crate) fn items_digest(items: &[Item]) -> Fr {
    let head = [FOLD, items.len() as u64].map(Fr::from);
    let words = items.iter().flat_map(|item| {
        let head = [Fr::from(u64::from(item.k)), item.key_digest];
        head.into_iter().chain(item.words.iter().copied())
    });
    poseidon_hash(&head.into_iter().chain(words).collect::<Vec<_>>())
}

/// An item in cells.
#[derive(Clone, Debug)]
pub(crate) struct AssignedItem {
    pub(crate) k: AssignedValue<Fr>,
    /// Hash of the very cells that the in-circuit verifier used as the proof's key.
    pub(crate) key_digest: AssignedValue<Fr>,
    /// The very cells that it used as the proof's instances, without an accumulator.
    pub(crate) words: Vec<AssignedValue<Fr>>,
}

impl AssignedItem {
    /// Fresh cells: D pins them.
    fn witness(ctx: &mut Context<Fr>, item: &Item) -> Self {
        Self {
            k: ctx.load_witness(Fr::from(u64::from(item.k))),
            key_digest: ctx.load_witness(item.key_digest),
            words: ctx.assign_witnesses(item.words.iter().copied()),
        }
    }
}

/// D in cells.
pub(crate) fn constrain_digest(
    ctx: &mut Context<Fr>,
    hasher: &Hasher<'_>,
    items: &[AssignedItem],
) -> AssignedValue<Fr> {
    let head = [FOLD, items.len() as u64].map(|c| ctx.load_constant(Fr::from(c)));
    let words = items
        .iter()
        .flat_map(|item| [vec![item.k, item.key_digest], item.words.clone()].concat());
    let all: Vec<_> = head.into_iter().chain(words).collect();
    hasher.hash(ctx, &all)
}

/// The segments under an item of a slot. `opened`: what its D opens to.
pub(crate) fn open(
    ctx: &mut Context<Fr>,
    hasher: &Hasher<'_>,
    slot: &Slot,
    item: &AssignedItem,
    opened: &[Item],
) -> Vec<Segment> {
    let Slot::Fold(vk) = slot else {
        return vec![Segment {
            k: item.k,
            key_digest: item.key_digest,
            boundary: [item.words[0], item.words[1]],
        }];
    };
    let (k, digest) = vk.identity();
    for (cell, expected) in [(item.k, Fr::from(u64::from(k))), (item.key_digest, digest)] {
        let expected = ctx.load_constant(expected);
        ctx.constrain_equal(&cell, &expected);
    }
    let items: Vec<_> = opened
        .iter()
        .map(|item| AssignedItem::witness(ctx, item))
        .collect();
    let digest = constrain_digest(ctx, hasher, &items);
    ctx.constrain_equal(&digest, &item.words[0]);
    let below = items.iter().zip(opened);
    below
        .flat_map(|(item, given)| open(ctx, hasher, vk.slot(), item, &given.items))
        .collect()
}
