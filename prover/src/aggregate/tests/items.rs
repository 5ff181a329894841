//! The opening of a fold's digest under MockProver: the true tree opens, each lie in it by itself does not.

use super::fold::{TREE, peak_item};
use crate::aggregate::{
    items::{AssignedItem, Item, items_digest, open},
    slot::Slot,
    statement::Hasher,
};
use halo2_base::{
    gates::{
        RangeInstructions,
        circuit::{CircuitBuilderStage, builder::BaseCircuitBuilder},
    },
    halo2_proofs::{
        dev::MockProver,
        halo2curves::{bn256::Fr, ff::Field},
    },
};

/// Opens an item as the aggregation does: (whether the constraints hold, boundaries of the segments).
fn opened(item: &Item) -> (bool, Vec<Fr>) {
    let k = 16;
    let mut builder = BaseCircuitBuilder::<Fr>::from_stage(CircuitBuilderStage::Mock)
        .use_k(k)
        .use_lookup_bits(k - 1)
        .use_instance_columns(1);
    let range = builder.range_chip();
    let ctx = builder.main(0);
    let hasher = Hasher::new(ctx, range.gate());
    let assigned = AssignedItem {
        k: ctx.load_witness(Fr::from(u64::from(item.k))),
        key_digest: ctx.load_witness(item.key_digest),
        words: ctx.assign_witnesses(item.words.iter().copied()),
    };
    let slot = Slot::Fold(Box::new(TREE.top.vk().clone()));
    let segments = open(ctx, &hasher, &slot, &assigned, &item.items);
    let words: Vec<Fr> = segments
        .iter()
        .flat_map(|s| [s.k, s.key_digest, s.boundary[0], s.boundary[1]])
        .map(|cell| *cell.value())
        .collect();
    builder.calculate_params(Some(20));
    let mock = MockProver::run(k as u32, &builder, vec![vec![]]).unwrap();
    (mock.verify().is_ok(), words)
}

#[test]
fn the_true_tree_opens_to_its_leaves_in_order() {
    let item = peak_item();
    let (holds, words) = opened(&item);
    assert!(holds);
    let leaves = item.leaves();
    let expected: Vec<Fr> = leaves
        .iter()
        .flat_map(|leaf| [Fr::from(u64::from(leaf.k)), leaf.key_digest])
        .collect();
    let found: Vec<Fr> = words.chunks(4).flat_map(|w| [w[0], w[1]]).collect();
    assert_eq!(found, expected);
    assert_eq!(leaves.len(), 4);
    assert_eq!(leaves[2], leaves[3], "padding holds the last proof again");
}

type Lie = fn(&mut Item);

#[test]
fn every_lie_in_the_tree_is_refused() {
    let lies: [(&str, Lie); 9] = [
        ("size of the upper fold", |top| top.k += 1),
        ("key of the upper fold", |top| top.key_digest += Fr::ONE),
        ("digest", |top| top.words[0] += Fr::ONE),
        ("size of a lower fold", |top| top.items[1].k += 1),
        ("digest of a lower fold", |top| {
            top.items[0].words[0] += Fr::ONE
        }),
        ("lower folds swapped", |top| top.items.swap(0, 1)),
        ("boundary of a layer", |top| {
            top.items[0].items[1].words[0] += Fr::ONE;
        }),
        ("size of a layer", |top| top.items[1].items[0].k += 1),
        ("key of a layer", |top| {
            top.items[0].items[0].key_digest += Fr::ONE;
        }),
    ];
    for (what, lie) in lies {
        let mut item = peak_item();
        lie(&mut item);
        assert!(!opened(&item).0, "{what}");
        let slot = Slot::Fold(Box::new(TREE.top.vk().clone()));
        assert!(item.check(&slot).is_err(), "natively: {what}");
    }
}

/// Lies that are consistent with every digest above them, and end at a constant.
#[test]
fn folds_under_other_keys_are_refused() {
    let consistent: [Lie; 2] = [|lower| lower.key_digest += Fr::ONE, |lower| lower.k += 1];
    for lie in consistent {
        let mut item = peak_item();
        lie(&mut item.items[0]);
        item.words = vec![items_digest(&item.items)];
        assert!(!opened(&item).0);
    }
    let mut honest = peak_item();
    honest.items[0].items[0].words[0] += Fr::ONE;
    honest.items[0].words = vec![items_digest(&honest.items[0].items)];
    honest.words = vec![items_digest(&honest.items)];
    assert!(
        opened(&honest).0,
        "another layer proof is another tree; the digest of the peak's own proof pins it"
    );
}
