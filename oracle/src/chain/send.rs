//! One transaction, prepared, sent and awaited. For deployments and requests; the relayer keeps a ledger instead (`relay/sender.rs`).

use super::{Account, CallSpec, ChainClient, ReceiptInfo, RpcKind, SignedTx, TxFields};
use crate::error::{OracleError, Result};
use alloy::primitives::{Address, B256, Bytes, U256};
use std::time::{Duration, Instant};

/// What a transaction is to do.
#[derive(Debug, Clone)]
pub struct TxPlan {
    /// Receiver.
    pub to: Address,
    /// Wei sent.
    pub value: U256,
    /// Call data.
    pub data: Bytes,
    /// For messages: "deploying the model registry".
    pub action: String,
}

/// Fees of an EIP-1559 transaction, wei per gas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fees {
    /// Maximum in all.
    pub max_fee: u128,
    /// Tip.
    pub priority_fee: u128,
}

/// How to send.
#[derive(Debug, Clone, Copy)]
pub struct SendOptions {
    /// Tip in wei per gas.
    pub priority_fee: u128,
    /// Longest wait for the receipt.
    pub wait: Duration,
    /// Pause between looks.
    pub poll: Duration,
}

impl Default for SendOptions {
    fn default() -> Self {
        Self {
            priority_fee: 1_000_000_000,
            wait: Duration::from_secs(180),
            poll: Duration::from_millis(150),
        }
    }
}

/// A signed transaction with what it was made from.
#[derive(Debug, Clone)]
pub struct PreparedTx {
    /// The bytes to send.
    pub signed: SignedTx,
    /// Gas limit.
    pub gas_limit: u64,
    /// For messages.
    pub action: String,
}

/// Fees that survive six full blocks: twice the base fee and the tip.
pub fn next_fees(base_fee: u128, priority_fee: u128) -> Fees {
    Fees {
        max_fee: base_fee.saturating_mul(2).saturating_add(priority_fee),
        priority_fee,
    }
}

/// Estimates (which finds reverts), checks the balance and signs, with the account's next free nonce. Sends nothing.
pub async fn prepare(
    client: &ChainClient,
    account: &Account,
    plan: &TxPlan,
    options: &SendOptions,
) -> Result<PreparedTx> {
    let from = account.address();
    let fees = next_fees(client.head().await?.base_fee, options.priority_fee);
    let balance = client.balance(from).await?;
    let spec = CallSpec {
        from: Some(from),
        to: Some(plan.to),
        value: plan.value,
        data: plan.data.clone(),
        gas: None,
    };
    let estimate = match client.estimate_gas(&spec, &plan.action).await {
        Err(e) if e.rpc_kind() == Some(RpcKind::InsufficientFunds) => {
            return Err(insufficient(
                account,
                balance,
                plan.value + U256::from(21_000u128 * fees.max_fee),
                &plan.action,
            ));
        }
        other => other?,
    };
    let gas_limit = estimate + estimate / 5;
    let need = plan.value + U256::from(gas_limit) * U256::from(fees.max_fee);
    if balance < need {
        return Err(insufficient(account, balance, need, &plan.action));
    }
    let signed = account.sign(&TxFields {
        chain_id: client.chain_id().await?,
        nonce: client.nonce_pending(from).await?,
        gas_limit,
        max_fee: fees.max_fee,
        priority_fee: fees.priority_fee,
        to: plan.to,
        value: plan.value,
        data: plan.data.clone(),
    })?;
    Ok(PreparedTx {
        signed,
        gas_limit,
        action: plan.action.clone(),
    })
}

fn insufficient(account: &Account, balance: U256, need: U256, purpose: &str) -> OracleError {
    OracleError::InsufficientFunds {
        account: account.address(),
        balance,
        need,
        purpose: purpose.to_owned(),
    }
}

/// Prepares, sends and waits. A mined failure is [`OracleError::TransactionFailed`].
pub async fn send_and_wait(
    client: &ChainClient,
    account: &Account,
    plan: &TxPlan,
    options: &SendOptions,
) -> Result<ReceiptInfo> {
    let tx = prepare(client, account, plan, options).await?;
    wait_mined(client, &tx, options).await
}

/// Sends (again, where a reply was lost) until there is a receipt.
pub async fn wait_mined(
    client: &ChainClient,
    tx: &PreparedTx,
    options: &SendOptions,
) -> Result<ReceiptInfo> {
    let started = Instant::now();
    broadcast(client, &tx.signed).await?;
    let mut sent = Instant::now();
    loop {
        if let Some(receipt) = client.receipt(tx.signed.hash).await? {
            return succeeded(receipt, &tx.action);
        }
        if started.elapsed() > options.wait {
            let seconds = options.wait.as_secs();
            return Err(OracleError::NotMined {
                hash: tx.signed.hash,
                action: tx.action.clone(),
                seconds,
            });
        }
        if sent.elapsed() > Duration::from_secs(10) {
            broadcast(client, &tx.signed).await?;
            sent = Instant::now();
        }
        tokio::time::sleep(options.poll).await;
    }
}

fn succeeded(receipt: ReceiptInfo, action: &str) -> Result<ReceiptInfo> {
    if receipt.success {
        return Ok(receipt);
    }
    Err(OracleError::TransactionFailed {
        hash: receipt.hash,
        action: action.to_owned(),
    })
}

/// A lost reply is no failure: the receipt decides.
async fn broadcast(client: &ChainClient, tx: &SignedTx) -> Result<()> {
    match client.send_raw(&tx.raw).await {
        Ok(()) => Ok(()),
        Err(e) if e.kind == RpcKind::AlreadyKnown || e.kind.is_transient() => Ok(()),
        Err(e) if e.kind == RpcKind::NonceTooLow && is_mined(client, tx.hash).await => Ok(()),
        Err(e) => Err(e.into()),
    }
}

async fn is_mined(client: &ChainClient, hash: B256) -> bool {
    matches!(client.receipt(hash).await, Ok(Some(_)))
}
