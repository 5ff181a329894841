//! The deploy tool against a real anvil.

mod support;

use alloy::primitives::{B256, Bytes, FixedBytes, U256};
use alloy::providers::{Provider, ext::AnvilApi};
use alloy::rpc::types::TransactionRequest;
use alloy::sol_types::SolCall;
use halocast_oracle::abi::{ModelRegistry, ModelVerifier, VerifierRouter};
use halocast_oracle::deploy::{
    DeploymentRecord, FACTORY, StepStatus, check_deployment, compile_solidity, deploy, find_solc,
    record_path,
};
use halocast_oracle::{ChainClient, DeployPlan, RetryPolicy};
use support::{DEPLOYER, World, deploy_options, local_chain, mock_proof, plan};

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_sends_nothing() {
    let chain = local_chain(&[]);
    let (client, dir) = (
        chain.client().expect("client"),
        tempfile::tempdir().expect("temp dir"),
    );
    let record = record_path(dir.path(), 31_337);
    let outcome = deploy(
        &client,
        &chain.account(DEPLOYER),
        &plan(31_337),
        &deploy_options(record.clone(), false),
    )
    .await
    .expect("plans");
    assert!(
        outcome
            .steps
            .iter()
            .all(|s| s.status == StepStatus::Planned)
            && outcome.steps.len() == 8
    );
    assert!(outcome.record.is_none() && !record.exists());
    assert_eq!(client.head().await.expect("head").number, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_changes_nothing() {
    let world = World::new(&[]).await;
    let file = record_path(world.dir.path(), 31_337);
    let (before, block) = (
        std::fs::read(&file).expect("record"),
        world.client.head().await.expect("head").number,
    );
    for broadcast in [true, false] {
        let options = deploy_options(file.clone(), broadcast);
        let outcome = deploy(
            &world.client,
            &world.chain.account(DEPLOYER),
            &plan(31_337),
            &options,
        )
        .await
        .expect("runs");
        assert!(outcome.unchanged());
        assert_eq!(outcome.record.as_ref(), Some(&world.record));
    }
    assert_eq!(std::fs::read(&file).expect("record"), before);
    assert_eq!(world.client.head().await.expect("head").number, block);
    assert!(world.record.models[0].srs_insecure && world.record.start_block > 0);
    check_deployment(&world.client, &world.record)
        .await
        .expect("the chain agrees");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_record_is_written_again_with_the_same_addresses() {
    let world = World::new(&[]).await;
    let file = record_path(world.dir.path(), 31_337);
    std::fs::remove_file(&file).expect("lost");
    let options = deploy_options(file.clone(), true);
    let outcome = deploy(
        &world.client,
        &world.chain.account(DEPLOYER),
        &plan(31_337),
        &options,
    )
    .await
    .expect("runs");
    assert!(outcome.unchanged());
    let again = DeploymentRecord::load(&file).expect("written");
    assert_eq!(
        again.inference_oracle.address,
        world.record.inference_oracle.address
    );
    assert_eq!(
        again.models[0].model_verifier.code_hash,
        world.record.models[0].model_verifier.code_hash
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_model_joins_the_same_oracle() {
    let world = World::new(&[]).await;
    let file = record_path(world.dir.path(), 31_337);
    let mut second = plan(31_337);
    second.model.model_id = B256::left_padding_from(&[0x55]);
    let outcome = deploy(
        &world.client,
        &world.chain.account(DEPLOYER),
        &second,
        &deploy_options(file, true),
    )
    .await
    .expect("runs");
    let done: Vec<_> = outcome
        .steps
        .iter()
        .filter(|s| s.status == StepStatus::Done)
        .map(|s| s.name.as_str())
        .collect();
    assert_eq!(
        done,
        ["model verifier", "route", "routed verifier", "registration"]
    );
    let record = outcome.record.expect("a record");
    assert_eq!(
        (record.models.len(), record.inference_oracle.address),
        (2, world.record.inference_oracle.address)
    );
    assert_eq!(record.start_block, world.record.start_block);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_local_chain_starts_a_new_record() {
    let old = World::new(&[]).await;
    let file = record_path(old.dir.path(), 31_337);
    let mut second = plan(31_337);
    second.model.model_id = B256::left_padding_from(&[0x55]);
    let options = deploy_options(file, true);
    deploy(&old.client, &old.chain.account(DEPLOYER), &second, &options)
        .await
        .expect("runs");
    let chain = local_chain(&[]);
    let client = chain.client().expect("client");
    let outcome = deploy(&client, &chain.account(DEPLOYER), &plan(31_337), &options)
        .await
        .expect("runs");
    let record = outcome.record.expect("a record");
    assert_eq!(record.models.len(), 1);
    check_deployment(&client, &record)
        .await
        .expect("the chain agrees");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_cut_off_is_continued() {
    let chain = local_chain(&[]);
    let (client, dir) = (
        chain.client().expect("client"),
        tempfile::tempdir().expect("temp dir"),
    );
    let options = deploy_options(record_path(dir.path(), 31_337), true);
    let account = chain.account(DEPLOYER);
    // Cut off while waiting for the first block: the transaction is in the journal and in the pool.
    client
        .provider()
        .anvil_set_auto_mine(false)
        .await
        .expect("no mining");
    let cut = tokio::time::timeout(
        std::time::Duration::from_millis(800),
        deploy(&client, &account, &plan(31_337), &options),
    )
    .await;
    assert!(cut.is_err());
    assert!(dir.path().join("31337.journal.json").exists());
    client
        .provider()
        .anvil_set_auto_mine(true)
        .await
        .expect("mining");
    client
        .provider()
        .anvil_mine(Some(1), None)
        .await
        .expect("mines");
    let outcome = deploy(&client, &account, &plan(31_337), &options)
        .await
        .expect("goes on");
    let record = outcome.record.expect("a record");
    assert_eq!(
        client.nonce_mined(account.address()).await.expect("nonce"),
        8,
        "eight transactions, none twice"
    );
    assert!(
        record.models[0].raw_verifier.tx.is_some(),
        "the first run's transaction is on record"
    );
    assert!(!dir.path().join("31337.journal.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn same_addresses_on_every_chain() {
    let world = World::new(&[]).await;
    let other = World::new(&[]).await;
    assert_eq!(world.oracle(), other.oracle());
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_plans_and_places() {
    let chain = local_chain(&[]);
    let (client, dir) = (
        chain.client().expect("client"),
        tempfile::tempdir().expect("temp dir"),
    );
    let account = chain.account(DEPLOYER);
    let options = deploy_options(record_path(dir.path(), 31_337), true);

    let error = deploy(&client, &account, &plan(1337), &options)
        .await
        .expect_err("the node is on another chain");
    assert_eq!(error.code(), "OR-CHN-001");

    let error = deploy(&client, &account, &plan(1), &options)
        .await
        .expect_err("an insecure SRS on mainnet");
    assert_eq!(error.code(), "OR-DEP-002");
    assert!(error.to_string().contains("insecure"), "{error}");

    let mut fat = plan(31_337);
    fat.model.raw_verifier.runtime_code = vec![0; 24_577].into();
    let error = deploy(&client, &account, &fat, &options)
        .await
        .expect_err("too much code");
    assert!(
        error.to_string().contains("24577") && error.to_string().contains("24576"),
        "{error}"
    );

    client
        .provider()
        .anvil_set_balance(account.address(), U256::from(12_345))
        .await
        .expect("poor");
    let error = deploy(&client, &account, &plan(31_337), &options)
        .await
        .expect_err("no money");
    assert_eq!(error.code(), "OR-FND-001");
    assert!(error.to_string().contains("12345 wei and needs"), "{error}");

    let policy = RetryPolicy {
        attempts: 1,
        ..RetryPolicy::default()
    };
    let nobody = ChainClient::http("http://127.0.0.1:1", policy).expect("client");
    let error = deploy(&nobody, &account, &plan(31_337), &options)
        .await
        .expect_err("nobody there");
    assert_eq!(error.code(), "OR-RPC-001");
    assert_eq!(
        client.head().await.expect("head").number,
        0,
        "nothing was sent"
    );
    assert!(
        std::fs::read_dir(dir.path()).expect("dir").next().is_none(),
        "nothing was written"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn another_deployment_proxy_is_refused() {
    let chain = local_chain(&[]);
    let (client, dir) = (
        chain.client().expect("client"),
        tempfile::tempdir().expect("temp dir"),
    );
    let options = deploy_options(record_path(dir.path(), 31_337), true);
    for (code, expected) in [(&[0x60, 0x00][..], "OR-DEP-003"), (&[][..], "OR-DEP-004")] {
        client
            .provider()
            .anvil_set_code(FACTORY, Bytes::copy_from_slice(code))
            .await
            .expect("sets code");
        let error = deploy(&client, &chain.account(DEPLOYER), &plan(31_337), &options)
            .await
            .expect_err("not the proxy");
        assert_eq!(error.code(), expected, "{error}");
    }
    let sent = client.nonce_mined(chain.account(DEPLOYER).address()).await;
    assert_eq!(sent.expect("nonce"), 0, "nothing was sent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_of_another_chain_is_refused() {
    let world = World::new(&[]).await;
    let file = record_path(world.dir.path(), 31_337);
    let mut record = world.record.clone();
    record.chain_id = 5;
    record.save(&file).expect("writes");
    let options = deploy_options(file, true);
    let error = deploy(
        &world.client,
        &world.chain.account(DEPLOYER),
        &plan(31_337),
        &options,
    )
    .await
    .expect_err("refused");
    assert!(
        error.code() == "OR-CHN-001" && error.to_string().contains("is for chain 5"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_changed_field_of_a_record_is_noticed() {
    let world = World::new(&[]).await;
    let changes: [fn(&mut DeploymentRecord); 12] = [
        |r| r.chain_id = 5,
        |r| r.model_registry.code_hash = B256::ZERO,
        |r| r.inference_oracle.address = r.model_registry.address,
        |r| r.model_registry = r.inference_oracle.clone(),
        |r| r.models[0].vk_digest = B256::ZERO,
        |r| r.models[0].model_verifier = r.models[0].raw_verifier.clone(),
        |r| r.models[0].model_id = B256::ZERO,
        |r| r.verifier_router.code_hash = B256::ZERO,
        |r| r.verifier_router = r.model_registry.clone(),
        |r| r.models[0].routed_verifier = r.models[0].model_verifier.clone(),
        |r| r.models[0].selector = FixedBytes([1, 2, 3, 4]),
        |r| r.models[0].key_contract = Some(r.models[0].raw_verifier.clone()),
    ];
    for (index, change) in changes.into_iter().enumerate() {
        let mut record = world.record.clone();
        change(&mut record);
        check_deployment(&world.client, &record)
            .await
            .err()
            .unwrap_or_else(|| panic!("change {index} was not noticed"));
    }
}

#[test]
fn compiles_a_verifier_with_the_pinned_compiler() {
    let solc = find_solc().expect("scripts/tools/solc");
    let source = "// SPDX-License-Identifier: MIT\npragma solidity 0.8.37;\ncontract V { fallback(bytes calldata) external returns (bytes memory) {} }";
    let code = compile_solidity(&solc, source, "V").expect("compiles");
    assert!(!code.init_code.is_empty() && !code.runtime_code.is_empty());
    let error = compile_solidity(&solc, "contract {", "V").expect_err("no Solidity");
    assert!(
        error.code() == "OR-TOOL-001" && error.to_string().contains("ParserError"),
        "{error}"
    );
    assert!(
        compile_solidity(&solc, source, "W")
            .expect_err("no W")
            .to_string()
            .contains("no contract W")
    );
}

/// A stored fixture of the generator.
fn generated(file: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../verifier-gen/tests/fixtures/three-layers")
        .join(file);
    std::fs::read(path).expect("stored fixture")
}

/// The code that the key contract's constructor returns, from its source.
fn key_code(source: &str) -> Vec<u8> {
    let argument = |line: &str, at: usize| {
        let inner = line.split_once('(').expect("call").1;
        let inner = inner.trim_end().trim_end_matches(')');
        inner.split(", ").nth(at).expect("argument")[2..].to_owned()
    };
    let number = |hex: String| usize::from_str_radix(&hex, 16).expect("address");
    let lines = || source.lines().map(str::trim);
    let end = lines().find(|l| l.starts_with("return(")).expect("return");
    let mut memory = vec![0; 0x1f + number(argument(end, 1))];
    for line in lines().filter(|l| l.starts_with("mstore(0x") && l.contains(", 0x")) {
        let start = number(argument(line, 0));
        let word = alloy::primitives::hex::decode(argument(line, 1)).expect("word");
        memory[start..start + 32].copy_from_slice(&word);
    }
    memory.split_off(0x1f)
}

/// The plan of the mock's model, with the generated split verifier of the stored proof.
fn split_plan(calldata: &[u8]) -> DeployPlan {
    let solc = find_solc().expect("solc");
    let text = |file| String::from_utf8(generated(file)).expect("source");
    let compile = |file, name| compile_solidity(&solc, &text(file), name).expect("compiles");
    let mut key = compile("Key.sol", "Halo2VerifyingKey");
    key.runtime_code = key_code(&text("Key.sol")).into();
    let mut plan = plan(31_337);
    plan.model.raw_verifier = compile("Split.sol", "Halo2Verifier");
    plan.model.key_contract = Some(key);
    plan.model.model_id = B256::from_slice(&calldata[12 * 32..13 * 32]);
    (plan.model.input_words, plan.model.output_words) = (3, 3);
    plan.model.proof_length = u32::try_from(calldata.len() - 8 * 32).expect("length");
    plan.model.metadata.inputs[0].shape = vec![45];
    plan.model.metadata.outputs[0].shape = vec![45];
    plan
}

#[tokio::test(flavor = "multi_thread")]
async fn v14_the_split_back_end_is_deployed_pinned_and_verifies_a_real_proof() {
    let chain = local_chain(&[]);
    let (client, dir) = (
        chain.client().expect("client"),
        tempfile::tempdir().expect("temp dir"),
    );
    let account = chain.account(DEPLOYER);
    let options = deploy_options(record_path(dir.path(), 31_337), true);
    let calldata = generated("calldata.bin");
    let good = split_plan(&calldata);

    // A key contract that does not become what the plan says: nothing is built on it.
    let mut wrong = good.clone();
    let key = wrong.model.key_contract.as_mut().expect("split");
    key.runtime_code = [&key.runtime_code[..], &[0]].concat().into();
    let error = deploy(&client, &account, &wrong, &options)
        .await
        .expect_err("another key");
    assert!(error.to_string().contains("key contract"), "{error}");

    let outcome = deploy(&client, &account, &good, &options)
        .await
        .expect("deploys");
    let record = outcome.record.expect("record");
    let model = &record.models[0];
    let key = model.key_contract.as_ref().expect("recorded");
    let leaf = model.model_verifier.address;
    let pinned = client.view(leaf, &ModelVerifier::keyContractCall {}).await;
    assert_eq!(pinned.expect("view"), key.address);
    check_deployment(&client, &record)
        .await
        .expect("the chain agrees");
    let again = deploy(&client, &account, &good, &options)
        .await
        .expect("runs");
    assert!(again.unchanged());

    let word = |index: usize| U256::from_be_slice(&calldata[32 * index..][..32]);
    let mut call = ModelVerifier::verifyCall {
        modelId_: model.model_id,
        context: word(19),
        inputs: (13..16).map(word).collect(),
        outputs: (16..19).map(word).collect(),
        proof: [&calldata[..12 * 32], &calldata[20 * 32..]].concat().into(),
    };
    client.view(leaf, &call).await.expect("a true proof");
    call.outputs[0] += U256::from(1);
    let error = client.view(leaf, &call).await.expect_err("a lie");
    assert!(error.to_string().contains("ProofRejected"), "{error}");
}

/// The registry is given the route, not the leaf: what the router's guardian stops gives no more results.
#[tokio::test(flavor = "multi_thread")]
async fn o2_a_stop_reaches_what_was_deployed() {
    let world = World::new(&[]).await;
    let (client, record) = (&world.client, &world.record);
    let model = &record.models[0];
    let registry = record.model_registry.address;
    let entry = ModelRegistry::routeOfCall {
        modelId: model.model_id,
    };
    let entry = client.view(registry, &entry).await.expect("registered");
    assert_eq!(entry.verifier, model.routed_verifier.address);

    let number = |n: u64| U256::from(n);
    let call = ModelVerifier::verifyCall {
        modelId_: model.model_id,
        context: number(5),
        inputs: vec![number(3)],
        outputs: vec![number(4)],
        proof: mock_proof(number(3), number(4), number(5)),
    };
    let accepted = client.view(entry.verifier, &call).await;
    accepted.expect("through the router");
    let selector = model.selector;
    let stop = TransactionRequest::default()
        .from(record.owner)
        .to(record.verifier_router.address)
        .input(VerifierRouter::stopCall { selector }.abi_encode().into());
    let sent = client.provider().send_transaction(stop).await;
    let receipt = sent.expect("sends").get_receipt().await.expect("mined");
    assert!(receipt.status());
    let error = client.view(entry.verifier, &call).await;
    let error = error.expect_err("stopped").to_string();
    assert!(error.contains("SelectorStopped"), "{error}");
    // A state of the deployment, not another deployment.
    let checked = check_deployment(client, record).await;
    checked.expect("as recorded");
    let file = record_path(world.dir.path(), 31_337);
    let account = world.chain.account(DEPLOYER);
    let again = deploy(client, &account, &plan(31_337), &deploy_options(file, true)).await;
    assert!(again.expect("runs").unchanged());
}
