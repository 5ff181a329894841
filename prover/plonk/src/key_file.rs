//! Proving keys as bytes: halo2's verifying key, then columns as they lie in memory. Whoever reads must know that the bytes are
//! those that were written (a digest says so): only the shape of what is read is checked.

use crate::domain::Domain;
use crate::key::{Key, NearlyConstant};
use halo2_base::halo2_proofs::SerdeFormat;
use halo2_base::halo2_proofs::halo2curves::CurveAffine;
use halo2_base::halo2_proofs::halo2curves::bn256::{Fr, G1Affine};
use halo2_base::halo2_proofs::halo2curves::serde::SerdeObject;
use halo2_base::halo2_proofs::plonk::{Circuit, ConstraintSystem, VerifyingKey};
use std::io::{self, Read, Write};

/// Bytes of a field element in memory.
const ELEMENT: usize = 32;
/// Elements that are read or written at a time.
const CHUNK: usize = 1 << 12;

impl Key {
    /// Writes the key.
    pub fn write(&self, writer: &mut impl Write) -> io::Result<()> {
        self.vk.write(writer, SerdeFormat::RawBytes)?;
        for columns in [
            &self.fixed,
            &self.fixed_polys,
            &self.sigma,
            &self.sigma_polys,
        ] {
            write_columns(writer, columns)?;
        }
        self.fixed_nearly
            .iter()
            .try_for_each(|nearly| write_nearly(writer, nearly.as_ref()))
    }

    /// Reads a key of a circuit with these parameters.
    pub fn read<C: Circuit<Fr>>(reader: &mut impl Read, params: C::Params) -> io::Result<Self>
    where
        C::Params: Clone,
    {
        let vk = read_verifying_key::<C>(reader, params)?;
        let domain = Domain::new(vk.get_domain().k());
        let n = domain.n();
        let mut columns = || read_columns(reader, n);
        let [fixed, fixed_polys, sigma, sigma_polys] =
            [columns()?, columns()?, columns()?, columns()?];
        let count = vk.fixed_commitments().len();
        let permuted = vk.permutation().commitments().len();
        let as_expected = [0, count].contains(&fixed.len())
            && fixed_polys.len() == count
            && [sigma.len(), sigma_polys.len()] == [permuted; 2];
        if !as_expected {
            return Err(invalid("its columns are not those of the verifying key"));
        }
        let nearly = (0..count).map(|_| read_nearly(reader, n));
        Ok(Key {
            usable_rows: n - (vk.cs().blinding_factors() + 1),
            set_len: vk.cs().degree() - 2,
            fixed_nearly: nearly.collect::<io::Result<_>>()?,
            vk,
            domain,
            fixed,
            fixed_polys,
            sigma,
            sigma_polys,
        })
    }
}

/// Largest domain that is read: 2^26 rows are 2 GiB a column.
const MAX_K: u32 = 26;
/// What halo2 begins a verifying key with: version, k, whether selectors were compressed, number of fixed columns.
const HEAD: usize = 10;

/// Reads a verifying key of a circuit with these parameters, as halo2 writes it (`SerdeFormat::RawBytes`). halo2's own reader
/// believes what the bytes begin with, and takes points that are not on the curve.
pub fn read_verifying_key<C: Circuit<Fr>>(
    reader: &mut impl Read,
    params: C::Params,
) -> io::Result<VerifyingKey<G1Affine>>
where
    C::Params: Clone,
{
    let mut head = [0; HEAD];
    reader.read_exact(&mut head)?;
    let number = |at: usize| u32::from_le_bytes([0, 1, 2, 3].map(|i| head[at + i]));
    let mut cs = ConstraintSystem::default();
    C::configure_with_params(&mut cs, params.clone());
    let (k, fixed) = (number(1), number(6) as usize);
    let rows = 1u64 << k.min(MAX_K);
    if k > MAX_K || rows < cs.minimum_rows() as u64 {
        return Err(invalid(&format!("a domain of 2^{k} rows")));
    }
    if head[5] != 0 || fixed != cs.num_fixed_columns() + cs.num_selectors() {
        let expected = cs.num_fixed_columns() + cs.num_selectors();
        return Err(invalid(&format!(
            "{fixed} fixed columns, the circuit has {expected}"
        )));
    }
    let mut whole = head.chain(reader);
    let vk = VerifyingKey::<G1Affine>::read::<_, C>(&mut whole, SerdeFormat::RawBytes, params)?;
    let points = vk.fixed_commitments().iter();
    let mut points = points.chain(vk.permutation().commitments());
    match points.all(|point| point.is_on_curve().into()) {
        true => Ok(vk),
        false => Err(invalid("a point is not on the curve")),
    }
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

fn write_columns(writer: &mut impl Write, columns: &[Vec<Fr>]) -> io::Result<()> {
    write_u32(writer, columns.len())?;
    for chunk in columns.iter().flat_map(|column| column.chunks(CHUNK)) {
        let bytes: Vec<u8> = chunk.iter().flat_map(SerdeObject::to_raw_bytes).collect();
        writer.write_all(&bytes)?;
    }
    Ok(())
}

fn read_columns(reader: &mut impl Read, n: usize) -> io::Result<Vec<Vec<Fr>>> {
    // Nothing is reserved for what a wrong number promises.
    let count = read_u32(reader)?;
    let mut columns = Vec::new();
    for _ in 0..count {
        columns.push(read_elements(reader, n)?);
    }
    Ok(columns)
}

fn read_elements(reader: &mut impl Read, count: usize) -> io::Result<Vec<Fr>> {
    let mut elements = Vec::with_capacity(count);
    let mut bytes = vec![0; CHUNK * ELEMENT];
    while elements.len() < count {
        let some = (count - elements.len()).min(CHUNK) * ELEMENT;
        reader.read_exact(&mut bytes[..some])?;
        let chunks = bytes[..some].chunks_exact(ELEMENT);
        elements.extend(chunks.map(Fr::from_raw_bytes_unchecked));
    }
    Ok(elements)
}

/// The number of exceptions and one, 0 for a column that is not nearly constant; value; rows and what is more there.
fn write_nearly(writer: &mut impl Write, nearly: Option<&NearlyConstant>) -> io::Result<()> {
    let Some(NearlyConstant { value, exceptions }) = nearly else {
        return write_u32(writer, 0);
    };
    write_u32(writer, exceptions.len() + 1)?;
    writer.write_all(&value.to_raw_bytes())?;
    for (row, more) in exceptions {
        write_u32(writer, *row)?;
        writer.write_all(&more.to_raw_bytes())?;
    }
    Ok(())
}

fn read_nearly(reader: &mut impl Read, n: usize) -> io::Result<Option<NearlyConstant>> {
    let Some(count) = read_u32(reader)?.checked_sub(1) else {
        return Ok(None);
    };
    let value = read_elements(reader, 1)?[0];
    let mut exceptions = Vec::new();
    for _ in 0..count {
        let row = read_u32(reader)?;
        if row >= n {
            return Err(invalid("an exception of a column is on no row"));
        }
        exceptions.push((row, read_elements(reader, 1)?[0]));
    }
    Ok(Some(NearlyConstant { value, exceptions }))
}

fn write_u32(writer: &mut impl Write, value: usize) -> io::Result<()> {
    let value = u32::try_from(value).map_err(|_| invalid("a number is over 2^32"))?;
    writer.write_all(&value.to_le_bytes())
}

fn read_u32(reader: &mut impl Read) -> io::Result<usize> {
    let mut bytes = [0; 4];
    reader.read_exact(&mut bytes)?;
    Ok(u32::from_le_bytes(bytes) as usize)
}
