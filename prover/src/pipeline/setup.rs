//! Setup: layer keys, the model's salt and commitment, the aggregation key. Each finished key is recorded at once, so that a
//! restart makes only what is missing.

use super::strings::Strings;
use super::{Event, Meter, PipelineError, Progress, Stage, StageCost, aggregation, keys};
use crate::aggregate::{AggregationConfig, Objective, Width};
use crate::bundle::{
    AGGREGATE_KEY, AGGREGATE_VK, AggregateSummary, Bundle, BundleError, FOLD_KEY, Lock, Mode,
    PlanSummary, SALT, Setup, create_dir, write_file,
};
use crate::srs::SrsSource;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halocast_circuit::LayerKey;
use serde::Serialize;

/// What to set up with.
#[derive(Clone, Debug)]
pub struct SetupOptions {
    /// The reference string.
    pub srs: SrsSource,
    /// [`Stage::Layers`] leaves the aggregation key out: enough for layer proofs.
    pub stage: Stage,
    /// How layer proofs become one.
    pub aggregation: AggregationOptions,
    /// Make every key again, whatever is there. Whoever vouches for a bundle that comes from someone else must: a key says which
    /// program it is for, not that it is what that program gives.
    pub again: bool,
}

/// What may be asked of the aggregation. What is not asked for stays as the key that is there has it.
#[derive(Clone, Copy, Debug, Default)]
pub struct AggregationOptions {
    /// What aggregated proofs are to spend least of; what the bundle was planned for if nothing else was ever said.
    pub objective: Option<Objective>,
    /// Layer proofs of a fold, 0 for no folds; folds if there are many segments and nothing else was ever said.
    pub fold: Option<usize>,
    /// Range-checked columns of the circuits.
    pub width: Option<Width>,
    /// Bytes that a prover may use; what the bundle was planned for if nothing is said.
    pub max_memory: Option<u64>,
}

impl AggregationOptions {
    /// What is asked for; else what the key that is there has, or what the bundle was planned for.
    pub(super) fn config(
        &self,
        before: Option<&AggregateSummary>,
        plan: Option<&PlanSummary>,
    ) -> AggregationConfig {
        let had = before.map(|key| key.objective);
        let planned = plan.map(|plan| plan.objective.aggregation());
        let budget = plan.and_then(|plan| plan.aggregation.max_layout_bytes);
        AggregationConfig {
            objective: self.objective.or(had).or(planned).unwrap_or_default(),
            width: self.width,
            max_memory: self.max_memory.or(budget).unwrap_or(u64::MAX),
            ..AggregationConfig::default()
        }
    }
}

impl Default for SetupOptions {
    fn default() -> Self {
        SetupOptions {
            srs: SrsSource::Development,
            stage: Stage::All,
            aggregation: AggregationOptions::default(),
            again: false,
        }
    }
}

/// What was set up.
#[derive(Clone, Debug, Serialize)]
pub struct SetupReport {
    /// The model's commitment.
    pub model: String,
    /// Whether the reference string is the development one.
    pub insecure: bool,
    /// Keys that were there already.
    pub kept: usize,
    /// What each stage cost.
    pub stages: Vec<StageCost>,
}

/// One run of the stage.
struct Run<'a> {
    bundle: &'a mut Bundle,
    lock: Lock,
    strings: Strings,
    progress: &'a dyn Progress,
    stages: Vec<StageCost>,
    kept: usize,
}

/// Makes every key that the bundle does not have yet.
pub fn setup(
    bundle: &mut Bundle,
    options: &SetupOptions,
    progress: &dyn Progress,
) -> Result<SetupReport, PipelineError> {
    let lock = bundle.lock_exclusive()?;
    for dir in ["keys", "secret"] {
        create_dir(&bundle.path(dir))?;
    }
    let mut run = Run {
        bundle,
        lock,
        strings: Strings::new(options.srs.clone()),
        progress,
        stages: Vec::new(),
        kept: 0,
    };
    run.begin(options.again)?;
    run.layer_keys()?;
    let keys = run.commitment()?;
    if options.stage == Stage::All {
        run.aggregate_key(keys, &options.aggregation)?;
    }
    let setup = run.bundle.manifest().setup.as_ref();
    let setup = setup.expect("begin() has put it there");
    Ok(SetupReport {
        model: setup.model_commitment.clone().unwrap_or_default(),
        insecure: setup.srs_insecure,
        kept: run.kept,
        stages: run.stages,
    })
}

impl Run<'_> {
    /// Settles the reference string. Keys of another one are forgotten: they could not be used together.
    fn begin(&mut self, again: bool) -> Result<(), PipelineError> {
        let largest = self.bundle.segments().iter().map(|s| s.k).max();
        let k = largest.ok_or_else(|| {
            BundleError::malformed(&self.bundle.path("program.bin"), "it has no segments")
        })?;
        let meter = Meter::start("srs");
        self.progress.event(Event::Started {
            stage: "srs",
            steps: 1,
        });
        let file = self.strings.file();
        let srs = self.strings.get(k)?;
        let (id, insecure) = (srs.id().to_string(), srs.is_insecure());
        self.finish(meter);
        if insecure {
            self.progress.event(Event::Note(
                "the reference string is the INSECURE development one: for local chains only",
            ));
        }
        let old = self.bundle.manifest().setup.as_ref().map(|s| s.srs.clone());
        if old.as_ref() == Some(&id) && !again {
            return Ok(());
        }
        if old.as_ref().is_some_and(|old| *old != id) {
            self.progress.event(Event::Note(
                "the bundle was set up with another reference string; all keys are made again",
            ));
        }
        self.bundle.update(&self.lock, |m| {
            m.files
                .retain(|name, _| !name.starts_with("keys/") && !name.starts_with("evm/"));
            m.setup = Some(Setup {
                srs: id,
                srs_insecure: insecure,
                srs_file: file,
                model_commitment: None,
                aggregate: None,
            });
        })?;
        Ok(())
    }

    fn srs_id(&self) -> String {
        let setup = self.bundle.manifest().setup.as_ref();
        setup.map(|s| s.srs.clone()).unwrap_or_default()
    }

    fn layer_keys(&mut self) -> Result<(), PipelineError> {
        let segments = self.bundle.segments().to_vec();
        let id = self.srs_id();
        self.progress.event(Event::Started {
            stage: "layer keys",
            steps: segments.len(),
        });
        let all = Meter::start("layer keys");
        for (index, segment) in segments.iter().enumerate() {
            self.check_cancelled()?;
            self.progress.event(Event::Step {
                stage: "layer keys",
                index,
                what: &segment.name,
            });
            if keys::is_there(self.bundle, &id, index) {
                self.kept += 1;
                continue;
            }
            let srs = self.strings.get(segment.k)?;
            let key = LayerKey::generate(&srs.params, self.bundle.proven(), segment)?;
            let file = keys::store(self.bundle, &id, index, &key)?;
            self.bundle.update(&self.lock, |m| m.files.extend([file]))?;
        }
        self.finish(all);
        Ok(())
    }

    /// Settles the model's commitment; an aggregation key for another one is forgotten.
    fn commitment(&mut self) -> Result<Vec<LayerKey>, PipelineError> {
        let salt = self.salt()?;
        let keys = keys::load_all(self.bundle)?;
        let commitment = aggregation::commitment(self.bundle, &mut self.strings, &keys, salt)?;
        self.bundle.update(&self.lock, |m| {
            let Some(setup) = &mut m.setup else { return };
            if setup.model_commitment.as_ref() != Some(&commitment) {
                setup.model_commitment = Some(commitment);
                setup.aggregate = None;
                m.files.remove(AGGREGATE_KEY);
                m.files.remove(AGGREGATE_VK);
                m.files.remove(FOLD_KEY);
            }
        })?;
        Ok(keys)
    }

    fn aggregate_key(
        &mut self,
        keys: Vec<LayerKey>,
        options: &AggregationOptions,
    ) -> Result<(), PipelineError> {
        self.check_cancelled()?;
        self.progress.event(Event::Started {
            stage: "aggregate key",
            steps: 1,
        });
        if aggregation::key_is_there(self.bundle, options) {
            self.kept += 1;
            return Ok(());
        }
        let meter = Meter::start("aggregate key");
        let (files, summary) =
            aggregation::make_key(self.bundle, &mut self.strings, keys, options)?;
        self.bundle.update(&self.lock, |m| {
            m.files.remove(FOLD_KEY);
            m.files.extend(files);
            if let Some(setup) = &mut m.setup {
                setup.aggregate = Some(summary);
            }
        })?;
        self.finish(meter);
        Ok(())
    }

    /// The salt that hides the weights behind the commitment: drawn once, kept over set-ups.
    fn salt(&mut self) -> Result<Fr, PipelineError> {
        if !self.bundle.manifest().files.contains_key(SALT) {
            let salt = Fr::random(rand::rngs::OsRng).to_repr();
            let entry = write_file(&self.bundle.path(SALT), &salt, Mode::Secret)?;
            self.bundle.update(&self.lock, |m| {
                m.files.insert(SALT.into(), entry);
            })?;
        }
        aggregation::read_salt(self.bundle)
    }

    fn check_cancelled(&self) -> Result<(), PipelineError> {
        match self.progress.cancelled() {
            true => Err(PipelineError::Cancelled),
            false => Ok(()),
        }
    }

    fn finish(&mut self, meter: Meter) {
        let cost = meter.stop();
        self.progress.event(Event::Finished { cost: &cost });
        self.stages.push(cost);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bundle::{PlanObjective, PlannedAggregation};

    #[test]
    fn the_plan_is_followed_unless_something_else_is_asked_or_there() {
        let aggregation = PlannedAggregation {
            k: 18,
            width: 5,
            columns: 2,
            fold: 0,
            cpu_s: 50.0,
            key_cpu_s: 10.0,
            peak_bytes: 1 << 30,
            max_layout_bytes: Some(3 << 30),
        };
        let plan = PlanSummary {
            objective: PlanObjective::Gas,
            segments: "auto".into(),
            max_memory: Some(4 << 30),
            max_k: 18,
            costs: "a test".into(),
            aggregation,
            chosen: 0,
            considered: vec![],
        };
        let key = AggregateSummary {
            k: 18,
            cells: 1,
            vk_digest: String::new(),
            objective: Objective::Total,
            fold: None,
        };
        let nothing = AggregationOptions::default();
        let of = |o: &AggregationOptions, before, plan| {
            let config = o.config(before, plan);
            (config.objective, config.max_memory)
        };
        assert_eq!(of(&nothing, None, None), (Objective::Total, u64::MAX));
        assert_eq!(of(&nothing, None, Some(&plan)), (Objective::Gas, 3 << 30));
        assert_eq!(
            of(&nothing, Some(&key), Some(&plan)),
            (Objective::Total, 3 << 30)
        );
        let asked = AggregationOptions {
            objective: Some(Objective::Gas),
            max_memory: Some(1 << 30),
            ..nothing
        };
        assert_eq!(
            of(&asked, Some(&key), Some(&plan)),
            (Objective::Gas, 1 << 30)
        );
    }
}
