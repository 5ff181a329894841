//! The witness of a halo2 circuit: its own synthesis, of which only advice is kept.

use crate::advice::{Phases, Witness};
use crate::prove::ProveError;
use halo2_base::halo2_proofs::circuit::Value;
use halo2_base::halo2_proofs::halo2curves::bn256::Fr;
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::plonk::{
    Advice, Any, Assigned, Assignment, Challenge, Circuit, Column, ConstraintSystem, Error, Fixed,
    FloorPlanner, Instance, Selector,
};

/// A circuit with its public values. Constants that the floor planner is to place are not supported: an error.
#[derive(Debug)]
pub struct Synthesis<'a, C> {
    /// The circuit. Its synthesis goes from phase to phase by `Region::next_phase`, or is run once for each.
    pub circuit: &'a C,
    /// Values of the instance column.
    pub instance: &'a [Fr],
}

impl<C: Circuit<Fr>> Witness for Synthesis<'_, C> {
    fn fill(&mut self, phases: &mut dyn Phases) -> Result<(), ProveError> {
        let mut cs = ConstraintSystem::default();
        let config = C::configure_with_params(&mut cs, self.circuit.params());
        let mut collector = Collector {
            phase_of: cs.advice_column_phase(),
            columns: vec![Vec::new(); cs.num_advice_columns()],
            instance: self.instance,
            challenges: Vec::new(),
            phase: 0,
            phases,
            error: None,
        };
        let last = collector.phase_of.iter().copied().max().unwrap_or(0);
        while collector.phase <= last {
            let config = config.clone();
            C::FloorPlanner::synthesize(&mut collector, self.circuit, config, Vec::new())?;
            if collector.phase <= last {
                collector.next_phase();
            }
            if let Some(error) = collector.error {
                return Err(error);
            }
        }
        Ok(())
    }
}

/// Keeps what a synthesis assigns to advice columns.
struct Collector<'a> {
    phase_of: Vec<u8>,
    columns: Vec<Vec<Fr>>,
    instance: &'a [Fr],
    challenges: Vec<Fr>,
    phase: u8,
    phases: &'a mut dyn Phases,
    /// `next_phase` cannot fail.
    error: Option<ProveError>,
}

impl Assignment<Fr> for Collector<'_> {
    fn enter_region<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn annotate_column<A: FnOnce() -> AR, AR: Into<String>>(&mut self, _: A, _: Column<Any>) {}

    fn exit_region(&mut self) {}

    fn enable_selector<A: FnOnce() -> AR, AR: Into<String>>(
        &mut self,
        _: A,
        _: &Selector,
        _: usize,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn query_instance(&self, _: Column<Instance>, row: usize) -> Result<Value<Fr>, Error> {
        let value = self.instance.get(row).copied().unwrap_or(Fr::ZERO);
        Ok(Value::known(value))
    }

    /// The value is not handed back: the synthesis would hold on to memory that is not its own.
    fn assign_advice<'v>(
        &mut self,
        column: Column<Advice>,
        row: usize,
        to: Value<Assigned<Fr>>,
    ) -> Value<&'v Assigned<Fr>> {
        let values = &mut self.columns[column.index()];
        if values.len() <= row {
            values.resize(row + 1, Fr::ZERO);
        }
        to.map(|value| values[row] = value.evaluate());
        Value::unknown()
    }

    fn assign_fixed(&mut self, _: Column<Fixed>, _: usize, _: Assigned<Fr>) {}

    fn copy(&mut self, _: Column<Any>, _: usize, _: Column<Any>, _: usize) {}

    fn fill_from_row(
        &mut self,
        _: Column<Fixed>,
        _: usize,
        _: Value<Assigned<Fr>>,
    ) -> Result<(), Error> {
        Ok(())
    }

    fn get_challenge(&self, challenge: Challenge) -> Value<Fr> {
        match self.challenges.get(challenge.index()) {
            Some(value) => Value::known(*value),
            None => Value::unknown(),
        }
    }

    fn push_namespace<NR: Into<String>, N: FnOnce() -> NR>(&mut self, _: N) {}

    fn pop_namespace(&mut self, _: Option<String>) {}

    fn next_phase(&mut self) {
        if self.error.is_some() {
            return;
        }
        let own = self.columns.iter_mut().zip(&self.phase_of);
        let own = own.filter(|(_, phase)| **phase == self.phase);
        let columns = own.map(|(column, _)| std::mem::take(column)).collect();
        match self.phases.commit(columns) {
            Ok(challenges) => self.challenges = challenges.to_vec(),
            Err(error) => self.error = Some(error),
        }
        self.phase += 1;
    }
}
