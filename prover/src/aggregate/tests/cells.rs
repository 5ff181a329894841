//! Which cell is which, between the verifier in the circuit and what is exposed. Honest values cannot show it: a copy that
//! is not constrained has the same value. So cells are changed one by one in a part of the circuit that ends with them.

use super::fold::TREE;
use crate::aggregate::{
    ACCUMULATOR_WORDS, InnerProof, Snark,
    accumulator::random_pair,
    circuit::{Exposed, Loaded, Loader, Verified, Witness, expose},
    curve::{DeferredEcc, WideChip},
    items::AssignedItem,
    slot::Slot,
    statement::Hasher,
};
use halo2_base::{
    AssignedValue,
    gates::{
        GateChip,
        circuit::{CircuitBuilderStage, builder::BaseCircuitBuilder},
    },
    halo2_proofs::{
        dev::MockProver,
        halo2curves::{
            bn256::{Fr, G1Affine},
            ff::Field,
        },
        plonk::Assigned,
    },
};
use rand::{SeedableRng, rngs::StdRng};
use snark_verifier::loader::halo2::Halo2Loader;
use std::mem;

const K: usize = 17;

fn builder() -> BaseCircuitBuilder<Fr> {
    BaseCircuitBuilder::<Fr>::from_stage(CircuitBuilderStage::Mock)
        .use_k(K)
        .use_instance_columns(1)
}

fn holds(builder: &mut BaseCircuitBuilder<Fr>) -> bool {
    builder.calculate_params(Some(20));
    let public = &builder.assigned_instances[0];
    let public = public.iter().map(|cell| *cell.value()).collect();
    let mock = MockProver::run(K as u32, &*builder, vec![public]).unwrap();
    mock.verify().is_ok()
}

/// Adds one to a cell; copies of it stay as they are.
fn change(builder: &mut BaseCircuitBuilder<Fr>, at: AssignedValue<Fr>) {
    let offset = at.cell.unwrap().offset;
    let cell = &mut builder.pool(0).threads[0].advice[offset];
    *cell = Assigned::Trivial(cell.evaluate() + Fr::ONE);
}

/// Loads a proof, and gives what was loaded to `look`.
fn loaded<T>(
    slot: &Slot,
    snark: &Snark,
    look: impl FnOnce(&Loader<WideChip>, &Loaded<WideChip>) -> T,
) -> (BaseCircuitBuilder<Fr>, T) {
    let mut builder = builder();
    let ecc = DeferredEcc::new(WideChip::default());
    let loader = Halo2Loader::new(ecc, mem::take(builder.pool(0)));
    let loaded = Loaded::new(&loader, slot, snark);
    let seen = look(&loader, &loaded);
    *builder.pool(0) = loader.take_ctx();
    (builder, seen)
}

fn item(slot: &Slot, snark: &Snark) -> (BaseCircuitBuilder<Fr>, (AssignedItem, Names)) {
    let gate = GateChip::default();
    loaded(slot, snark, |loader, loaded| {
        let hasher = Hasher::new(loader.ctx_mut().main(), &gate);
        let item = loaded.item(loader, &hasher);
        let domain = loaded.protocol.domain_as_witness.as_ref();
        let names = Names {
            domain: domain.map(|domain| *domain.k.assigned()),
            instances: loaded.instances.iter().map(|w| *w.assigned()).collect(),
        };
        (item, names)
    })
}

/// The cells that the verifier is given.
struct Names {
    domain: Option<AssignedValue<Fr>>,
    instances: Vec<AssignedValue<Fr>>,
}

fn same(a: &AssignedValue<Fr>, b: &AssignedValue<Fr>) -> bool {
    a.cell.is_some() && a.cell == b.cell
}

fn fold_slot() -> Slot {
    Slot::fold(TREE.bottom.vk()).unwrap()
}

/// Nothing is read after the limbs here, so only what they are computed from can hold them.
#[test]
fn limbs_of_a_carried_pair_are_those_of_its_points() {
    let slot = fold_slot();
    let limbs = |_: &Loader<WideChip>, loaded: &Loaded<WideChip>| -> Vec<_> {
        assert!(loaded.carried.is_some());
        loaded.instances.iter().map(|w| *w.assigned()).collect()
    };
    let snark = &TREE.folds[0].snark;
    let (mut honest, cells) = loaded(&slot, snark, limbs);
    assert!(holds(&mut honest));
    for (i, limb) in cells.into_iter().enumerate() {
        let (mut builder, _) = loaded(&slot, snark, limbs);
        change(&mut builder, limb);
        // the digest is a word of its own, which the transcript and the opening of D hold
        assert_eq!(holds(&mut builder), i == ACCUMULATOR_WORDS, "word {i}");
    }
}

#[test]
fn items_are_made_of_the_cells_that_the_verifier_is_given() {
    let fold = fold_slot();
    let layer = Slot::any_layer(&TREE.layers[0].protocol).unwrap();
    let fixed = Slot::layer(&TREE.layers[0].protocol).unwrap();
    let cases = [
        (&fold, &TREE.folds[0].snark, ACCUMULATOR_WORDS),
        (&layer, &TREE.layers[0], 0),
        (&fixed, &TREE.layers[0], 0),
    ];
    for (slot, snark, limbs) in cases {
        let (mut honest, (item, names)) = self::item(slot, snark);
        assert!(holds(&mut honest));
        assert_eq!(item.words.len() + limbs, names.instances.len());
        let pairs = item.words.iter().zip(&names.instances[limbs..]);
        assert!(pairs.into_iter().all(|(word, given)| same(word, given)));
        assert_eq!(names.domain.is_some(), matches!(slot, Slot::AnyLayer(_)));
        assert!(names.domain.is_none_or(|k| same(&item.k, &k)));
        // a constant k and the digest are held by what they are computed from
        let (mut builder, _) = self::item(slot, snark);
        change(&mut builder, item.key_digest);
        assert!(!holds(&mut builder), "key digest");
        let (mut builder, _) = self::item(slot, snark);
        change(&mut builder, item.k);
        assert!(!holds(&mut builder), "k");
    }
}

/// D is computed from the very cells of the items.
#[test]
fn exposed_items_are_those_that_were_verified() {
    let proofs: [InnerProof; 1] = [TREE.folds[0].clone()];
    let slots = [fold_slot()];
    let gate = GateChip::default();
    let build = || {
        let mut builder = builder();
        let ctx = builder.main(0);
        let hasher = Hasher::new(ctx, &gate);
        let mut free = |v: u64| ctx.load_witness(Fr::from(v));
        let item = AssignedItem {
            k: free(18),
            key_digest: free(5),
            words: vec![free(6)],
        };
        let verified: Verified<G1Affine> = Verified {
            end: item.k,
            pairs: vec![],
            item: item.clone(),
        };
        let g = G1Affine::generator();
        let witness = Witness {
            proofs: &proofs,
            blind: random_pair(g, g, StdRng::seed_from_u64(1)),
            exposed: Exposed::Items,
        };
        let words = expose(&mut builder, &hasher, &slots, &[verified], &witness);
        builder.assigned_instances[0] = words;
        (builder, [item.k, item.key_digest, item.words[0]])
    };
    let (mut honest, cells) = build();
    assert!(holds(&mut honest));
    for cell in cells {
        let (mut builder, _) = build();
        change(&mut builder, cell);
        assert!(!holds(&mut builder));
    }
}
