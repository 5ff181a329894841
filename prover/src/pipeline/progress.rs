//! How stages tell what they are doing. The library never prints.

use super::StageCost;

/// Something worth showing.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A stage of `steps` steps begins.
    Started {
        /// Name.
        stage: &'a str,
        /// Number of steps; 1 when there is nothing to count.
        steps: usize,
    },
    /// A step begins.
    Step {
        /// Name of the stage.
        stage: &'a str,
        /// Number of the step, from 0.
        index: usize,
        /// What it is.
        what: &'a str,
    },
    /// The stage is done.
    Finished {
        /// What it cost.
        cost: &'a StageCost,
    },
    /// A remark: something was skipped, a development string is in use.
    Note(&'a str),
}

/// Somebody who wants to know.
pub trait Progress: Sync {
    /// Called from the thread that runs the stage.
    fn event(&self, event: Event<'_>);

    /// Asked between steps: whether to stop. What is finished is kept.
    fn cancelled(&self) -> bool {
        false
    }
}

/// Nobody wants to know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn event(&self, _: Event<'_>) {}
}
