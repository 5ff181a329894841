//! The chain part of the demo: a private chain, contracts, a question asked by a contract, the relayer, the stored answer.

use super::forgeries::{self, Forgery, Genuine};
use super::fresh_dir;
use super::scene::{Answer, Scene};
use crate::chain::{self, BundleEngine, block_on};
use crate::chain_args::DemoArgs;
use crate::ui::Bars;
use alloy::eips::BlockId;
use alloy::primitives::{Address, B256, Bytes, U256};
use alloy::sol_types::{SolCall, SolEvent};
use eyre::{OptionExt, WrapErr};
use halocast_oracle::abi::InferenceOracle;
use halocast_oracle::chain::{CallSpec, LocalChainOptions, SendOptions, TxPlan, send_and_wait};
use halocast_oracle::deploy::{FACTORY, SALT, create2_address};
use halocast_oracle::relay::{RelayerOptions, Shutdown};
use halocast_oracle::requester::RequestState;
use halocast_oracle::{
    Account, ChainClient, DeployOptions, DeploymentRecord, InferenceEngine, LocalChain, Relayer,
    RelayerConfig, RequestView, context_word, deploy, read_status,
};
use halocast_prover::bundle::Bundle;
use halocast_prover::pipeline::ProveReport;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How long the relayer may take.
const PATIENCE: u64 = 3600;
/// What the contract offers for the answer.
const FEE_WEI: u64 = 1_000_000_000_000_000;

/// What happened.
pub(super) struct Shown {
    pub(super) answer: Answer,
    pub(super) chain_id: u64,
    pub(super) oracle: Address,
    /// The first request; what follows is about its fulfilment.
    pub(super) request_id: U256,
    pub(super) requests: usize,
    pub(super) tx: B256,
    pub(super) gas_used: u64,
    pub(super) calldata_bytes: usize,
    pub(super) verifier_code_bytes: usize,
    pub(super) proof: ProveReport,
    pub(super) forgeries: Vec<Forgery>,
}

/// Everything that is asked of the chain.
struct Stage<'a> {
    scene: &'a Scene,
    say: &'a dyn Fn(&str),
    client: ChainClient,
    user: Account,
    record: DeploymentRecord,
}

pub(super) fn run(
    args: &DemoArgs,
    scene: &Scene,
    bundle: Bundle,
    say: &dyn Fn(&str),
) -> eyre::Result<Shown> {
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
            scene,
            say,
            client,
            user: local.account(1),
            record,
        };
        let engine = Arc::new(BundleEngine::new(bundle, Arc::new(Bars::new()))?);
        let relayer = relayer(&local, &work, &record_path, engine.clone()).await?;
        let (handle, shutdown) = Shutdown::channel();
        let running = tokio::spawn(relayer.run(shutdown));
        let consumer = stage.deploy_consumer().await?;
        (stage.say)(&format!("4. a contract asks: {}", scene.title()));
        let requests = stage.ask(consumer).await?;
        let mut waited = Ok(());
        for id in &requests {
            (stage.say)(&format!(
                "5. the relayer answers request {id} and proves the answer"
            ));
            waited = stage.wait(*id, &running).await;
            if waited.is_err() {
                break;
            }
        }
        handle.stop();
        let ended = running.await.wrap_err("the relayer died")?;
        waited?;
        ended.wrap_err("the relayer")?;
        stage.show(consumer, &requests, &engine).await
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
        let oracle = self.record.inference_oracle.address;
        let code = self.scene.creation_code(oracle, self.model_id()?);
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

    /// The requests that the contract makes of the question.
    async fn ask(&self, consumer: Address) -> eyre::Result<Vec<U256>> {
        let deadline = self.client.head().await?.timestamp + PATIENCE;
        let call = self.scene.ask(deadline);
        let tx = self
            .send(consumer, U256::from(FEE_WEI), call, "the question")
            .await?;
        let logs = self.client.receipt_logs(tx).await?;
        let events = logs
            .iter()
            .filter_map(|l| InferenceOracle::InferenceRequested::decode_log(&l.inner).ok());
        let requests: Vec<U256> = events.map(|e| e.requestId).collect();
        eyre::ensure!(!requests.is_empty(), "the question made no request");
        Ok(requests)
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
        requests: &[U256],
        engine: &BundleEngine,
    ) -> eyre::Result<Shown> {
        let oracle = self.record.inference_oracle.address;
        let mut views = Vec::new();
        for id in requests {
            views.push(read_status(&self.client, oracle, *id).await?);
        }
        let answer = self.answer(consumer, requests, &views).await?;
        let (request_id, view) = (requests[0], &views[0]);
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
        let other_request = self.ask(consumer).await?[0];
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
            answer,
            chain_id: self.record.chain_id,
            oracle,
            request_id,
            requests: requests.len(),
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

    /// What the contract has by now, beside what the oracle stored.
    async fn answer(
        &self,
        consumer: Address,
        requests: &[U256],
        views: &[RequestView],
    ) -> eyre::Result<Answer> {
        let (data, signature) = self.scene.read(requests);
        let spec = CallSpec {
            to: Some(consumer),
            data,
            ..CallSpec::default()
        };
        let returned = self
            .client
            .call(&spec, BlockId::latest(), signature)
            .await?;
        let words = |view: &RequestView| view.outputs.iter().map(chain::to_word).collect();
        let stored: Vec<_> = views.iter().map(words).collect();
        self.scene.answer(&returned, &stored)
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
