//! Damage that the protobuf survives: numbers, names and operators of real exports changed at random. Whatever comes of
//! it is a model or an error, never a panic.

use std::path::{Path, PathBuf};

use tract_onnx::pb::{GraphProto, NodeProto};

use super::super::{import_proto, load};

/// Mutants of each file.
const MUTANTS: usize = 60;

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) as usize % bound.max(1)
    }

    fn number(&mut self) -> i64 {
        [-1, 0, 1, 2, 3, 7, -2, -9, 100, 1 << 20, i64::MAX, i64::MIN][self.below(12)]
    }

    fn pick<'a, T>(&mut self, items: &'a mut [T]) -> Option<&'a mut T> {
        let place = self.below(items.len());
        items.get_mut(place)
    }
}

fn mutate(graph: &mut GraphProto, random: &mut Random) {
    match random.below(6) {
        0 => mutate_weight(graph, random),
        1 => {
            let number = random.number();
            if let Some(node) = random.pick(&mut graph.node) {
                mutate_attribute(node, number, random);
            }
        }
        2 => {
            let name = random.pick(&mut graph.node).map(|n| n.output[0].clone());
            let node = random.pick(&mut graph.node);
            if let (Some(input), Some(name)) = (node.and_then(|n| random.pick(&mut n.input)), name)
            {
                *input = name;
            }
        }
        3 => {
            let op = random.pick(&mut graph.node).map(|n| n.op_type.clone());
            if let (Some(node), Some(op)) = (random.pick(&mut graph.node), op) {
                node.op_type = op;
            }
        }
        4 => {
            if let Some(node) = random.pick(&mut graph.node) {
                node.input.pop();
            }
        }
        _ => {
            if let Some(node) = random.pick(&mut graph.node) {
                let first = node.input.first().cloned();
                node.input.extend(first);
            }
        }
    }
}

fn mutate_weight(graph: &mut GraphProto, random: &mut Random) {
    let number = random.number();
    let Some(weight) = random.pick(&mut graph.initializer) else {
        return;
    };
    match random.below(3) {
        0 => weight.data_type = random.below(24) as i32,
        1 => {
            if let Some(dim) = random.pick(&mut weight.dims) {
                *dim = number;
            }
        }
        _ if weight.raw_data.len() >= 8 && weight.data_type == 7 => {
            weight.raw_data[..8].copy_from_slice(&number.to_le_bytes());
        }
        _ => {
            if let Some(byte) = random.pick(&mut weight.raw_data) {
                *byte ^= 0xff;
            }
        }
    }
}

fn mutate_attribute(node: &mut NodeProto, number: i64, random: &mut Random) {
    let Some(attribute) = random.pick(&mut node.attribute) else {
        return;
    };
    match random.below(4) {
        0 => attribute.i = number,
        1 => attribute.name.push('x'),
        2 => {
            if let Some(int) = random.pick(&mut attribute.ints) {
                *int = number;
            }
        }
        _ => {
            if let Some(tensor) = &mut attribute.t
                && tensor.raw_data.len() == 8
            {
                tensor.raw_data = number.to_le_bytes().to_vec();
            }
        }
    }
}

fn exports() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exports");
    let entries = std::fs::read_dir(folder).expect("the exports");
    let mut files: Vec<PathBuf> = entries.map(|e| e.expect("an entry").path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "onnx"));
    files.sort();
    files
}

#[test]
fn mutants_do_not_panic() {
    let mut random = Random(5);
    let (mut models, mut errors) = (0, 0);
    for file in exports() {
        let proto = load::read(&file).expect("a model");
        for _ in 0..MUTANTS {
            let mut mutant = proto.clone();
            let graph = mutant.graph.as_mut().expect("a graph");
            for _ in 0..=random.below(2) {
                mutate(graph, &mut random);
            }
            match import_proto(&mutant, None) {
                Ok(_) => models += 1,
                Err(_) => errors += 1,
            }
        }
    }
    assert!(
        models > 100 && errors > 100,
        "{models} models, {errors} errors"
    );
}
