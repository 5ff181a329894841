-- Numbers that do not fit 63 bits (request ids, wei) are decimal text; hashes, addresses and words are blobs.

-- What this database belongs to: chain id, oracle, account. A relayer refuses a database of something else.
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- Blocks up to which all logs were read, newest last. The older ones find the fork point after a re-org.
CREATE TABLE checkpoints (
    number INTEGER PRIMARY KEY,
    hash   BLOB NOT NULL
) STRICT;

CREATE TABLE jobs (
    request_id   TEXT PRIMARY KEY,
    model_id     BLOB NOT NULL,
    requester    BLOB NOT NULL,
    deadline     INTEGER NOT NULL,
    callback_gas INTEGER NOT NULL,
    callback     BLOB NOT NULL,
    fee          TEXT NOT NULL,
    inputs       BLOB NOT NULL,
    -- keccak of everything above: after a re-org the same id may be another request
    digest       BLOB NOT NULL,
    block_number INTEGER NOT NULL,
    block_hash   BLOB NOT NULL,
    log_index    INTEGER NOT NULL,
    -- 1 while the block of the request is not in the chain any more
    orphaned     INTEGER NOT NULL DEFAULT 0,

    state        TEXT NOT NULL,
    reason       TEXT,
    attempts     INTEGER NOT NULL DEFAULT 0,
    not_before   INTEGER NOT NULL DEFAULT 0,
    outputs      BLOB,
    proof        BLOB,

    -- where it ended: our transaction's block, or the newest block when the end was seen
    settled_block INTEGER,
    settled_hash  BLOB,
    settled_tx    BLOB,

    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, block_number, log_index);

-- Every transaction ever signed, written before it is sent. Several rows of one nonce are replacements of each other.
CREATE TABLE txs (
    hash         BLOB PRIMARY KEY,
    nonce        INTEGER NOT NULL,
    -- NULL: fills a gap
    request_id   TEXT REFERENCES jobs (request_id),
    purpose      TEXT NOT NULL CHECK (purpose IN ('fulfill', 'cancel')),
    raw          BLOB NOT NULL,
    gas_limit    INTEGER NOT NULL,
    max_fee      TEXT NOT NULL,
    priority_fee TEXT NOT NULL,
    -- intent: not known to have been taken by a node; sent: taken; mined; replaced: another of its nonce was mined; dropped: given up
    state        TEXT NOT NULL CHECK (state IN ('intent', 'sent', 'mined', 'replaced', 'dropped')),
    created_at   INTEGER NOT NULL,
    tried_at     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX txs_by_state ON txs (state, nonce);

-- What happened, for people.
CREATE TABLE transitions (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id TEXT NOT NULL,
    at         INTEGER NOT NULL,
    from_state TEXT,
    to_state   TEXT NOT NULL,
    detail     TEXT
) STRICT;
CREATE INDEX transitions_by_request ON transitions (request_id, id);
