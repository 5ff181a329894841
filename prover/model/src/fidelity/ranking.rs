//! What an embedding is used for: which texts are near to each other, and whether quantization changes that.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

/// How two embeddings of the same texts order them. Samples of one group say the same in other words, others do not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ranking {
    /// Pairs of samples of one group.
    pub paraphrases: usize,
    /// Comparisons of a paraphrase with an unrelated sample, both against the same third.
    pub comparisons: usize,
    /// Comparisons that come out otherwise in integers.
    pub changed: usize,
    /// Paraphrases that have more unrelated samples in front of them, or fewer, than in the float model.
    pub ranks_changed: usize,
    /// Paraphrases with no unrelated sample in front of them: float, integer.
    pub nearest: [usize; 2],
    /// Smallest difference of the two cosines of a comparison, float.
    pub closest: f64,
    /// Largest change of a cosine of two samples.
    pub largest_shift: f64,
}

impl Ranking {
    /// Compares every sample's paraphrases with every unrelated sample; each entry is `[float, integer]`.
    pub(super) fn new(groups: &[String], embeddings: &[[Vec<f64>; 2]]) -> Self {
        let cosines: Vec<Vec<[f64; 2]>> = embeddings
            .iter()
            .map(|x| {
                embeddings
                    .iter()
                    .map(|y| [0, 1].map(|k| cosine(&x[k], &y[k])))
                    .collect()
            })
            .collect();
        let mut out = Ranking {
            paraphrases: 0,
            comparisons: 0,
            changed: 0,
            ranks_changed: 0,
            nearest: [0; 2],
            closest: f64::INFINITY,
            largest_shift: 0.0,
        };
        for (i, row) in cosines.iter().enumerate() {
            for [float, integer] in row {
                out.largest_shift = out.largest_shift.max((float - integer).abs());
            }
            for j in (0..groups.len()).filter(|&j| j != i && groups[j] == groups[i]) {
                out.paraphrases += 1;
                let unrelated = (0..groups.len()).filter(|&k| groups[k] != groups[i]);
                out.compare(row[j], unrelated.map(|k| row[k]));
            }
        }
        out
    }

    fn compare(&mut self, paraphrase: [f64; 2], unrelated: impl Iterator<Item = [f64; 2]>) {
        let mut in_front = [0usize; 2];
        for other in unrelated {
            let ahead = [0, 1].map(|k| other[k] >= paraphrase[k]);
            self.comparisons += 1;
            self.changed += usize::from(ahead[0] != ahead[1]);
            self.closest = self.closest.min((other[0] - paraphrase[0]).abs());
            for (count, ahead) in in_front.iter_mut().zip(ahead) {
                *count += usize::from(ahead);
            }
        }
        self.ranks_changed += usize::from(in_front[0] != in_front[1]);
        for (nearest, before) in self.nearest.iter_mut().zip(in_front) {
            *nearest += usize::from(before == 0);
        }
    }

    pub(super) fn section(&self, out: &mut String) {
        let _ = writeln!(
            out,
            "\n## Ranking\n\n{} paraphrases, each against every unrelated sample: {} of {} comparisons come out otherwise \
             than in the float model, {} ranks change. Paraphrases nearer than every unrelated sample: float {}, integer {}. \
             Closest comparison {:.1e}, largest change of a cosine {:.1e}.",
            self.paraphrases,
            self.changed,
            self.comparisons,
            self.ranks_changed,
            self.nearest[0],
            self.nearest[1],
            self.closest,
            self.largest_shift,
        );
    }
}

fn cosine(x: &[f64], y: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let norm = (dot(x, x) * dot(y, y)).sqrt();
    if norm > 0.0 { dot(x, y) / norm } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swap_of_neighbours_is_seen() {
        let at = |angle: f64| vec![angle.cos(), angle.sin()];
        let groups: Vec<String> = ["a", "a", "b"].map(String::from).to_vec();
        // The float model has the paraphrase in front, the integers have the other one there.
        let embeddings = [[at(0.0), at(0.0)], [at(0.3), at(0.5)], [at(-0.4), at(-0.4)]];
        let ranking = Ranking::new(&groups, &embeddings);
        assert_eq!((ranking.paraphrases, ranking.comparisons), (2, 2));
        assert_eq!((ranking.changed, ranking.ranks_changed), (1, 1));
        assert_eq!(ranking.nearest, [2, 1]);
        let same = Ranking::new(
            &groups,
            &embeddings.map(|[float, _]| [float.clone(), float]),
        );
        assert_eq!((same.changed, same.largest_shift), (0, 0.0));
    }
}
