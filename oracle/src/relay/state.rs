//! The states of a job and the steps between them.

/// Where a job is.
///
/// ```text
/// seen → queued → executed → proven → submitting → sent → mined → confirmed → done
///            any of these → already-done | expired | refused | failed
/// ```
/// A re-org takes a job back: from mined and later to sent, from already-done and expired to where its artefacts allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum JobState {
    /// Its event was read.
    Seen,
    /// Accepted by policy; waits for the prover.
    Queued,
    /// Outputs are known.
    Executed,
    /// The proof is stored.
    Proven,
    /// A transaction is signed and stored; whether a node has it is unknown.
    Submitting,
    /// A node has the transaction.
    Sent,
    /// The transaction is in a block.
    Mined,
    /// The block is deep enough.
    Confirmed,
    /// The contract holds the result. The end.
    Done,
    /// Somebody else brought the result. The end.
    AlreadyDone,
    /// The deadline passed or the fee was refunded. The end.
    Expired,
    /// Not ours to do: cannot be proven, or against policy. The end.
    Refused,
    /// Given up after errors. The end, until somebody looks.
    Failed,
}

impl JobState {
    /// Every state.
    pub const ALL: [Self; 13] = [
        Self::Seen,
        Self::Queued,
        Self::Executed,
        Self::Proven,
        Self::Submitting,
        Self::Sent,
        Self::Mined,
        Self::Confirmed,
        Self::Done,
        Self::AlreadyDone,
        Self::Expired,
        Self::Refused,
        Self::Failed,
    ];

    /// Its name in the database and in logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Seen => "seen",
            Self::Queued => "queued",
            Self::Executed => "executed",
            Self::Proven => "proven",
            Self::Submitting => "submitting",
            Self::Sent => "sent",
            Self::Mined => "mined",
            Self::Confirmed => "confirmed",
            Self::Done => "done",
            Self::AlreadyDone => "already-done",
            Self::Expired => "expired",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == name)
    }

    /// Whether nothing more will happen by itself.
    pub const fn is_final(self) -> bool {
        matches!(
            self,
            Self::Done | Self::AlreadyDone | Self::Expired | Self::Refused | Self::Failed
        )
    }

    /// Whether a step may be taken. A re-org's way back is not a step, see `Store::rewind`.
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Seen, Self::Queued)
            | (Self::Queued, Self::Executed)
            | (Self::Executed, Self::Proven | Self::Queued)
            | (Self::Proven, Self::Submitting | Self::Executed | Self::Mined)
            | (Self::Submitting, Self::Sent | Self::Mined | Self::Proven)
            | (Self::Sent, Self::Mined | Self::Proven)
            | (Self::Mined, Self::Confirmed | Self::Sent)
            | (Self::Confirmed, Self::Done | Self::Proven) => true,
            (from, Self::AlreadyDone | Self::Expired | Self::Refused | Self::Failed) => {
                !from.is_final()
            }
            _ => false,
        }
    }
}

impl std::fmt::Display for JobState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for state in JobState::ALL {
            assert_eq!(JobState::parse(state.as_str()), Some(state));
        }
        assert_eq!(JobState::parse("gone"), None);
    }

    #[test]
    fn final_states_are_final() {
        for from in JobState::ALL.into_iter().filter(|s| s.is_final()) {
            assert!(
                JobState::ALL.into_iter().all(|to| !from.may_become(to)),
                "{from}"
            );
        }
    }

    #[test]
    fn nothing_is_sent_without_an_intent() {
        let before_sent: Vec<_> = JobState::ALL
            .into_iter()
            .filter(|s| s.may_become(JobState::Sent))
            .collect();
        assert_eq!(before_sent, [JobState::Submitting, JobState::Mined]);
    }
}
