//! Strings agree between sizes and with halo2's own set-up; bad files are refused by name.

use super::*;
use halo2_base::halo2_proofs::{
    halo2curves::{
        bn256::{Fq, Fr, G1, G2},
        ff::{Field, PrimeField},
        group::Curve,
    },
    poly::commitment::Params,
};
use std::{fs, path::Path};

fn store() -> (tempfile::TempDir, SrsStore) {
    let dir = tempfile::tempdir().unwrap();
    let store = SrsStore::new(dir.path());
    (dir, store)
}

#[test]
fn development_string_is_what_halo2_computes() {
    let srs = Srs::insecure_development(6);
    let tau = development::secret();
    let powers: Vec<_> = (0..64u64)
        .map(|i| (G1::generator() * tau.pow([i])).to_affine())
        .collect();
    assert_eq!(srs.params.get_g(), powers);
    // without a given Lagrange basis, halo2 computes it by a Fourier transform over the points
    let again = params_from_parts(6, powers, None, srs.params.g2(), srs.params.s_g2());
    let bytes = |p: &ParamsKZG<Bn256>| {
        let mut v = vec![];
        p.write(&mut v).unwrap();
        v
    };
    assert_eq!(bytes(&srs.params), bytes(&again));
    assert!(srs.is_insecure());
}

#[test]
fn all_sizes_have_one_secret() {
    let (_dir, store) = store();
    let big = store.load(&SrsSource::Development, 8).unwrap();
    let small = store.load(&SrsSource::Development, 5).unwrap();
    assert_eq!(big.id(), small.id());
    assert_eq!(&big.params.get_g()[..32], small.params.get_g());
}

#[test]
fn files_come_back_and_damage_is_found() {
    let (dir, store) = store();
    let made = store.load(&SrsSource::Development, 5).unwrap();
    let path = dir.path().join("insecure-development-k5.srs");
    let info = srs_info(&path).unwrap();
    assert!(info.warning.unwrap().contains("INSECURE"));
    let read = store.load(&SrsSource::File(path.clone()), 5).unwrap();
    assert_eq!(read.params.get_g(), made.params.get_g());

    let good = fs::read(&path).unwrap();
    let mut bad = good.clone();
    bad[500] ^= 1;
    fs::write(&path, &bad).unwrap();
    let error = store.load(&SrsSource::File(path.clone()), 5).unwrap_err();
    assert!(
        matches!(error, SrsError::Sealed(SealedError::Checksum { .. })),
        "{error}"
    );
    fs::write(&path, &good[..good.len() - 7]).unwrap();
    let error = store.load(&SrsSource::File(path.clone()), 5).unwrap_err();
    assert!(
        matches!(error, SrsError::Sealed(SealedError::Length { .. })),
        "{error}"
    );
    fs::write(&path, b"garbage").unwrap();
    let error = store.load(&SrsSource::File(path.clone()), 5).unwrap_err();
    assert!(
        matches!(error, SrsError::Sealed(SealedError::NotOurs { .. })),
        "{error}"
    );
    // a damaged cache is made again, and the good file is back
    store.load(&SrsSource::Development, 5).unwrap();
    assert_eq!(fs::read(&path).unwrap(), good);
    // another version of the format
    let mut newer = good;
    newer[24] = 9;
    fs::write(&path, &newer).unwrap();
    let error = store.load(&SrsSource::File(path), 5).unwrap_err();
    assert!(
        matches!(error, SrsError::Sealed(SealedError::Version { got: 9, .. })),
        "{error}"
    );
}

#[test]
fn nothing_is_left_when_the_directory_cannot_be_written() {
    let dir = tempfile::tempdir().unwrap();
    let blocked = dir.path().join("file");
    fs::write(&blocked, b"not a directory").unwrap();
    let error = SrsStore::new(blocked.join("srs"))
        .load(&SrsSource::Development, 4)
        .unwrap_err();
    assert!(
        matches!(error, SrsError::Sealed(SealedError::Io { .. })),
        "{error}"
    );
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn sizes_are_bounded() {
    let (_dir, store) = store();
    for k in [0, MAX_K + 1] {
        let error = store.load(&SrsSource::Development, k).unwrap_err();
        assert!(matches!(error, SrsError::SizeOutOfRange { .. }));
    }
}

/// A powers-of-tau file as snarkjs lays it out.
struct PtauFile {
    modulus: Vec<u8>,
    g1: Vec<G1Affine>,
    g2: Vec<G2Affine>,
    power: u32,
}

impl PtauFile {
    fn honest(power: u32) -> Self {
        Self::of(Fr::from(987_654_321), power)
    }

    fn of(tau: Fr, power: u32) -> Self {
        let g1 = (0..(2u64 << power) - 1)
            .map(|i| (G1::generator() * tau.pow([i])).to_affine())
            .collect();
        let g2 = (0..1u64 << power)
            .map(|i| (G2::generator() * tau.pow([i])).to_affine())
            .collect();
        let mut modulus = (-Fq::ONE).to_repr().to_vec();
        modulus[0] += 1;
        Self {
            modulus,
            g1,
            g2,
            power,
        }
    }

    fn bytes(&self) -> Vec<u8> {
        let header = [
            &32u32.to_le_bytes()[..],
            &self.modulus,
            &self.power.to_le_bytes(),
            &self.power.to_le_bytes(),
        ];
        let sections = [
            header.concat(),
            self.g1.iter().flat_map(SerdeObject::to_raw_bytes).collect(),
            self.g2.iter().flat_map(SerdeObject::to_raw_bytes).collect(),
        ];
        let mut out = [&b"ptau"[..], &1u32.to_le_bytes(), &3u32.to_le_bytes()].concat();
        for (i, section) in sections.iter().enumerate() {
            out.extend((i as u32 + 1).to_le_bytes());
            out.extend((section.len() as u64).to_le_bytes());
            out.extend(section);
        }
        out
    }
}

fn import(bytes: &[u8], k: u32) -> Result<(Srs, SrsInfo), SrsError> {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["in.ptau", "out.srs"].map(|name| dir.path().join(name));
    fs::write(&from, bytes).unwrap();
    let result = import_ptau(&from, k, None, &to);
    if result.is_err() {
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            1,
            "nothing half-written"
        );
    }
    let info = result?;
    let srs = SrsStore::new(dir.path().join("cache")).load(&SrsSource::File(to), k)?;
    Ok((srs, info))
}

#[test]
fn ceremony_file_is_imported() {
    let file = PtauFile::honest(5);
    let (srs, info) = import(&file.bytes(), 4).unwrap();
    assert_eq!(srs.params.get_g(), &file.g1[..16]);
    assert_eq!(srs.params.s_g2(), file.g2[1]);
    assert!(!srs.is_insecure() && !info.is_insecure());
    assert!(matches!(info.origin, SrsOrigin::Ceremony { sha256 } if sha256.len() == 64));
}

#[test]
fn ceremony_string_is_cut_to_a_smaller_size_once() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to, cache] = ["in.ptau", "out.srs", "cache"].map(|name| dir.path().join(name));
    let file = PtauFile::honest(5);
    fs::write(&from, file.bytes()).unwrap();
    import_ptau(&from, 5, None, &to).unwrap();
    let load = || {
        SrsStore::new(&cache)
            .load(&SrsSource::File(to.clone()), 3)
            .unwrap()
    };
    let first = load();
    assert_eq!(first.params.get_g(), &file.g1[..8]);
    assert_eq!(fs::read_dir(&cache).unwrap().count(), 1);
    assert_eq!(load().params.get_g(), first.params.get_g());
    let error = SrsStore::new(&cache)
        .load(&SrsSource::File(to.clone()), 6)
        .unwrap_err();
    assert!(matches!(
        error,
        SrsError::TooSmall {
            have: 5,
            want: 6,
            ..
        }
    ));
    assert!(Path::new(&to).exists());
}

#[test]
fn bad_ceremony_files_are_refused() {
    let refused = |bytes: &[u8], k: u32, want: &str| {
        let error = import(bytes, k).map(drop).unwrap_err().to_string();
        assert!(error.contains(want), "{error:?} does not say {want:?}");
    };
    let good = PtauFile::honest(4);
    let mut other_curve = PtauFile::honest(4);
    other_curve.modulus[0] ^= 2;
    refused(&other_curve.bytes(), 4, "not for BN254");
    refused(&good.bytes(), 5, "holds 2^4 powers, 2^5 are needed");
    refused(b"zkey", 4, "not a snarkjs");
    refused(&good.bytes()[..1000], 4, "truncated in section 2");
    refused(&good.bytes()[..30], 4, "truncated");

    // on the curve, but not the next power
    let mut swapped = PtauFile::honest(4);
    swapped.g1.swap(7, 8);
    refused(&swapped.bytes(), 4, "pairing check failed");
    let mut last = PtauFile::honest(4);
    last.g1[15] = (last.g1[15] + G1::generator()).to_affine();
    refused(&last.bytes(), 4, "pairing check failed");
    let mut other_tau = PtauFile::honest(4);
    other_tau.g2[1] = other_tau.g2[2];
    refused(&other_tau.bytes(), 4, "pairing check failed");
    // off the curve, at infinity, another base
    let mut off = PtauFile::honest(4);
    off.g1[3].y += Fq::ONE;
    refused(&off.bytes(), 4, "power 3 in G1 is not a point");
    let mut infinity = PtauFile::honest(4);
    infinity.g1[2] = G1Affine::default();
    refused(&infinity.bytes(), 4, "power 2 in G1 is not a point");
    let mut base = PtauFile::honest(4);
    base.g1[0] = base.g1[1];
    refused(&base.bytes(), 4, "not the generators");
    let mut g2_off = PtauFile::honest(4);
    g2_off.g2[1].y.c0 += Fq::ONE;
    refused(&g2_off.bytes(), 4, "right subgroup");
}

#[test]
fn powers_of_a_known_secret_are_no_ceremony() {
    for tau in [Fr::ONE, -Fr::ONE, development::secret()] {
        let error = import(&PtauFile::of(tau, 4).bytes(), 4)
            .map(drop)
            .unwrap_err();
        assert!(matches!(error, SrsError::KnownSecret { .. }), "{error}");
    }
}

#[test]
fn a_ceremony_file_can_be_pinned() {
    let dir = tempfile::tempdir().unwrap();
    let [from, to] = ["in.ptau", "out.srs"].map(|name| dir.path().join(name));
    let bytes = PtauFile::honest(4).bytes();
    fs::write(&from, &bytes).unwrap();
    let digest: [u8; 32] = Sha256::digest(&bytes).into();
    let error = import_ptau(&from, 4, Some([7; 32]), &to).unwrap_err();
    assert!(matches!(error, SrsError::OtherDigest { .. }), "{error}");
    assert!(!to.exists());
    import_ptau(&from, 4, Some(digest), &to).unwrap();
}

/// The development string under a ceremony's label, on disk and in memory.
#[test]
fn a_label_does_not_make_a_string_secure() {
    let (dir, store) = store();
    let srs = Srs {
        params: development::generate(4),
        origin: SrsOrigin::Ceremony {
            sha256: "ab".repeat(32),
        },
    };
    assert!(srs.is_insecure());
    let path = dir.path().join("relabelled.srs");
    store::write(&path, &srs).unwrap();
    let info = srs_info(&path).unwrap();
    assert!(info.is_insecure() && info.warning.is_some());
    let read = store.load(&SrsSource::File(path), 4).unwrap();
    assert!(read.is_insecure());
    assert_eq!(read.origin, srs.origin);
}

#[test]
fn origins_that_could_break_a_line_are_not_read() {
    let ceremony = |sha256: &str| {
        serde_json::from_value::<SrsOrigin>(serde_json::json!({"ceremony": {"sha256": sha256}}))
    };
    ceremony(&"0aF9".repeat(16)).unwrap();
    for bad in [
        "",
        &"0".repeat(63),
        &"0".repeat(65),
        &format!("{}\n", "0".repeat(63)),
    ] {
        assert!(ceremony(bad).is_err(), "{bad:?}");
    }
    let development = serde_json::to_value(SrsOrigin::development()).unwrap();
    serde_json::from_value::<SrsOrigin>(development).unwrap();
    for bad in ["a\nb", "a\rb", "a\u{2028}b"] {
        let json = serde_json::json!({"insecure-development": {"derivation": bad}});
        assert!(
            serde_json::from_value::<SrsOrigin>(json).is_err(),
            "{bad:?}"
        );
    }
}
