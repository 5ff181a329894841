//! Proving: the trace, one proof a segment, the aggregation. Each finished piece is stored in the job's directory as soon as
//! it is done and verified; a restart checks what is there and goes on.

use super::strings::Strings;
use super::words::{field_to_hex, word_to_hex};
use super::{
    Event, LayerEntry, Meter, PipelineError, Progress, ProofBody, ProofFile, Request, StageCost,
    Statement, aggregation, items, keys,
};
use crate::bundle::{Bundle, Job, JobKey};
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halocast_circuit::LayerProof;
use halocast_ir::Trace;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use std::path::PathBuf;

/// How far to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stage {
    /// Stop after the layer proofs.
    Layers,
    /// Down to the proof for a contract.
    #[default]
    All,
}

/// How to prove.
#[derive(Clone, Debug, Default)]
pub struct ProveOptions {
    /// The context word that the proof is bound to.
    pub context: Fr,
    /// The context words of the items, where a bundle's proofs are about several: they go into the proof's file. `context`
    /// must bind them; how is the chain's business.
    pub contexts: Vec<Fr>,
    /// How far to go.
    pub stage: Stage,
    /// Where jobs are kept, if not in the bundle.
    pub jobs: Option<PathBuf>,
}

/// What was proven and what it cost.
#[derive(Clone, Debug, Serialize)]
pub struct ProveReport {
    /// Name of the job.
    pub job: String,
    /// Each segment.
    pub segments: Vec<SegmentCost>,
    /// The aggregation; `None` when it was not asked for.
    pub aggregate: Option<AggregateCost>,
    /// What each stage cost.
    pub stages: Vec<StageCost>,
}

/// One layer proof.
#[derive(Clone, Debug, Serialize)]
pub struct SegmentCost {
    /// Name of the segment.
    pub name: String,
    /// log2 of its domain.
    pub k: u32,
    /// Points that its verifier multiplies.
    pub points: usize,
    /// Bytes of the proof.
    pub proof_bytes: usize,
    /// CPU seconds; 0 if it was there already.
    pub cpu_s: f64,
    /// Wall seconds.
    pub wall_s: f64,
    /// Milliseconds to verify it.
    pub verify_ms: f64,
    /// Whether it was there from an earlier run.
    pub reused: bool,
}

/// The aggregation.
#[derive(Clone, Debug, Serialize)]
pub struct AggregateCost {
    /// log2 of its domain.
    pub k: u32,
    /// Advice cells.
    pub cells: u64,
    /// Bytes of the proof.
    pub proof_bytes: usize,
    /// CPU seconds; 0 if it was there already.
    pub cpu_s: f64,
    /// Wall seconds.
    pub wall_s: f64,
    /// Whether it was there from an earlier run.
    pub reused: bool,
}

/// A layer proof as a job keeps it: both commitments, then the proof.
fn to_stored(proof: &LayerProof) -> Vec<u8> {
    let mut bytes = Vec::new();
    for value in &proof.instances {
        bytes.extend_from_slice(&value.to_repr());
    }
    bytes.extend_from_slice(&proof.proof);
    bytes
}

fn from_stored(bytes: &[u8]) -> Option<LayerProof> {
    let field = |at: usize| {
        let repr: [u8; 32] = bytes.get(at..at + 32)?.try_into().ok()?;
        Option::<Fr>::from(Fr::from_repr(repr))
    };
    Some(LayerProof {
        instances: [field(0)?, field(32)?],
        proof: bytes[64..].to_vec(),
    })
}

/// One run of the stage.
struct Run<'a> {
    bundle: &'a Bundle,
    job: Job,
    trace: &'a Trace,
    strings: Strings,
    progress: &'a dyn Progress,
    stages: Vec<StageCost>,
}

/// Proves a request, or as many as the bundle's proofs are about; where they are fewer, the last is repeated.
pub fn prove(
    bundle: &Bundle,
    requests: &[Request],
    options: &ProveOptions,
    progress: &dyn Progress,
) -> Result<(ProofFile, ProveReport), PipelineError> {
    let _lock = bundle.lock_shared();
    let ready = bundle.manifest().setup.as_ref();
    let ready = ready.filter(|s| s.model_commitment.is_some());
    let setup = ready.ok_or_else(|| bundle.stage_missing("complete set of keys", "setup"))?;
    let model = setup.model_commitment.clone().unwrap_or_default();

    let meter = Meter::start("execute");
    let executed = items::run(bundle, requests)?;
    let cost = meter.stop();
    progress.event(Event::Finished { cost: &cost });

    let statement = Statement {
        inputs: executed.inputs,
        outputs: executed.outputs,
        context: options.context,
        contexts: options.contexts.clone(),
    };
    let key = JobKey {
        model: bundle.model_digest().to_owned(),
        commitment: model.clone(),
        inputs: statement.inputs.iter().map(word_to_hex).collect(),
        context: field_to_hex(&statement.context),
    };
    let mut run = Run {
        bundle,
        job: Job::open(bundle, &key, options.jobs.as_deref())?,
        trace: &executed.trace,
        strings: Strings::of_setup(setup),
        progress,
        stages: vec![cost],
    };
    let salts = boundary_salts(run.job.secret(), bundle.segments().len());
    let (snarks, segments) = run.layers(&salts)?;
    let ends = [salts[0], salts[salts.len() - 1]];
    let (body, aggregate) = match options.stage {
        Stage::Layers => (layers_body(bundle, &snarks, ends), None),
        Stage::All => {
            let (body, cost) = run.aggregate(snarks, &statement, ends)?;
            (body, Some(cost))
        }
    };
    let report = ProveReport {
        job: run.job.id().to_owned(),
        segments,
        aggregate,
        stages: run.stages,
    };
    let file = ProofFile::new(&bundle.manifest().name, &model, &statement, body);
    Ok((file, report))
}

/// The salts of the n + 1 boundaries around n segments, from the job's secret alone: every segment can be proven without
/// the others, and again after a kill.
fn boundary_salts(secret: [u8; 32], segments: usize) -> Vec<Fr> {
    let mut rng = ChaCha20Rng::from_seed(secret);
    (0..=segments).map(|_| Fr::random(&mut rng)).collect()
}

fn layers_body(bundle: &Bundle, snarks: &[LayerProof], ends: [Fr; 2]) -> ProofBody {
    let layers = snarks.iter().zip(bundle.segments());
    ProofBody::Layers {
        layers: layers
            .map(|(snark, segment)| LayerEntry {
                name: segment.name.clone(),
                instances: snark.instances.map(|v| field_to_hex(&v)),
                proof: format!("0x{}", hex::encode(&snark.proof)),
            })
            .collect(),
        salts: ends.map(|v| field_to_hex(&v)),
    }
}

impl Run<'_> {
    fn layers(
        &mut self,
        salts: &[Fr],
    ) -> Result<(Vec<LayerProof>, Vec<SegmentCost>), PipelineError> {
        let segments = self.bundle.segments();
        self.progress.event(Event::Started {
            stage: "layers",
            steps: segments.len(),
        });
        let (mut snarks, mut costs) = (Vec::new(), Vec::new());
        for (index, segment) in segments.iter().enumerate() {
            self.check_cancelled()?;
            self.progress.event(Event::Step {
                stage: "layers",
                index,
                what: &segment.name,
            });
            let meter = Meter::start(format!("layer {}", segment.name));
            let ends = [salts[index], salts[index + 1]];
            let (snark, reused, verify_ms) = self.layer(index, ends)?;
            let cost = meter.stop();
            costs.push(SegmentCost {
                name: segment.name.clone(),
                k: segment.k,
                points: self.bundle.manifest().segments[index].points,
                proof_bytes: snark.proof.len(),
                cpu_s: cost.cpu_s,
                wall_s: cost.wall_s,
                verify_ms,
                reused,
            });
            self.progress.event(Event::Finished { cost: &cost });
            self.stages.push(cost);
            snarks.push(snark);
        }
        Ok((snarks, costs))
    }

    /// One layer proof, from the job if it is there and good.
    fn layer(
        &mut self,
        index: usize,
        salts: [Fr; 2],
    ) -> Result<(LayerProof, bool, f64), PipelineError> {
        let (file, segment) = (
            format!("segment-{index}.proof"),
            &self.bundle.segments()[index],
        );
        let key = keys::load(self.bundle, index)?;
        let params = &self.strings.get(segment.k)?.params;
        let verify = |proof: &LayerProof| halocast_circuit::verify(params, &key, segment, proof);
        if let Some(stored) = self.job.load(&file, "segment-proof") {
            match from_stored(&stored).filter(|p| verify(p).is_ok()) {
                Some(proof) => return Ok((proof, true, 0.0)),
                None => self.progress.event(Event::Note(
                    "a stored layer proof is not good; it is made again",
                )),
            }
        }
        let program = self.bundle.proven();
        let proving = key.proving_key(params, program, segment)?;
        let (trace, rng) = (self.trace, rand::rngs::OsRng);
        let proof = halocast_circuit::prove(params, &proving, program, segment, trace, salts, rng)?;
        drop(proving);
        let begin = std::time::Instant::now();
        verify(&proof)?;
        let verify_ms = begin.elapsed().as_secs_f64() * 1e3;
        self.job.store(&file, "segment-proof", &to_stored(&proof))?;
        Ok((proof, false, verify_ms))
    }

    fn aggregate(
        &mut self,
        snarks: Vec<LayerProof>,
        statement: &Statement,
        ends: [Fr; 2],
    ) -> Result<(ProofBody, AggregateCost), PipelineError> {
        self.check_cancelled()?;
        self.progress.event(Event::Started {
            stage: "aggregate",
            steps: 1,
        });
        let meter = Meter::start("aggregate");
        let stored = self.job.load("outer.proof", "outer-proof");
        let stored = stored.and_then(|bytes| {
            let body: ProofBody = serde_json::from_slice(&bytes).ok()?;
            aggregation::verify(self.bundle, statement, &body)
                .is_ok()
                .then_some(body)
        });
        let reused = stored.is_some();
        let body = match stored {
            Some(body) => body,
            None => {
                let body = aggregation::prove(
                    self.bundle,
                    &mut self.strings,
                    &self.job,
                    self.progress,
                    snarks,
                    statement,
                    ends,
                )?;
                aggregation::verify(self.bundle, statement, &body)?;
                let bytes = serde_json::to_vec(&body).expect("strings only");
                self.job.store("outer.proof", "outer-proof", &bytes)?;
                body
            }
        };
        let cost = meter.stop();
        self.progress.event(Event::Finished { cost: &cost });
        let summary = self.bundle.manifest().setup.as_ref();
        let summary = summary.and_then(|s| s.aggregate.as_ref());
        let aggregate = AggregateCost {
            k: summary.map_or(0, |s| s.k),
            cells: summary.map_or(0, |s| s.cells),
            proof_bytes: body.proof_bytes(),
            cpu_s: cost.cpu_s,
            wall_s: cost.wall_s,
            reused,
        };
        self.stages.push(cost);
        Ok((body, aggregate))
    }

    fn check_cancelled(&self) -> Result<(), PipelineError> {
        match self.progress.cancelled() {
            true => Err(PipelineError::Cancelled),
            false => Ok(()),
        }
    }
}
