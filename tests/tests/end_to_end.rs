//! The whole way with TinyGemma, as its three users walk it: compile, set up, deploy twice, ask, relay; the relayer is killed
//! while it proves, while it folds, and between sending and remembering; one result stands on chain. One aggregation, over
//! two folds, the second of them padded.

use halocast_oracle::LocalChain;
use halocast_oracle::chain::LocalChainOptions;
use halocast_tests::{Run, command, entries, halocast, root};
use serde_json::{Value, json};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one proof may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(40 * 60);

struct World {
    dir: TempDir,
    chain: LocalChain,
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

    fn relay(&self, failpoint: &str) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.path("relay.log"))
            .unwrap();
        command([
            "relay".as_ref(),
            self.path("b").as_os_str(),
            "--config".as_ref(),
            self.path("relayer.yaml").as_os_str(),
        ])
        .env("HALOCAST_PRIVATE_KEY", self.chain.private_key(2))
        .env("HALOCAST_RPC_URL", self.chain.url())
        .env("HALOCAST_FAILPOINT", failpoint)
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.path("relay.log")).unwrap_or_default()
    }

    fn status(&self, request: &str) -> Value {
        let deployment = self.path("31337.json");
        let bundle = self.path("b");
        let args: [&OsStr; 6] = [
            "status".as_ref(),
            request.as_ref(),
            "--deployment".as_ref(),
            deployment.as_ref(),
            "--bundle".as_ref(),
            bundle.as_ref(),
        ];
        self.call(0, args).ok().json()
    }
}

fn wait(what: &str, mut done: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// A file of this name anywhere below a directory.
fn below(dir: &Path, name: &str) -> Option<PathBuf> {
    if !dir.is_dir() {
        return None;
    }
    entries(dir).iter().find_map(|entry| {
        let path = dir.join(entry);
        match entry == name {
            true => Some(path),
            false => below(&path, name),
        }
    })
}

fn compile_and_set_up(world: &World) {
    let model = |file: &str| root().join("models/tinygemma").join(file).into_os_string();
    let out = world.path("b").into_os_string();
    let mut args = vec![
        "compile".into(),
        model("model.onnx"),
        "--calibration".into(),
        model("calibration.json"),
    ];
    args.extend([
        "--samples".into(),
        model("heldout.json"),
        "--prompts".into(),
        model("prompts.json"),
    ]);
    args.extend(
        [
            "--task",
            "generate",
            "--segments",
            "3",
            "--fidelity-min-cosine",
            "0.999",
            "--out",
        ]
        .map(Into::into),
    );
    args.push(out.clone());
    halocast(args).ok();
    let fidelity = std::fs::read(world.path("b").join("fidelity.json")).unwrap();
    let fidelity: Value = serde_json::from_slice(&fidelity).unwrap();
    let continuations = &fidelity["language"]["continuations"];
    let (same, all) = (
        continuations["identical"].as_f64().unwrap(),
        continuations["prompts"].as_f64().unwrap(),
    );
    assert!(
        all > 0.0 && same / all >= 0.95,
        "{same} of {all} continuations are the same"
    );
    halocast(["setup".into(), out, "--fold".into(), "2".into()]).ok();
}

fn deploy_twice(world: &World) {
    let (bundle, record) = (world.path("b"), world.path("31337.json"));
    let args: [&OsStr; 5] = [
        "deploy".as_ref(),
        bundle.as_ref(),
        "--broadcast".as_ref(),
        "--deployment".as_ref(),
        record.as_ref(),
    ];
    let first = world.call(0, args).ok().json();
    assert_eq!(first["unchanged"], false);
    let before = std::fs::read(&record).unwrap();
    assert_eq!(world.call(0, args).ok().json()["unchanged"], true);
    assert_eq!(before, std::fs::read(&record).unwrap());
    let model = &first["record"]["models"][0];
    assert!(
        model["rawVerifier"]["codeBytes"].as_u64().unwrap() <= 24_576,
        "{model}"
    );
    assert_eq!(model["srsInsecure"], true);
}

fn configure(world: &World) {
    let yaml = json!({
        "chain": {"id": 31337, "deployment": world.path("31337.json"), "poll_interval_ms": 200, "confirmations": 1},
        "store": {"database": world.path("relayer.db"), "workdir": world.path("work")},
        "policy": {"min_seconds_left": 60},
    });
    std::fs::write(world.path("relayer.yaml"), yaml.to_string()).unwrap();
}

fn ask(world: &World) -> String {
    let input = world.path("question.json");
    std::fs::write(
        &input,
        json!({"inputs": {"prompt": "Q:capital of France?A:", "n": 6}}).to_string(),
    )
    .unwrap();
    let (bundle, record) = (world.path("b"), world.path("31337.json"));
    let args: [&OsStr; 8] = [
        "request".as_ref(),
        bundle.as_ref(),
        "--input".as_ref(),
        input.as_ref(),
        "--deployment".as_ref(),
        record.as_ref(),
        "--fee".as_ref(),
        "1000000000000000".as_ref(),
    ];
    let json = world.call(1, args).ok().json();
    let id = &json["requested"]["requestId"];
    id.as_str().map_or_else(|| id.to_string(), str::to_owned)
}

#[test]
fn a_question_is_answered_once_however_often_the_relayer_is_killed() {
    let world = World {
        dir: tempfile::tempdir().unwrap(),
        chain: LocalChain::start(&LocalChainOptions::default()).unwrap(),
    };
    compile_and_set_up(&world);
    deploy_twice(&world);
    configure(&world);
    let request = ask(&world);
    assert_eq!(world.status(&request)["status"]["state"], "open");

    let kill_at = |file: &str| {
        let mut relayer = world.relay("");
        let mut found = None;
        wait(file, || {
            assert!(
                relayer.try_wait().unwrap().is_none(),
                "the relayer ended:\n{}",
                world.log()
            );
            found = below(&world.path("work"), file);
            found.is_some()
        });
        relayer.kill().unwrap();
        relayer.wait().unwrap();
        assert_eq!(world.status(&request)["status"]["state"], "open");
        found.unwrap()
    };
    kill_at("segment-0.proof");
    let fold = kill_at("fold-0.proof");
    let kept = std::fs::read(&fold).unwrap();
    // a good fold of this job, but of other layer proofs
    let foreign = fold.with_file_name("fold-1.proof");
    std::fs::write(&foreign, &kept).unwrap();

    let mut relayer = world.relay("after-send");
    wait("the crash after sending", || {
        relayer.try_wait().unwrap().is_some()
    });
    assert!(
        world.log().contains("fail-point after-send"),
        "{}",
        world.log()
    );
    assert!(std::fs::read(&fold).unwrap() == kept, "the fold was kept");
    assert!(std::fs::read(&foreign).unwrap() != kept, "made again");

    let mut relayer = world.relay("");
    wait("the result", || {
        assert!(
            relayer.try_wait().unwrap().is_none(),
            "the relayer ended:\n{}",
            world.log()
        );
        world.status(&request)["status"]["state"] == "fulfilled"
    });
    // Long enough for a second transaction, if there were to be one.
    std::thread::sleep(Duration::from_secs(3));
    relayer.kill().unwrap();
    relayer.wait().unwrap();

    let status = world.status(&request);
    assert_eq!(status["status"]["provenance"], "proven");
    assert_eq!(status["answer"]["text"], "Paris\n");
    let account = world.chain.account(2).address();
    let client = world.chain.client().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let sent = runtime.block_on(client.nonce_mined(account)).unwrap();
    assert_eq!(sent, 1, "the relayer sent one transaction");
}
