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

    /// Σ (digit + 1)·sum of the digit's buckets.
    pub(crate) fn weighted_sum(self, spread: &Spread) -> G1 {
        match self {
            #[cfg(target_arch = "x86_64")]
            Buckets::Lanes(buckets) => buckets.weighted_sum(spread),
            Buckets::Plain(buckets) => buckets.weighted_sum(spread),
        }
    }
}

/// Which buckets there are: one for each digit, and more for digits that are frequent, whose additions would wait for each other.
pub(crate) struct Spread {
    /// Of each digit: buckets, a power of two; where those behind its first begin; and which comes next.
    copies: Vec<u32>,
    further: Vec<u32>,
    next: Vec<u32>,
    /// Digits of the buckets behind the digits' first ones.
    owners: Vec<u32>,
}

impl Spread {
    /// Digits that are looked at.
    const SAMPLE: usize = 1 << 13;
    /// Seen less often, a digit has one bucket.
    const FREQUENT: usize = 8;
    /// Buckets of a digit that is the only one.
    const MOST: usize = 1 << 12;

    /// For so many additions, of which a sample's digits are given by `digit`, if they have one.
    pub(crate) fn new(
        digits: usize,
        additions: usize,
        digit: impl Fn(usize) -> Option<usize>,
    ) -> Self {
        let step = additions.div_ceil(Self::SAMPLE).max(1);
        let mut seen = vec![0usize; digits];
        let sample = (0..additions).step_by(step);
        let size = sample.len().max(1);
        sample.filter_map(digit).for_each(|d| seen[d] += 1);
        let copies = seen.iter().map(|&seen| match seen < Self::FREQUENT {
            true => 1,
            false => (seen * Self::MOST / size).next_power_of_two() as u32,
        });
        let copies: Vec<u32> = copies.collect();
        let (mut further, mut owners) = (Vec::with_capacity(digits), Vec::new());
        for (digit, copies) in copies.iter().enumerate() {
            further.push((digits + owners.len()) as u32);
            owners.extend((1..*copies).map(|_| digit as u32));
        }
        Spread {
            next: vec![0; digits],
            copies,
            further,
            owners,
        }
    }

    /// Number of digits.
    pub(crate) fn digits(&self) -> usize {
        self.copies.len()
    }

    /// Number of buckets.
    pub(crate) fn buckets(&self) -> usize {
        self.digits() + self.owners.len()
    }

    /// Number of a digit's buckets.
    pub(crate) fn copies(&self, digit: usize) -> usize {
        self.copies[digit] as usize
    }

    /// The largest number of buckets that a digit has.
    pub(crate) fn most_copies(&self) -> usize {
        self.copies.iter().max().map_or(1, |most| *most as usize)
    }

    /// One of a digit's buckets.
    pub(crate) fn bucket(&self, digit: usize, copy: usize) -> usize {
        match copy {
            0 => digit,
            _ => self.further[digit] as usize + copy - 1,
        }
    }

    /// The digit that a bucket is of.
    pub(crate) fn digit(&self, bucket: usize) -> usize {
        match bucket.checked_sub(self.digits()) {
            None => bucket,
            Some(further) => self.owners[further] as usize,
        }
    }

    /// The bucket for a digit's next addition: all of its buckets in turn.
    pub(crate) fn place(&mut self, digit: usize) -> usize {
        let copies = self.copies[digit];
        if copies == 1 {
            return digit;
        }
        let next = &mut self.next[digit];
        *next = (*next + 1) & (copies - 1);
        let copy = *next as usize;
        self.bucket(digit, copy)
    }
}

/// Σ weight·point, bit by bit, over points of both kinds.
pub(crate) fn weighted(
    affine: impl Iterator<Item = (usize, G1Affine)>,
    projective: impl Iterator<Item = (usize, G1)>,
) -> G1 {
    let affine: Vec<(usize, G1Affine)> = affine.collect();
    let projective = projective.filter(|(_, point)| !bool::from(point.is_identity()));
    let projective: Vec<(usize, G1)> = projective.collect();
    let weights = affine.iter().map(|(weight, _)| weight);
    let weights = weights.chain(projective.iter().map(|(weight, _)| weight));
    let bits = weights
        .max()
        .map_or(0, |most| usize::BITS - most.leading_zeros());
    (0..bits).rev().fold(G1::identity(), |sum, bit| {
        let set = |weight: usize| weight >> bit & 1 == 1;
        let of_affine = affine.iter().filter(|(weight, _)| set(*weight));
        let sum = of_affine.fold(sum.double(), |sum, (_, point)| sum + point);
        let of_projective = projective.iter().filter(|(weight, _)| set(*weight));
        of_projective.fold(sum, |sum, (_, point)| sum + point)
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

    /// Σ (digit + 1)·sum of the digit's buckets.
    pub(crate) fn weighted_sum(mut self, spread: &Spread) -> G1 {
        self.flush();
        let (mut running, mut sum) = (G1::identity(), G1::identity());
        for digit in (0..spread.digits()).rev() {
            for copy in 0..spread.copies(digit) {
                let bucket = spread.bucket(digit, copy);
                if !is_identity(&self.affine[bucket]) {
                    running += self.affine[bucket];
                }
                if !bool::from(self.projective[bucket].is_identity()) {
                    running += self.projective[bucket];
                }
            }
            sum += running;
        }
        sum
    }
}

pub(crate) fn is_identity(point: &G1Affine) -> bool {
    point.x == Fq::ZERO && point.y == Fq::ZERO
}
