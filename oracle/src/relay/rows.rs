//! Jobs and their history as rows: what is read from the database, by the relayer and by whoever looks over its shoulder.

use super::state::JobState;
use super::store::{options, store_error};
use crate::error::Result;
use alloy::primitives::{B256, Bytes, U256};
use sqlx::Row;
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions, SqliteRow};
use std::path::Path;

/// One job.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Job {
    /// The request on chain.
    pub request_id: U256,
    /// Its model.
    pub model_id: B256,
    /// Last second in which it can be fulfilled.
    pub deadline: u64,
    /// Gas for its callback.
    pub callback_gas: u32,
    /// Its fee in wei.
    pub fee: U256,
    /// Packed input words.
    pub inputs: Vec<U256>,
    /// Where it is.
    pub state: JobState,
    /// The block of the request is not in the chain any more (until it is seen again).
    pub orphaned: bool,
    /// Why it ended, or what went wrong last.
    pub reason: Option<String>,
    /// Failed attempts since the last progress.
    pub attempts: u32,
    /// Packed output words.
    pub outputs: Option<Vec<U256>>,
    /// The proof blob.
    pub proof: Option<Bytes>,
    /// Block of our transaction, or the newest one when the end was seen.
    pub settled_block: Option<u64>,
    /// That block's hash.
    pub settled_hash: Option<B256>,
    /// Our mined transaction.
    pub settled_tx: Option<B256>,
}

/// One line of a job's history.
#[derive(Debug, Clone)]
pub struct Transition {
    /// Seconds since 1970.
    pub at: u64,
    /// The state before; none for a new job.
    pub from: Option<String>,
    /// The state after.
    pub to: String,
    /// More.
    pub detail: Option<String>,
}

pub(super) fn uint(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn words_from_bytes(bytes: &[u8]) -> Vec<U256> {
    bytes.chunks(32).map(U256::from_be_slice).collect()
}

pub(super) fn hash(row: &SqliteRow, column: usize) -> Result<B256, sqlx::Error> {
    fixed(row.try_get::<Vec<u8>, _>(column)?)
}

fn fixed(bytes: Vec<u8>) -> Result<B256, sqlx::Error> {
    B256::try_from(bytes.as_slice()).map_err(|e| sqlx::Error::Decode(Box::new(e)))
}

fn number(text: &str) -> Result<U256, sqlx::Error> {
    text.parse()
        .map_err(|_| sqlx::Error::Decode(format!("not a number: {text}").into()))
}

pub(super) fn job_of(row: &SqliteRow) -> Result<Job, sqlx::Error> {
    let state: String = row.try_get("state")?;
    Ok(Job {
        request_id: number(row.try_get("request_id")?)?,
        model_id: fixed(row.try_get("model_id")?)?,
        deadline: uint(row.try_get("deadline")?),
        callback_gas: row
            .try_get::<i64, _>("callback_gas")?
            .try_into()
            .unwrap_or(u32::MAX),
        fee: number(row.try_get("fee")?)?,
        inputs: words_from_bytes(row.try_get("inputs")?),
        state: JobState::parse(&state)
            .ok_or_else(|| sqlx::Error::Decode(format!("no such state: {state}").into()))?,
        orphaned: row.try_get("orphaned")?,
        reason: row.try_get("reason")?,
        attempts: row
            .try_get::<i64, _>("attempts")?
            .try_into()
            .unwrap_or(u32::MAX),
        outputs: row
            .try_get::<Option<&[u8]>, _>("outputs")?
            .map(words_from_bytes),
        proof: row.try_get::<Option<Vec<u8>>, _>("proof")?.map(Bytes::from),
        settled_block: row.try_get::<Option<i64>, _>("settled_block")?.map(uint),
        settled_hash: row
            .try_get::<Option<Vec<u8>>, _>("settled_hash")?
            .map(fixed)
            .transpose()?,
        settled_tx: row
            .try_get::<Option<Vec<u8>>, _>("settled_tx")?
            .map(fixed)
            .transpose()?,
    })
}

async fn read_only(path: &Path) -> Result<SqlitePool> {
    let options = options(path).create_if_missing(false).read_only(true);
    SqlitePoolOptions::new()
        .max_connections(1)
        .connect_with(options)
        .await
        .map_err(store_error(path))
}

/// All jobs of a database, oldest first; works beside a running relayer.
pub async fn read_jobs(path: &Path) -> Result<Vec<Job>> {
    let (pool, error) = (read_only(path).await?, store_error(path));
    let rows = sqlx::query("SELECT * FROM jobs ORDER BY block_number, log_index")
        .fetch_all(&pool)
        .await
        .map_err(&error)?;
    rows.iter()
        .map(job_of)
        .collect::<Result<_, _>>()
        .map_err(error)
}

/// A job's history; works beside a running relayer.
pub async fn read_transitions(path: &Path, request_id: U256) -> Result<Vec<Transition>> {
    let (pool, error) = (read_only(path).await?, store_error(path));
    let query = sqlx::query(
        "SELECT at, from_state, to_state, detail FROM transitions WHERE request_id = ? ORDER BY id",
    );
    let rows = query
        .bind(request_id.to_string())
        .fetch_all(&pool)
        .await
        .map_err(&error)?;
    let read = |row: &SqliteRow| {
        Ok(Transition {
            at: uint(row.try_get(0)?),
            from: row.try_get(1)?,
            to: row.try_get(2)?,
            detail: row.try_get(3)?,
        })
    };
    rows.iter()
        .map(read)
        .collect::<Result<_, sqlx::Error>>()
        .map_err(error)
}
