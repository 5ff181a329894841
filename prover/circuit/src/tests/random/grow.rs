//! The generator: a program and its run from a tape of numbers.

use halocast_ir::*;

/// Most ops of a program, and attempts to get there (some are refused).
const OPS: usize = 8;
const ATTEMPTS: usize = 14;
/// Function tables of a program: more need a domain of 2^18.
const TABLES: usize = 3;
/// Most elements of an operand.
const ELEMENTS: usize = 40;

/// Numbers to choose by, 0 when they are used up.
pub(in crate::tests) struct Tape<'a> {
    words: &'a [u32],
    at: usize,
}

impl<'a> Tape<'a> {
    pub(in crate::tests) fn new(words: &'a [u32]) -> Self {
        Tape { words, at: 0 }
    }

    fn word(&mut self) -> u32 {
        self.at += 1;
        self.words.get(self.at - 1).copied().unwrap_or(0)
    }

    pub(in crate::tests) fn is_spent(&self) -> bool {
        self.at >= self.words.len()
    }

    pub(in crate::tests) fn below(&mut self, bound: usize) -> usize {
        self.word() as usize % bound
    }

    pub(in crate::tests) fn pick<'b, T>(&mut self, of: &'b [T]) -> &'b T {
        &of[self.below(of.len())]
    }

    /// As many numbers as are wanted from one of the tape; zeros from a 0.
    pub(in crate::tests) fn stream(&mut self) -> Stream {
        Stream(u64::from(self.word()))
    }
}

/// xorshift64*, or zeros.
pub(in crate::tests) struct Stream(u64);

impl Stream {
    pub(in crate::tests) fn word(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 8
    }

    pub(in crate::tests) fn below(&mut self, bound: u64) -> u64 {
        self.word() % bound
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len() as u64) as usize]
    }

    /// −bound ≤ number ≤ bound.
    fn within(&mut self, bound: i64) -> i64 {
        match self.below(2) {
            0 => self.below(bound as u64 + 1) as i64,
            _ => -(self.below(bound as u64 + 1) as i64),
        }
    }

    /// An activation: an edge, a small one (so that ties occur), or any.
    fn activation(&mut self) -> i32 {
        let edges = [0, 1, -1, 32767, -32768, 32766, -32767, 8191, -8192, 8192];
        match self.below(3) {
            0 => self.pick(&edges),
            1 => self.within(4) as i32,
            _ => self.within(ACT_MAX) as i32,
        }
    }

    fn activations(&mut self, count: usize) -> Vec<i32> {
        (0..count).map(|_| self.activation()).collect()
    }
}

/// A program whose last op the executor refuses on this run.
pub(super) struct Refused {
    pub(super) program: Program,
    pub(super) trace: Trace,
}

/// A program with its run.
pub(super) struct Grown {
    pub(super) program: Program,
    pub(super) trace: Trace,
    pub(super) refused: Vec<Refused>,
}

impl Grown {
    pub(super) fn new(tape: &mut Tape<'_>) -> Grown {
        let mut grower = Grower::start(tape);
        for _ in 0..ATTEMPTS {
            grower.step();
            let ops = grower.grown.program.ops.len();
            if ops >= OPS || (ops > 0 && grower.tape.is_spent()) {
                break;
            }
        }
        if grower.grown.program.ops.is_empty() {
            grower.shaped(&[2]);
        }
        grower.finish()
    }
}

struct Grower<'t, 'a> {
    tape: &'t mut Tape<'a>,
    grown: Grown,
    functions: Vec<TableId>,
    exponentials: Vec<TableId>,
}

impl<'t, 'a> Grower<'t, 'a> {
    /// Two operands of one shape and a list of small ids.
    fn start(tape: &'t mut Tape<'a>) -> Self {
        let program = Program {
            tensors: vec![],
            tables: vec![],
            ops: vec![],
            inputs: vec![],
            hints: vec![],
            outputs: vec![],
            task: Task::Infer,
        };
        let trace = Trace { values: vec![] };
        let mut grower = Grower {
            tape,
            grown: Grown {
                program,
                trace,
                refused: vec![],
            },
            functions: vec![],
            exponentials: vec![],
        };
        let shape = [1 + grower.tape.below(3), 1 + grower.tape.below(6)];
        for _ in 0..2 {
            let values = grower.tape.stream().activations(shape[0] * shape[1]);
            grower.input(&shape, values);
        }
        let mut ids = grower.tape.stream();
        let count = 1 + grower.tape.below(3);
        let ids = (0..count).map(|_| ids.below(4) as i32).collect();
        grower.input(&[count], ids);
        grower
    }

    fn input(&mut self, shape: &[usize], values: Vec<i32>) {
        let id = self.tensor(shape);
        self.grown.trace.values[id.0 as usize] = values;
        self.grown.program.inputs.push(id);
    }

    fn tensor(&mut self, shape: &[usize]) -> TensorId {
        let tensors = &mut self.grown.program.tensors;
        let id = TensorId(tensors.len() as u32);
        tensors.push(Tensor {
            name: format!("t{}", id.0),
            shape: shape.to_vec(),
            scale: Scale(0),
        });
        self.grown.trace.values.push(vec![]);
        id
    }

    fn values(&self, id: TensorId) -> &[i32] {
        self.grown.trace.get(id)
    }

    fn shape(&self, id: TensorId) -> Vec<usize> {
        self.grown.program.tensor(id).shape.clone()
    }

    fn last_axis(&self, id: TensorId) -> usize {
        *self.shape(id).last().expect("no tensor is a scalar")
    }

    /// A tensor that is small enough and as wanted.
    fn choose(&mut self, wanted: impl Fn(&[i32]) -> bool) -> Option<TensorId> {
        let all = 0..self.grown.trace.values.len() as u32;
        let fits = |id: &TensorId| self.values(*id).len() <= ELEMENTS && wanted(self.values(*id));
        let fitting: Vec<TensorId> = all.map(TensorId).filter(fits).collect();
        match fitting.is_empty() {
            true => None,
            false => Some(*self.tape.pick(&fitting)),
        }
    }

    fn any(&mut self) -> TensorId {
        self.choose(|_| true).expect("inputs are small")
    }

    /// Adds an op, if the executor takes it; remembers it, if not.
    fn attempt(
        &mut self,
        kind: impl FnOnce(TensorId) -> OpKind,
        shape: Option<&[usize]>,
    ) -> Option<TensorId> {
        let before = self.grown.program.tensors.len();
        let out = shape.map_or(TensorId(u32::MAX), |shape| self.tensor(shape));
        let kind = kind(out);
        let name = format!("{}{}", kind.label(), self.grown.program.ops.len());
        let op = Op { name, kind };
        let Grown {
            program,
            trace,
            refused,
        } = &mut self.grown;
        program.ops.push(op);
        let op = program.ops.last().expect("just added");
        if program.validate().is_ok() {
            match execute_op(program, op, trace) {
                Ok(values) => {
                    if shape.is_some() {
                        trace.values[out.0 as usize] = values;
                    }
                    return Some(out);
                }
                Err(_) if refused.len() < 3 => refused.push(Refused {
                    program: program.clone(),
                    trace: trace.clone(),
                }),
                Err(_) => {}
            }
        }
        program.ops.pop();
        program.tensors.truncate(before);
        trace.values.truncate(before);
        None
    }

    fn step(&mut self) {
        match self.tape.below(13) {
            0 => {
                let shape = [1 + self.tape.below(3), 1 + self.tape.below(6)];
                self.shaped(&shape);
            }
            1 | 2 => self.linear(),
            3 => self.mat_mul(),
            4 => self.elementwise(Form::Narrow(ClampBits::Act)),
            5 => self.elementwise(Form::Narrow(ClampBits::Func)),
            6 => self.elementwise(Form::Wide),
            7 => self.assertion(),
            8 => self.lookup(),
            9 => self.softmax(),
            10 => self.norm(),
            11 => self.arg_max(),
            _ => self.gather(),
        }
    }

    /// Elements of one or two tensors and constants, in this shape.
    fn shaped(&mut self, shape: &[usize]) -> TensorId {
        let sources = vec![self.any(), self.any()];
        let lengths: Vec<u64> = sources
            .iter()
            .map(|&id| self.values(id).len() as u64)
            .collect();
        let mut stream = self.tape.stream();
        let mut source = |_| match stream.below(5) {
            4 => Source::Const(stream.activation() as i16),
            which => {
                let tensor = which as u16 % 2;
                let index = stream.below(lengths[usize::from(tensor)]) as u32;
                Source::Cell { tensor, index }
            }
        };
        let map: Vec<Source> = (0..shape.iter().product::<usize>())
            .map(&mut source)
            .collect();
        let kind = |out| OpKind::Rearrange { sources, map, out };
        self.attempt(kind, Some(shape))
            .expect("wiring is never refused")
    }

    /// A multiplier that brings the largest accumulator near a border of the clamp.
    fn multiplier(&mut self, largest: u64, bits: ClampBits) -> i64 {
        let half = 1i128 << (bits.bits() - 1);
        let near = [
            half - 1,
            3 * half,
            half + MAX_EXCESS - 1,
            half + MAX_EXCESS + 9,
            2,
        ];
        let near = *self.tape.pick(&near);
        let fitting = (near << NARROW_SHIFT) / i128::from(largest.max(1));
        match self.tape.below(8) {
            7 => 1,
            _ => fitting.clamp(1, 1 << 48) as i64,
        }
    }

    fn clamp(&mut self) -> ClampBits {
        *self.tape.pick(&[ClampBits::Act, ClampBits::Func])
    }

    fn linear(&mut self) {
        let x = self.any();
        let (rows, cols) = (self.last_axis(x), 1 + self.tape.below(14));
        let size = *self.tape.pick(&[3, 1 << 11, 1 << 19, 1]);
        let mut stream = self.tape.stream();
        let data: Vec<i32> = (0..rows * cols)
            .map(|_| stream.within(size) as i32)
            .collect();
        let reach = *self.tape.pick(&[0, 7, 1 << 20, 1 << 34]);
        let bias: Vec<i64> = (0..cols).map(|_| stream.within(reach)).collect();
        let x_values = self.values(x).to_vec();
        let accumulators = x_values.chunks(rows).flat_map(|row| {
            let (data, bias) = (&data, &bias);
            (0..cols).map(move |j| {
                let terms = row.iter().enumerate();
                let term = |(i, &v): (usize, &i32)| i64::from(v) * i64::from(data[i * cols + j]);
                terms.map(term).sum::<i64>() + bias[j]
            })
        });
        let largest = accumulators.map(i64::unsigned_abs).max().unwrap_or(0);
        let bits = self.clamp();
        let mul = self.multiplier(largest, bits);
        let bias = (reach > 0).then_some(bias);
        let w = Matrix { rows, cols, data };
        let shape = [x_values.len() / rows, cols];
        let kind = |out| OpKind::Linear {
            x,
            w,
            bias,
            mul,
            bits,
            out,
        };
        self.attempt(kind, Some(&shape));
    }

    fn mat_mul(&mut self) {
        let [b, t, n, m] = [2, 3, 4, 3].map(|most| 1 + self.tape.below(most));
        let (x, y) = (self.shaped(&[b, t, n]), self.shaped(&[b, n, m]));
        let largest = |id| {
            self.values(id)
                .iter()
                .map(|v| u64::from(v.unsigned_abs()))
                .max()
        };
        let bound = n as u64 * largest(x).unwrap_or(0) * largest(y).unwrap_or(0);
        let bits = self.clamp();
        let mul = self.multiplier(bound, bits);
        let kind = |out| OpKind::MatMul {
            x,
            y,
            mul,
            bits,
            out,
        };
        self.attempt(kind, Some(&[b, t, m]));
    }

    /// One or two operands, and coefficients without the constant.
    fn bilinear(&mut self) -> (TensorId, Option<TensorId>, Coefs) {
        let a = self.any();
        let length = self.values(a).len();
        let b = match self.tape.below(3) {
            0 => None,
            1 => Some(a),
            _ => self.choose(|values| values.len() == length),
        };
        let mut stream = self.tape.stream();
        let mut coefficient = |some: &[i64]| {
            let count = if stream.below(2) == 0 { 1 } else { length };
            (0..count).map(|_| stream.pick(some)).collect::<Vec<i64>>()
        };
        let coefs = Coefs {
            ab: coefficient(&[0, 1, -1, 3, 1 << 17, -(1 << 20)]),
            a: coefficient(&[0, 1 << 16, -(1 << 16), 1, -77, 1 << 33]),
            b: coefficient(&[0, 1 << 16, -(1 << 15), 1, 12345]),
            one: vec![0],
        };
        (a, b, coefs)
    }

    /// Values of the bilinear expression.
    fn forms(&self, a: TensorId, b: Option<TensorId>, coefs: &Coefs) -> Vec<i128> {
        let at = |(i, &v): (usize, &i32)| {
            let second = b.map_or(0, |b| i64::from(self.values(b)[i]));
            coefs.eval(i, i64::from(v), second)
        };
        self.values(a).iter().enumerate().map(at).collect()
    }

    /// An arithmetic op whose constants bring the accumulators to the edges of the form (or are 0).
    fn elementwise(&mut self, form: Form) {
        let (a, b, mut coefs) = self.bilinear();
        let forms = self.forms(a, b, &coefs);
        let mut stream = self.tape.stream();
        if self.tape.below(4) > 0 {
            let one = |form_i: &i128| (edge(&mut stream, form) - form_i) as i64;
            coefs.one = forms.iter().map(one).collect();
        }
        let shape = self.shape(a);
        let kind = |out| OpKind::Elementwise {
            a,
            b,
            coefs,
            form,
            out,
        };
        self.attempt(kind, Some(&shape));
    }

    /// A true assertion, or one that is off by one somewhere.
    fn assertion(&mut self) {
        let (a, b, mut coefs) = self.bilinear();
        let forms = self.forms(a, b, &coefs);
        coefs.one = forms.iter().map(|&form| -form as i64).collect();
        if self.tape.below(5) == 4 {
            let at = self.tape.below(forms.len());
            coefs.one[at] += *self.tape.pick(&[1, -1, 1 << 40]);
        }
        self.attempt(|_| OpKind::AssertZero { a, b, coefs }, None);
    }

    fn table(&mut self, values: impl Fn(usize) -> i16) -> TableId {
        let tables = &mut self.grown.program.tables;
        let values: Vec<i16> = (0..FUNC_SIZE).map(values).collect();
        let name = "f".into();
        tables.push(Table { name, values });
        TableId(tables.len() as u32 - 1)
    }

    fn function(&mut self) -> Option<TableId> {
        let full = self.grown.program.tables.len() >= TABLES;
        if (full || self.tape.below(2) == 0) && !self.functions.is_empty() {
            return Some(*self.tape.pick(&self.functions.clone()));
        }
        if full {
            return None;
        }
        let seed = u64::from(self.tape.word());
        let mix = |i: usize| {
            (i as u64 + 1)
                .wrapping_mul(seed | 1)
                .wrapping_mul(0x9e37_79b9)
        };
        let id = self.table(|i| (mix(i) >> 13) as i16);
        self.functions.push(id);
        Some(id)
    }

    fn lookup(&mut self) {
        let Some(table) = self.function() else {
            return;
        };
        let fits = |v: &i32| (-FUNC_OFFSET..FUNC_OFFSET).contains(&i64::from(*v));
        let x = match self.tape.below(4) {
            3 => Some(self.any()),
            _ => self.choose(|values| values.iter().all(fits)),
        };
        let Some(x) = x else { return };
        let shape = self.shape(x);
        self.attempt(|out| OpKind::Lookup { x, table, out }, Some(&shape));
    }

    fn exponential(&mut self) -> Option<TableId> {
        let full = self.grown.program.tables.len() >= TABLES;
        if (full || self.tape.below(2) == 0) && !self.exponentials.is_empty() {
            return Some(*self.tape.pick(&self.exponentials.clone()));
        }
        if full {
            return None;
        }
        let id = match self.tape.below(4) {
            0 => self.table(|i| i16::from(i == 0)),
            1 => self.table(|_| i16::MAX),
            2 => self.table(|i| 1 + (i as i16 & 0xff)),
            _ => self.table(|i| ((-(i as f64) / 1462.0).exp() * 32767.0).round() as i16),
        };
        self.exponentials.push(id);
        Some(id)
    }

    fn softmax(&mut self) {
        let Some(exp) = self.exponential() else {
            return;
        };
        let x = self.any();
        let (n, shape) = (self.last_axis(x), self.shape(x));
        let mul = *self.tape.pick(&[1 << 16, 1, 23_392, 1 << 10]);
        let mut stream = self.tape.stream();
        let mut mask: Vec<bool> = self.values(x).iter().map(|_| stream.below(3) > 0).collect();
        for row in mask.chunks_mut(n) {
            row[stream.below(n as u64) as usize] = true;
        }
        let allowed = (self.tape.below(3) > 0).then_some(mask);
        let kind = |out| OpKind::Softmax {
            x,
            allowed,
            mul,
            exp,
            out,
        };
        self.attempt(kind, Some(&shape));
    }

    /// Gains for which x·t·gain stays below 2^46, since x·t ≤ 2^(log2_k / 2); or larger ones.
    fn norm(&mut self) {
        let x = self.any();
        let (n, shape) = (self.last_axis(x), self.shape(x));
        let log2_k: u32 = *self.tape.pick(&[54, 40, 21, 0, 48]);
        let eps = *self.tape.pick(&[1, 7, 1 << 20, 1 << 33]);
        let excess = if self.tape.below(8) == 7 { 4 } else { 0 };
        let reach = 1i64 << (46 + excess - log2_k.div_ceil(2));
        let mut stream = self.tape.stream();
        let gain = (0..n).map(|_| stream.within(reach)).collect();
        let bias = (0..n).map(|_| stream.pick(&[0, 1 << 33, -(5 << 32), 1 << 31, -1]));
        let bias = bias.collect();
        let kind = |out| OpKind::RmsNorm {
            x,
            gain,
            bias,
            eps,
            log2_k,
            out,
        };
        self.attempt(kind, Some(&shape));
    }

    fn arg_max(&mut self) {
        let x = self.any();
        let rows = self.values(x).len() / self.last_axis(x);
        self.attempt(|out| OpKind::ArgMax { x, out }, Some(&[rows]));
    }

    /// A table that ends at the largest id, or a little beyond, or (refused) before it.
    fn gather(&mut self) {
        let ids = |values: &[i32]| values.len() <= 3 && values.iter().all(|v| (0..9).contains(v));
        let Some(ids) = self.choose(ids) else { return };
        let largest = *self.values(ids).iter().max().expect("no tensor is empty") as usize;
        let rows = (largest + self.tape.below(4)).max(1);
        let cols = *self.tape.pick(&[1, 2, 14, 15, 16, 31, 61]);
        let data = self.tape.stream().activations(rows * cols);
        let shape = [self.values(ids).len(), cols];
        let table = Matrix { rows, cols, data };
        self.attempt(|out| OpKind::Gather { ids, table, out }, Some(&shape));
    }

    /// Chooses outputs, and makes the second operand a hint where an op reads it.
    fn finish(mut self) -> Grown {
        let program = &mut self.grown.program;
        let last = program.ops.iter().rev().find_map(|op| op.kind.writes());
        let mut outputs: Vec<TensorId> = last.into_iter().collect();
        for _ in 0..2 {
            let id = TensorId(self.tape.below(program.tensors.len()) as u32);
            if !outputs.contains(&id) {
                outputs.push(id);
            }
        }
        program.outputs = outputs;
        let second = program.inputs[1];
        let read = program
            .ops
            .iter()
            .any(|op| op.kind.reads().contains(&second));
        if read && self.tape.below(2) == 1 {
            program.inputs.remove(1);
            program.hints.push(second);
        }
        program.validate().expect("every op was validated");
        self.grown
    }
}

/// An accumulator at an edge of a form: a result that is 0, ±1 or at an end of its range or, where that saturates, of what
/// can be proven; with the smallest or the largest remainder. Now and then one beyond.
fn edge(stream: &mut Stream, form: Form) -> i128 {
    let (low, high, reach, shift) = match form {
        Form::Narrow(bits) => {
            let half = 1i128 << (bits.bits() - 1);
            (-half, half - 1, MAX_EXCESS, NARROW_SHIFT)
        }
        Form::Wide => (i128::from(ACT_MIN), i128::from(ACT_MAX), 0, WIDE_SHIFT),
    };
    let result = match stream.below(60) {
        58 => high + reach + 1,
        59 => low - reach - 1,
        _ => stream.pick(&[0, 1, -1, high, low, high + reach, low - reach, high - 1]),
    };
    let rounding = 1i128 << (shift - 1);
    let rest = stream.pick(&[0, -rounding, rounding - 1, 1]);
    (result << shift) + rest
}
