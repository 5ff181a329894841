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
    // Every multiple of p that fits, and one less and more: sums of sums, products of the largest, and what is stored.
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
    if !available() {
        return;
    }
    // SAFETY: the machine has the instructions.
    unsafe {
        agree::<Fr>();
        agree::<Fq>();
        large::<Fr>();
        large::<Fq>();
        transposes();
    }
}
