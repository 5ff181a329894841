//! Models with room for several results a proof, on a real anvil: their deployment, and a set from the words to the stored results. The raw
//! verifier takes what is sealed by the hash of every word before it.

mod support;

use alloy::primitives::{Address, B256, U256, hex, keccak256};
use alloy::providers::{Provider, ext::AnvilApi};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use halocast_oracle::abi::{BatchVerifier, InferenceOracle, ModelRegistry, ModelVerifier};
use halocast_oracle::batch::{BatchItem, SetTree, batch_context, batch_words};
use halocast_oracle::batch::{leaf_hash, set_proof_bytes};
use halocast_oracle::deploy::{
    CompiledCode, DeployOutcome, DeploymentRecord, StepStatus, check_deployment, deploy,
    record_path,
};
use halocast_oracle::{ChainClient, DeployPlan, LocalChain, Result, context_word};
use std::time::Duration;
use support::{DEPLOYER, World, deploy_options, local_chain, plan};

const SLOTS: usize = 3;
const BATCHED: B256 = B256::repeat_byte(0x15);

/// Accepts if the last word of the calldata is keccak256 of all before it.
const SEALED_INIT: [u8; 32] =
    hex!("6016600a5f3960165ff360203603805f5f37805f209035146014575f5ffd5b00");

fn batch_plan() -> DeployPlan {
    let mut plan = plan(31_337);
    plan.model.model_id = BATCHED;
    plan.model.slots = SLOTS as u32;
    plan.model.raw_verifier = CompiledCode {
        init_code: SEALED_INIT.to_vec().into(),
        runtime_code: SEALED_INIT[10..].to_vec().into(),
    };
    plan
}

/// A proof blob for these results: twelve zero limbs and the seal over them and the public words.
fn blob(items: &[BatchItem]) -> Vec<u8> {
    let of = |words: fn(&BatchItem) -> &Vec<U256>| -> Vec<Vec<U256>> {
        items.iter().map(|item| words(item).clone()).collect()
    };
    let contexts: Vec<U256> = items.iter().map(|item| item.context).collect();
    let mut words = vec![U256::from_be_bytes(BATCHED.0)];
    words.extend(batch_words(&of(|i| &i.inputs), SLOTS).expect("inputs"));
    words.extend(batch_words(&of(|i| &i.outputs), SLOTS).expect("outputs"));
    words.push(batch_context(&contexts, SLOTS).expect("contexts"));
    let limbs = vec![0; 384];
    let words = words.iter().flat_map(U256::to_be_bytes::<32>);
    let sealed: Vec<u8> = limbs.iter().copied().chain(words).collect();
    [limbs.as_slice(), keccak256(sealed).as_slice()].concat()
}

/// A chain with two models: the mock's, and one with slots.
async fn two_models() -> (World, DeploymentRecord, DeployOutcome) {
    let world = World::new(&[]).await;
    let options = deploy_options(record_path(world.dir.path(), 31_337), true);
    let account = world.chain.account(DEPLOYER);
    let outcome = deploy(&world.client, &account, &batch_plan(), &options).await;
    let outcome = outcome.expect("deploys");
    let record = outcome.record.clone().expect("a record");
    (world, record, outcome)
}

async fn send(client: &ChainClient, from: Address, to: Address, call: &impl SolCall, value: u64) {
    let tx = TransactionRequest::default()
        .from(from)
        .to(to)
        .value(U256::from(value))
        .input(call.abi_encode().into());
    let sent = client.provider().send_transaction(tx).await.expect("sends");
    let receipt = sent.get_receipt().await.expect("mined");
    assert!(receipt.status(), "{}", receipt.transaction_hash);
}

#[tokio::test(flavor = "multi_thread")]
async fn o10_a_model_with_slots_joins_and_a_second_run_changes_nothing() {
    let (world, record, outcome) = two_models().await;
    let done = outcome
        .steps
        .iter()
        .filter(|s| s.status == StepStatus::Done);
    let names: Vec<_> = done.map(|s| s.name.as_str()).collect();
    let expected = [
        "raw verifier",
        "model verifier",
        "route",
        "routed verifier",
        "batch verifier",
        "registration",
        "batch registration",
    ];
    assert_eq!(names, expected);

    let model = record.model(BATCHED).expect("recorded");
    assert_eq!(model.slots as usize, SLOTS);
    assert_eq!((model.input_words, model.output_words), (1, 1));
    let batch = model.batch_verifier.as_ref().expect("recorded").address;
    assert!(model.batch_registration.is_some());
    let client = &world.client;
    let leaf = model.model_verifier.address;
    let words = client.view(leaf, &ModelVerifier::inputWordsCall {}).await;
    assert_eq!(words.expect("view"), U256::from(SLOTS));
    let words = client.view(batch, &ModelVerifier::inputWordsCall {}).await;
    assert_eq!(words.expect("view"), U256::from(1));
    check_deployment(client, &record)
        .await
        .expect("the chain agrees");

    let file = record_path(world.dir.path(), 31_337);
    let before = std::fs::read_to_string(&file).expect("record");
    // Only the model with slots says so; the other's entry is as it was before there were any.
    assert_eq!(before.matches("\"slots\"").count(), 1);
    assert_eq!(before.matches("\"batchVerifier\"").count(), 1);
    let block = client.head().await.expect("head").number;
    for broadcast in [true, false] {
        let options = deploy_options(file.clone(), broadcast);
        let account = world.chain.account(DEPLOYER);
        let again = deploy(client, &account, &batch_plan(), &options).await;
        let again = again.expect("runs");
        assert!(again.unchanged() && again.steps.len() == 10);
        assert_eq!(again.record.as_ref(), Some(&record));
    }
    assert_eq!(client.head().await.expect("head").number, block);
    assert_eq!(std::fs::read_to_string(&file).expect("record"), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn o10_a_dry_run_names_every_step() {
    let (chain, dir) = (local_chain(&[]), tempfile::tempdir().expect("temp dir"));
    let client = chain.client().expect("client");
    let options = deploy_options(record_path(dir.path(), 31_337), false);
    let account = chain.account(DEPLOYER);
    let outcome = deploy(&client, &account, &batch_plan(), &options).await;
    let steps = outcome.expect("plans").steps;
    assert!(steps.iter().all(|s| s.status == StepStatus::Planned) && steps.len() == 10);
    assert_eq!(steps[9].name, "batch registration");

    let mut none = batch_plan();
    none.model.slots = 0;
    let error = deploy(&client, &account, &none, &options).await;
    let error = error.expect_err("no slots");
    assert_eq!(error.code(), "OR-DEP-004");
    assert!(error.to_string().contains("0 results"), "{error}");
}

/// A run that is cut off while it waits for its next transaction; `None` if it was.
async fn cut_off(
    chain: &LocalChain,
    client: &ChainClient,
    dir: &std::path::Path,
) -> Option<Result<DeployOutcome>> {
    let options = deploy_options(record_path(dir, 31_337), true);
    let (account, plan) = (chain.account(DEPLOYER), batch_plan());
    let run = deploy(client, &account, &plan, &options);
    tokio::time::timeout(Duration::from_millis(800), run)
        .await
        .ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn o10_a_run_cut_off_at_every_transaction_is_continued() {
    let (chain, dir) = (local_chain(&[]), tempfile::tempdir().expect("temp dir"));
    let client = chain.client().expect("client");
    let account = chain.account(DEPLOYER).address();
    let stopped = client.provider().anvil_set_auto_mine(false).await;
    stopped.expect("no mining");
    let mut ended = None;
    for _ in 0..60 {
        ended = cut_off(&chain, &client, dir.path()).await;
        if ended.is_some() {
            break;
        }
        let mined = client.provider().anvil_mine(Some(1), None).await;
        mined.expect("mines");
    }
    let outcome = ended.expect("an end").expect("goes on");
    let record = outcome.record.expect("a record");
    let sent = client.nonce_mined(account).await.expect("nonce");
    assert_eq!(sent, 10, "ten transactions, none twice");
    let model = record.model(BATCHED).expect("recorded");
    let batch = model.batch_verifier.as_ref().expect("recorded");
    assert!(batch.tx.is_some() && model.batch_registration.is_some());
    assert!(!dir.path().join("31337.journal.json").exists());
    check_deployment(&client, &record)
        .await
        .expect("the chain agrees");
}

/// The registry takes a batch verifier once. Another one there is named, not run into.
#[tokio::test(flavor = "multi_thread")]
async fn o10_a_batch_verifier_of_somebody_else_is_refused() {
    let (chain, dir) = (local_chain(&[]), tempfile::tempdir().expect("temp dir"));
    let client = chain.client().expect("client");
    let owner = chain.account(DEPLOYER).address();
    let stopped = client.provider().anvil_set_auto_mine(false).await;
    stopped.expect("no mining");
    // Nine transactions: all but the last.
    for _ in 0..60 {
        if client.nonce_mined(owner).await.expect("nonce") == 9 {
            break;
        }
        assert!(cut_off(&chain, &client, dir.path()).await.is_none());
        let mined = client.provider().anvil_mine(Some(1), None).await;
        mined.expect("mines");
    }
    let mining = client.provider().anvil_set_auto_mine(true).await;
    mining.expect("mining");
    let options = deploy_options(record_path(dir.path(), 31_337), false);
    let account = chain.account(DEPLOYER);
    let outcome = deploy(&client, &account, &batch_plan(), &options).await;
    let steps = outcome.expect("plans").steps;
    let at = |name: &str| steps.iter().find(|s| s.name == name).expect("a step");
    assert_eq!(at("registration").status, StepStatus::Unchanged);
    assert_eq!(at("batch registration").status, StepStatus::Planned);
    // A route says of itself what the registry asks a batch verifier.
    let other = ModelRegistry::setBatchVerifierCall {
        modelId: BATCHED,
        batchVerifier: at("routed verifier").address,
    };
    send(&client, owner, at("model registry").address, &other, 0).await;
    let error = deploy(&client, &account, &batch_plan(), &options).await;
    let error = error.expect_err("another one");
    assert_eq!(error.code(), "OR-DEP-004");
    let text = error.to_string();
    assert!(text.contains("has the batch verifier"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn o10_every_changed_field_of_a_record_is_noticed() {
    let (world, record, _) = two_models().await;
    let changes: [fn(&mut DeploymentRecord); 6] = [
        |r| r.models[1].slots = 1,
        |r| r.models[1].slots = 4,
        |r| r.models[1].batch_verifier = None,
        |r| (r.models[1].slots, r.models[1].batch_verifier) = (1, None),
        |r| r.models[1].batch_verifier = Some(r.models[1].routed_verifier.clone()),
        |r| {
            r.models[1]
                .batch_verifier
                .as_mut()
                .expect("has one")
                .code_hash = B256::ZERO
        },
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut record = record.clone();
        change(&mut record);
        let checked = check_deployment(&world.client, &record).await;
        assert!(checked.is_err(), "change {index} was not noticed");
    }
    // Somebody names a batch verifier for the model that has none on record: its sets would be that one's word.
    let other = ModelRegistry::setBatchVerifierCall {
        modelId: record.models[0].model_id,
        batchVerifier: record.models[0].routed_verifier.address,
    };
    let registry = record.model_registry.address;
    send(&world.client, record.owner, registry, &other, 0).await;
    let error = check_deployment(&world.client, &record).await;
    let error = error.expect_err("not on record").to_string();
    assert!(error.contains("batch verifier"), "{error}");
}

/// From words to stored results with nothing but this crate, and the contracts agree: contexts, leaves, root, paths, proof bytes.
#[tokio::test(flavor = "multi_thread")]
async fn o10_a_set_made_here_is_taken_on_chain() {
    let (world, record, _) = two_models().await;
    let (client, oracle) = (&world.client, record.inference_oracle.address);
    let (requester, payee) = (world.chain.account(2).address(), Address::repeat_byte(0xbb));
    let model = record.model(BATCHED).expect("recorded");
    let batch = model.batch_verifier.as_ref().expect("recorded").address;
    let time = client.head().await.expect("head").timestamp;
    let mut items = Vec::new();
    for id in 1..=SLOTS as u64 {
        let call = InferenceOracle::requestCall {
            modelId: BATCHED,
            inputs: vec![U256::from(40 + id)],
            deadline: time + 3600,
            callbackGas: 0,
            callback: Address::ZERO,
        };
        send(client, requester, oracle, &call, 1000).await;
        items.push(BatchItem {
            context: context_word(31_337, oracle, U256::from(id), payee),
            inputs: vec![U256::from(40 + id)],
            outputs: vec![U256::from(80 + id)],
        });
        let contexts: Vec<U256> = items.iter().map(|item| item.context).collect();
        let call = BatchVerifier::batchContextOfCall {
            contexts: contexts.clone(),
        };
        let theirs = client.view(batch, &call).await.expect("view");
        assert_eq!(theirs, batch_context(&contexts, SLOTS).expect("ours"));
        check_set(client, batch, &items).await;
    }

    // One result alone, as `fulfill` asks.
    let alone = &items[1];
    let mut call = ModelVerifier::verifyCall {
        modelId_: BATCHED,
        context: alone.context,
        inputs: alone.inputs.clone(),
        outputs: alone.outputs.clone(),
        proof: blob(&items[1..2]).into(),
    };
    let verified = client.view(batch, &call).await;
    verified.expect("a batch of one");
    call.proof = blob(&items).into();
    let error = client.view(batch, &call).await.expect_err("of three");
    assert!(error.to_string().contains("ProofRejected"), "{error}");

    let tree = tree(&items);
    let fulfillment = |index: usize| InferenceOracle::SetFulfillment {
        requestId: U256::from(index + 1),
        payee,
        outputs: items[index].outputs.clone(),
        index: U256::from(index),
        path: tree.path(index).expect("a leaf"),
    };
    let mut call = InferenceOracle::fulfillBatchFromSetCall {
        modelId: BATCHED,
        root: tree.root(),
        depth: tree.depth(),
        setProof: set_proof_bytes(&items, &blob(&items)),
        items: (0..SLOTS).map(fulfillment).collect(),
    };
    call.items[1].outputs[0] += U256::from(1);
    send(client, record.owner, oracle, &call, 0).await;
    for id in 1..=SLOTS as u64 {
        let call = InferenceOracle::getResultCall {
            requestId: U256::from(id),
        };
        let result = client.view(oracle, &call).await.expect("a request");
        let expected = if id == 2 {
            vec![]
        } else {
            items[id as usize - 1].outputs.clone()
        };
        assert_eq!(result.outputs, expected, "request {id}");
    }
    let credit = InferenceOracle::withdrawableCall { account: payee };
    let credit = client.view(oracle, &credit).await.expect("view");
    assert_eq!(credit, U256::from(2000));
}

fn tree(items: &[BatchItem]) -> SetTree {
    let leaf = |item| leaf_hash(BATCHED, item);
    SetTree::new(items.iter().map(leaf).collect()).expect("a tree")
}

/// The batch verifier takes the set, and with another output names the root that we compute as well.
async fn check_set(client: &ChainClient, batch: Address, items: &[BatchItem]) {
    let told = tree(items);
    let mut call = BatchVerifier::verifySetCall {
        modelId_: BATCHED,
        root: told.root(),
        depth: told.depth(),
        proof: set_proof_bytes(items, &blob(items)),
    };
    client.view(batch, &call).await.expect("a good set");
    let mut lie = items.to_vec();
    lie.last_mut().expect("an item").outputs[0] += U256::from(1);
    call.proof = set_proof_bytes(&lie, &blob(items));
    let error = client.view(batch, &call).await.expect_err("another root");
    let text = error.to_string();
    let theirs = tree(&lie).root().to_string();
    assert!(
        text.contains("SetRootMismatch") && text.contains(&theirs),
        "{text}"
    );
    call.root = tree(&lie).root();
    let error = client.view(batch, &call).await.expect_err("not proven");
    assert!(error.to_string().contains("ProofRejected"), "{error}");
}
