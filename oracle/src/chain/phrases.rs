//! The words by which nodes say what went wrong.

use super::classify::RpcKind;

/// First match wins, so the narrow phrases stand before the wide ones. All lower case.
pub(super) const PHRASES: &[(RpcKind, &[&str])] = &[
    (
        RpcKind::AlreadyKnown,
        &[
            "already known",
            "alreadyknown",
            "already imported",
            "known transaction",
            "already in the mempool",
        ],
    ),
    (
        RpcKind::ReplacementUnderpriced,
        &[
            "replacement transaction underpriced",
            "replacementnotallowed",
            "could not replace existing",
        ],
    ),
    (
        RpcKind::NonceTooLow,
        &[
            "nonce too low",
            "oldnonce",
            "old nonce",
            "nonce is too low",
            "nonce has already been used",
        ],
    ),
    (
        RpcKind::NonceTooHigh,
        &[
            "nonce too high",
            "noncegap",
            "nonce gap",
            "nonce is too high",
            "nonce is too far",
        ],
    ),
    (
        RpcKind::InsufficientFunds,
        &[
            "insufficient funds",
            "insufficientfunds",
            "insufficient balance",
            "doesn't have enough funds",
            "lack of funds",
        ],
    ),
    (
        RpcKind::FeeTooLow,
        &[
            "max fee per gas less than block base fee",
            "fee cap less than block base fee",
            "transaction underpriced",
            "feetoolow",
            "fee too low",
            "max fee per gas is less than",
            "maxfeepergas cannot be lower",
            "gas price too low",
            "gas tip cap",
            "underpriced",
        ],
    ),
    (
        RpcKind::CodeTooLarge,
        &[
            "max code size exceeded",
            "createcontractsizelimit",
            "max initcode size exceeded",
            "code size limit",
        ],
    ),
    (
        RpcKind::GasLimit,
        &[
            "exceeds block gas limit",
            "gas limit too high",
            "intrinsic gas too",
            "gaslimitexceeded",
            "gas limit exceeds",
            "transaction gas limit",
            "exceeds the transaction gas",
            "out of gas",
            "gas required exceeds allowance",
            "gas too low",
        ],
    ),
    (
        RpcKind::RateLimited,
        &[
            "rate limit",
            "too many requests",
            "request limit",
            "compute units per second",
            "capacity exceeded",
            "throttled",
            "daily limit",
        ],
    ),
    (
        RpcKind::RangeTooLarge,
        &[
            "block range",
            "range too large",
            "query returned more than",
            "more than 10000 results",
            "range is too large",
            "exceeds max results",
            "exceed maximum block range",
            "too many results",
            "response size exceed",
            "query timeout exceeded",
            "limited to a",
            "ranges over",
            "max block range",
            "log response size",
        ],
    ),
    (
        RpcKind::MissingState,
        &[
            "header not found",
            "missing trie node",
            "unknown block",
            "block not found",
            "state is not available",
            "historical state",
            "state not available",
            "resource not found",
            "blockoutofrange",
            "block out of range",
        ],
    ),
    (
        RpcKind::Reverted,
        &[
            "execution reverted",
            "revert",
            "vm execution error",
            "invalid opcode",
        ],
    ),
    (
        RpcKind::TransactionInvalid,
        &[
            "invalid chain id",
            "invalid sender",
            "invalid signature",
            "transaction type not supported",
            "wrong chain",
            "chain id mismatch",
            "rlp:",
        ],
    ),
    (
        RpcKind::MethodUnsupported,
        &[
            "method not found",
            "does not exist/is not available",
            "method not supported",
            "not available on",
        ],
    ),
    (
        RpcKind::ServerError,
        &[
            "internal error",
            "timeout",
            "timed out",
            "server busy",
            "bad gateway",
            "service unavailable",
            "temporarily",
            "no available",
            "try again",
        ],
    ),
];
