//! Several inputs under one proof: compiled, proven, verified, and answered on a chain, where one bad item fails alone.

use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolEvent};
use halocast_oracle::abi::InferenceOracle::{
    FulfilFailed, SetFulfillment, fulfillBatchFromSetCall,
};
use halocast_oracle::chain::{LocalChainOptions, SendOptions, TxPlan, send_and_wait};
use halocast_oracle::{DeploymentRecord, LocalChain, context_word};
use halocast_prover::bundle::Bundle;
use halocast_prover::ir::{ExecError, pack};
use halocast_prover::pipeline::{Request, execute};
use halocast_tests::{Run, command, compile, halocast, reference, root, write_input};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Items that a proof is compiled for; three are given.
const SLOTS: &str = "4";
/// How long the relayer may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20 * 60);

struct World {
    dir: TempDir,
    chain: LocalChain,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// A call against the chain, signed by one of its accounts.
    fn call<S: AsRef<OsStr>>(&self, account: usize, args: impl IntoIterator<Item = S>) -> Run {
        let mut command = command(args);
        command
            .arg("--json")
            .env("HALOCAST_PRIVATE_KEY", self.chain.private_key(account))
            .env("HALOCAST_RPC_URL", self.chain.url());
        command.output().unwrap().into()
    }

    fn record(&self) -> DeploymentRecord {
        DeploymentRecord::load(&self.path("31337.json")).unwrap()
    }

    fn oracle(&self) -> Address {
        self.record().inference_oracle.address
    }

    /// Asks for the answer to a stored input of the fixture.
    fn ask(&self, index: usize) -> U256 {
        let (bundle, input) = (self.path("b"), self.path("question.json"));
        write_input("mlp", index % reference("mlp").len(), &input);
        let record = self.path("31337.json");
        let args: [&OsStr; 6] = [
            "request".as_ref(),
            bundle.as_ref(),
            "--input".as_ref(),
            input.as_ref(),
            "--deployment".as_ref(),
            record.as_ref(),
        ];
        let json = self.call(1, args).ok().json();
        let id = &json["requested"]["requestId"];
        let text = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        text.parse().unwrap()
    }

    fn state(&self, request: U256) -> String {
        let (record, id) = (self.path("31337.json"), request.to_string());
        let args: [&OsStr; 4] = [
            "status".as_ref(),
            id.as_ref(),
            "--deployment".as_ref(),
            record.as_ref(),
        ];
        let json = self.call(0, args).ok().json();
        json["status"]["state"].as_str().unwrap().to_owned()
    }

    /// Sends items of a set; returns the events about those that failed.
    fn fulfil(&self, set: &Value, proof: Bytes, items: Vec<SetFulfillment>) -> Vec<FulfilFailed> {
        let call = fulfillBatchFromSetCall {
            modelId: text(&set["model"]).parse().unwrap(),
            root: text(&set["root"]).parse().unwrap(),
            depth: set["depth"].as_u64().unwrap() as u8,
            setProof: proof,
            items,
        };
        let plan = TxPlan {
            to: self.oracle(),
            value: U256::ZERO,
            data: call.abi_encode().into(),
            action: "a batch".into(),
        };
        let (client, account) = (self.chain.client().unwrap(), self.chain.account(2));
        self.runtime.block_on(async {
            let sent = send_and_wait(&client, &account, &plan, &SendOptions::default()).await;
            let receipt = sent.unwrap();
            println!("{} gas", receipt.gas_used);
            let logs = client.receipt_logs(receipt.hash).await.unwrap();
            let failed = logs.iter().filter_map(|log| {
                let decoded = FulfilFailed::decode_log(&log.inner).ok()?;
                Some(decoded.data)
            });
            failed.collect()
        })
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn strings(args: &[&str]) -> Vec<std::ffi::OsString> {
    args.iter().map(Into::into).collect()
}

fn set_up_and_deploy() -> World {
    let world = World {
        dir: tempfile::tempdir().unwrap(),
        chain: LocalChain::start(&LocalChainOptions::default()).unwrap(),
        runtime: tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap(),
    };
    let bundle = world.path("b");
    let compiled = compile("mlp", &bundle, &["--batch", SLOTS, "--json"]);
    assert_eq!(compiled.ok().json()["items"].to_string(), SLOTS);
    halocast(["setup".as_ref(), bundle.as_os_str()]).ok();
    let record = world.path("31337.json");
    let args: [&OsStr; 5] = [
        "deploy".as_ref(),
        bundle.as_ref(),
        "--broadcast".as_ref(),
        "--deployment".as_ref(),
        record.as_ref(),
    ];
    assert_eq!(world.call(0, args).ok().json()["unchanged"], false);
    assert_eq!(world.call(0, args).ok().json()["unchanged"], true);
    world
}

/// Proves the first items of a batch for these requests, and makes the set.
fn prove(world: &World, requests: &[U256], payee: Address) -> Value {
    let stored = reference("mlp");
    let item = |(index, id): (usize, &U256)| {
        let context = context_word(31337, world.oracle(), *id, payee);
        json!({"inputs": stored[index]["inputs"], "context": format!("{context:#x}")})
    };
    let items: Vec<Value> = requests.iter().enumerate().map(item).collect();
    let path = |name: &str| world.path(name).into_os_string();
    std::fs::write(path("items.json"), json!(items).to_string()).unwrap();

    let mut args = strings(&["prove", "--json"]);
    args.extend([path("b"), "--batch".into(), path("items.json")]);
    args.extend(["--out".into(), path("proof.json")]);
    assert_eq!(halocast(args).ok().json()["items"], requests.len());
    halocast(["verify".into(), path("b"), path("proof.json")]).ok();
    refuses_other_items(world);
    let mut args = strings(&["set"]);
    args.extend([
        path("b"),
        path("proof.json"),
        "--out".into(),
        path("set.json"),
    ]);
    halocast(args).ok();
    serde_json::from_slice(&std::fs::read(path("set.json")).unwrap()).unwrap()
}

/// The context words of the items are not public words themselves, but what they make together is.
fn refuses_other_items(world: &World) {
    let (good, bad) = (world.path("proof.json"), world.path("bad.json"));
    let proof: Value = serde_json::from_slice(&std::fs::read(&good).unwrap()).unwrap();
    let verify = |change: &dyn Fn(&mut Value), what: &str| {
        let mut proof = proof.clone();
        change(&mut proof);
        std::fs::write(&bad, proof.to_string()).unwrap();
        let bundle = world.path("b");
        halocast(["verify".as_ref(), bundle.as_os_str(), bad.as_ref()]).fails(what);
    };
    verify(
        &|p| p["contexts"][1] = json!("0x7"),
        "that of its items together",
    );
    verify(&|p| p["contexts"] = json!([]), "0 results");
    // Two contexts that make the same word for four places as three would, if only the third were repeated.
    let fewer = |p: &mut Value| {
        let contexts = p["contexts"].as_array_mut().unwrap();
        contexts.pop();
    };
    verify(&fewer, "that of its items together");
    verify(&|p| p["context"] = json!("0x7"), "other context");
    let swap = |p: &mut Value| {
        let words = p["outputs"].as_array_mut().unwrap();
        words.swap(0, 1);
    };
    verify(&swap, "other outputs");
}

fn fulfillment(set: &Value, index: usize, request: U256, payee: Address) -> SetFulfillment {
    let item = &set["items"][index];
    let words = |name: &str| -> Vec<B256> {
        let words = item[name].as_array().unwrap().iter();
        words.map(|w| text(w).parse().unwrap()).collect()
    };
    SetFulfillment {
        requestId: request,
        payee,
        outputs: words("outputs").into_iter().map(Into::into).collect(),
        index: U256::from(index),
        path: words("path"),
    }
}

#[test]
fn o9_a_batch_is_stored_and_one_bad_item_fails_alone() {
    let world = set_up_and_deploy();
    let requests: Vec<U256> = (0..4).map(|index| world.ask(index)).collect();
    let payee = world.chain.account(2).address();
    let set = prove(&world, &requests[..3], payee);
    let proof: Bytes = text(&set["proof"]).parse().unwrap();
    let item = |index: usize| fulfillment(&set, index, requests[index], payee);

    let mut lie = item(1);
    lie.outputs[0] ^= U256::from(1);
    let failed = world.fulfil(&set, proof, vec![item(0), lie, item(2)]);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(
        (failed[0].index, failed[0].requestId),
        (U256::from(1), requests[1])
    );
    let states = || -> Vec<String> { requests.iter().map(|id| world.state(*id)).collect() };
    assert_eq!(states(), ["fulfilled", "open", "fulfilled", "open"]);

    // The set is known now: no proof again. An item's path leads to no other request.
    let stranger = fulfillment(&set, 2, requests[3], payee);
    let failed = world.fulfil(&set, Bytes::new(), vec![stranger, item(1)]);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(states(), ["fulfilled", "fulfilled", "fulfilled", "open"]);

    relay_until_fulfilled(&world, requests[3]);
}

/// A request that comes alone: the relayer proves it with the item in every place.
fn relay_until_fulfilled(world: &World, request: U256) {
    let yaml = json!({
        "chain": {"id": 31337, "deployment": world.path("31337.json"), "poll_interval_ms": 200, "confirmations": 1},
        "store": {"database": world.path("relayer.db"), "workdir": world.path("work")},
        "policy": {"min_seconds_left": 60},
    });
    std::fs::write(world.path("relayer.yaml"), yaml.to_string()).unwrap();
    let mut relayer = command([
        "relay".as_ref(),
        world.path("b").as_os_str(),
        "--config".as_ref(),
        world.path("relayer.yaml").as_os_str(),
    ])
    .env("HALOCAST_PRIVATE_KEY", world.chain.private_key(3))
    .env("HALOCAST_RPC_URL", world.chain.url())
    .stdout(Stdio::null())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let begin = Instant::now();
    while world.state(request) != "fulfilled" {
        assert!(relayer.try_wait().unwrap().is_none(), "the relayer ended");
        assert!(
            begin.elapsed() < PATIENCE,
            "request {request} is not fulfilled"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    relayer.kill().unwrap();
    relayer.wait().unwrap();
}

fn tinygemma(out: &Path, batch: &str) -> Bundle {
    let model = |file: &str| root().join("models/tinygemma").join(file).into_os_string();
    let mut args = strings(&["compile"]);
    args.extend([model("model.onnx"), "--calibration".into()]);
    args.push(model("calibration.json"));
    args.extend(strings(&["--task", "generate", "--batch", batch, "--out"]));
    args.push(out.into());
    halocast(args).ok();
    Bundle::open(out).unwrap()
}

/// What a generation states is in its operators: it is stated of each item.
#[test]
fn generations_in_a_batch_are_those_of_each_prompt() {
    let dir = tempfile::tempdir().unwrap();
    let bundle = tinygemma(&dir.path().join("b"), "2");
    let (single, proven) = (bundle.program(), bundle.proven());
    let prompts = [("Q:capital of France?A:", 6), ("Once upon", 12)];
    let runs = prompts.map(|(prompt, n)| {
        let json = json!({"inputs": {"prompt": prompt, "n": n}});
        let request = Request::from_json(&bundle, &json).unwrap();
        execute(&bundle, &request).unwrap().trace
    });
    let rows = single.batched_inputs(&runs.each_ref().map(|run| run.concat(&single.inputs)));
    let hints = single.hints.iter();
    let hints = hints.map(|&id| (id, runs.each_ref().map(|run| run.get(id)).concat()));
    let given: Vec<_> = std::iter::once((proven.inputs[0], rows))
        .chain(hints)
        .collect();
    let trace = halocast_prover::ir::execute(proven, &given).unwrap();
    let words = pack(&trace.concat(&proven.outputs));
    let alone = runs
        .each_ref()
        .map(|run| pack(&run.concat(&single.outputs)));
    assert_eq!(words, alone.concat());

    // A prover who claims another token in one item's answer has no run.
    for item in 0..2 {
        let mut given = given.clone();
        let sequence = &mut given[1].1;
        let (length, prompt) = (sequence.len() / 2, prompts[item].0.len());
        sequence[item * length + prompt] ^= 1;
        let error = halocast_prover::ir::execute(proven, &given).unwrap_err();
        assert!(matches!(error, ExecError::Assertion { .. }), "{error}");
    }
}

#[test]
fn a_batch_that_cannot_be_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).into_os_string();
    for items in ["0", "65"] {
        let bundle = PathBuf::from(path("none"));
        compile("mlp", &bundle, &["--batch", items]).fails(&format!("{items} items"));
        assert!(!bundle.exists());
    }
    compile("mlp", Path::new(&path("b")), &["--batch", "2"]).ok();
    let prove = |json: Value| {
        std::fs::write(path("items.json"), json.to_string()).unwrap();
        let mut args = strings(&["prove"]);
        args.extend([path("b"), "--batch".into(), path("items.json")]);
        args.extend(["--out".into(), path("p.json")]);
        halocast(args)
    };
    let good = json!({"inputs": reference("mlp")[0]["inputs"], "context": "0x1"});
    prove(json!([])).fails("0 items, a proof of this bundle takes 1 to 2");
    prove(json!([good, good, good])).fails("3 items");
    prove(good.clone()).fails("expected a list");
    prove(json!([good, {"inputs": {}}])).fails("item 1");
    prove(json!([{"inputs": good["inputs"], "context": 5}])).fails("context");
    prove(json!([good, good])).fails("halocast setup");
}
