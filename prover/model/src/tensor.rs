//! Row-major index arithmetic: strides under broadcasting and a walk over all positions of a shape.

/// Strides of a tensor of `shape` read at the positions of `out` (NumPy broadcasting: repeated axes have stride 0).
pub(crate) fn strides(shape: &[usize], out: &[usize]) -> Vec<usize> {
    let lead = out.len() - shape.len();
    let mut result = vec![0; out.len()];
    let mut step = 1;
    for (axis, &len) in shape.iter().enumerate().rev() {
        if len != 1 {
            result[lead + axis] = step;
        }
        step *= len;
    }
    result
}

/// Calls `visit` with the offset of each operand at every position of `shape`, in row-major order.
pub(crate) fn walk<const N: usize>(
    shape: &[usize],
    strides: [&[usize]; N],
    mut visit: impl FnMut([usize; N]),
) {
    let mut position = vec![0; shape.len()];
    let mut offsets = [0; N];
    for _ in 0..shape.iter().product::<usize>() {
        visit(offsets);
        for axis in (0..shape.len()).rev() {
            position[axis] += 1;
            for (offset, s) in offsets.iter_mut().zip(strides) {
                *offset += s[axis];
            }
            if position[axis] < shape[axis] {
                break;
            }
            for (offset, s) in offsets.iter_mut().zip(strides) {
                *offset -= s[axis] * shape[axis];
            }
            position[axis] = 0;
        }
    }
}

/// The shape that both operands broadcast to, NumPy rules; `None` when they do not fit.
pub(crate) fn broadcast_shape(a: &[usize], b: &[usize]) -> Option<Vec<usize>> {
    let rank = a.len().max(b.len());
    let len = |shape: &[usize], axis: usize| {
        (axis + shape.len())
            .checked_sub(rank)
            .map_or(1, |i| shape[i])
    };
    (0..rank)
        .map(|axis| match (len(a, axis), len(b, axis)) {
            (x, y) if x == y => Some(x),
            (1, x) | (x, 1) => Some(x),
            _ => None,
        })
        .collect()
}
