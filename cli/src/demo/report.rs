//! `report.json` and what is printed. Field names are stable.

use super::chain_side::Shown;
use super::forgeries::Forgery;
use super::scene::Answer;
use crate::ui::size_text;
use alloy::primitives::{Address, B256};
use serde::Serialize;
use std::path::Path;

#[derive(Debug, Serialize)]
pub(super) struct Report {
    answer: Answer,
    segments: Vec<Segment>,
    aggregate: Aggregate,
    onchain: OnChain,
    pub(super) forgeries: Vec<Forgery>,
    peak_rss_bytes: u64,
    wall_s: f64,
}

#[derive(Debug, Serialize)]
struct Segment {
    name: String,
    k: u32,
    points: usize,
    proof_bytes: usize,
    cpu_s: f64,
    wall_s: f64,
}

#[derive(Debug, Default, Serialize)]
struct Aggregate {
    k: u32,
    cells: u64,
    cpu_s: f64,
    wall_s: f64,
}

#[derive(Debug, Serialize)]
struct OnChain {
    chain_id: u64,
    oracle: Address,
    request_id: u64,
    requests: usize,
    tx: B256,
    gas_used: u64,
    calldata_bytes: usize,
    verifier_code_bytes: usize,
}

impl Report {
    pub(super) fn new(shown: &Shown, peak_rss_bytes: u64, wall_s: f64) -> Self {
        let segments = shown.proof.segments.iter().map(|s| Segment {
            name: s.name.clone(),
            k: s.k,
            points: s.points,
            proof_bytes: s.proof_bytes,
            cpu_s: s.cpu_s,
            wall_s: s.wall_s,
        });
        let aggregate = shown.proof.aggregate.as_ref().map(|a| Aggregate {
            k: a.k,
            cells: a.cells,
            cpu_s: a.cpu_s,
            wall_s: a.wall_s,
        });
        Report {
            answer: shown.answer.clone(),
            segments: segments.collect(),
            aggregate: aggregate.unwrap_or_default(),
            onchain: OnChain {
                chain_id: shown.chain_id,
                oracle: shown.oracle,
                request_id: shown.request_id.saturating_to::<u64>(),
                requests: shown.requests,
                tx: shown.tx,
                gas_used: shown.gas_used,
                calldata_bytes: shown.calldata_bytes,
                verifier_code_bytes: shown.verifier_code_bytes,
            },
            forgeries: shown.forgeries.clone(),
            peak_rss_bytes,
            wall_s: (wall_s * 1e3).round() / 1e3,
        }
    }

    /// For people.
    pub(super) fn text(&self, path: &Path) -> String {
        let mut lines = answer_lines(&self.answer);
        lines.push(String::new());
        for s in &self.segments {
            lines.push(format!(
                "segment   {}: k = {}, {} points, {} bytes, {:.1} CPU s, {:.1} s",
                s.name, s.k, s.points, s.proof_bytes, s.cpu_s, s.wall_s
            ));
        }
        let a = &self.aggregate;
        lines.push(format!(
            "aggregate k = {}, {} cells, {:.1} CPU s, {:.1} s",
            a.k, a.cells, a.cpu_s, a.wall_s
        ));
        let c = &self.onchain;
        lines.push(format!(
            "on chain  {} gas, {} bytes of call data, {} bytes of verifier; request {} of oracle {} on chain {}",
            c.gas_used, c.calldata_bytes, c.verifier_code_bytes, c.request_id, c.oracle, c.chain_id
        ));
        lines.push(String::new());
        for f in &self.forgeries {
            let verdict = match (f.refused, f.error.is_empty()) {
                (true, _) => "refused",
                (false, true) => "ACCEPTED",
                (false, false) => "UNEXPECTED",
            };
            lines.push(format!("{verdict}   {}: {}", f.name, f.error));
        }
        lines.push(String::new());
        lines.push(format!(
            "{:.0} s in all, {} at most; report in {}",
            self.wall_s,
            size_text(self.peak_rss_bytes),
            path.display()
        ));
        lines.join("\n")
    }
}

fn answer_lines(answer: &Answer) -> Vec<String> {
    match answer {
        Answer::Text { prompt, text, .. } => {
            vec![
                format!("asked     {prompt:?}"),
                format!("answered  {text:?}"),
            ]
        }
        Answer::Comparison {
            first,
            second,
            cosine,
            reference_cosine,
            threshold_bps,
            similar,
        } => vec![
            format!("asked     whether {first:?} and {second:?} say the same"),
            format!(
                "answered  {}: cosine of the stored embeddings {cosine:.4} (floating point: {reference_cosine:.4}), threshold {}",
                if *similar { "similar" } else { "different" },
                f64::from(*threshold_bps) / 1e4
            ),
        ],
    }
}
