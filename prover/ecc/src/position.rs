//! Where the caller finds points and scalars.

/// A plain cell: its column among those of plain cells, and its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Number among the columns of plain cells.
    pub column: usize,
    /// Absolute row.
    pub row: usize,
}

/// Where a point's coordinates are: x in limbs of 68 bits, y in halves of 136, least significant first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PointCells<T> {
    /// Limbs of x: bits 0–67, 68–135, 136–203, 204–253.
    pub x: [T; 4],
    /// Bits 0–135 of y.
    pub y_lo: T,
    /// Bits 136–253 of y.
    pub y_hi: T,
}

impl<T: Copy> PointCells<T> {
    /// All six, limbs of x first.
    pub fn all(&self) -> [T; 6] {
        let [a, b, c, d] = self.x;
        [a, b, c, d, self.y_lo, self.y_hi]
    }

    pub(crate) fn from_all([a, b, c, d, y_lo, y_hi]: [T; 6]) -> Self {
        PointCells {
            x: [a, b, c, d],
            y_lo,
            y_hi,
        }
    }

    /// The same for each cell.
    pub fn map<U: Copy>(&self, f: impl FnMut(T) -> U) -> PointCells<U> {
        PointCells::from_all(self.all().map(f))
    }
}
