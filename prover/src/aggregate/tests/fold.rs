//! Trees: layer proofs of two requests and three domain sizes are folded two by two (one place is padded), the folds are
//! folded, and the aggregation of the last fold says of each request what an aggregation of its layer proofs says. Keys and
//! proofs are made once; that takes some minutes of CPU time.

use super::{
    layer::{Size, prove},
    whole::{CONTEXT, SALT, cuts_between, documented, f, openings, proofs_of, stated},
};
use crate::{
    aggregate::{
        ACCUMULATOR_WORDS, AggregateError, AggregationConfig, AggregationKey, AggregationRequest,
        AggregationShape, FoldKey, FoldShape, InnerProof, InputVisibility, Item, MAX_FOLD,
        Openings, OuterProof, Snark, StatementShape, VerifyError,
        accumulator::{decide, decode, encode, random_pair},
        inner::verify_layer_proof,
        model_commitment,
    },
    srs::{Srs, SrsSource, SrsStore, default_cache_dir},
};
use halo2_base::halo2_proofs::{
    halo2curves::{bn256::Fr, ff::Field},
    poly::commitment::ParamsProver,
};
use rand::{SeedableRng, rngs::StdRng};
use std::sync::LazyLock;

pub(super) struct Tree {
    pub(super) layers: Vec<Snark>,
    pub(super) bottom: FoldKey,
    /// Over layers 0 and 1; over layer 2 and padding.
    pub(super) folds: [InnerProof; 2],
    pub(super) top: FoldKey,
    pub(super) peak: InnerProof,
    root: AggregationKey,
    srs: Srs,
    outer: OuterProof,
}

/// Layer proofs of the first request; the second has one.
const FIRST: usize = 2;

/// What the second request is about.
fn second() -> Openings {
    Openings {
        salt_in: f(21),
        inputs: vec![f(22)],
        salt_out: f(23),
        outputs: vec![f(24), f(25), f(26)],
    }
}

fn request(proofs: &[InnerProof], check: impl FnOnce(AggregationRequest<'_>)) {
    let (first, second) = (openings(), second());
    let statements = &[stated(&first), stated(&second)];
    check(AggregationRequest { proofs, statements });
}

fn rng() -> StdRng {
    StdRng::seed_from_u64(4)
}

pub(super) static TREE: LazyLock<Tree> = LazyLock::new(|| {
    let cuts = cuts_between(&openings(), FIRST as u64);
    let other = cuts_between(&second(), 1);
    let ends = [[cuts[0], cuts[1]], [cuts[1], cuts[2]], [other[0], other[1]]];
    let sizes = [
        Size::TINY,
        Size { k: 7, ..Size::TINY },
        Size { k: 8, ..Size::TINY },
    ];
    let layer = |i: usize| prove(sizes[i], i as u64, ends[i]);
    let layers: Vec<Snark> = (0..3).map(layer).collect();
    let proofs = proofs_of(&layers);
    let store = SrsStore::new(default_cache_dir());
    let source = SrsSource::Development;
    let config = AggregationConfig::default();
    let key = |shape| FoldKey::keygen(&store, &source, shape, &config).unwrap();

    let bottom = key(FoldShape::layers(&layers[0].protocol, 2).unwrap());
    let srs = store.load(&source, bottom.k()).unwrap();
    let folds = [&proofs[..2], &proofs[2..]].map(|p| bottom.prove(&srs, p, rng()).unwrap());
    let top = key(FoldShape::folds(bottom.vk(), 2).unwrap());
    let peak = top.prove(&srs, &folds, rng()).unwrap();

    let statement = |segments, output_words| StatementShape {
        segments,
        input_words: 1,
        output_words,
        visibility: InputVisibility::Public,
    };
    let statements = [statement(FIRST, 2), statement(1, 3)];
    let shape = AggregationShape::over_folds(top.vk(), &statements).unwrap();
    let root = AggregationKey::keygen(&store, &source, shape, &config).unwrap();
    let mut outer = None;
    request(std::slice::from_ref(&peak), |request| {
        outer = Some(root.prove(&srs, request, rng()).unwrap());
    });
    let outer = outer.unwrap();
    Tree {
        layers,
        bottom,
        folds,
        top,
        peak,
        root,
        srs,
        outer,
    }
});

impl Tree {
    /// Public words of the upper fold's circuit over these folds, without a native check.
    fn over(&self, folds: &[InnerProof]) -> Vec<Fr> {
        words(&self.top, &self.srs, folds)
    }
}

fn words(key: &FoldKey, srs: &Srs, proofs: &[InnerProof]) -> Vec<Fr> {
    key.fill(srs, proofs, rng()).unwrap().exposed()
}

fn pair_is_valid(words: &[Fr]) -> bool {
    let pair = decode(&words[..ACCUMULATOR_WORDS]).expect("two points");
    decide(TREE.root.vk().deciding_key(), pair).is_ok()
}

#[test]
fn the_tree_says_of_each_request_what_its_layer_proofs_say() {
    let tree = &*TREE;
    tree.root.vk().verify(&tree.outer).unwrap();
    assert_eq!(tree.root.shape().segments(), 3);
    assert_eq!(tree.top.vk().leaves(), 4);
    let protocols: Vec<_> = tree.layers.iter().map(|s| &s.protocol).collect();
    let model = |of: std::ops::Range<usize>| model_commitment(&protocols[of], f(SALT));
    let context = f(CONTEXT);
    let (first, second) = (openings(), second());
    let expected = [
        vec![model(0..FIRST)],
        first.inputs,
        first.outputs,
        vec![context, model(FIRST..3)],
        second.inputs,
        second.outputs,
        vec![context],
    ];
    assert_eq!(
        tree.outer.instances[ACCUMULATOR_WORDS..],
        expected.concat()[..]
    );
}

#[test]
fn folds_survive_bytes_and_files() {
    let tree = &*TREE;
    let vk = tree.bottom.vk();
    let bytes = vk.to_bytes(&tree.folds[0]);
    let read = vk.from_bytes(&bytes).unwrap();
    vk.verify(&read).unwrap();
    assert_eq!(read.items, tree.folds[0].items);
    for cut in [0, 9, bytes.len() - 1] {
        vk.from_bytes(&bytes[..cut]).unwrap_err();
    }
    let top = tree.top.vk();
    let peak = top.from_bytes(&top.to_bytes(&tree.peak)).unwrap();
    assert_eq!(peak.items, tree.peak.items);
    top.verify(&peak).unwrap();
    let error = vk.from_bytes(&top.to_bytes(&tree.peak)).unwrap_err();
    assert!(error.to_string().contains("4 layer proofs"), "{error}");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("fold.key");
    tree.bottom.write(&path).unwrap();
    let key = FoldKey::read(&path).unwrap();
    key.vk().verify(&tree.folds[1]).unwrap();
    let error = AggregationKey::read(&path).unwrap_err();
    assert!(error.to_string().contains("aggregation-key"), "{error}");
}

/// Own pair and carried pair of each fold, a power of r for each.
#[test]
fn accumulator_of_folds_is_the_documented_combination() {
    let tree = &*TREE;
    let g = tree.srs.params.get_g();
    let blind = random_pair(g[0], g[1], rng());
    let expected = documented(&tree.srs, &tree.folds, blind);
    assert_eq!(tree.over(&tree.folds)[..ACCUMULATOR_WORDS], expected);
}

#[test]
fn the_pair_of_a_fold_is_blinded_and_its_digest_is_not_random() {
    let tree = &*TREE;
    let proofs = proofs_of(&tree.layers[..2]);
    let fill = |seed| {
        let rng = StdRng::seed_from_u64(seed);
        tree.bottom.fill(&tree.srs, &proofs, rng).unwrap().exposed()
    };
    let (one, other) = (fill(1), fill(2));
    assert_eq!(one[ACCUMULATOR_WORDS..], other[ACCUMULATOR_WORDS..]);
    assert!((0..ACCUMULATOR_WORDS).all(|i| one[i] != other[i]));
}

#[test]
fn stored_folds_are_told_apart() {
    let tree = &*TREE;
    let (vk, layers) = (tree.bottom.vk(), proofs_of(&tree.layers));
    let [full, padded] = &tree.folds;
    assert!(vk.is_fold_of(full, &layers[..2]));
    assert!(vk.is_fold_of(padded, &layers[2..]));
    assert!(!vk.is_fold_of(full, &layers[..1]), "padding counts");
    assert!(!vk.is_fold_of(full, &layers[1..]));
    assert!(!vk.is_fold_of(full, &layers));
    assert!(!vk.is_fold_of(full, &[]));
    let mut broken = full.clone();
    let last = broken.snark.proof.len() - 1;
    broken.snark.proof[last] ^= 1;
    assert!(!vk.is_fold_of(&broken, &layers[..2]));
}

/// What a fold says of itself is checked before it goes anywhere.
#[test]
fn changed_folds_are_refused_by_name() {
    let tree = &*TREE;
    let refused = |change: &dyn Fn(&mut InnerProof)| {
        let mut fold = tree.folds[0].clone();
        change(&mut fold);
        let error = tree.bottom.vk().verify(&fold).unwrap_err();
        let folds = [tree.folds[1].clone(), fold];
        let above = tree.top.prove(&tree.srs, &folds, rng()).unwrap_err();
        assert!(matches!(above, AggregateError::Fold { index: 1, .. }));
        error.to_string()
    };
    let foreign = random_pair(
        tree.srs.params.get_g()[0],
        tree.srs.params.get_g()[1],
        rng(),
    );
    let items: [&dyn Fn(&mut InnerProof); 4] = [
        &|fold| fold.items[0].words[1] += Fr::ONE,
        &|fold| fold.items[1].k += 1,
        &|fold| fold.items.swap(0, 1),
        &|fold| drop(fold.items.pop()),
    ];
    for lie in items {
        let error = refused(lie);
        assert!(error.contains("items are not those"), "{error}");
    }
    // the proof is about its words, so it is the first to fail
    let words: [&dyn Fn(&mut InnerProof); 3] = [
        &|fold| fold.snark.instances[0][0] += Fr::ONE,
        &|fold| fold.snark.instances[0][ACCUMULATOR_WORDS] += Fr::ONE,
        &|fold| fold.snark.instances[0][..ACCUMULATOR_WORDS].copy_from_slice(&encode(&foreign)),
    ];
    for lie in words {
        let error = refused(lie);
        assert!(error.contains("the pairing check failed"), "{error}");
    }
}

/// Straight into the circuits, past the native checks: every lie below spoils the pair above.
#[test]
fn lies_below_spoil_the_pair_above() {
    let tree = &*TREE;
    assert!(pair_is_valid(&tree.over(&tree.folds)));
    let spoiled = |change: &dyn Fn(&mut InnerProof)| {
        let mut folds = tree.folds.clone();
        change(&mut folds[0]);
        assert!(!pair_is_valid(&tree.over(&folds)));
    };
    // another valid pair than the one that the fold's proof is about
    let g = tree.srs.params.get_g();
    let foreign = encode(&random_pair(g[0], g[1], rng()));
    spoiled(&|fold| fold.snark.instances[0][..ACCUMULATOR_WORDS].copy_from_slice(&foreign));
    spoiled(&|fold| fold.snark.instances[0][ACCUMULATOR_WORDS] += Fr::ONE);
    spoiled(&|fold| {
        let evaluation = fold.snark.proof.len() - 3 * 32;
        fold.snark.proof[evaluation] ^= 1;
    });

    // a layer proof whose domain is said to be another
    let mut proofs = proofs_of(&tree.layers[..2]);
    assert!(pair_is_valid(&words(&tree.bottom, &tree.srs, &proofs)));
    proofs[0].snark.protocol.domain = proofs[1].snark.protocol.domain.clone();
    assert!(!pair_is_valid(&words(&tree.bottom, &tree.srs, &proofs)));
}

/// An honest proof that a bad layer proof was *looked at*: the fold itself is a valid proof, the pair that it puts off is
/// not, and that pair is not lost on the way up.
#[test]
fn a_bad_pair_is_carried_up() {
    let tree = &*TREE;
    let mut proofs = proofs_of(&tree.layers[..2]);
    let evaluation = proofs[1].snark.proof.len() - 3 * 32;
    proofs[1].snark.proof[evaluation] ^= 1;
    let named = tree.bottom.prove(&tree.srs, &proofs, rng()).unwrap_err();
    assert!(matches!(
        named,
        AggregateError::InnerProof { segment: 1, .. }
    ));

    let fold = tree.bottom.prove_unchecked(&tree.srs, &proofs, rng());
    let fold = fold.unwrap();
    verify_layer_proof(tree.root.vk().deciding_key(), &fold.snark).unwrap();
    let error = tree.bottom.vk().verify(&fold).unwrap_err();
    assert!(error.to_string().contains("proofs under it"), "{error}");
    let folds = [fold, tree.folds[1].clone()];
    assert!(!pair_is_valid(&tree.over(&folds)));
}

#[test]
fn another_root_word_does_not_verify() {
    let tree = &*TREE;
    for i in ACCUMULATOR_WORDS..tree.outer.instances.len() {
        let mut bad = tree.outer.clone();
        bad.instances[i] += Fr::ONE;
        assert_eq!(tree.root.vk().verify(&bad), Err(VerifyError::Proof));
    }
}

#[test]
fn wrong_inputs_are_refused_by_name() {
    let tree = &*TREE;
    let fold = |proofs: &[InnerProof]| tree.bottom.prove(&tree.srs, proofs, rng()).unwrap_err();
    let layers = proofs_of(&tree.layers);
    let none = fold(&[]).to_string();
    assert_eq!(none, "0 proofs to fold, the key is for 1 to 2");
    let many = fold(&layers).to_string();
    assert_eq!(many, "3 proofs to fold, the key is for 1 to 2");
    let fold_as_layer = fold(&tree.folds);
    assert!(matches!(
        fold_as_layer,
        AggregateError::SegmentShape { segment: 0, .. }
    ));
    let layer_as_fold = tree.top.prove(&tree.srs, &layers[..1], rng()).unwrap_err();
    assert!(matches!(
        layer_as_fold,
        AggregateError::SegmentShape { segment: 0, .. }
    ));
    // what the circuit would not be given the same way
    type Lie = fn(&mut InnerProof);
    let lies: [(&str, Lie); 3] = [
        ("domain", |p| p.snark.protocol.domain.r#gen = Fr::ONE),
        ("domain", |p| p.snark.protocol.domain.k = 3),
        ("no verifying-key digest", |p| {
            p.snark.protocol.transcript_initial_state = None;
        }),
    ];
    for (expected, lie) in lies {
        let mut proof = layers[0].clone();
        lie(&mut proof);
        let error = fold(&[proof]).to_string();
        assert!(error.contains(expected), "{error}");
    }
    for capacity in [0, MAX_FOLD + 1] {
        let shape = FoldShape::layers(&tree.layers[0].protocol, capacity);
        let error = shape.unwrap_err().to_string();
        assert!(error.contains("1 to 32"), "{error}");
    }
    let small = Srs::insecure_development(5);
    let error = tree.bottom.prove(&small, &layers[..1], rng()).unwrap_err();
    assert!(
        matches!(error, AggregateError::SrsSize { got: 5, .. }),
        "{error}"
    );
    // a fold replayed in the place of the next one: each is fine, the second statement is not
    let replayed = [tree.folds[0].clone(), tree.folds[0].clone()];
    let peak = tree.top.prove(&tree.srs, &replayed, rng()).unwrap();
    request(&[peak], |request| {
        let error = tree.root.prove(&tree.srs, request, rng()).unwrap_err();
        let opening = matches!(error, AggregateError::Opening { end: "input" });
        assert!(opening, "{error}");
    });
    let first = openings();
    let one = AggregationRequest {
        proofs: std::slice::from_ref(&tree.peak),
        statements: &[stated(&first)],
    };
    let error = tree.root.prove(&tree.srs, one, rng()).unwrap_err();
    assert_eq!(error.to_string(), "1 statements, the key is for 2");
    let shape = AggregationShape::over_folds(tree.top.vk(), &[]);
    assert!(matches!(shape, Err(AggregateError::NoSegments)));
}

/// Items of the tree, for the tests of `items.rs`.
pub(super) fn peak_item() -> Item {
    TREE.peak.item()
}
