//! Lanes against halo2curves' arithmetic, at the edges of what they may hold.

use super::memory::PLACE;
use super::*;
use halo2_base::halo2_proofs::halo2curves::ff::PrimeField;
use rand::SeedableRng;
use rand::rngs::StdRng;

fn samples<F: PrimeField>() -> Vec<[F; LANES]> {
    let mut rng = StdRng::seed_from_u64(1);
    let edges = [
        F::ZERO,
        F::ONE,
        -F::ONE,
        -F::from(2),
        F::from(16),
        F::TWO_INV,
        F::from(u64::MAX),
        F::ROOT_OF_UNITY,
    ];
    let random = (0..40).map(|_| [(); LANES].map(|()| F::random(&mut rng)));
    let mut all: Vec<_> = random.collect();
    all.extend((0..LANES).map(|shift| {
        let mut edges = edges;
        edges.rotate_left(shift);
        edges
    }));
    all
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn stored<F: Words + Default>(lanes: Lanes<F>) -> [F; LANES] {
    let mut out = [F::default(); LANES];
    lanes.store(&mut out);
    out
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn agree<F: PrimeField + Words>() {
    let samples = samples::<F>();
    let sixteenth = F::from(16).invert().expect("not 0");
    for (a, b) in samples.iter().zip(samples.iter().rev()) {
        let (x, y) = (Lanes::load(a), Lanes::load(b));
        assert_eq!(stored(x), *a);
        let shifted = Lanes::load_shifted(a);
        assert_eq!(stored(shifted), a.map(|a| a * F::from(16)));
        let both = |f: &dyn Fn(F, F) -> F| -> [F; LANES] { std::array::from_fn(|i| f(a[i], b[i])) };
        assert_eq!(stored(x.mul(y)), both(&|a, b| a * b * sixteenth));
        assert_eq!(stored(shifted.mul(y)), both(&|a, b| a * b));
        assert_eq!(stored(x.plus(y).carried()), both(&|a, b| a + b));
        assert_eq!(stored(x.minus::<1>(y).carried()), both(&|a, b| a - b));
        assert_eq!(stored(x.minus::<80>(y).carried()), both(&|a, b| a - b));
        assert_eq!(stored(x.times(&Constant::new(b[0]))), a.map(|a| a * b[0]));
        assert_eq!(stored(Lanes::gather(a.each_ref())), *a);
        assert_eq!(stored(Lanes::gather_shifted(a.each_ref())), stored(shifted));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn large<F: PrimeField + Words>() {
    // Sums of sums, products of the largest, and what is stored.
    for a in samples::<F>() {
        let x = Lanes::load(&a);
        let mut sum = x;
        for times in 2..=83u64 {
            sum = sum.plus(x).carried();
            assert_eq!(stored(sum), a.map(|a| a * F::from(times)));
        }
        let square = a.map(|a| a.square() * F::from(83 * 83) * F::from(16).invert().unwrap());
        assert_eq!(stored(sum.mul(sum)), square);
        let above = Lanes::<F>::zero().minus::<83>(x).carried();
        assert_eq!(stored(above), a.map(|a| -a));
    }
}

/// k·p + d in limbs, for |d| below p's lowest limb.
fn multiple_and<F: Words>(k: u64, d: i64) -> [u64; 5] {
    let mut limbs = Modulus::<F>::multiple(k);
    let mut carry = d as i128;
    for limb in &mut limbs {
        let sum = i128::from(*limb) + carry;
        (*limb, carry) = ((sum & i128::from(MASK)) as u64, sum >> 52);
    }
    assert_eq!(carry, 0, "{k}·p + {d} is not below 2^260");
    limbs
}

/// Lanes that hold just these limbs; stored, they come in this order.
#[target_feature(enable = "avx512f,avx512ifma")]
fn raw<F: Words>(values: &[[u64; 5]; LANES]) -> Lanes<F> {
    let vector = |limb: usize| -> __m512i {
        let lanes: [u64; LANES] = std::array::from_fn(|lane| values[PLACE[lane]][limb]);
        // SAFETY: both are 64 bytes, for which all bits are values.
        unsafe { std::mem::transmute(lanes) }
    };
    Lanes::of([0, 1, 2, 3, 4].map(vector))
}

/// What the limbs of each lane say, mod p, in the order in which they would be stored.
fn values<F: PrimeField + Words>(lanes: Lanes<F>) -> [F; LANES] {
    // SAFETY: both are 64 bytes, for which all bits are values.
    let limbs: [[u64; LANES]; 5] = lanes
        .limbs
        .map(|limb| unsafe { std::mem::transmute::<__m512i, [u64; LANES]>(limb) });
    let base = F::from(1 << 52);
    std::array::from_fn(|i| {
        let limbs = limbs.iter().rev().map(|limb| F::from(limb[PLACE[i]]));
        limbs.fold(F::ZERO, |sum, limb| sum * base + limb)
    })
}

/// Every multiple of p that fits, and up to two less and more: as it is stored, and its products with the others.
#[target_feature(enable = "avx512f,avx512ifma")]
fn multiples<F: PrimeField + Words>() {
    let inverse = |bits: u64| F::TWO_INV.pow_vartime([bits]);
    let small = |d: i64| match d < 0 {
        true => -F::from(d.unsigned_abs()),
        false => F::from(d as u64),
    };
    let mut all = Vec::new();
    for k in 0..=u64::from(LARGEST) {
        let offsets = if k == 0 { 0..3 } else { -2..3 };
        all.extend(offsets.map(|d| (multiple_and::<F>(k, d), small(d))));
    }
    let mut before = ([[0; 5]; LANES], [F::ZERO; LANES]);
    for chunk in all.chunks(LANES).chain(all.rchunks(LANES)) {
        let at = |i: usize| chunk[i % chunk.len()];
        let limbs: [[u64; 5]; LANES] = std::array::from_fn(|i| at(i).0);
        let expected: [F; LANES] = std::array::from_fn(|i| at(i).1);
        let x = raw::<F>(&limbs);
        // Elements are x·2^256 in memory.
        assert_eq!(stored(x), expected.map(|v| v * inverse(256)), "{limbs:x?}");
        let product = x.mul(raw(&before.0));
        let expect = |i: usize| expected[i] * before.1[i] * inverse(260);
        assert_eq!(values(product), std::array::from_fn(expect), "{limbs:x?}");
        before = (limbs, expected);
    }
}

/// Factors whose limbs are as large as 52 bits let them be.
#[target_feature(enable = "avx512f,avx512ifma")]
fn full_limbs<F: PrimeField + Words>() {
    let ones = raw::<F>(&[[MASK; 5]; LANES]);
    let value = F::from(2).pow_vartime([260]) - F::ONE;
    assert_eq!(stored(ones), [value * F::TWO_INV.pow_vartime([256]); LANES]);
    let shift = F::TWO_INV.pow_vartime([260]);
    assert_eq!(values(ones.mul(ones)), [value.square() * shift; LANES]);
    for a in samples::<F>() {
        let product = ones.mul(Lanes::load(&a));
        assert_eq!(stored(product), a.map(|a| a * value * shift));
    }
}

#[target_feature(enable = "avx512f,avx512ifma")]
fn transposes() {
    let value = |row: usize, lane: usize| Fr::from((8 * row + lane) as u64);
    let rows: [[Fr; LANES]; LANES] =
        std::array::from_fn(|row| std::array::from_fn(|lane| value(row, lane)));
    // Loads and stores permute lanes; so do rows, therefore.
    let loaded = std::array::from_fn(|i| Lanes::load(&rows[PLACE[i]]));
    let columns = arithmetic::transposed(loaded);
    for (lane, place) in PLACE.into_iter().enumerate() {
        let column: [Fr; LANES] = std::array::from_fn(|row| value(row, lane));
        assert_eq!(stored(columns[place]), column);
    }
}

#[test]
fn lanes_agree_with_elements() {
    if crate::without_lanes::skips("lanes_agree_with_elements") {
        return;
    }
    // SAFETY: the machine has the instructions.
    unsafe {
        agree::<Fr>();
        agree::<Fq>();
        large::<Fr>();
        large::<Fq>();
        multiples::<Fr>();
        multiples::<Fq>();
        full_limbs::<Fr>();
        full_limbs::<Fq>();
        transposes();
    }
}
