//! Jobs in SQLite. Every change of state is one transaction that also checks the state it starts from and writes a line of history.

use super::failpoint::FailPoint;
use super::rows::{Job, hash, job_of, uint};
use super::seen::{SeenRequest, add_request, rewind_in};
use super::state::JobState;
use crate::error::{OracleError, Result};
use alloy::primitives::{B256, Bytes, U256};
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteSynchronous,
};
use sqlx::{Row, SqliteConnection};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// What changes beside the state.
#[derive(Debug, Clone, Default)]
pub(crate) struct Change {
    pub(crate) reason: Option<String>,
    pub(crate) outputs: Option<Vec<U256>>,
    pub(crate) proof: Option<Bytes>,
    pub(crate) settled: Option<(u64, B256, Option<B256>)>,
    /// Count a failure and wait.
    pub(crate) retry_in: Option<Duration>,
    /// Progress: failures are forgotten.
    pub(crate) reset_attempts: bool,
}

impl Change {
    pub(crate) fn because(reason: impl Into<String>) -> Self {
        Self {
            reason: Some(reason.into()),
            ..Self::default()
        }
    }
}

/// The database, locked for this process.
#[derive(Debug)]
pub(crate) struct Store {
    pub(super) pool: SqlitePool,
    path: PathBuf,
    failpoint: FailPoint,
    _lock: File,
}

pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs())
}

/// SQLite's integers are signed; nothing stored here comes near 2^63 (deadlines are cut to it).
pub(super) fn int(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

pub(super) fn words_to_bytes(words: &[U256]) -> Vec<u8> {
    words.iter().flat_map(|w| w.to_be_bytes::<32>()).collect()
}

pub(super) fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(Duration::from_secs(10))
}

pub(super) fn store_error(path: &Path) -> impl Fn(sqlx::Error) -> OracleError {
    let path = path.to_owned();
    move |e| OracleError::Store {
        path: path.clone(),
        message: e.to_string(),
    }
}

impl Store {
    /// Opens (and creates, and migrates) the database; fails if another process has it.
    pub(crate) async fn open(path: &Path, failpoint: FailPoint) -> Result<Self> {
        let dir = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        std::fs::create_dir_all(dir).map_err(OracleError::io("creating", dir))?;
        let lock = lock_file(path)?;
        let error = store_error(path);
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options(path))
            .await
            .map_err(&error)?;
        sqlx::migrate!("./migrations")
            .run(&pool)
            .await
            .map_err(|e| error(e.into()))?;
        Ok(Self {
            pool,
            path: path.to_owned(),
            failpoint,
            _lock: lock,
        })
    }

    pub(super) fn error(&self) -> impl Fn(sqlx::Error) -> OracleError {
        store_error(&self.path)
    }

    /// Writes what this database belongs to, or fails if it belongs to something else.
    pub(crate) async fn belongs_to(&self, key: &str, value: &str) -> Result<()> {
        let error = self.error();
        let insert =
            sqlx::query("INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT DO NOTHING")
                .bind(key)
                .bind(value);
        insert.execute(&self.pool).await.map_err(&error)?;
        let row = sqlx::query("SELECT value FROM meta WHERE key = ?")
            .bind(key)
            .fetch_one(&self.pool)
            .await
            .map_err(&error)?;
        let stored: String = row.try_get(0).map_err(&error)?;
        if stored == value {
            return Ok(());
        }
        let message = format!("it was made for {key} {stored}, not {value}: use another file");
        Err(OracleError::StoreOwner {
            path: self.path.clone(),
            message,
        })
    }

    /// The newest checkpoints first, at most `limit`.
    pub(crate) async fn checkpoints(&self, limit: u32) -> Result<Vec<(u64, B256)>> {
        let error = self.error();
        let query =
            sqlx::query("SELECT number, hash FROM checkpoints ORDER BY number DESC LIMIT ?")
                .bind(limit);
        let rows = query.fetch_all(&self.pool).await.map_err(&error)?;
        rows.iter()
            .map(|row| Ok((uint(row.try_get(0)?), hash(row, 1)?)))
            .collect::<Result<_, sqlx::Error>>()
            .map_err(error)
    }

    /// Stores the requests of a window of blocks together with the checkpoint at its end.
    pub(crate) async fn add_window(
        &self,
        requests: &[SeenRequest],
        end: (u64, B256),
    ) -> Result<usize> {
        let error = self.error();
        let mut tx = self.pool.begin().await.map_err(&error)?;
        let mut fresh = 0;
        for request in requests {
            fresh += usize::from(add_request(&mut tx, request).await.map_err(&error)?);
        }
        let upsert = "INSERT INTO checkpoints (number, hash) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET hash = excluded.hash";
        sqlx::query(upsert)
            .bind(int(end.0))
            .bind(end.1.as_slice())
            .execute(&mut *tx)
            .await
            .map_err(&error)?;
        let prune = "DELETE FROM checkpoints WHERE number NOT IN (SELECT number FROM checkpoints ORDER BY number DESC LIMIT 1024)";
        sqlx::query(prune).execute(&mut *tx).await.map_err(&error)?;
        tx.commit().await.map_err(&error)?;
        if fresh > 0 {
            self.failpoint.hit(JobState::Seen.as_str());
        }
        Ok(fresh)
    }

    /// Takes a job a step further if it is (still) in the state given; false if it is not.
    pub(crate) async fn step(&self, job: &Job, to: JobState, change: Change) -> Result<bool> {
        let error = self.error();
        let mut tx = self.pool.begin().await.map_err(&error)?;
        let done = step_in(&mut tx, job, to, &change).await.map_err(&error)?;
        tx.commit().await.map_err(&error)?;
        if done {
            self.announce(job, to, &change);
        }
        Ok(done)
    }

    /// Logs a step and gives tests their chance.
    pub(super) fn announce(&self, job: &Job, to: JobState, change: &Change) {
        let reason = change.reason.as_deref();
        tracing::info!(request = %job.request_id, from = %job.state, to = %to, reason, "job");
        self.failpoint.hit(to.as_str());
    }

    pub(crate) fn failpoint(&self) -> &FailPoint {
        &self.failpoint
    }

    /// The job stays where it is and waits. `failed`: count it as a failed attempt.
    pub(crate) async fn postpone(
        &self,
        job: &Job,
        pause: Duration,
        reason: &str,
        failed: bool,
    ) -> Result<()> {
        let sql = "UPDATE jobs SET attempts = attempts + ?, not_before = ?, reason = ?, updated_at = ? WHERE request_id = ? AND state = ?";
        let query = sqlx::query(sql)
            .bind(i64::from(failed))
            .bind(int(now() + pause.as_secs()))
            .bind(reason)
            .bind(int(now()));
        let query = query
            .bind(job.request_id.to_string())
            .bind(job.state.as_str());
        query.execute(&self.pool).await.map_err(self.error())?;
        Ok(())
    }

    /// Jobs in one of these states, oldest request first. `ready`: only those not waiting and not orphaned.
    pub(crate) async fn jobs_in(&self, states: &[JobState], ready: bool) -> Result<Vec<Job>> {
        let error = self.error();
        let mut jobs = Vec::new();
        for state in states {
            let query = sqlx::query(
                "SELECT * FROM jobs WHERE state = ? AND (? = 0 OR (orphaned = 0 AND not_before <= ?)) ORDER BY block_number, log_index",
            );
            let query = query
                .bind(state.as_str())
                .bind(i64::from(ready))
                .bind(int(now()));
            for row in query.fetch_all(&self.pool).await.map_err(&error)? {
                jobs.push(job_of(&row).map_err(&error)?);
            }
        }
        Ok(jobs)
    }

    /// One job.
    pub(crate) async fn job(&self, request_id: &str) -> Result<Option<Job>> {
        let error = self.error();
        let row = sqlx::query("SELECT * FROM jobs WHERE request_id = ?")
            .bind(request_id)
            .fetch_optional(&self.pool)
            .await
            .map_err(&error)?;
        row.as_ref().map(job_of).transpose().map_err(error)
    }

    /// Blocks after `fork` are gone: requests in them are orphaned until seen again, ends seen in them are open again.
    pub(crate) async fn rewind(&self, fork: u64) -> Result<()> {
        let error = self.error();
        let mut tx = self.pool.begin().await.map_err(&error)?;
        rewind_in(&mut tx, fork).await.map_err(&error)?;
        tx.commit().await.map_err(&error)
    }

    /// Closes the database; what was committed is on disk.
    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }
}

/// An advisory lock beside the database: two relayers on one ledger would fight over nonces.
fn lock_file(path: &Path) -> Result<File> {
    let lock_path = path.with_extension("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock_path)
        .map_err(OracleError::io("opening", &lock_path))?;
    file.try_lock().map_err(|_| OracleError::StoreOwner {
        path: path.to_owned(),
        message: "another relayer has it open".into(),
    })?;
    Ok(file)
}

/// The compare-and-set under every step.
pub(super) async fn step_in(
    tx: &mut SqliteConnection,
    job: &Job,
    to: JobState,
    change: &Change,
) -> Result<bool, sqlx::Error> {
    if !job.state.may_become(to) {
        tracing::error!(request = %job.request_id, from = %job.state, %to, "a step that does not exist; ignored");
        return Ok(false);
    }
    let sql = "UPDATE jobs SET state = ?, reason = coalesce(?, reason), outputs = coalesce(?, outputs), proof = coalesce(?, proof),
            settled_block = coalesce(?, settled_block), settled_hash = coalesce(?, settled_hash), settled_tx = coalesce(?, settled_tx),
            attempts = CASE WHEN ? THEN 0 ELSE attempts + ? END, not_before = ?, updated_at = ?
        WHERE request_id = ? AND state = ?";
    let id = job.request_id.to_string();
    let query = sqlx::query(sql)
        .bind(to.as_str())
        .bind(change.reason.as_deref());
    let query = query
        .bind(change.outputs.as_deref().map(words_to_bytes))
        .bind(change.proof.as_ref().map(|p| p.to_vec()));
    let query = query
        .bind(change.settled.map(|s| int(s.0)))
        .bind(change.settled.map(|s| s.1.to_vec()));
    let query = query.bind(change.settled.and_then(|s| s.2).map(|h| h.to_vec()));
    let query = query
        .bind(change.reset_attempts)
        .bind(i64::from(change.retry_in.is_some()));
    let query = query
        .bind(int(change
            .retry_in
            .map_or(0, |pause| now() + pause.as_secs())))
        .bind(int(now()));
    let result = query
        .bind(&id)
        .bind(job.state.as_str())
        .execute(&mut *tx)
        .await?;
    if result.rows_affected() == 0 {
        return Ok(false);
    }
    if let Some(hash) = change.settled.and_then(|s| s.2) {
        sqlx::query("UPDATE txs SET state = 'mined' WHERE hash = ?")
            .bind(hash.to_vec())
            .execute(&mut *tx)
            .await?;
    }
    history(
        tx,
        &id,
        Some(job.state.as_str()),
        to.as_str(),
        change.reason.as_deref(),
    )
    .await?;
    Ok(true)
}

pub(super) async fn history(
    tx: &mut SqliteConnection,
    id: &str,
    from: Option<&str>,
    to: &str,
    detail: Option<&str>,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO transitions (request_id, at, from_state, to_state, detail) VALUES (?, ?, ?, ?, ?)";
    sqlx::query(sql)
        .bind(id)
        .bind(int(now()))
        .bind(from)
        .bind(to)
        .bind(detail)
        .execute(tx)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy::primitives::Address;

    fn request(id: u64, words: usize) -> SeenRequest {
        SeenRequest {
            request_id: U256::from(id),
            model_id: B256::ZERO,
            requester: Address::ZERO,
            deadline: u64::MAX,
            callback_gas: 0,
            callback: Address::ZERO,
            fee: U256::MAX,
            inputs: vec![U256::from(id); words],
            block_number: id,
            block_hash: B256::ZERO,
            log_index: 0,
        }
    }

    #[tokio::test]
    async fn the_same_request_a_hundred_times_is_one_job() {
        let dir = tempfile::tempdir().expect("temp dir");
        let store = Store::open(&dir.path().join("jobs"), FailPoint::none())
            .await
            .expect("opens");
        let mut fresh = 0;
        for _ in 0..100 {
            let window = [request(7, 1)];
            fresh += store
                .add_window(&window, (7, B256::ZERO))
                .await
                .expect("stores");
        }
        assert_eq!(fresh, 1);
        let jobs = store.jobs_in(&[JobState::Seen], true).await.expect("reads");
        assert_eq!(
            (jobs.len(), jobs[0].fee, jobs[0].inputs.len()),
            (1, U256::MAX, 1)
        );
    }

    #[tokio::test]
    async fn a_step_from_a_stale_state_does_nothing() {
        let dir = tempfile::tempdir().expect("temp dir");
        let store = Store::open(&dir.path().join("jobs"), FailPoint::none())
            .await
            .expect("opens");
        store
            .add_window(&[request(1, 1)], (1, B256::ZERO))
            .await
            .expect("stores");
        let job = store.job("1").await.expect("reads").expect("there");
        assert!(
            store
                .step(&job, JobState::Queued, Change::default())
                .await
                .expect("steps")
        );
        assert!(
            !store
                .step(&job, JobState::Refused, Change::default())
                .await
                .expect("stale")
        );
        assert!(
            !store
                .step(&job, JobState::Sent, Change::default())
                .await
                .expect("no such step")
        );
        let state = store.job("1").await.expect("reads").expect("there").state;
        assert_eq!(state, JobState::Queued);
    }

    #[tokio::test]
    async fn a_full_disk_is_an_error_and_loses_nothing() {
        let dir = tempfile::tempdir().expect("temp dir");
        let path = dir.path().join("jobs");
        let store = Store::open(&path, FailPoint::none()).await.expect("opens");
        store
            .add_window(&[request(1, 1)], (1, B256::ZERO))
            .await
            .expect("stores");
        sqlx::query("PRAGMA max_page_count = 40")
            .execute(&store.pool)
            .await
            .expect("a small disk");
        let error = store
            .add_window(&[request(2, 10_000)], (2, B256::ZERO))
            .await;
        let error = error.expect_err("no room");
        assert!(
            error.code() == "OR-STO-001" && error.to_string().contains("full"),
            "{error}"
        );
        store.close().await;
        drop(store);
        let store = Store::open(&path, FailPoint::none())
            .await
            .expect("opens again");
        assert_eq!(
            store
                .jobs_in(&[JobState::Seen], false)
                .await
                .expect("reads")
                .len(),
            1
        );
        assert_eq!(
            store.checkpoints(9).await.expect("reads"),
            [(1, B256::ZERO)]
        );
    }
}
