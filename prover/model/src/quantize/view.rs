//! A view: elements of tensors (and constants) in some order, all of one scale. Wiring of wiring is composed here, so
//! that at most one `Rearrange` stands between two operators.

use halocast_ir::{Scale, Source, TensorId};

/// Elements of tensors in some order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct View {
    /// The tensors read, in order of first use.
    pub(crate) sources: Vec<TensorId>,
    /// What each element is.
    pub(crate) map: Vec<Source>,
    /// Scale of every element.
    pub(crate) scale: Scale,
}

impl View {
    /// All of a tensor of `len` elements.
    pub(crate) fn whole(id: TensorId, len: usize, scale: Scale) -> Self {
        let map = (0..len as u32)
            .map(|index| Source::Cell { tensor: 0, index })
            .collect();
        View {
            sources: vec![id],
            map,
            scale,
        }
    }

    /// Constants, as integers of a scale.
    pub(crate) fn constants(values: impl Iterator<Item = i16>, scale: Scale) -> Self {
        View {
            sources: Vec::new(),
            map: values.map(Source::Const).collect(),
            scale,
        }
    }

    /// Number of elements.
    pub(crate) fn len(&self) -> usize {
        self.map.len()
    }

    /// The elements named by a wiring map.
    pub(crate) fn pick(&self, map: &[u32]) -> Self {
        let map = map.iter().map(|&i| self.map[i as usize]).collect();
        Self::canonical(&self.sources, map, self.scale)
    }

    /// Elements of several views of one scale: (view, element).
    pub(crate) fn join(parts: &[&View], map: &[(usize, u32)]) -> Self {
        let mut first = Vec::new();
        let mut sources = Vec::new();
        for part in parts {
            first.push(sources.len() as u16);
            sources.extend_from_slice(&part.sources);
        }
        let shifted = map
            .iter()
            .map(|&(part, i)| match parts[part].map[i as usize] {
                Source::Cell { tensor, index } => Source::Cell {
                    tensor: tensor + first[part],
                    index,
                },
                constant => constant,
            })
            .collect();
        Self::canonical(&sources, shifted, parts[0].scale)
    }

    /// Sources deduplicated, unused ones dropped, in order of first use: equal wiring gives equal views.
    fn canonical(sources: &[TensorId], mut map: Vec<Source>, scale: Scale) -> Self {
        let mut kept: Vec<TensorId> = Vec::new();
        let mut renamed: Vec<Option<u16>> = vec![None; sources.len()];
        for source in &mut map {
            if let Source::Cell { tensor, .. } = source {
                let id = sources[*tensor as usize];
                let slot = &mut renamed[*tensor as usize];
                *tensor = *slot.get_or_insert_with(|| {
                    let found = kept.iter().position(|&k| k == id).unwrap_or_else(|| {
                        kept.push(id);
                        kept.len() - 1
                    });
                    found as u16
                });
            }
        }
        View {
            sources: kept,
            map,
            scale,
        }
    }

    /// The tensor of which this is all, in order; `len` gives a tensor's element count.
    pub(crate) fn as_whole(&self, len: impl Fn(TensorId) -> usize) -> Option<TensorId> {
        let [id] = self.sources[..] else { return None };
        let in_order = self.map.iter().enumerate().all(|(i, s)| {
            *s == Source::Cell {
                tensor: 0,
                index: i as u32,
            }
        });
        (in_order && len(id) == self.map.len()).then_some(id)
    }
}
