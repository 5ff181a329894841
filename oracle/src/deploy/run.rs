//! One run: look what is there, send what is missing, write the record. A run that is killed is continued by the next one: addresses
//! follow from the code, and a transaction is in the journal before it is sent.

use super::contracts::{Contract, Contracts};
use super::create2::{FACTORY, SALT, create2_tx, expect_factory, gas_bound};
use super::entries::BATCH_STEP;
use super::plan::{DeployPlan, MAX_CODE};
use super::record::{
    CompilerRecord, ContractRecord, DeploymentRecord, Journal, JournalEntry, ModelRecord,
};
use crate::chain::{
    Account, ChainClient, PreparedTx, ReceiptInfo, SendOptions, SignedTx, TxPlan, next_fees,
    prepare, wait_mined,
};
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, B256, U256, keccak256};
use std::path::PathBuf;

/// Gas bound of `ModelRegistry.register`: a handful of slots and a few for each tensor.
const REGISTER_GAS: u64 = 1_500_000;

/// Gas bound of `VerifierRouter.addVerifier`: one slot, and what it asks the leaf.
const ROUTE_GAS: u64 = 150_000;

/// Gas bound of `ModelRegistry.setBatchVerifier`: one slot, and what it asks the batch verifier.
const BATCH_GAS: u64 = 150_000;

/// How a run is made.
#[derive(Debug, Clone)]
pub struct DeployOptions {
    /// Send transactions. Without it a run only says what it would do.
    pub broadcast: bool,
    /// `deployments/<chain-id>.json`, see [`super::record_path`].
    pub record: PathBuf,
    /// Fees and waiting.
    pub send: SendOptions,
}

/// What became of one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepStatus {
    /// It was there.
    Unchanged,
    /// This run did it.
    Done,
    /// A run with `broadcast` would do it.
    Planned,
}

/// One step of a run.
#[derive(Debug, Clone, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepReport {
    /// `raw verifier`, `key contract`, `model verifier`, `verifier router`, `route`, `routed verifier`, `batch verifier`, `model registry`,
    /// `inference oracle`, `registration` or `batch registration`.
    pub name: String,
    /// The contract.
    pub address: Address,
    /// What became of it.
    pub status: StepStatus,
    /// Gas used, for a step of this run.
    pub gas_used: Option<u64>,
}

/// A run's end.
#[derive(Debug, Clone)]
pub struct DeployOutcome {
    /// What was done, in order.
    pub steps: Vec<StepReport>,
    /// The record as written; none after a dry run with something left to do.
    pub record: Option<DeploymentRecord>,
}

impl DeployOutcome {
    /// Whether everything was there already.
    pub fn unchanged(&self) -> bool {
        self.steps.iter().all(|s| s.status == StepStatus::Unchanged)
    }
}

/// Which of the transactions that create nothing are done.
#[derive(Clone, Copy)]
struct Entered {
    routed: bool,
    registered: bool,
    /// True as well if the model has no batch verifier.
    batch_registered: bool,
}

impl Entered {
    fn all(self) -> bool {
        self.routed && self.registered && self.batch_registered
    }

    fn gas_bound(self) -> u64 {
        let open = |done: bool, gas| if done { 0 } else { gas };
        open(self.routed, ROUTE_GAS)
            + open(self.registered, REGISTER_GAS)
            + open(self.batch_registered, BATCH_GAS)
    }
}

/// Brings the plan onto the chain, or says what that would take.
pub async fn deploy(
    client: &ChainClient,
    account: &Account,
    plan: &DeployPlan,
    options: &DeployOptions,
) -> Result<DeployOutcome> {
    plan.check()?;
    client
        .expect_chain(plan.chain_id, "the deployment plan")
        .await?;
    let old = DeploymentRecord::load_if_any(&options.record)?;
    if let Some(old) = &old {
        old.expect_chain(&options.record, plan.chain_id, client.shown_url())?;
    }
    expect_factory(client).await?;
    let mut run = Run {
        client,
        account,
        plan,
        options,
        journal: Journal::load(&options.record)?,
        old,
        steps: Vec::new(),
    };
    run.run().await
}

pub(super) struct Run<'a> {
    pub(super) client: &'a ChainClient,
    account: &'a Account,
    pub(super) plan: &'a DeployPlan,
    options: &'a DeployOptions,
    journal: Journal,
    pub(super) old: Option<DeploymentRecord>,
    steps: Vec<StepReport>,
}

impl Run<'_> {
    /// Who holds every role.
    pub(super) fn owner(&self) -> Address {
        let old = self.old.as_ref().map(|r| r.owner);
        old.or(self.plan.owner).unwrap_or(self.account.address())
    }

    async fn run(&mut self) -> Result<DeployOutcome> {
        let owner = self.owner();
        let contracts = self.contracts(owner);
        let mut missing = Vec::new();
        for contract in contracts.all() {
            if !self.is_there(contract).await? {
                missing.push(contract.name);
            }
        }
        let registry = !missing.contains(&contracts.registry.name);
        let entered = Entered {
            routed: !missing.contains(&contracts.router.name) && self.is_routed(&contracts).await?,
            registered: registry && self.is_registered(&contracts).await?,
            batch_registered: contracts.batch.is_none()
                || (registry && self.is_batch_registered(&contracts).await?),
        };
        if !entered.all() || !missing.is_empty() {
            self.expect_funds(&contracts, &missing, entered).await?;
            if !self.options.broadcast {
                return Ok(self.dry_run(&contracts, &missing, entered));
            }
        }
        self.apply(owner, &contracts).await
    }

    async fn expect_funds(
        &self,
        contracts: &Contracts,
        missing: &[&str],
        entered: Entered,
    ) -> Result<()> {
        let fees = next_fees(
            self.client.head().await?.base_fee,
            self.options.send.priority_fee,
        );
        let creations = contracts
            .all()
            .into_iter()
            .filter(|c| missing.contains(&c.name))
            .map(|c| gas_bound(&c.init_code));
        let gas = creations.sum::<u64>() + entered.gas_bound();
        let (account, need) = (
            self.account.address(),
            U256::from(gas) * U256::from(fees.max_fee),
        );
        let balance = self.client.balance(account).await?;
        if balance < need {
            let purpose = format!("the deployment (at most {gas} gas at {} wei)", fees.max_fee);
            return Err(OracleError::InsufficientFunds {
                account,
                balance,
                need,
                purpose,
            });
        }
        Ok(())
    }

    fn dry_run(
        &mut self,
        contracts: &Contracts,
        missing: &[&str],
        entered: Entered,
    ) -> DeployOutcome {
        let status = |there| match there {
            true => StepStatus::Unchanged,
            false => StepStatus::Planned,
        };
        for contract in contracts.all() {
            let there = !missing.contains(&contract.name);
            self.report(contract.name, contract.address, status(there), None);
            if contract.name == contracts.router.name {
                self.report("route", contract.address, status(entered.routed), None);
            }
        }
        let registry = contracts.registry.address;
        self.report("registration", registry, status(entered.registered), None);
        if contracts.batch.is_some() {
            let there = status(entered.batch_registered);
            self.report(BATCH_STEP, registry, there, None);
        }
        DeployOutcome {
            steps: std::mem::take(&mut self.steps),
            record: None,
        }
    }

    pub(super) fn report(
        &mut self,
        name: &str,
        address: Address,
        status: StepStatus,
        gas_used: Option<u64>,
    ) {
        tracing::info!(step = name, %address, ?status, gas_used, "deployment step");
        self.steps.push(StepReport {
            name: name.to_owned(),
            address,
            status,
            gas_used,
        });
    }

    async fn apply(&mut self, owner: Address, contracts: &Contracts) -> Result<DeployOutcome> {
        let raw_verifier = self.create(&contracts.raw).await?;
        let key_contract = match &contracts.key {
            Some(key) => Some(self.create(key).await?),
            None => None,
        };
        let model_verifier = self.create(&contracts.leaf).await?;
        let verifier_router = self.create(&contracts.router).await?;
        let route = self.route(contracts).await?;
        let routed_verifier = self.create(&contracts.routed).await?;
        let batch_verifier = match &contracts.batch {
            Some(batch) => Some(self.create(batch).await?),
            None => None,
        };
        let model_registry = self.create(&contracts.registry).await?;
        let inference_oracle = self.create(&contracts.oracle).await?;
        let registration = self.register(contracts).await?;
        let batch_registration = self.register_batch(contracts).await?;
        let model = &self.plan.model;
        let entry = ModelRecord {
            model_id: model.model_id,
            vk_digest: model.vk_digest,
            srs_insecure: model.srs_insecure,
            slots: model.slots,
            input_words: model.input_words,
            output_words: model.output_words,
            proof_length: model.proof_length,
            metadata_uri: model.metadata_uri.clone(),
            raw_verifier,
            key_contract,
            model_verifier,
            selector: contracts.selector,
            route,
            routed_verifier,
            batch_verifier,
            registration,
            batch_registration,
            compiler: self.plan.compiler.clone(),
        };
        let record = self.assemble(
            owner,
            verifier_router,
            model_registry,
            inference_oracle,
            entry,
        );
        if self.old.as_ref() != Some(&record) {
            record.save(&self.options.record)?;
        }
        Journal::remove(&self.options.record)?;
        Ok(DeployOutcome {
            steps: std::mem::take(&mut self.steps),
            record: Some(record),
        })
    }

    fn assemble(
        &self,
        owner: Address,
        router: ContractRecord,
        registry: ContractRecord,
        oracle: ContractRecord,
        entry: ModelRecord,
    ) -> DeploymentRecord {
        let same_chain = self
            .old
            .as_ref()
            .filter(|old| old.inference_oracle == oracle && !self.created("inference oracle"));
        let mut models = same_chain.map(|old| old.models.clone()).unwrap_or_default();
        match models.iter_mut().find(|m| m.model_id == entry.model_id) {
            Some(known) => *known = entry,
            None => models.push(entry),
        }
        DeploymentRecord {
            format: DeploymentRecord::CURRENT_FORMAT,
            chain_id: self.plan.chain_id,
            version: self.plan.version.clone(),
            status: same_chain.map_or_else(|| "live".to_owned(), |old| old.status.clone()),
            owner,
            factory: FACTORY,
            salt: SALT,
            start_block: oracle.block.unwrap_or_default(),
            verifier_router: router,
            model_registry: registry,
            inference_oracle: oracle,
            compiler: CompilerRecord::contracts(),
            models,
        }
    }

    /// Whether this run created it: then the chain is a new one, and what the record says of the old one is over.
    fn created(&self, name: &str) -> bool {
        self.steps
            .iter()
            .any(|s| s.name == name && s.status == StepStatus::Done)
    }

    async fn create(&mut self, contract: &Contract) -> Result<ContractRecord> {
        let key = contract.address.to_string();
        let there = self.is_there(contract).await?;
        let receipt = if there {
            self.earlier_receipt(&key).await?
        } else {
            Some(
                self.send(&key, create2_tx(contract.name, &contract.init_code))
                    .await?,
            )
        };
        let code = self.client.code(contract.address).await?;
        let code_hash = keccak256(&code);
        if code.is_empty()
            || contract
                .code_hash
                .is_some_and(|expected| expected != code_hash)
        {
            let expected = contract.code_hash.unwrap_or_default();
            let got = if code.is_empty() {
                B256::ZERO
            } else {
                code_hash
            };
            return Err(OracleError::CodeMismatch {
                name: contract.name.into(),
                address: contract.address,
                got,
                expected,
            });
        }
        if code.len() > MAX_CODE {
            return Err(OracleError::CodeTooLarge {
                name: contract.name.into(),
                size: code.len(),
            });
        }
        let (status, gas) = if there {
            (StepStatus::Unchanged, None)
        } else {
            (StepStatus::Done, receipt.map(|r| r.gas_used))
        };
        self.report(contract.name, contract.address, status, gas);
        let recorded = self.recorded(contract.address).filter(|_| there);
        Ok(ContractRecord {
            address: contract.address,
            block: receipt
                .map(|r| r.block_number)
                .or(recorded.and_then(|r| r.block)),
            tx: receipt.map(|r| r.hash).or(recorded.and_then(|r| r.tx)),
            code_hash,
            code_bytes: code.len(),
        })
    }

    /// Receipt of a transaction an interrupted run sent.
    pub(super) async fn earlier_receipt(&self, key: &str) -> Result<Option<ReceiptInfo>> {
        match self.journal.entries.get(key) {
            Some(entry) => self.client.receipt(entry.hash).await,
            None => Ok(None),
        }
    }

    pub(super) async fn send(&mut self, key: &str, plan: TxPlan) -> Result<ReceiptInfo> {
        if let Some(receipt) = self.resume(key, &plan.action).await? {
            return Ok(receipt);
        }
        let tx = prepare(self.client, self.account, &plan, &self.options.send).await?;
        let entry = JournalEntry {
            hash: tx.signed.hash,
            raw: tx.signed.raw.clone(),
            gas_limit: tx.gas_limit,
        };
        self.journal.entries.insert(key.to_owned(), entry);
        self.journal.save(&self.options.record)?;
        wait_mined(self.client, &tx, &self.options.send).await
    }

    /// A transaction in the journal that may still be mined is sent again, not doubled. One that cannot (its nonce went to another) is
    /// forgotten.
    async fn resume(&self, key: &str, action: &str) -> Result<Option<ReceiptInfo>> {
        let Some(entry) = self.journal.entries.get(key) else {
            return Ok(None);
        };
        let signed = SignedTx {
            hash: entry.hash,
            raw: entry.raw.clone(),
        };
        let tx = PreparedTx {
            signed,
            gas_limit: entry.gas_limit,
            action: action.to_owned(),
        };
        match wait_mined(self.client, &tx, &self.options.send).await {
            Ok(receipt) => Ok(Some(receipt)),
            Err(OracleError::Rpc(failure)) if !failure.kind.is_transient() => Ok(None),
            Err(OracleError::TransactionFailed { .. }) => Ok(None),
            Err(other) => Err(other),
        }
    }
}
