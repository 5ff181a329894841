//! What a stage cost: wall time, CPU time and peak memory of this process, read from `/proc`. Where there is no `/proc`
//! CPU time and memory are 0.

use serde::{Deserialize, Serialize};
use std::fs;
use std::time::Instant;

/// Clock ticks a second in `/proc/self/stat`; fixed to 100 for user space on every Linux architecture that we know.
const TICKS_PER_SECOND: f64 = 100.0;

/// The cost of one stage.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StageCost {
    /// Name of the stage.
    pub stage: String,
    /// CPU seconds of all threads, user and system.
    pub cpu_s: f64,
    /// Wall seconds.
    pub wall_s: f64,
    /// Peak resident memory of the process while the stage ran.
    pub peak_rss_bytes: u64,
}

/// A running measurement.
#[derive(Debug)]
pub struct Meter {
    stage: String,
    started: Instant,
    cpu: f64,
}

impl Meter {
    /// Starts measuring a stage; the process's memory peak is reset.
    pub fn start(stage: impl Into<String>) -> Self {
        // Writing 5 resets VmHWM to the present size. Where that is not allowed, peaks are those since the process began.
        let _ = fs::write("/proc/self/clear_refs", "5");
        Meter {
            stage: stage.into(),
            started: Instant::now(),
            cpu: cpu_seconds(),
        }
    }

    /// The cost so far.
    pub fn stop(self) -> StageCost {
        StageCost {
            stage: self.stage,
            cpu_s: round(cpu_seconds() - self.cpu),
            wall_s: round(self.started.elapsed().as_secs_f64()),
            peak_rss_bytes: peak_rss_bytes(),
        }
    }
}

/// Milliseconds are enough.
fn round(seconds: f64) -> f64 {
    (seconds.max(0.0) * 1e3).round() / 1e3
}

/// CPU seconds of this process so far.
pub fn cpu_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // Fields 14 and 15, counted after the command in brackets, which may contain anything.
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .map_or(Vec::new(), |(_, rest)| rest.split_whitespace().collect());
    let ticks = |i: usize| fields.get(i).and_then(|f| f.parse::<f64>().ok());
    (ticks(11).unwrap_or(0.0) + ticks(12).unwrap_or(0.0)) / TICKS_PER_SECOND
}

/// Peak resident memory of this process since the last reset.
pub fn peak_rss_bytes() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|kib| kib.trim().parse::<u64>().ok())
        .map_or(0, |kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_costs_time_and_memory() {
        let meter = Meter::start("test");
        let mut block = vec![1u8; 64 << 20];
        let begin = Instant::now();
        while begin.elapsed().as_millis() < 150 {
            block.iter_mut().step_by(4096).for_each(|b| *b ^= 3);
        }
        let cost = meter.stop();
        assert!(cost.wall_s >= 0.15, "{cost:?}");
        if cfg!(target_os = "linux") {
            assert!(cost.cpu_s > 0.0, "{cost:?}");
            assert!(cost.peak_rss_bytes > 60 << 20, "{cost:?}");
        }
    }
}
