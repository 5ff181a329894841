//! What the tests share: a private chain with a deployment whose raw verifier only compares the context word, an engine that answers
//! input + 1, and a relayer to start and stop.

#![allow(dead_code, missing_docs, unreachable_pub)] // each test binary uses a part of it

pub mod proxy;

use alloy::primitives::{Address, B256, Bytes, U256, b256, hex};
use alloy::rpc::types::Filter;
use alloy::sol_types::SolEvent;
use halocast_oracle::abi::InferenceOracle;
use halocast_oracle::chain::{LocalChain, LocalChainOptions, SendOptions};
use halocast_oracle::deploy::{
    CompiledCode, CompilerRecord, DeployOptions, DeployPlan, DeploymentRecord, ModelMetadata,
    ModelPlan, ModelTask, TensorSpec, deploy, record_path,
};
use halocast_oracle::relay::{Job, JobState, RelayerOptions, Shutdown, read_jobs};
use halocast_oracle::requester::Requested;
use halocast_oracle::{
    ChainClient, EngineError, InferenceEngine, OracleError, ProofPackage, ProveJob, Relayer,
    RelayerConfig, RequestParams, Requester,
};
use std::io::Write;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

pub const MODEL: B256 = b256!("0000000000000000000000000000000000000000000000000000000000001234");
/// The input word that the fake engine refuses.
pub const UNPROVABLE: u64 = 13;

/// Accepts if the last word of the calldata (the "proof") is input + output + context: instances 13, 14 and 15 of 16.
const MOCK_RUNTIME: [u8; 28] = hex!("6101a0356101c035016101e03501602036033514601a575f5ffd5b00");
const MOCK_INIT_PREFIX: [u8; 10] = hex!("601c600a5f39601c5ff3");

/// Answers input + 1 after a while. Every proof leaves a line in `log`, so that tests can count them.
pub struct FakeEngine {
    pub delay: Duration,
    pub log: PathBuf,
}

impl InferenceEngine for FakeEngine {
    fn model_id(&self) -> B256 {
        MODEL
    }
    fn input_words(&self) -> usize {
        1
    }
    fn output_words(&self) -> usize {
        1
    }
    fn infer(&self, inputs: &[U256]) -> Result<Vec<U256>, EngineError> {
        match inputs {
            [word] if *word == U256::from(UNPROVABLE) => {
                Err(EngineError::Unprovable("token id 13 is unlucky".into()))
            }
            [word] => Ok(vec![*word + U256::from(1)]),
            _ => Err(EngineError::Unprovable("one word, please".into())),
        }
    }
    fn prove(&self, job: &ProveJob) -> Result<ProofPackage, EngineError> {
        let started = Instant::now();
        while started.elapsed() < self.delay {
            if job.cancel.is_raised() {
                return Err(EngineError::Cancelled);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let transient = |e: std::io::Error| EngineError::Transient(e.to_string());
        let mut log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(&self.log)
            .map_err(transient)?;
        writeln!(log, "{}", job.request_id).map_err(transient)?;
        let outputs = self.infer(&job.inputs)?;
        Ok(ProofPackage {
            proof: mock_proof(job.inputs[0], outputs[0], job.context),
            outputs,
        })
    }
}

/// Twelve zero limbs and what the mock verifier wants.
pub fn mock_proof(input: U256, output: U256, context: U256) -> Bytes {
    [
        &[0; 384],
        (input + output + context).to_be_bytes::<32>().as_slice(),
    ]
    .concat()
    .into()
}

pub fn mock_verifier() -> CompiledCode {
    let init: Vec<u8> = [MOCK_INIT_PREFIX.as_slice(), &MOCK_RUNTIME].concat();
    CompiledCode {
        init_code: init.into(),
        runtime_code: MOCK_RUNTIME.to_vec().into(),
    }
}

pub fn plan(chain_id: u64) -> DeployPlan {
    let tensor = |name: &str| TensorSpec {
        name: name.into(),
        shape: vec![1],
        scale_e18: U256::from(10).pow(U256::from(18)),
    };
    DeployPlan {
        chain_id,
        owner: None,
        model: ModelPlan {
            model_id: MODEL,
            raw_verifier: mock_verifier(),
            key_contract: None,
            srs_digest: B256::repeat_byte(10),
            circuit_digest: B256::repeat_byte(11),
            slots: 1,
            input_words: 1,
            output_words: 1,
            proof_length: 416,
            vk_digest: B256::repeat_byte(7),
            srs_insecure: true,
            metadata: ModelMetadata {
                task: ModelTask::Infer,
                value_bits: 16,
                values_per_word: 15,
                sequence_length: 0,
                inputs: vec![tensor("x")],
                outputs: vec![tensor("y")],
            },
            metadata_uri: "file:///manifest.json".into(),
        },
        compiler: CompilerRecord::raw_verifier(),
        version: "0.1.0".into(),
    }
}

pub fn deploy_options(record: PathBuf, broadcast: bool) -> DeployOptions {
    DeployOptions {
        broadcast,
        record,
        send: send_options(),
    }
}

pub fn send_options() -> SendOptions {
    SendOptions {
        wait: Duration::from_secs(20),
        poll: Duration::from_millis(20),
        ..SendOptions::default()
    }
}

pub fn local_chain(args: &[&str]) -> LocalChain {
    local_chain_with_id(31_337, args)
}

pub fn local_chain_with_id(chain_id: u64, args: &[&str]) -> LocalChain {
    if std::env::var_os("RUST_LOG").is_some() {
        halocast_oracle::relay::init_logging(&Default::default());
    }
    let args = args.iter().map(|a| (*a).to_owned()).collect();
    LocalChain::start(&LocalChainOptions {
        args,
        chain_id: Some(chain_id),
        ..LocalChainOptions::default()
    })
    .expect("anvil is needed: run scripts/tools/install.sh")
}

/// A chain with a deployment.
pub struct World {
    pub chain: LocalChain,
    pub dir: TempDir,
    pub record: DeploymentRecord,
    pub client: ChainClient,
}

/// Account of the deployer, the relayer, the requester and a competitor.
pub const DEPLOYER: usize = 0;
pub const RELAYER: usize = 1;
pub const REQUESTER: usize = 2;
pub const RIVAL: usize = 3;

impl World {
    pub async fn new(args: &[&str]) -> Self {
        let chain = local_chain(args);
        let dir = tempfile::tempdir().expect("temp dir");
        let client = chain.client().expect("client");
        let record_file = record_path(dir.path(), 31_337);
        let outcome = deploy(
            &client,
            &chain.account(DEPLOYER),
            &plan(31_337),
            &deploy_options(record_file, true),
        )
        .await
        .expect("deploys");
        let record = outcome.record.expect("a record");
        Self {
            chain,
            dir,
            record,
            client,
        }
    }

    pub fn oracle(&self) -> Address {
        self.record.inference_oracle.address
    }

    pub fn relayer_address(&self) -> Address {
        self.chain.account(RELAYER).address()
    }

    pub fn config_text(&self, url: &str, more: &str) -> String {
        format!(
            "chain:\n  id: 31337\n  rpc_url: {url}\n  deployment: 31337.json\n  poll_interval_ms: 50\n  confirmations: 2\n\
             store:\n  database: jobs.sqlite\n  workdir: work\n\
             fees:\n  bump_after_seconds: 2\n  resend_after_seconds: 1\n\
             policy:\n  retry_seconds: 1\n  min_seconds_left: 5\n  drain_seconds: 5\n{more}"
        )
    }

    pub fn config_file(&self, url: &str, more: &str) -> PathBuf {
        let path = self.dir.path().join("relayer.yaml");
        std::fs::write(&path, self.config_text(url, more)).expect("writes");
        path
    }

    pub fn database(&self) -> PathBuf {
        self.dir.path().join("jobs.sqlite")
    }

    pub fn proofs_made(&self) -> usize {
        std::fs::read_to_string(self.dir.path().join("proofs.log"))
            .unwrap_or_default()
            .lines()
            .count()
    }

    pub fn engine(&self, delay_ms: u64) -> Arc<dyn InferenceEngine> {
        Arc::new(FakeEngine {
            delay: Duration::from_millis(delay_ms),
            log: self.dir.path().join("proofs.log"),
        })
    }

    pub async fn ask(&self, input: u64) -> Requested {
        self.ask_within(input, 3600).await
    }

    pub async fn ask_within(&self, input: u64, seconds: u64) -> Requested {
        let params = RequestParams {
            model_id: MODEL,
            inputs: vec![U256::from(input)],
            deadline_in: seconds,
            fee: U256::from(1_000_000),
            callback: None,
            callback_gas: 0,
        };
        self.requester(REQUESTER)
            .request(&params)
            .await
            .expect("request")
    }

    pub fn requester(&self, account: usize) -> Requester {
        Requester {
            client: self.client.clone(),
            oracle: self.oracle(),
            account: self.chain.account(account),
            send: send_options(),
        }
    }

    /// Starts a relayer in this process.
    pub async fn relayer(&self, url: &str, more: &str, delay_ms: u64) -> Running {
        self.try_relayer(url, more, delay_ms)
            .await
            .expect("relayer starts")
    }

    pub async fn try_relayer(
        &self,
        url: &str,
        more: &str,
        delay_ms: u64,
    ) -> Result<Running, OracleError> {
        let path = self.config_file(url, more);
        let config = RelayerConfig::check(&path)?;
        let options = RelayerOptions {
            account: Some(self.chain.account(RELAYER)),
            ..RelayerOptions::default()
        };
        let relayer = Relayer::start(&path, config, vec![self.engine(delay_ms)], options).await?;
        let (handle, shutdown) = Shutdown::channel();
        Ok(Running {
            handle,
            task: tokio::spawn(relayer.run(shutdown)),
        })
    }

    pub async fn job(&self, id: U256) -> Option<Job> {
        read_jobs(&self.database())
            .await
            .ok()?
            .into_iter()
            .find(|j| j.request_id == id)
    }

    /// Waits until a job is in a state; for `Mined` the states after it do as well.
    pub async fn wait_for(&self, id: U256, state: JobState) -> Job {
        let started = Instant::now();
        let after = |job: &Job| {
            state == JobState::Mined && matches!(job.state, JobState::Confirmed | JobState::Done)
        };
        loop {
            let job = self.job(id).await;
            match job {
                Some(job) if job.state == state || after(&job) => return job,
                job if started.elapsed() > Duration::from_secs(30) => {
                    panic!("request {id} is not {state}: {job:?}")
                }
                _ => tokio::time::sleep(Duration::from_millis(30)).await,
            }
        }
    }

    /// Number of results of a request on chain.
    pub async fn results(&self, id: U256) -> usize {
        let filter = Filter::new()
            .address(self.oracle())
            .event_signature(InferenceOracle::InferenceFulfilled::SIGNATURE_HASH)
            .topic1(B256::from(id))
            .from_block(0);
        self.client.logs(&filter).await.expect("logs").len()
    }

    pub async fn relayer_nonce(&self) -> u64 {
        self.client
            .nonce_mined(self.relayer_address())
            .await
            .expect("nonce")
    }

    /// One result with the right output, no open nonce.
    pub async fn assert_answered(&self, id: U256, input: u64) {
        assert_eq!(
            self.results(id).await,
            1,
            "exactly one result of request {id}"
        );
        let view = self.requester(REQUESTER).status(id).await.expect("status");
        assert_eq!(view.outputs, [U256::from(input + 1)]);
        let (mined, pending) = (
            self.relayer_nonce().await,
            self.client
                .nonce_pending(self.relayer_address())
                .await
                .expect("nonce"),
        );
        assert_eq!(mined, pending, "no open nonce");
    }
}

/// A relayer that runs in this process.
pub struct Running {
    pub handle: halocast_oracle::relay::ShutdownHandle,
    pub task: tokio::task::JoinHandle<halocast_oracle::Result<()>>,
}

impl Running {
    pub async fn stop(self) {
        self.handle.stop();
        self.task.await.expect("no panic").expect("a clean end");
    }
}
