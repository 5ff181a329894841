//! Sums of points by digit, for Pippenger's method: additions in affine coordinates, with one inversion for a batch of them. An addition
//! to a bucket that already waits in the batch is done in projective coordinates.

#[cfg(target_arch = "x86_64")]
use crate::buckets_lanes::LanesBuckets;
use crate::msm::chord;
use halo2_base::halo2_proofs::halo2curves::bn256::{Fq, G1, G1Affine};
use halo2_base::halo2_proofs::halo2curves::ff::Field;
use halo2_base::halo2_proofs::halo2curves::group::Group;

/// Additions that share an inversion.
const BATCH: usize = 256;

/// Buckets as suits the machine.
pub(crate) enum Buckets {
    #[cfg(target_arch = "x86_64")]
    Lanes(LanesBuckets),
    Plain(PlainBuckets),
}

impl Buckets {
    /// So many, all empty.
    pub(crate) fn new(count: usize) -> Self {
        #[cfg(target_arch = "x86_64")]
        if let Some(lanes) = LanesBuckets::new(count) {
            return Buckets::Lanes(lanes);
        }
        Buckets::Plain(PlainBuckets::new(count))
    }

    /// Adds a point to a bucket.
    pub(crate) fn add(&mut self, bucket: usize, point: &G1Affine) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Buckets::Lanes(buckets) => buckets.add(bucket, point),
            Buckets::Plain(buckets) => buckets.add(bucket, point),
        }
    }

    /// Σ (bucket / copies + 1)·sum; buckets and copies are powers of two.
    pub(crate) fn weighted_sum(self, copies: usize) -> G1 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Buckets::Lanes(buckets) => buckets.weighted_sum(copies),
            Buckets::Plain(buckets) => buckets.weighted_sum(copies),
        }
    }
}

/// Σ weight·point, bit by bit.
pub(crate) fn weighted(terms: impl Iterator<Item = (usize, G1)>) -> G1 {
    let terms: Vec<(usize, G1)> = terms.collect();
    let bits = terms.iter().map(|(weight, _)| weight).max();
    let bits = bits.map_or(0, |most| usize::BITS - most.leading_zeros());
    (0..bits).rev().fold(G1::identity(), |sum, bit| {
        let set = terms.iter().filter(|(weight, _)| weight >> bit & 1 == 1);
        set.fold(sum.double(), |sum, (_, point)| sum + point)
    })
}

/// One sum of points for each bucket.
pub(crate) struct PlainBuckets {
    affine: Vec<G1Affine>,
    projective: Vec<G1>,
    /// The batch in which an addition to the bucket waits.
    waiting: Vec<u32>,
    batch: u32,
    additions: Vec<(usize, G1Affine)>,
    inverses: Vec<Fq>,
}

impl PlainBuckets {
    pub(crate) fn new(count: usize) -> Self {
        PlainBuckets {
            affine: vec![G1Affine::default(); count],
            projective: vec![G1::identity(); count],
            waiting: vec![0; count],
            batch: 1,
            additions: Vec::with_capacity(BATCH),
            inverses: vec![Fq::ZERO; BATCH],
        }
    }

    pub(crate) fn add(&mut self, bucket: usize, &point: &G1Affine) {
        if is_identity(&point) {
            return;
        }
        if is_identity(&self.affine[bucket]) {
            self.affine[bucket] = point;
        } else if self.waiting[bucket] == self.batch || self.affine[bucket].x == point.x {
            // The second case is that of doublings and of sums that vanish, too.
            self.projective[bucket] += point;
        } else {
            self.waiting[bucket] = self.batch;
            self.additions.push((bucket, point));
            if self.additions.len() == BATCH {
                self.flush();
            }
        }
    }

    /// Does what waits.
    fn flush(&mut self) {
        let mut product = Fq::ONE;
        for ((bucket, point), before) in self.additions.iter().zip(&mut self.inverses) {
            *before = product;
            product *= point.x - self.affine[*bucket].x;
        }
        // No factor is 0: `add` sees to it.
        let mut inverse = product.invert().unwrap_or(Fq::ZERO);
        let additions = self.additions.iter().zip(&self.inverses);
        for ((bucket, point), before) in additions.rev() {
            let sum = &mut self.affine[*bucket];
            let difference = point.x - sum.x;
            *sum = chord(sum, point, inverse * before);
            inverse *= difference;
        }
        self.additions.clear();
        self.batch += 1;
    }

    /// Σ (bucket / copies + 1)·sum.
    pub(crate) fn weighted_sum(mut self, copies: usize) -> G1 {
        self.flush();
        let (mut running, mut sum) = (G1::identity(), G1::identity());
        let digits = self
            .affine
            .chunks(copies)
            .zip(self.projective.chunks(copies));
        for (affine, projective) in digits.rev() {
            for point in affine.iter().filter(|p| !is_identity(p)) {
                running += point;
            }
            for point in projective.iter().filter(|p| !bool::from(p.is_identity())) {
                running += point;
            }
            sum += running;
        }
        sum
    }
}

pub(crate) fn is_identity(point: &G1Affine) -> bool {
    bool::from(point.x.is_zero()) && bool::from(point.y.is_zero())
}
