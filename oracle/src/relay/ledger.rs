//! The nonce ledger: every transaction the relayer signed. Written before a node sees it; a nonce is open until one of its transactions,
//! or somebody else's, is mined.

use super::rows::Job;
use super::state::JobState;
use super::store::{Change, Store, int, now, step_in};
use crate::error::Result;
use alloy::primitives::{B256, Bytes};
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, SqliteConnection};

/// What a transaction is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Brings a result.
    Fulfill,
    /// Takes a nonce and does nothing: replaces a transaction that is of no use any more, or fills a gap.
    Cancel,
}

impl Purpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fulfill => "fulfill",
            Self::Cancel => "cancel",
        }
    }
}

/// One signed transaction.
#[derive(Debug, Clone)]
pub(crate) struct LedgerTx {
    pub(crate) hash: B256,
    pub(crate) nonce: u64,
    pub(crate) request_id: Option<String>,
    pub(crate) purpose: Purpose,
    pub(crate) raw: Bytes,
    pub(crate) gas_limit: u64,
    pub(crate) max_fee: u128,
    pub(crate) priority_fee: u128,
    pub(crate) created_at: u64,
    pub(crate) tried_at: u64,
}

/// How a nonce's transactions end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NonceEnd {
    /// This one is mined, the others are replaced.
    Mined(B256),
    /// Somebody else's took the nonce, or none ever reached a node.
    Dropped,
}

impl Store {
    /// Writes the intent: the signed transaction and the job's step to `submitting`, together.
    pub(crate) async fn intend(&self, job: &Job, tx: &LedgerTx) -> Result<bool> {
        let error = self.error();
        let mut db = self.pool.begin().await.map_err(&error)?;
        let change = Change {
            reason: Some(format!("nonce {}, transaction {}", tx.nonce, tx.hash)),
            ..Change::default()
        };
        if !step_in(&mut db, job, JobState::Submitting, &change)
            .await
            .map_err(&error)?
        {
            return Ok(false);
        }
        insert(&mut db, tx).await.map_err(&error)?;
        db.commit().await.map_err(&error)?;
        self.announce(job, JobState::Submitting, &change);
        Ok(true)
    }

    /// Writes a replacement or a filler.
    pub(crate) async fn add_tx(&self, tx: &LedgerTx) -> Result<()> {
        let error = self.error();
        let mut db = self.pool.acquire().await.map_err(&error)?;
        insert(&mut db, tx).await.map_err(&error)
    }

    /// Notes that the transaction was offered to a node, and whether it was taken.
    pub(crate) async fn tried(&self, hash: B256, taken: bool) -> Result<()> {
        let sql = "UPDATE txs SET tried_at = ?, state = CASE WHEN ? THEN 'sent' ELSE state END WHERE hash = ? AND state IN ('intent', 'sent')";
        let query = sqlx::query(sql)
            .bind(int(now()))
            .bind(taken)
            .bind(hash.as_slice());
        query.execute(&self.pool).await.map_err(self.error())?;
        Ok(())
    }

    /// Open nonces, lowest first, each with its transactions, oldest first.
    pub(crate) async fn open_nonces(&self) -> Result<Vec<Vec<LedgerTx>>> {
        let error = self.error();
        let sql =
            "SELECT * FROM txs WHERE state IN ('intent', 'sent') ORDER BY nonce, created_at, rowid";
        let mut nonces: Vec<Vec<LedgerTx>> = Vec::new();
        for row in sqlx::query(sql)
            .fetch_all(&self.pool)
            .await
            .map_err(&error)?
        {
            let tx = tx_of(&row).map_err(&error)?;
            match nonces.last_mut() {
                Some(group) if group[0].nonce == tx.nonce => group.push(tx),
                _ => nonces.push(vec![tx]),
            }
        }
        Ok(nonces)
    }

    /// Every transaction that was ever signed to bring this job's result, given up or not.
    pub(crate) async fn hashes_of(&self, job: &Job) -> Result<Vec<B256>> {
        let error = self.error();
        let query =
            sqlx::query("SELECT hash FROM txs WHERE request_id = ? AND purpose = 'fulfill'")
                .bind(job.request_id.to_string());
        let rows = query.fetch_all(&self.pool).await.map_err(&error)?;
        let hash = |row: &SqliteRow| Ok(B256::left_padding_from(row.try_get::<&[u8], _>(0)?));
        rows.iter()
            .map(hash)
            .collect::<Result<_, sqlx::Error>>()
            .map_err(error)
    }

    /// Ends a nonce, and takes its job a step further in the same transaction.
    pub(crate) async fn end_nonce(
        &self,
        nonce: u64,
        end: NonceEnd,
        step: Option<(&Job, JobState, Change)>,
    ) -> Result<()> {
        let error = self.error();
        let mut db = self.pool.begin().await.map_err(&error)?;
        end_in(&mut db, nonce, end).await.map_err(&error)?;
        let mut stepped = false;
        if let Some((job, to, change)) = &step {
            stepped = step_in(&mut db, job, *to, change).await.map_err(&error)?;
        }
        db.commit().await.map_err(&error)?;
        if let Some((job, to, change)) = step.filter(|_| stepped) {
            self.announce(job, to, &change);
        }
        Ok(())
    }

    /// A mined transaction is in no block any more: its nonce is open, its job is back at `sent`.
    pub(crate) async fn reopen(&self, job: &Job, hash: B256) -> Result<()> {
        let error = self.error();
        let mut db = self.pool.begin().await.map_err(&error)?;
        let sql = "UPDATE txs SET state = 'sent', tried_at = 0
            WHERE state IN ('mined', 'replaced') AND nonce = (SELECT nonce FROM txs WHERE hash = ?)";
        sqlx::query(sql)
            .bind(hash.as_slice())
            .execute(&mut *db)
            .await
            .map_err(&error)?;
        let change = Change::because("its block is gone");
        let stepped = step_in(&mut db, job, JobState::Sent, &change)
            .await
            .map_err(&error)?;
        db.commit().await.map_err(&error)?;
        if stepped {
            self.announce(job, JobState::Sent, &change);
        }
        Ok(())
    }
}

async fn insert(db: &mut SqliteConnection, tx: &LedgerTx) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO txs (hash, nonce, request_id, purpose, raw, gas_limit, max_fee, priority_fee, state, created_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'intent', ?) ON CONFLICT (hash) DO UPDATE SET state = 'intent', tried_at = 0";
    let query = sqlx::query(sql)
        .bind(tx.hash.as_slice())
        .bind(int(tx.nonce))
        .bind(tx.request_id.as_deref())
        .bind(tx.purpose.as_str());
    let query = query
        .bind(tx.raw.to_vec())
        .bind(int(tx.gas_limit))
        .bind(tx.max_fee.to_string())
        .bind(tx.priority_fee.to_string());
    query.bind(int(tx.created_at)).execute(db).await?;
    Ok(())
}

async fn end_in(db: &mut SqliteConnection, nonce: u64, end: NonceEnd) -> Result<(), sqlx::Error> {
    let (mined, others) = match end {
        NonceEnd::Mined(hash) => (hash.to_vec(), "replaced"),
        NonceEnd::Dropped => (Vec::new(), "dropped"),
    };
    let sql = "UPDATE txs SET state = CASE WHEN hash = ? THEN 'mined' ELSE ? END WHERE nonce = ? AND state IN ('intent', 'sent')";
    sqlx::query(sql)
        .bind(mined)
        .bind(others)
        .bind(int(nonce))
        .execute(db)
        .await?;
    Ok(())
}

fn tx_of(row: &SqliteRow) -> Result<LedgerTx, sqlx::Error> {
    let bad = |what: &str| sqlx::Error::Decode(format!("txs.{what} does not parse").into());
    let number = |column: &str| -> Result<u64, sqlx::Error> {
        u64::try_from(row.try_get::<i64, _>(column)?).map_err(|_| bad(column))
    };
    let wei = |column: &str| -> Result<u128, sqlx::Error> {
        row.try_get::<String, _>(column)?
            .parse()
            .map_err(|_| bad(column))
    };
    let purpose = match row.try_get::<&str, _>("purpose")? {
        "cancel" => Purpose::Cancel,
        _ => Purpose::Fulfill,
    };
    Ok(LedgerTx {
        hash: B256::try_from(row.try_get::<&[u8], _>("hash")?).map_err(|_| bad("hash"))?,
        nonce: number("nonce")?,
        request_id: row.try_get("request_id")?,
        purpose,
        raw: row.try_get::<Vec<u8>, _>("raw")?.into(),
        gas_limit: number("gas_limit")?,
        max_fee: wei("max_fee")?,
        priority_fee: wei("priority_fee")?,
        created_at: number("created_at")?,
        tried_at: number("tried_at")?,
    })
}
