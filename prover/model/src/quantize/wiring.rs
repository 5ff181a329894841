//! Index maps of the wiring operators: for every output element the flat index of the input element it is. Pure
//! arithmetic on shapes; what is wired is `view`'s and `form`'s business.

/// Row-major strides.
pub(crate) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut out = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        out[axis - 1] = out[axis] * shape[axis];
    }
    out
}

/// `offset + Σ index[k]·strides[k]` for every index of `shape`, in row-major order.
fn strided(shape: &[usize], strides: &[usize], offset: usize) -> Vec<u32> {
    let mut map = vec![offset as u32];
    for (&len, &stride) in shape.iter().zip(strides) {
        map = map
            .iter()
            .flat_map(|&base| (0..len).map(move |i| base + (i * stride) as u32))
            .collect();
    }
    map
}

/// Output axis i is input axis `perm[i]`.
pub(crate) fn transpose(shape: &[usize], perm: &[usize]) -> Vec<u32> {
    let all = strides(shape);
    let out: Vec<usize> = perm.iter().map(|&axis| shape[axis]).collect();
    let picked: Vec<usize> = perm.iter().map(|&axis| all[axis]).collect();
    strided(&out, &picked, 0)
}

/// `start..end` of one axis.
pub(crate) fn slice(shape: &[usize], axis: usize, start: usize, end: usize) -> Vec<u32> {
    let all = strides(shape);
    let mut out = shape.to_vec();
    out[axis] = end - start;
    strided(&out, &all, start * all[axis])
}

/// NumPy broadcasting of `from` to `to` (rank of `from` at most that of `to`).
pub(crate) fn broadcast(from: &[usize], to: &[usize]) -> Vec<u32> {
    let all = strides(from);
    let missing = to.len() - from.len();
    let picked: Vec<usize> = (0..to.len())
        .map(|axis| match axis.checked_sub(missing) {
            Some(i) if from[i] == to[axis] => all[i],
            _ => 0,
        })
        .collect();
    strided(to, &picked, 0)
}

/// For each output element of a concatenation: (part, element of the part).
pub(crate) fn concat(parts: &[&[usize]], axis: usize) -> Vec<(usize, u32)> {
    let outer: usize = parts[0][..axis].iter().product();
    let mut map = Vec::new();
    for block in 0..outer {
        for (part, shape) in parts.iter().enumerate() {
            let len: usize = shape[axis..].iter().product();
            map.extend((block * len..(block + 1) * len).map(|i| (part, i as u32)));
        }
    }
    map
}

/// Whether a map is `0, 1, 2, …`.
pub(crate) fn is_identity(map: &[u32]) -> bool {
    map.iter().enumerate().all(|(i, &m)| i as u32 == m)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps() {
        assert_eq!(transpose(&[2, 3], &[1, 0]), [0, 3, 1, 4, 2, 5]);
        assert_eq!(slice(&[2, 3], 1, 1, 3), [1, 2, 4, 5]);
        assert_eq!(broadcast(&[3], &[2, 3]), [0, 1, 2, 0, 1, 2]);
        assert_eq!(broadcast(&[2, 1], &[2, 2]), [0, 0, 1, 1]);
        assert_eq!(broadcast(&[], &[2]), [0, 0]);
        assert_eq!(
            concat(&[&[2, 1], &[2, 2]], 1),
            [(0, 0), (1, 0), (1, 1), (0, 1), (1, 2), (1, 3)]
        );
    }
}
