//! The other side: asking the oracle, and reading what became of a request.

use crate::abi::InferenceOracle;
use crate::chain::{Account, ChainClient, SendOptions, TxPlan, send_and_wait};
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, B256, U256};
use alloy::sol_types::{SolCall, SolEvent};
use serde::Serialize;

/// A request to make.
#[derive(Debug, Clone)]
pub struct RequestParams {
    /// The model.
    pub model_id: B256,
    /// Packed input words.
    pub inputs: Vec<U256>,
    /// Seconds from the newest block's time until the deadline.
    pub deadline_in: u64,
    /// Fee in wei.
    pub fee: U256,
    /// Contract to call with the result.
    pub callback: Option<Address>,
    /// Gas for it.
    pub callback_gas: u32,
}

/// A request that is on chain.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Requested {
    /// Its id.
    pub request_id: U256,
    /// Its transaction.
    pub tx: B256,
    /// Its block.
    pub block: u64,
    /// Gas used.
    pub gas_used: u64,
    /// Last second in which it can be fulfilled.
    pub deadline: u64,
}

/// Where a request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum RequestState {
    /// Waits for a result.
    Open,
    /// Has one.
    Fulfilled,
    /// Its fee went back.
    Refunded,
}

/// Why a result may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provenance {
    /// There is none yet.
    Pending,
    /// The chain checked its proof.
    Proven,
    /// Nobody challenged it in time.
    OptimisticFinal,
    /// A challenge showed it to be wrong.
    Refuted,
}

/// What became of a request's callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CallbackState {
    /// None was asked for, or not yet.
    None,
    /// It took the result.
    Delivered,
    /// It failed; may be tried once more.
    Failed,
    /// It failed twice.
    RetryFailed,
}

/// A request with its result.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestView {
    /// Its id.
    pub request_id: U256,
    /// Its model.
    pub model_id: B256,
    /// Who asked.
    pub requester: Address,
    /// Last second in which it can be fulfilled.
    pub deadline: u64,
    /// Fee in wei.
    pub fee: U256,
    /// Packed input words.
    pub inputs: Vec<U256>,
    /// Where it is.
    pub state: RequestState,
    /// Why the outputs may be believed.
    pub provenance: Provenance,
    /// Packed output words; empty while pending.
    pub outputs: Vec<U256>,
    /// Block of the result.
    pub result_block: Option<u64>,
    /// Who was credited.
    pub payee: Option<Address>,
    /// The leaf that accepted the proof.
    pub verifier: Option<Address>,
    /// The callback.
    pub callback: CallbackState,
}

/// Asks the oracle from an account.
#[derive(Debug, Clone)]
pub struct Requester {
    /// The node.
    pub client: ChainClient,
    /// The oracle.
    pub oracle: Address,
    /// Who pays.
    pub account: Account,
    /// Fees and waiting.
    pub send: SendOptions,
}

impl Requester {
    /// Sends a request and waits until it is in a block. What the contract would refuse is found before sending, by name.
    pub async fn request(&self, params: &RequestParams) -> Result<Requested> {
        let deadline = self
            .client
            .head()
            .await?
            .timestamp
            .saturating_add(params.deadline_in);
        let call = InferenceOracle::requestCall {
            modelId: params.model_id,
            inputs: params.inputs.clone(),
            deadline,
            callbackGas: params.callback_gas,
            callback: params.callback.unwrap_or_default(),
        };
        let plan = TxPlan {
            to: self.oracle,
            value: params.fee,
            data: call.abi_encode().into(),
            action: "the request".into(),
        };
        let receipt = send_and_wait(&self.client, &self.account, &plan, &self.send).await?;
        let request_id = self.request_id_in(receipt.hash).await?;
        Ok(Requested {
            request_id,
            tx: receipt.hash,
            block: receipt.block_number,
            gas_used: receipt.gas_used,
            deadline,
        })
    }

    async fn request_id_in(&self, tx: B256) -> Result<U256> {
        let logs = self.client.receipt_logs(tx).await?;
        let own = logs.iter().filter(|log| log.address() == self.oracle);
        let event = own
            .filter_map(|log| InferenceOracle::InferenceRequested::decode_log(&log.inner).ok())
            .next();
        event
            .map(|e| e.data.requestId)
            .ok_or_else(|| OracleError::BadAnswer {
                action: format!("receipt of {tx}"),
                message: "no InferenceRequested event of the oracle".into(),
            })
    }

    /// What became of a request.
    pub async fn status(&self, request_id: U256) -> Result<RequestView> {
        read_status(&self.client, self.oracle, request_id).await
    }
}

/// Reads a request and its result; an id that does not exist is [`OracleError::BadRequest`].
pub async fn read_status(
    client: &ChainClient,
    oracle: Address,
    request_id: U256,
) -> Result<RequestView> {
    let request = client
        .view(
            oracle,
            &InferenceOracle::getRequestCall {
                requestId: request_id,
            },
        )
        .await
        .map_err(unknown(request_id))?;
    let result = client
        .view(
            oracle,
            &InferenceOracle::getResultCall {
                requestId: request_id,
            },
        )
        .await
        .map_err(unknown(request_id))?;
    let bad = |what: &str, value: u8| OracleError::BadAnswer {
        action: format!("request {request_id}"),
        message: format!("{what} {value}"),
    };
    let proven = result.provenance != 0;
    Ok(RequestView {
        request_id,
        model_id: request.modelId,
        requester: request.requester,
        deadline: request.deadline,
        fee: request.fee,
        inputs: request.inputs,
        state: match request.status {
            1 => RequestState::Open,
            2 => RequestState::Fulfilled,
            3 => RequestState::Refunded,
            other => return Err(bad("status", other)),
        },
        provenance: match result.provenance {
            0 => Provenance::Pending,
            1 => Provenance::Proven,
            2 => Provenance::OptimisticFinal,
            3 => Provenance::Refuted,
            other => return Err(bad("provenance", other)),
        },
        outputs: result.outputs,
        result_block: proven.then_some(result.blockNumber),
        payee: proven.then_some(result.payee),
        verifier: proven.then_some(result.verifier),
        callback: match result.callbackStatus {
            0 => CallbackState::None,
            1 => CallbackState::Delivered,
            2 => CallbackState::Failed,
            3 => CallbackState::RetryFailed,
            other => return Err(bad("callback status", other)),
        },
    })
}

fn unknown(request_id: U256) -> impl Fn(OracleError) -> OracleError {
    move |error| match error {
        OracleError::Reverted { revert, .. } if revert.name == "UnknownRequest" => {
            OracleError::BadRequest(format!("there is no request {request_id}"))
        }
        other => other,
    }
}
