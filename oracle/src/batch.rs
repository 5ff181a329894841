//! Several results under one proof, off chain: the context word of the whole proof, the tree of results, and the bytes that
//! `BatchVerifier.verifySet` takes. The same numbers as `BatchVerifier.sol` and `InferenceSet.sol`; what is a proof is the prover's to know.

use crate::error::{OracleError, Result};
use alloy::primitives::{B256, Bytes, U256, keccak256};
use alloy::sol_types::SolValue;

/// Deepest tree that the contracts take.
const MAX_DEPTH: usize = 32;

/// One result: what the model was asked for whom, and what it answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchItem {
    /// The result's own context word ([`crate::context_word`]).
    pub context: U256,
    /// Packed input words.
    pub inputs: Vec<U256>,
    /// Packed output words.
    pub outputs: Vec<U256>,
}

/// The context word C of a proof with `slots` slots for these results' context words (1 to `slots` of them); the last one fills the slots
/// that are left. `uint256(keccak256(abi.encodePacked(BATCH_TAG, C_0, …))) >> 8`.
pub fn batch_context(contexts: &[U256], slots: usize) -> Result<U256> {
    let last = last_of(contexts.last(), contexts.len(), slots)?;
    let mut preimage = keccak256("halocast.batch.context.v1").to_vec();
    for index in 0..slots {
        let context = contexts.get(index).unwrap_or(last);
        preimage.extend_from_slice(&context.to_be_bytes::<32>());
    }
    Ok(U256::from_be_bytes(keccak256(preimage).0) >> 8)
}

/// The public words I_0 … I_{B−1} or O_0 … O_{B−1} of a proof with `slots` slots, from 1 to `slots` results' words.
pub fn batch_words(items: &[Vec<U256>], slots: usize) -> Result<Vec<U256>> {
    let last = last_of(items.last(), items.len(), slots)?;
    if let Some(odd) = items.iter().find(|item| item.len() != last.len()) {
        let (got, expected) = (odd.len(), last.len());
        return Err(OracleError::Batch(format!(
            "one result has {got} words, another {expected}"
        )));
    }
    let slot = |index| items.get(index).unwrap_or(last);
    Ok((0..slots).flat_map(slot).copied().collect())
}

fn last_of<T>(last: Option<&T>, got: usize, slots: usize) -> Result<&T> {
    last.filter(|_| got <= slots).ok_or_else(|| {
        OracleError::Batch(format!(
            "{got} results, a proof of this model has 1 to {slots}"
        ))
    })
}

/// A leaf, as `InferenceSet.leafHash`.
pub fn leaf_hash(model_id: B256, item: &BatchItem) -> B256 {
    let hash = |words: &[U256]| {
        let bytes: Vec<u8> = words.iter().flat_map(U256::to_be_bytes::<32>).collect();
        keccak256(bytes)
    };
    let (inputs, outputs) = (hash(&item.inputs), hash(&item.outputs));
    let tag = keccak256("halocast.set.leaf.v1");
    keccak256((tag, model_id, item.context, inputs, outputs).abi_encode())
}

/// The tree of results: used leaves first, the others 0, and as few levels as they need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetTree {
    /// The used nodes of each level, leaves first.
    levels: Vec<Vec<B256>>,
    /// Root of an unused subtree on each level.
    unused: Vec<B256>,
}

impl SetTree {
    /// The tree of these leaves, of which there is at least one.
    pub fn new(leaves: Vec<B256>) -> Result<Self> {
        let depth = leaves.len().next_power_of_two().trailing_zeros() as usize;
        if leaves.is_empty() || depth > MAX_DEPTH {
            return Err(OracleError::Batch(format!(
                "a tree of {} results, expected 1 to 2^{MAX_DEPTH}",
                leaves.len()
            )));
        }
        let mut tree = Self {
            levels: vec![leaves],
            unused: vec![B256::ZERO],
        };
        for level in 0..depth {
            let (nodes, unused) = (&tree.levels[level], tree.unused[level]);
            let pair = |pair: &[B256]| node_hash(pair[0], *pair.get(1).unwrap_or(&unused));
            let above = nodes.chunks(2).map(pair).collect();
            tree.levels.push(above);
            tree.unused.push(node_hash(unused, unused));
        }
        Ok(tree)
    }

    /// Levels above the leaves: at most 32.
    pub fn depth(&self) -> u8 {
        (self.levels.len() - 1) as u8 // at most MAX_DEPTH
    }

    /// What is submitted.
    pub fn root(&self) -> B256 {
        self.levels[self.levels.len() - 1][0]
    }

    /// Siblings of a used leaf, its own first; none if there is no such leaf.
    pub fn path(&self, index: usize) -> Option<Vec<B256>> {
        self.levels[0].get(index)?;
        let depth = self.levels.len() - 1;
        let sibling = |level: usize| {
            let node = self.levels[level].get((index >> level) ^ 1);
            *node.unwrap_or(&self.unused[level])
        };
        Some((0..depth).map(sibling).collect())
    }
}

fn node_hash(left: B256, right: B256) -> B256 {
    keccak256((keccak256("halocast.set.node.v1"), left, right).abi_encode())
}

/// What `BatchVerifier.verifySet` takes as proof: `abi.encode(contexts, inputs, outputs, blob)`, the words of one result after the other.
pub fn set_proof_bytes(items: &[BatchItem], blob: &[u8]) -> Bytes {
    let contexts: Vec<U256> = items.iter().map(|item| item.context).collect();
    let words = |of: fn(&BatchItem) -> &Vec<U256>| -> Vec<U256> {
        items.iter().flat_map(of).copied().collect()
    };
    let (inputs, outputs) = (words(|item| &item.inputs), words(|item| &item.outputs));
    let blob = Bytes::copy_from_slice(blob);
    (contexts, inputs, outputs, blob).abi_encode_params().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::b256;

    /// The results of `test_O10_the_stored_numbers` in contracts/test/BatchVerifier.t.sol, which has the same numbers.
    fn stored() -> (B256, Vec<BatchItem>) {
        let numbers = |from: u64, count: u64| (from..from + count).map(U256::from).collect();
        let item = |i: u64| BatchItem {
            context: U256::from(1000 + i),
            inputs: numbers(1 + 3 * i, 3),
            outputs: numbers(101 + 2 * i, 2),
        };
        let model = B256::left_padding_from(b"model");
        (model, (0..3).map(item).collect())
    }

    #[test]
    fn o10_the_contracts_numbers() {
        let (model, items) = stored();
        let contexts: Vec<U256> = items.iter().map(|item| item.context).collect();
        assert_eq!(
            B256::from(batch_context(&contexts, 4).expect("three of four")),
            b256!("00435bb5ee7c59c6f284f048f7ff85a04c107c4cf7a66efbf51479788d45dacf")
        );
        let leaves: Vec<B256> = items.iter().map(|item| leaf_hash(model, item)).collect();
        assert_eq!(
            leaves[0],
            b256!("3e9655061c1d5084566f0bddce7e11ff0aa761e68d317ce7800b43e8b3c5c203")
        );
        let tree = SetTree::new(leaves).expect("three leaves");
        assert_eq!(
            tree.root(),
            b256!("3a812d549572a34e1718adb228dc7ed779f6bd8aeb69b18482b68ede373488f7")
        );
        assert_eq!(
            keccak256(set_proof_bytes(&items, &[1, 2, 3, 4, 5])),
            b256!("ac1188e8fca9386f4aec0da99311fa2c960a5aeb92a4dfc05708ca8f2bb2ed50")
        );
    }

    #[test]
    fn o10_every_path_leads_to_the_root() {
        for count in 1..20usize {
            let leaf = |i: usize| B256::left_padding_from(&[1, i as u8]);
            let tree = SetTree::new((0..count).map(leaf).collect()).expect("tree");
            let depth = usize::from(tree.depth());
            assert!(count <= 1 << depth && (depth == 0 || count > 1 << (depth - 1)));
            for index in 0..count {
                let path = tree.path(index).expect("a leaf");
                assert_eq!(path.len(), depth);
                let above = |node, (level, sibling): (usize, &B256)| match (index >> level) & 1 {
                    0 => node_hash(node, *sibling),
                    _ => node_hash(*sibling, node),
                };
                let root = path.iter().enumerate().fold(leaf(index), above);
                assert_eq!(root, tree.root());
            }
            assert_eq!(tree.path(count), None);
        }
    }

    #[test]
    fn o10_the_last_result_fills_the_slots() {
        let words = |n: u64| vec![U256::from(n), U256::from(n + 1)];
        let numbers = |all: &[u64]| all.iter().copied().map(U256::from).collect::<Vec<_>>();
        let filled = batch_words(&[words(1), words(5)], 4).expect("two of four");
        assert_eq!(filled, numbers(&[1, 2, 5, 6, 5, 6, 5, 6]));
        let one = batch_context(&numbers(&[7, 8]), 4).expect("two of four");
        let all = batch_context(&numbers(&[7, 8, 8, 8]), 4).expect("four of four");
        assert_eq!(one, all);
        assert!(one.bit_len() <= 248);
        assert_ne!(one, batch_context(&numbers(&[7, 8]), 5).expect("of five"));
    }

    #[test]
    fn o10_what_is_no_batch_is_an_error() {
        let says = |error: OracleError| (error.code(), error.to_string());
        for got in [0, 3] {
            let words = vec![vec![U256::from(1)]; got];
            let expected = format!("batch: {got} results, a proof of this model has 1 to 2");
            let error = batch_words(&words, 2).expect_err("not one or two");
            assert_eq!(says(error), ("OR-BAT-001", expected.clone()));
            let error = batch_context(&words.concat(), 2).expect_err("not one or two");
            assert_eq!(says(error), ("OR-BAT-001", expected));
        }
        let odd = [vec![U256::from(1)], vec![]];
        let error = batch_words(&odd, 2)
            .expect_err("of two lengths")
            .to_string();
        assert!(error.contains("1 words, another 0"), "{error}");
        let error = SetTree::new(vec![]).expect_err("no leaf").to_string();
        assert!(error.contains("a tree of 0 results"), "{error}");
    }
}
