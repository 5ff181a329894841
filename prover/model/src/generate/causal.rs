//! Which tokens can a value depend on? A conservative static analysis of a program: for each element the last token
//! position that may influence it. Masked softmax positions are 0 whatever the input, and 0 times anything is 0; that
//! is what keeps later tokens out, and the reason why padding after the answer does not matter.

use halocast_ir::{OpKind, Program, Source, TensorId};

/// What an element may depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    /// It is 0, always.
    Zero,
    /// Tokens up to this position; −1: none.
    Upto(i32),
}

impl Reach {
    const NONE: Reach = Reach::Upto(-1);

    fn position(self) -> i32 {
        match self {
            Reach::Zero => -1,
            Reach::Upto(t) => t,
        }
    }

    fn times(self, other: Reach) -> i32 {
        if self == Reach::Zero || other == Reach::Zero {
            -1
        } else {
            self.position().max(other.position())
        }
    }
}

/// A model whose logits may look ahead.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "the model is not causal: logits of position {position} may depend on token {token} (is the attention mask missing?)"
)]
pub struct NotCausal {
    /// Position of the logits.
    pub position: usize,
    /// A later token that may influence them.
    pub token: usize,
}

/// Shows that row t of `rows` (`[T, ..]` by rows of equal length) depends on no element of `tokens` after t.
///
/// # Errors
/// The first row for which that cannot be shown. The analysis is conservative: it never accepts a model that looks
/// ahead, and might refuse one that does not.
pub fn check_causal(program: &Program, tokens: TensorId, rows: TensorId) -> Result<(), NotCausal> {
    let seq_len = program.tensor(tokens).len();
    let reach = reach(program, tokens);
    let rows = &reach[rows.0 as usize];
    for (position, row) in rows.chunks((rows.len() / seq_len).max(1)).enumerate() {
        let last = row.iter().map(|r| r.position()).max().unwrap_or(-1);
        if last > position as i32 {
            let token = last as usize;
            return Err(NotCausal { position, token });
        }
    }
    Ok(())
}

/// The reach of every element of every tensor.
fn reach(program: &Program, tokens: TensorId) -> Vec<Vec<Reach>> {
    let mut all: Vec<Vec<Reach>> = vec![Vec::new(); program.tensors.len()];
    for &id in program.inputs.iter().chain(&program.hints) {
        // Other inputs belong to no position: they count as the last one, unless they are the tokens.
        let last = program.tensor(tokens).len() as i32 - 1;
        let at = |i: usize| Reach::Upto(if id == tokens { i as i32 } else { last });
        all[id.0 as usize] = (0..program.tensor(id).len()).map(at).collect();
    }
    for op in &program.ops {
        if let Some(out) = op.kind.writes() {
            all[out.0 as usize] = reach_of(program, &op.kind, &all);
        }
    }
    all
}

fn reach_of(program: &Program, kind: &OpKind, all: &[Vec<Reach>]) -> Vec<Reach> {
    let get = |id: &TensorId| &all[id.0 as usize][..];
    let upto = |positions: Vec<i32>| positions.into_iter().map(Reach::Upto).collect();
    match kind {
        OpKind::Linear { x, w, .. } => by_row(get(x), w.rows, w.cols),
        OpKind::RmsNorm { x, gain, .. } => by_row(get(x), gain.len(), gain.len()),
        OpKind::ArgMax { x, .. } => by_row(get(x), last_axis(program, *x), 1),
        OpKind::MatMul { x, y, .. } => {
            let (xs, ys) = (&program.tensor(*x).shape, &program.tensor(*y).shape);
            upto(product(get(x), get(y), [xs[0], xs[1], xs[2], ys[2]]))
        }
        OpKind::Softmax { x, allowed, .. } => {
            softmax(get(x), allowed.as_deref(), last_axis(program, *x))
        }
        OpKind::Elementwise { a, b, .. } => {
            let b = b.as_ref().map(get);
            let joined = get(a).iter().enumerate().map(|(i, r)| {
                let other = b.map_or(Reach::NONE, |b| b[i]);
                r.position().max(other.position())
            });
            upto(joined.collect())
        }
        OpKind::Lookup { x, .. } => upto(get(x).iter().map(|r| r.position()).collect()),
        OpKind::Gather { ids, table, .. } => {
            let row = |r: &Reach| std::iter::repeat_n(Reach::Upto(r.position()), table.cols);
            get(ids).iter().flat_map(row).collect()
        }
        OpKind::Rearrange { sources, map, .. } => {
            let at = |s: &Source| match *s {
                Source::Const(0) => Reach::Zero,
                Source::Const(_) => Reach::NONE,
                Source::Cell { tensor, index } => get(&sources[tensor as usize])[index as usize],
            };
            map.iter().map(at).collect()
        }
        OpKind::AssertZero { .. } => Vec::new(),
    }
}

fn last_axis(program: &Program, id: TensorId) -> usize {
    program.tensor(id).shape.last().copied().unwrap_or(1)
}

/// Every result of a row depends on the whole row.
fn by_row(x: &[Reach], n: usize, m: usize) -> Vec<Reach> {
    let last = |row: &[Reach]| row.iter().map(|r| r.position()).max().unwrap_or(-1);
    x.chunks(n)
        .flat_map(|row| std::iter::repeat_n(Reach::Upto(last(row)), m))
        .collect()
}

fn softmax(x: &[Reach], allowed: Option<&[bool]>, n: usize) -> Vec<Reach> {
    let ok = |i: usize| allowed.is_none_or(|mask| mask[i]);
    let mut out = Vec::with_capacity(x.len());
    for (r, row) in x.chunks(n).enumerate() {
        let live = (0..n).filter(|i| ok(r * n + i));
        let last = live.map(|i| row[i].position()).max().unwrap_or(-1);
        let at = |i: usize| {
            if ok(r * n + i) {
                Reach::Upto(last)
            } else {
                Reach::Zero
            }
        };
        out.extend((0..n).map(at));
    }
    out
}

fn product(x: &[Reach], y: &[Reach], [batch, t, n, m]: [usize; 4]) -> Vec<i32> {
    let mut out = vec![-1; batch * t * m];
    for b in 0..batch {
        for i in 0..t {
            let row = &mut out[(b * t + i) * m..][..m];
            for k in 0..n {
                let left = x[(b * t + i) * n + k];
                let right = &y[(b * n + k) * m..][..m];
                for (o, &r) in row.iter_mut().zip(right) {
                    *o = (*o).max(left.times(r));
                }
            }
        }
    }
    out
}
