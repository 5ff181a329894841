//! Proofs about several items: their context words, and the set that a contract takes.

use super::{model_id, to_u256};
use alloy::primitives::{B256, Bytes, U256};
use eyre::{WrapErr, ensure};
use halocast_oracle::batch::{BatchItem, SetTree, batch_context, leaf_hash, set_proof_bytes};
use halocast_prover::bundle::Bundle;
use halocast_prover::ir::Word;
use halocast_prover::pipeline::{self, ProofBody, ProofFile, Statement};
use serde::Serialize;

/// The context word that a proof is made for, from those of its items.
pub(crate) fn proof_context(bundle: &Bundle, contexts: &[U256]) -> eyre::Result<U256> {
    match (bundle.items(), contexts) {
        (1, [context]) => Ok(*context),
        (items, _) => Ok(batch_context(contexts, items)?),
    }
}

/// A proof about several items names their context words; its own must be made of them.
pub(crate) fn check_contexts(bundle: &Bundle, statement: &Statement) -> eyre::Result<()> {
    if bundle.items() == 1 {
        let count = statement.contexts.len();
        ensure!(
            count == 0,
            "it names {count} items, the bundle's proofs are about one"
        );
        return Ok(());
    }
    let contexts: Vec<U256> = contexts(statement);
    let (got, expected) = (
        to_u256(&pipeline::field_to_word(&statement.context)),
        proof_context(bundle, &contexts)?,
    );
    ensure!(
        got == expected,
        "its context is {got:#x}, that of its items together is {expected:#x}"
    );
    let manifest = bundle.manifest();
    check_filling(
        &statement.inputs,
        manifest.input_words,
        contexts.len(),
        "inputs",
    )?;
    check_filling(
        &statement.outputs,
        manifest.output_words,
        contexts.len(),
        "outputs",
    )
}

/// What is left is filled with the last item, as the contract does.
fn check_filling(words: &[Word], of_item: usize, items: usize, what: &str) -> eyre::Result<()> {
    let mut slots = words.chunks(of_item).skip(items - 1);
    let last = slots.next();
    ensure!(
        slots.all(|slot| Some(slot) == last),
        "its {what} go on after item {items} with others than that item's"
    );
    Ok(())
}

fn contexts(statement: &Statement) -> Vec<U256> {
    let words = statement.contexts.iter().map(pipeline::field_to_word);
    words.map(|word| to_u256(&word)).collect()
}

/// What `submitSet` and `fulfillBatchFromSet` take.
#[derive(Debug, Serialize)]
pub(crate) struct SetFile {
    pub(crate) model: B256,
    pub(crate) root: B256,
    pub(crate) depth: u8,
    /// The set's proof.
    pub(crate) proof: Bytes,
    pub(crate) items: Vec<SetItem>,
}

/// One result of the set.
#[derive(Debug, Serialize)]
pub(crate) struct SetItem {
    pub(crate) index: usize,
    pub(crate) context: B256,
    pub(crate) inputs: Vec<B256>,
    pub(crate) outputs: Vec<B256>,
    pub(crate) path: Vec<B256>,
}

/// The set of a proof about several items.
pub(crate) fn set_of(bundle: &Bundle, proof: &ProofFile) -> eyre::Result<SetFile> {
    let statement = proof.statement()?;
    ensure!(
        bundle.items() > 1,
        "the bundle's proofs are about one item: `fulfill` takes them as they are (compile with --batch for more)"
    );
    ensure!(
        matches!(proof.body, ProofBody::Evm { .. }),
        "it is a layers proof, not one for a contract"
    );
    check_contexts(bundle, &statement)?;
    let (model, items) = (model_id(bundle)?, items(bundle, &statement));
    let tree = SetTree::new(items.iter().map(|item| leaf_hash(model, item)).collect())?;
    let outer = pipeline::outer_proof(&proof.body).wrap_err("the proof")?;
    let bytes = |words: &[U256]| words.iter().map(|word| B256::from(*word)).collect();
    let entry = |(index, item): (usize, &BatchItem)| SetItem {
        index,
        context: item.context.into(),
        inputs: bytes(&item.inputs),
        outputs: bytes(&item.outputs),
        path: tree.path(index).unwrap_or_default(),
    };
    Ok(SetFile {
        model,
        root: tree.root(),
        depth: tree.depth(),
        proof: set_proof_bytes(&items, &outer.leaf_bytes()),
        items: items.iter().enumerate().map(entry).collect(),
    })
}

/// The items, without the repetitions of the last.
fn items(bundle: &Bundle, statement: &Statement) -> Vec<BatchItem> {
    let manifest = bundle.manifest();
    let chunks = |words: &[Word], of_item: usize| -> Vec<Vec<U256>> {
        let items = words.chunks(of_item);
        items
            .map(|item| item.iter().map(to_u256).collect())
            .collect()
    };
    let inputs = chunks(&statement.inputs, manifest.input_words);
    let outputs = chunks(&statement.outputs, manifest.output_words);
    let items = contexts(statement).into_iter().zip(inputs).zip(outputs);
    items
        .map(|((context, inputs), outputs)| BatchItem {
            context,
            inputs,
            outputs,
        })
        .collect()
}
