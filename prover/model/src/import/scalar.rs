//! Chains of scalar functions to one table: where a value is a function of one other value, element by element, and
//! something in between is not linear, the whole chain becomes one node. An expanded GELU, SiLU or sigmoid is told by
//! what it computes, not by how it is written.

use super::ir::{Builder, Id, Op};
use crate::graph::{GraphOp, Unary};
use crate::unary::eval_chain;

/// Largest number of functions in one chain; an expression that grows beyond stays in pieces.
const LONGEST: usize = 64;
/// Largest difference of two functions that are the same, relative to 1 + their size.
const SAME: f64 = 1e-6;

/// Fuses chains in place, last first.
pub(super) fn fuse(b: &mut Builder, outputs: &[Id]) {
    let parents = parents(b);
    let mut users = users(b, outputs);
    for top in (0..b.nodes.len()).rev() {
        if users[top].is_empty() && !outputs.contains(&top) {
            continue;
        }
        let Some(root) = root(b, &parents, &users, outputs, top) else {
            continue;
        };
        let whole = compose(b, &parents, top, root, &mut 0).map(simplified);
        if let Some(chain) = whole.filter(|chain| linear(chain).is_none()) {
            b.nodes[top].op = Op::Graph(GraphOp::Unary(chain));
            b.nodes[top].inputs = vec![root];
            users = self::users(b, outputs);
        }
    }
}

/// The live users of every node.
pub(super) fn users(b: &Builder, outputs: &[Id]) -> Vec<Vec<Id>> {
    let mut users = vec![Vec::new(); b.nodes.len()];
    for id in (0..b.nodes.len()).rev() {
        if !users[id].is_empty() || outputs.contains(&id) {
            b.nodes[id]
                .inputs
                .iter()
                .for_each(|&input| users[input].push(id));
        }
    }
    users
}

/// For every scalar function of one value: the nearest value below of which it is a function.
fn parents(b: &Builder) -> Vec<Option<Id>> {
    let mut parents: Vec<Option<Id>> = Vec::with_capacity(b.nodes.len());
    for id in 0..b.nodes.len() {
        let parent = match operands(b, id) {
            Some(Operands::One(x) | Operands::WithNumber { x, .. }) => Some(x),
            Some(Operands::Two(x, y)) => common(&parents, x, y),
            None => None,
        };
        parents.push(parent);
    }
    parents
}

/// How an elementwise node depends on values that are not constant.
enum Operands {
    One(Id),
    /// `number` is the second operand unless `first`.
    WithNumber {
        x: Id,
        number: f32,
        first: bool,
    },
    Two(Id, Id),
}

fn operands(b: &Builder, id: Id) -> Option<Operands> {
    let node = &b.nodes[id];
    let &[x, y] = &node.inputs[..] else {
        return matches!(node.op, Op::Graph(GraphOp::Unary(_)))
            .then(|| Operands::One(node.inputs[0]));
    };
    if !matches!(
        node.op,
        Op::Div | Op::Graph(GraphOp::Add | GraphOp::Sub | GraphOp::Mul)
    ) {
        return None;
    }
    let whole = |id: Id| b.shape(id) == node.shape;
    match (b.single(x), b.single(y)) {
        (None, Some(number)) if whole(x) => Some(Operands::WithNumber {
            x,
            number,
            first: false,
        }),
        (Some(number), None) if whole(y) => Some(Operands::WithNumber {
            x: y,
            number,
            first: true,
        }),
        (None, None) if whole(x) && whole(y) => Some(Operands::Two(x, y)),
        _ => None,
    }
}

/// The nearest value that both are functions of.
fn common(parents: &[Option<Id>], mut x: Id, mut y: Id) -> Option<Id> {
    while x != y {
        // A parent has a lower index: the higher of the two cannot be below the other.
        let high = if x > y { &mut x } else { &mut y };
        *high = parents[*high]?;
    }
    Some(x)
}

/// The value at which the chain that ends in `top` begins: as far down as no value in between is used elsewhere.
fn root(
    b: &Builder,
    parents: &[Option<Id>],
    users: &[Vec<Id>],
    outputs: &[Id],
    top: Id,
) -> Option<Id> {
    let mut root = parents[top]?;
    let mut region = vec![top];
    between(b, top, root, &mut region);
    while let Some(next) = parents[root] {
        if outputs.contains(&root) || !users[root].iter().all(|user| region.contains(user)) {
            break;
        }
        region.push(root);
        between(b, root, next, &mut region);
        root = next;
    }
    Some(root)
}

/// Adds the nodes between `top` and `root` (both excluded) to `region`.
fn between(b: &Builder, top: Id, root: Id, region: &mut Vec<Id>) {
    let mut stack = vec![top];
    while let Some(id) = stack.pop() {
        for &input in &b.nodes[id].inputs {
            if input != root && b.data(input).is_none() && !region.contains(&input) {
                region.push(input);
                stack.push(input);
            }
        }
    }
}

/// `top` as a chain of functions of `root`; `None` if it grows too long.
fn compose(
    b: &Builder,
    parents: &[Option<Id>],
    top: Id,
    root: Id,
    length: &mut usize,
) -> Option<Vec<Unary>> {
    let mut steps = Vec::new();
    let mut at = top;
    while at != root {
        let below = parents[at]?;
        *length += 1;
        if *length > LONGEST {
            return None;
        }
        steps.push(step(b, parents, at, below, length)?);
        at = below;
    }
    Some(steps.into_iter().rev().flatten().collect())
}

/// One node as a function of its parent.
fn step(
    b: &Builder,
    parents: &[Option<Id>],
    id: Id,
    parent: Id,
    length: &mut usize,
) -> Option<Vec<Unary>> {
    let op = &b.nodes[id].op;
    match operands(b, id)? {
        Operands::One(_) => match op {
            Op::Graph(GraphOp::Unary(chain)) => Some(chain.clone()),
            _ => None,
        },
        Operands::WithNumber { number, first, .. } => match op {
            Op::Graph(GraphOp::Add) => Some(vec![Unary::Affine(1.0, number)]),
            Op::Graph(GraphOp::Mul) => Some(vec![Unary::Affine(number, 0.0)]),
            Op::Graph(GraphOp::Sub) if first => Some(vec![Unary::Affine(-1.0, number)]),
            _ => None, // the other forms do not reach this place, see `arith`
        },
        Operands::Two(x, y) => {
            let f = compose(b, parents, x, parent, length)?;
            let mut g = compose(b, parents, y, parent, length)?;
            match op {
                Op::Graph(GraphOp::Sub) => g.push(Unary::Affine(-1.0, 0.0)),
                Op::Div => g.push(Unary::Recip),
                _ => {}
            }
            Some(vec![match op {
                Op::Graph(GraphOp::Add | GraphOp::Sub) => Unary::Sum(f, g),
                _ => Unary::Product(f, g),
            }])
        }
    }
}

/// (a, b) if the chain is a·x + b.
fn linear(chain: &[Unary]) -> Option<(f64, f64)> {
    chain.iter().try_fold((1.0, 0.0), |(a, b), f| match f {
        Unary::Affine(c, d) => Some((f64::from(*c) * a, f64::from(*c) * b + f64::from(*d))),
        Unary::Sum(f, g) => {
            let ((c, d), (e, h)) = (linear(f)?, linear(g)?);
            Some(((c + e) * a, (c + e) * b + d + h))
        }
        _ => None,
    })
}

/// Joins neighbouring linear steps, then gives names to what has one, the longest stretch first.
fn simplified(chain: Vec<Unary>) -> Vec<Unary> {
    let chain = joined(chain.into_iter().map(|f| match f {
        Unary::Product(f, g) => Unary::Product(simplified(f), simplified(g)),
        Unary::Sum(f, g) => Unary::Sum(simplified(f), simplified(g)),
        f => f,
    }));
    for length in (1..=chain.len()).rev() {
        for start in 0..=chain.len() - length {
            let stretch = &chain[start..start + length];
            let plain = length == 1 && !matches!(stretch[0], Unary::Product(..) | Unary::Sum(..));
            if let Some(name) = (!plain).then(|| name(stretch)).flatten() {
                let mut named = simplified(chain[..start].to_vec());
                named.push(name);
                named.extend(simplified(chain[start + length..].to_vec()));
                return named;
            }
        }
    }
    chain
}

fn joined(chain: impl Iterator<Item = Unary>) -> Vec<Unary> {
    let mut result: Vec<Unary> = Vec::new();
    for f in chain {
        let Some((c, d)) = linear(std::slice::from_ref(&f)) else {
            result.push(f);
            continue;
        };
        let (a, b) = match result.last() {
            Some(&Unary::Affine(a, b)) => {
                result.pop();
                (f64::from(a), f64::from(b))
            }
            _ => (1.0, 0.0),
        };
        let (slope, offset) = ((c * a) as f32, (c * b + d) as f32);
        if (slope, offset) != (1.0, 0.0) {
            result.push(Unary::Affine(slope, offset));
        }
    }
    result
}

/// The named function that a chain computes.
fn name(chain: &[Unary]) -> Option<Unary> {
    let known = [
        Unary::GeluTanh,
        Unary::GeluExact,
        Unary::Silu,
        Unary::Sigmoid,
        Unary::Tanh,
        Unary::Relu,
    ];
    let near = (-160..=160).map(|i| f64::from(i) / 16.0);
    let far = (1..=16).map(|i| 2f64.powi(i)).flat_map(|x| [x, -x]);
    let points: Vec<f64> = near.chain(far).collect();
    known.into_iter().find(|f| {
        points.iter().all(|&x| {
            let (wanted, found) = (f.eval(x), eval_chain(chain, x));
            (found - wanted).abs() <= SAME * (1.0 + wanted.abs())
        })
    })
}
