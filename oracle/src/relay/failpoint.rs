//! Places where a test pulls the plug. In production no name is ever set.

/// Aborts the process at a named place, as `kill -9` would.
#[derive(Debug, Clone, Default)]
pub struct FailPoint(Option<String>);

impl FailPoint {
    /// Never.
    pub const fn none() -> Self {
        Self(None)
    }

    /// At this place: the name of a state (just after it was written), or `after-send` (the node took it, the database does not know).
    pub fn at(name: &str) -> Self {
        Self(Some(name.to_owned()))
    }

    /// From an environment variable, for tests that run the relayer as a process.
    pub fn from_env(variable: &str) -> Self {
        Self(std::env::var(variable).ok().filter(|v| !v.is_empty()))
    }

    pub(crate) fn hit(&self, place: &str) {
        if self.0.as_deref() == Some(place) {
            eprintln!("fail-point {place}: aborting");
            std::process::abort();
        }
    }
}
