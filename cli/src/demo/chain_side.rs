//! The chain part of the demo: a private chain, contracts, a question asked by a contract, the relayer, the stored answer.

use super::forgeries::{self, Forgery, Genuine};
use super::fresh_dir;
use crate::chain::{self, BundleEngine, block_on};
use crate::chain_args::DemoArgs;
use crate::ui::Bars;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolConstructor, SolEvent};
use eyre::{OptionExt, WrapErr};
use halocast_oracle::abi::InferenceOracle;
use halocast_oracle::chain::{LocalChainOptions, SendOptions, TxPlan, send_and_wait};
use halocast_oracle::deploy::{FACTORY, SALT, create2_address};
use halocast_oracle::relay::{RelayerOptions, Shutdown};
use halocast_oracle::requester::RequestState;
use halocast_oracle::{
    Account, ChainClient, DeployOptions, DeploymentRecord, InferenceEngine, LocalChain, Relayer,
    RelayerConfig, context_word, deploy, read_status,
};
use halocast_prover::bundle::{Bundle, TaskSpec};
use halocast_prover::pipeline::ProveReport;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

#[allow(missing_docs, unreachable_pub, clippy::all)]
mod ask_abi {
    alloy::sol!(
        #[derive(Debug)]
        AskTinyGemma,
        "../contracts/abi/AskTinyGemma.json"
    );
}
use ask_abi::AskTinyGemma;

/// How long the relayer may take.
const PATIENCE: u64 = 3600;
/// What the contract offers for the answer.
const FEE_WEI: u64 = 1_000_000_000_000_000;

/// What happened.
pub(super) struct Shown {
    pub(super) answer: Vec<u8>,
    pub(super) tokens: Vec<i32>,
    pub(super) chain_id: u64,
    pub(super) oracle: Address,
    pub(super) request_id: U256,
    pub(super) tx: B256,
    pub(super) gas_used: u64,
    pub(super) calldata_bytes: usize,
    pub(super) verifier_code_bytes: usize,
    pub(super) proof: ProveReport,
    pub(super) forgeries: Vec<Forgery>,
}

/// Everything that is asked of the chain.
struct Stage<'a> {
    args: &'a DemoArgs,
    say: &'a dyn Fn(&str),
    client: ChainClient,
    user: Account,
    record: DeploymentRecord,
    sequence_length: usize,
}

pub(super) fn run(args: &DemoArgs, bundle: Bundle, say: &dyn Fn(&str)) -> eyre::Result<Shown> {
    let TaskSpec::Generate {
        sequence_length, ..
    } = bundle.manifest().task
    else {
        eyre::bail!("{} is no language model", args.model.display());
    };
    say("3. a private chain (anvil), verifier, router, registry and oracle on it");
    let local =
        LocalChain::start(&LocalChainOptions::default()).wrap_err("cannot start a local chain")?;
    let work = fresh_dir(args.out.join("relayer"))?;
    block_on(async {
        let client = local.client()?;
        let record_path = work.join("deployment.json");
        let plan = chain::plan(&bundle, local.chain_id(), "", None)?;
        let options = DeployOptions {
            broadcast: true,
            record: record_path.clone(),
            send: SendOptions::default(),
        };
        let outcome = deploy(&client, &local.account(0), &plan, &options).await?;
        let record = outcome.record.ok_or_eyre("the deployment left no record")?;
        let stage = Stage {
            args,
            say,
            client,
            user: local.account(1),
            record,
            sequence_length,
        };
        let engine = Arc::new(BundleEngine::new(bundle, Arc::new(Bars::new()))?);
        let relayer = relayer(&local, &work, &record_path, engine.clone()).await?;
        let (handle, shutdown) = Shutdown::channel();
        let running = tokio::spawn(relayer.run(shutdown));
        let consumer = stage.deploy_consumer().await?;
        (stage.say)(&format!("4. a contract asks: {:?}", args.prompt));
        let request_id = stage.ask(consumer).await?;
        (stage.say)(&format!(
            "5. the relayer answers request {request_id} and proves the answer"
        ));
        let waited = stage.wait(request_id, &running).await;
        handle.stop();
        let ended = running.await.wrap_err("the relayer died")?;
        waited?;
        ended.wrap_err("the relayer")?;
        stage.show(consumer, request_id, &engine).await
    })
}

type Running = tokio::task::JoinHandle<halocast_oracle::Result<()>>;

/// A relayer in this process, with a database of its own.
async fn relayer(
    local: &LocalChain,
    work: &Path,
    record: &Path,
    engine: Arc<BundleEngine>,
) -> eyre::Result<Relayer> {
    let work = std::path::absolute(work)?;
    let record = std::path::absolute(record)?;
    let yaml = serde_json::json!({
        "chain": {
            "id": local.chain_id(),
            "deployment": record,
            "poll_interval_ms": 200,
            "confirmations": 1,
        },
        "store": {"database": work.join("relayer.db"), "workdir": work.join("jobs")},
    });
    // JSON is YAML.
    let config = RelayerConfig::parse(&yaml.to_string())
        .map_err(|e| eyre::eyre!("relayer configuration: {e}"))?;
    let options = RelayerOptions {
        account: Some(local.account(2)),
        rpc_url: Some(halocast_oracle::Secret::new(local.url())),
        ..RelayerOptions::default()
    };
    let engines: Vec<Arc<dyn InferenceEngine>> = vec![engine];
    Ok(Relayer::start(&work.join("relayer.yaml"), config, engines, options).await?)
}

impl Stage<'_> {
    async fn send(
        &self,
        to: Address,
        value: U256,
        data: Bytes,
        action: &str,
    ) -> eyre::Result<B256> {
        let plan = TxPlan {
            to,
            value,
            data,
            action: action.to_owned(),
        };
        let receipt =
            send_and_wait(&self.client, &self.user, &plan, &SendOptions::default()).await?;
        Ok(receipt.hash)
    }

    /// The example consumer, for this model.
    async fn deploy_consumer(&self) -> eyre::Result<Address> {
        let arguments = AskTinyGemma::constructorCall {
            oracle_: self.record.inference_oracle.address,
            modelId_: self.model_id()?,
            sequenceLength_: U256::from(self.sequence_length),
        };
        let code = [&AskTinyGemma::BYTECODE[..], &arguments.abi_encode()[..]].concat();
        let data = [SALT.as_slice(), &code[..]].concat();
        self.send(
            FACTORY,
            U256::ZERO,
            data.into(),
            "deploying the asking contract",
        )
        .await?;
        Ok(create2_address(&code))
    }

    fn model_id(&self) -> eyre::Result<B256> {
        let model = self
            .record
            .models
            .first()
            .ok_or_eyre("the record has no model")?;
        Ok(model.model_id)
    }

    async fn ask(&self, consumer: Address) -> eyre::Result<U256> {
        let call = AskTinyGemma::askCall {
            prompt: self.args.prompt.clone().into_bytes().into(),
            answerLength: U256::from(self.args.tokens),
            deadline: self.client.head().await?.timestamp + PATIENCE,
        };
        let tx = self
            .send(
                consumer,
                U256::from(FEE_WEI),
                call.abi_encode().into(),
                "the question",
            )
            .await?;
        let logs = self.client.receipt_logs(tx).await?;
        let mut events = logs
            .iter()
            .filter_map(|l| InferenceOracle::InferenceRequested::decode_log(&l.inner).ok());
        let event = events.next().ok_or_eyre("the question made no request")?;
        Ok(event.requestId)
    }

    /// Waits until the answer is stored, or the relayer gave up.
    async fn wait(&self, request_id: U256, relayer: &Running) -> eyre::Result<()> {
        let oracle = self.record.inference_oracle.address;
        let begin = std::time::Instant::now();
        while read_status(&self.client, oracle, request_id).await?.state != RequestState::Fulfilled
        {
            eyre::ensure!(!relayer.is_finished(), "the relayer stopped");
            eyre::ensure!(
                begin.elapsed().as_secs() < PATIENCE,
                "no answer within {PATIENCE} s"
            );
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Reads everything back from the chain and tries to forge.
    async fn show(
        &self,
        consumer: Address,
        request_id: U256,
        engine: &BundleEngine,
    ) -> eyre::Result<Shown> {
        let oracle = self.record.inference_oracle.address;
        let view = read_status(&self.client, oracle, request_id).await?;
        let answer = self
            .client
            .view(
                consumer,
                &AskTinyGemma::answerOfCall {
                    requestId: request_id,
                },
            )
            .await?;
        let tx = self.fulfilment(request_id).await?;
        let receipt = self
            .client
            .receipt(tx)
            .await?
            .ok_or_eyre("the fulfilment has no receipt")?;
        let input = self.transaction_input(tx).await?;
        let call = InferenceOracle::fulfillCall::abi_decode(&input)
            .wrap_err("the fulfilment's call data")?;
        (self.say)("6. five forgeries");
        let model = self
            .record
            .models
            .first()
            .ok_or_eyre("the record has no model")?;
        let other_request = self.ask(consumer).await?;
        let genuine = Genuine {
            verifier: model.model_verifier.address,
            oracle,
            model_id: model.model_id,
            context: context_word(self.record.chain_id, oracle, request_id, call.payee),
            inputs: view.inputs.clone(),
            outputs: call.outputs.clone(),
            proof: call.proof.clone(),
            payee: call.payee,
            other_request,
        };
        let forgeries = forgeries::attempt(&self.client, &genuine).await?;
        Ok(Shown {
            tokens: self.tokens(&view.outputs)?,
            answer: answer.to_vec(),
            chain_id: self.record.chain_id,
            oracle,
            request_id,
            tx,
            gas_used: receipt.gas_used,
            calldata_bytes: input.len(),
            verifier_code_bytes: model.raw_verifier.code_bytes,
            proof: engine
                .last_report()
                .ok_or_eyre("the relayer made no proof")?,
            forgeries,
        })
    }

    /// The answer's tokens out of the stored words.
    fn tokens(&self, words: &[U256]) -> eyre::Result<Vec<i32>> {
        let words: Vec<_> = words.iter().map(chain::to_word).collect();
        let values = halocast_prover::ir::unpack(&words, self.sequence_length)
            .ok_or_eyre("the stored words")?;
        let from = self.args.prompt.len();
        Ok(values
            .get(from..from + self.args.tokens)
            .unwrap_or_default()
            .to_vec())
    }

    /// The transaction that stored the answer.
    async fn fulfilment(&self, request_id: U256) -> eyre::Result<B256> {
        let filter = alloy::rpc::types::Filter::new()
            .address(self.record.inference_oracle.address)
            .event_signature(InferenceOracle::InferenceFulfilled::SIGNATURE_HASH)
            .topic1(B256::from(request_id))
            .from_block(0u64);
        let logs = self.client.logs(&filter).await?;
        eyre::ensure!(
            logs.len() == 1,
            "{} results for request {request_id}",
            logs.len()
        );
        logs[0]
            .transaction_hash
            .ok_or_eyre("a log without a transaction")
    }

    async fn transaction_input(&self, tx: B256) -> eyre::Result<Bytes> {
        use alloy::consensus::Transaction;
        use alloy::providers::Provider;
        let found = self.client.provider().get_transaction_by_hash(tx).await?;
        let found = found.ok_or_eyre("the fulfilment's transaction is not there")?;
        Ok(found.input().clone())
    }
}
