//! What is known of a circuit before there is a witness.

use crate::commit::Commit;
use crate::domain::{Domain, powers};
use halo2_base::halo2_proofs::halo2curves::bn256::{Bn256, Fr, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::{Field, PrimeField};
use halo2_base::halo2_proofs::halo2curves::group::Curve;
use halo2_base::halo2_proofs::plonk::{
    Any, ConstraintSystem, ProvingKey, VerifyingKey, permutation,
};
use halo2_base::halo2_proofs::poly::commitment::{Params, ParamsProver};
use halo2_base::halo2_proofs::poly::kzg::commitment::ParamsKZG;
use halo2_base::halo2_proofs::poly::{Coeff, EvaluationDomain, LagrangeCoeff, Polynomial};
use rayon::prelude::*;
use std::io;

/// What this prover does not do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// A feature of the constraint system.
    #[error("a circuit with {0} is not supported")]
    Unsupported(&'static str),
    /// The columns are not those of the verifying key.
    #[error("{what}: {got} columns, the verifying key has {expected}")]
    Columns {
        /// Which columns.
        what: &'static str,
        /// Columns given.
        got: usize,
        /// Columns of the key.
        expected: usize,
    },
    /// A column of another length than the domain.
    #[error("a column of {got} rows in a domain of {expected}")]
    Rows {
        /// Rows given.
        got: usize,
        /// Rows of the domain.
        expected: usize,
    },
    /// The string could not be read.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// A proving key: the verifying key, the fixed columns and the permutation, as values and as coefficients.
#[derive(Debug)]
pub struct Key {
    pub(crate) vk: VerifyingKey<G1Affine>,
    pub(crate) domain: Domain,
    pub(crate) fixed: Vec<Vec<Fr>>,
    pub(crate) fixed_polys: Vec<Vec<Fr>>,
    /// Of each fixed column, if it is nearly constant.
    pub(crate) fixed_nearly: Vec<Option<NearlyConstant>>,
    pub(crate) sigma: Vec<Vec<Fr>>,
    pub(crate) sigma_polys: Vec<Vec<Fr>>,
    /// Rows from this one on hide the witness.
    pub(crate) usable_rows: usize,
    /// Columns that one running product of the permutation takes.
    pub(crate) set_len: usize,
}

impl Key {
    /// From the values of the fixed columns and the copies. That both are the verifying key's is not checked: if they are
    /// not, no proof verifies.
    pub fn new(
        vk: VerifyingKey<G1Affine>,
        k: u32,
        fixed: Vec<Vec<Fr>>,
        copies: &Copies,
    ) -> Result<Self, KeyError> {
        let domain = Domain::new(k);
        check(&vk, &domain, &fixed, copies)?;
        let sigma = copies.sigma(&domain);
        let polys = |columns: &[Vec<Fr>]| -> Vec<Vec<Fr>> {
            let columns = columns.par_iter();
            columns.map(|c| domain.interpolate(c)).collect()
        };
        let (fixed_polys, sigma_polys) = (polys(&fixed), polys(&sigma));
        let fixed_nearly = fixed.iter().map(|c| NearlyConstant::of(c)).collect();
        let fixed = match permutes_fixed(vk.cs()) {
            true => fixed,
            false => Vec::new(),
        };
        Ok(Key {
            usable_rows: domain.n() - (vk.cs().blinding_factors() + 1),
            set_len: vk.cs().degree() - 2,
            vk,
            domain,
            fixed,
            fixed_polys,
            fixed_nearly,
            sigma,
            sigma_polys,
        })
    }

    /// From halo2's proving key, which has all of it, and more.
    pub fn of_halo2(pk: &ProvingKey<G1Affine>) -> Result<Self, KeyError> {
        let vk = pk.get_vk();
        supported(vk.cs())?;
        let domain = Domain::new(vk.get_domain().k());
        let polys = |polys: &[Polynomial<Fr, Coeff>]| -> Vec<Vec<Fr>> {
            let all = polys.iter().map(|poly| domain.reordered(poly.values()));
            all.collect()
        };
        let values = |columns: &[Polynomial<Fr, LagrangeCoeff>]| -> Vec<Vec<Fr>> {
            columns.iter().map(|c| c.values().to_vec()).collect()
        };
        let fixed = pk.fixed_values();
        let nearly = fixed.iter().map(|c| NearlyConstant::of(c.values()));
        Ok(Key {
            usable_rows: domain.n() - (vk.cs().blinding_factors() + 1),
            set_len: vk.cs().degree() - 2,
            vk: vk.clone(),
            fixed: match permutes_fixed(vk.cs()) {
                true => values(fixed),
                false => Vec::new(),
            },
            fixed_nearly: nearly.collect(),
            fixed_polys: polys(pk.fixed_polys()),
            sigma: values(pk.permutation().permutations()),
            sigma_polys: polys(pk.permutation().polys()),
            domain,
        })
    }

    /// The verifying key.
    pub fn vk(&self) -> &VerifyingKey<G1Affine> {
        &self.vk
    }
}

/// The verifying key of a circuit, given by its constraint system (without selectors: these are fixed columns here), its fixed
/// columns and its copies. It is what halo2's `keygen_vk` makes of it.
pub fn verifying_key(
    params: &ParamsKZG<Bn256>,
    cs: ConstraintSystem<Fr>,
    fixed: &[Vec<Fr>],
    copies: &Copies,
) -> Result<VerifyingKey<G1Affine>, KeyError> {
    if cs.num_selectors() != 0 {
        return Err(KeyError::Unsupported("selectors"));
    }
    let (k, n) = (params.k(), 1 << params.k());
    if let Some(got) = fixed.iter().map(Vec::len).find(|&len| len != n) {
        return Err(KeyError::Rows { got, expected: n });
    }
    let commit = Commit::new(params)?;
    let moved = commit.all_values(&copies.moved(&Domain::new(k)));
    // What σ adds to the identity δ^i·X; most cells of most circuits are in no copy.
    let identity = (0..).map(|column| params.get_g()[1] * Fr::DELTA.pow_vartime([column as u64]));
    let sigma = moved.into_iter().zip(identity);
    let sigma = sigma.map(|(moved, identity)| (identity + moved).to_affine());
    Ok(VerifyingKey::from_parts(
        EvaluationDomain::new(cs.degree() as u32, k),
        commit.all_values(fixed),
        permutation::VerifyingKey::from_commitments(sigma.collect()),
        cs,
        vec![],
        false,
    ))
}

/// A column with one value on all rows but a few: a constant and some Lagrange polynomials, which need no transform.
#[derive(Debug)]
pub(crate) struct NearlyConstant {
    pub(crate) value: Fr,
    /// Rows, and how much more stands there.
    pub(crate) exceptions: Vec<(usize, Fr)>,
}

impl NearlyConstant {
    /// Most exceptions that are cheaper than a transform.
    const MOST: usize = 12;

    pub(crate) fn of(column: &[Fr]) -> Option<Self> {
        let value = column[column.len() / 2];
        let differ = column.iter().enumerate().filter(|(_, v)| **v != value);
        let exceptions: Vec<_> = differ
            .take(Self::MOST + 1)
            .map(|(row, v)| (row, *v - value))
            .collect();
        (exceptions.len() <= Self::MOST).then_some(NearlyConstant { value, exceptions })
    }

    /// Its values on a coset, given those of the Lagrange polynomial of row 0: those of other rows are the same, later.
    pub(crate) fn on_coset(&self, l0: &[Fr], values: &mut [Fr]) {
        let n = values.len();
        values.fill(self.value);
        for (row, more) in &self.exceptions {
            let (before, from) = values.split_at_mut(*row);
            let own = from.iter_mut().chain(before).zip(&l0[..n]);
            match *more == -Fr::ONE {
                true => own.for_each(|(value, l)| *value -= l),
                false => own.for_each(|(value, l)| *value += *more * l),
            }
        }
    }
}

fn supported(cs: &ConstraintSystem<Fr>) -> Result<(), KeyError> {
    let unsupported = [
        (!cs.lookups().is_empty(), "halo2's lookups"),
        (
            cs.num_instance_columns() != 1,
            "no or several instance columns",
        ),
        (cs.permutation().get_columns().is_empty(), "no copies"),
    ];
    match unsupported.into_iter().find(|(found, _)| *found) {
        Some((_, what)) => Err(KeyError::Unsupported(what)),
        None => Ok(()),
    }
}

/// Whether the permutation reads the values of fixed columns; nothing else does.
fn permutes_fixed(cs: &ConstraintSystem<Fr>) -> bool {
    let columns = cs.permutation().get_columns();
    columns.iter().any(|c| *c.column_type() == Any::Fixed)
}

fn check(
    vk: &VerifyingKey<G1Affine>,
    domain: &Domain,
    fixed: &[Vec<Fr>],
    copies: &Copies,
) -> Result<(), KeyError> {
    let cs = vk.cs();
    supported(cs)?;
    let columns = |what, got, expected| match got == expected {
        true => Ok(()),
        false => Err(KeyError::Columns {
            what,
            got,
            expected,
        }),
    };
    columns("fixed", fixed.len(), vk.fixed_commitments().len())?;
    let permuted = cs.permutation().get_columns().len();
    columns("permutation", copies.columns(), permuted)?;
    let expected = domain.n();
    match fixed.iter().map(Vec::len).find(|&len| len != expected) {
        Some(got) => Err(KeyError::Rows { got, expected }),
        None => Ok(()),
    }
}

/// Cells that are equal, as cycles: halo2's algorithm, so that the same copies give the same polynomials.
#[derive(Clone, Debug)]
pub struct Copies {
    rows: usize,
    /// The next cell of each cell's cycle.
    next: Vec<u32>,
    /// A cell that stands for the cycle.
    cycle: Vec<u32>,
    size: Vec<u32>,
    columns: usize,
}

impl Copies {
    /// No copies between columns of 2^k rows.
    pub fn new(columns: usize, k: u32) -> Self {
        let rows = 1usize << k;
        let own: Vec<u32> = (0..(columns * rows) as u32).collect();
        Copies {
            rows,
            next: own.clone(),
            cycle: own,
            size: vec![1; columns * rows],
            columns,
        }
    }

    fn columns(&self) -> usize {
        self.columns
    }

    /// Makes two cells, (column of the permutation, row), equal. Panics if there is no such cell: a copy that is lost would
    /// leave a circuit unsound.
    pub fn add(&mut self, left: (usize, usize), right: (usize, usize)) {
        let at = |(column, row): (usize, usize)| {
            assert!(column < self.columns && row < self.rows);
            column * self.rows + row
        };
        let (left, right) = (at(left), at(right));
        let (mut into, mut from) = (self.cycle[left], self.cycle[right]);
        if into == from {
            return;
        }
        if self.size[into as usize] < self.size[from as usize] {
            std::mem::swap(&mut into, &mut from);
        }
        self.size[into as usize] += self.size[from as usize];
        let mut cell = from;
        loop {
            self.cycle[cell as usize] = into;
            cell = self.next[cell as usize];
            if cell == from {
                break;
            }
        }
        self.next.swap(left, right);
    }

    /// σ: on each cell δ^column·ω^row of the next cell in its cycle.
    fn sigma(&self, domain: &Domain) -> Vec<Vec<Fr>> {
        let names = self.names(domain);
        self.on_cells(|_, next| names[next as usize])
    }

    /// σ minus the identity: 0 on the cells that are in no copy.
    fn moved(&self, domain: &Domain) -> Vec<Vec<Fr>> {
        let names = self.names(domain);
        self.on_cells(|cell, next| names[next as usize] - names[cell])
    }

    /// δ^column·ω^row of each cell.
    fn names(&self, domain: &Domain) -> Vec<Fr> {
        let column = |column: usize| {
            let delta = Fr::DELTA.pow_vartime([column as u64]);
            powers(delta, domain.omega(), self.rows)
        };
        (0..self.columns).flat_map(column).collect()
    }

    /// Columns of a value for each cell, given the cell and the next one of its cycle.
    fn on_cells(&self, value: impl Fn(usize, u32) -> Fr + Sync) -> Vec<Vec<Fr>> {
        let columns = self.next.par_chunks(self.rows).enumerate();
        let column = |(column, next): (usize, &[u32])| {
            let cells = next.iter().enumerate();
            cells
                .map(|(row, next)| value(column * self.rows + row, *next))
                .collect()
        };
        columns.map(column).collect()
    }
}
