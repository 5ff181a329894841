//! What the chain brings into the database: requests, and the way back when their blocks are gone.

use super::rows::hash;
use super::store::{history, int, now, words_to_bytes};
use alloy::primitives::{Address, B256, U256, keccak256};
use sqlx::SqliteConnection;

/// A request as its event told it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SeenRequest {
    pub(crate) request_id: U256,
    pub(crate) model_id: B256,
    pub(crate) requester: Address,
    pub(crate) deadline: u64,
    pub(crate) callback_gas: u32,
    pub(crate) callback: Address,
    pub(crate) fee: U256,
    pub(crate) inputs: Vec<U256>,
    pub(crate) block_number: u64,
    pub(crate) block_hash: B256,
    pub(crate) log_index: u64,
}

impl SeenRequest {
    /// Tells two requests of one id apart.
    fn digest(&self) -> B256 {
        let mut bytes = [
            self.model_id.as_slice(),
            self.requester.as_slice(),
            self.callback.as_slice(),
        ]
        .concat();
        bytes.extend(self.deadline.to_be_bytes());
        bytes.extend(self.callback_gas.to_be_bytes());
        bytes.extend(self.fee.to_be_bytes::<32>());
        bytes.extend(words_to_bytes(&self.inputs));
        keccak256(bytes)
    }
}

/// True if the request is new (or another one under a known id).
pub(super) async fn add_request(
    tx: &mut SqliteConnection,
    r: &SeenRequest,
) -> Result<bool, sqlx::Error> {
    let id = r.request_id.to_string();
    let digest = r.digest();
    let known = sqlx::query("SELECT digest FROM jobs WHERE request_id = ?")
        .bind(&id)
        .fetch_optional(&mut *tx)
        .await?;
    let known = known.map(|row| hash(&row, 0)).transpose()?;
    if known == Some(digest) {
        let sql = "UPDATE jobs SET orphaned = 0, block_number = ?, block_hash = ?, log_index = ? WHERE request_id = ?";
        let query = sqlx::query(sql)
            .bind(int(r.block_number))
            .bind(r.block_hash.as_slice())
            .bind(int(r.log_index))
            .bind(&id);
        query.execute(&mut *tx).await?;
        return Ok(false);
    }
    // An UPDATE, not a REPLACE: the ledger's rows refer to this one.
    let sql = "INSERT INTO jobs (request_id, model_id, requester, deadline, callback_gas, callback, fee, inputs, digest,
            block_number, block_hash, log_index, state, created_at, updated_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'seen', ?, ?)
        ON CONFLICT (request_id) DO UPDATE SET model_id = excluded.model_id, requester = excluded.requester,
            deadline = excluded.deadline, callback_gas = excluded.callback_gas, callback = excluded.callback, fee = excluded.fee,
            inputs = excluded.inputs, digest = excluded.digest, block_number = excluded.block_number,
            block_hash = excluded.block_hash, log_index = excluded.log_index, state = 'seen', updated_at = excluded.updated_at,
            orphaned = 0, reason = NULL, attempts = 0, not_before = 0, outputs = NULL, proof = NULL,
            settled_block = NULL, settled_hash = NULL, settled_tx = NULL";
    let query = sqlx::query(sql)
        .bind(&id)
        .bind(r.model_id.as_slice())
        .bind(r.requester.as_slice())
        .bind(int(r.deadline));
    let query = query
        .bind(i64::from(r.callback_gas))
        .bind(r.callback.as_slice())
        .bind(r.fee.to_string())
        .bind(words_to_bytes(&r.inputs));
    let query = query
        .bind(digest.as_slice())
        .bind(int(r.block_number))
        .bind(r.block_hash.as_slice())
        .bind(int(r.log_index));
    query
        .bind(int(now()))
        .bind(int(now()))
        .execute(&mut *tx)
        .await?;
    history(
        tx,
        &id,
        None,
        "seen",
        known.map(|_| "another request under this id after a re-org"),
    )
    .await?;
    Ok(true)
}

pub(super) async fn rewind_in(tx: &mut SqliteConnection, fork: u64) -> Result<(), sqlx::Error> {
    let fork = int(fork);
    sqlx::query("DELETE FROM checkpoints WHERE number > ?")
        .bind(fork)
        .execute(&mut *tx)
        .await?;
    sqlx::query("UPDATE jobs SET orphaned = 1 WHERE block_number > ?")
        .bind(fork)
        .execute(&mut *tx)
        .await?;
    let log = "INSERT INTO transitions (request_id, at, from_state, to_state, detail)
        SELECT request_id, ?, state, 'rewound', 're-org' FROM jobs WHERE settled_block > ?";
    sqlx::query(log)
        .bind(int(now()))
        .bind(fork)
        .execute(&mut *tx)
        .await?;
    // Every transaction of a nonce that is open again may be the one that gets mined now.
    let reopen = "UPDATE txs SET state = 'sent', tried_at = 0 WHERE state IN ('mined', 'replaced') AND nonce IN (
            SELECT t.nonce FROM txs t JOIN jobs j ON j.settled_tx = t.hash WHERE j.settled_block > ? AND t.state = 'mined')";
    sqlx::query(reopen).bind(fork).execute(&mut *tx).await?;
    let sent = "UPDATE jobs SET state = 'sent', settled_block = NULL, settled_hash = NULL, settled_tx = NULL
        WHERE settled_block > ? AND state IN ('mined', 'confirmed', 'done') AND settled_tx IS NOT NULL";
    sqlx::query(sent).bind(fork).execute(&mut *tx).await?;
    let open =
        "UPDATE jobs SET state = CASE WHEN proof IS NOT NULL THEN 'proven' ELSE 'queued' END,
            settled_block = NULL, settled_hash = NULL, settled_tx = NULL
        WHERE settled_block > ? AND state IN ('already-done', 'expired')";
    sqlx::query(open).bind(fork).execute(&mut *tx).await?;
    Ok(())
}
