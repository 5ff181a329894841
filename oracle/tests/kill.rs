//! `kill -9` at every named place: the relayer runs as a process of its own, aborts there, is started again, and exactly one result is on
//! chain, with no nonce left open.

mod support;

use halocast_oracle::relay::{FailPoint, JobState, RelayerOptions, run_until_signal};
use halocast_oracle::{RelayerConfig, deploy::DeploymentRecord};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::{FakeEngine, RELAYER, World};

const CONFIG: &str = "HALOCAST_TEST_CONFIG";
const FAIL: &str = "HALOCAST_TEST_FAILPOINT";
/// Every place, in the order in which a job comes by.
const PLACES: [&str; 10] = [
    "seen",
    "queued",
    "executed",
    "proven",
    "submitting",
    "after-send",
    "sent",
    "mined",
    "confirmed",
    "done",
];

/// Not a test: the relayer process that the tests below start (they set the variable).
#[test]
fn relayer_child() {
    let Some(path) = std::env::var_os(CONFIG).map(PathBuf::from) else {
        return;
    };
    let config = RelayerConfig::check(&path).expect("configuration");
    halocast_oracle::relay::init_logging(&config.log);
    let log = path.with_file_name("proofs.log");
    let engine = Arc::new(FakeEngine {
        delay: Duration::from_millis(50),
        log,
    });
    let options = RelayerOptions {
        failpoint: FailPoint::from_env(FAIL),
        ..RelayerOptions::default()
    };
    run_until_signal(&path, config, vec![engine], options).expect("runs");
}

fn start_child(world: &World, config: &Path, place: &str) -> Running {
    let child = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", "relayer_child", "--nocapture"])
        .env(CONFIG, config)
        .env(FAIL, place)
        .env("HALOCAST_PRIVATE_KEY", world.chain.private_key(RELAYER))
        .stdout(Stdio::null())
        .env_remove("RUST_LOG")
        .stderr(std::fs::File::create(log_file(world)).expect("log file"))
        .spawn()
        .expect("starts");
    Running(child)
}

fn log_file(world: &World) -> PathBuf {
    world.dir.path().join("child.log")
}

/// What the last child said.
fn log_of(world: &World) -> String {
    std::fs::read_to_string(log_file(world)).expect("log file")
}

/// A child that does not outlive a failed test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill(); // most have ended by then
        let _ = self.0.wait();
    }
}

async fn ended(child: &mut Child) -> std::process::ExitStatus {
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("its own child") {
            return status;
        }
        if started.elapsed() > Duration::from_secs(30) {
            let _ = child.kill();
            panic!("the relayer did not end");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// SIGTERM, once the child says that it runs: then it listens for signals.
async fn terminate(world: &World, child: &mut Child) -> std::process::ExitStatus {
    while !log_of(world).contains("relayer starts") {
        assert!(
            child.try_wait().expect("its own child").is_none(),
            "the relayer ended by itself"
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let sent = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .expect("kill");
    assert!(sent.success());
    ended(child).await
}

#[tokio::test(flavor = "multi_thread")]
async fn exactly_one_result_whatever_the_moment() {
    let world = World::new(&["--block-time", "1"]).await;
    let config = world.config_file(&world.chain.url(), "");
    for (index, place) in PLACES.into_iter().enumerate() {
        let input = 100 + index as u64;
        let asked = world.ask(input).await;
        let status = ended(&mut start_child(&world, &config, place).0).await;
        assert!(!status.success(), "{place}: it should have aborted");
        let mut again = start_child(&world, &config, "");
        let job = world.wait_for(asked.request_id, JobState::Done).await;
        assert!(
            terminate(&world, &mut again.0).await.success(),
            "{place}: SIGTERM ends with exit code 0"
        );
        world.assert_answered(asked.request_id, input).await;
        assert_eq!(
            world.relayer_nonce().await,
            index as u64 + 1,
            "{place}: one transaction a request"
        );
        assert!(job.proof.is_some());
    }
    // A proof that was stored is not made again: only a kill before that costs one.
    assert_eq!(world.proofs_made(), PLACES.len());
    assert_eq!(
        DeploymentRecord::load(&world.dir.path().join("31337.json")).expect("untouched"),
        world.record
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_again_and_again_on_the_way() {
    let world = World::new(&["--block-time", "1"]).await;
    let config = world.config_file(&world.chain.url(), "");
    let asked = world.ask(7).await;
    for place in PLACES {
        let status = ended(&mut start_child(&world, &config, place).0).await;
        assert!(!status.success(), "{place}: it should have aborted");
        if place == "after-send" {
            // The next place, `sent`, is passed only while the block is not there; a restart may find the receipt at once.
            break;
        }
    }
    let mut last = start_child(&world, &config, "");
    world.wait_for(asked.request_id, JobState::Done).await;
    assert!(terminate(&world, &mut last.0).await.success());
    world.assert_answered(asked.request_id, 7).await;
    assert_eq!((world.relayer_nonce().await, world.proofs_made()), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn no_line_of_the_log_holds_the_key() {
    let world = World::new(&[]).await;
    let config = world.config_file(
        &world.chain.url(),
        "log:\n  filter: trace\n  format: json\n",
    );
    let mut child = start_child(&world, &config, "");
    let asked = world.ask(7).await;
    world.wait_for(asked.request_id, JobState::Mined).await;
    assert!(terminate(&world, &mut child.0).await.success());
    let text = log_of(&world);
    assert!(
        text.contains("\"to\":\"mined\""),
        "structured: {}",
        &text[..text.len().min(500)]
    );
    let key = world.chain.private_key(RELAYER);
    assert!(!text.contains(key.trim_start_matches("0x")));
}
