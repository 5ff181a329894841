//! The rewriting of a causal-logits program to the generation statement.
//!
//! With `u_t = [t ≥ p]` and `v_t = [t ≥ p + n]` as hints:
//!
//! | assertion | what it pins |
//! |---|---|
//! | `u_t(1 − u_t) = 0`, `v_t(1 − v_t) = 0` | indicators |
//! | `u_t(1 − u_{t+1}) = 0`, `v_t(1 − v_{t+1}) = 0` | monotone: a 1 is followed by 1 |
//! | `u_0 = 0` | p ≥ 1 |
//! | `v_t(1 − u_t) = 0` | n ≥ 0 |
//! | `Σu + p = T`, `Σ(u − v) = n` | p and n |
//! | `sequence·(1 − u) = prompt` | the prompt, 0 from p on |
//! | `answer = sequence·(u − v)` | the answer, 0 outside p ≤ t < p + n |
//! | `want_t·(want_t − 1 − argmax_t) = 0` | decoding, with `want_t = (u − v)_{t+1}·(sequence_{t+1} + 1)` |
//!
//! `want` is 0 where nothing is decided and token + 1 elsewhere, so that one tensor of length T is all that lives from
//! the embedding to the arg-max. Tokens lie in `0..vocab` because the model's own `Gather` reads them. Tokens from
//! p + n on are free; by `causal` they reach no logits that matter. All sums are exact: rescaling by 2^16 undoes the
//! coefficients 2^16, and no result leaves 16 bits once the assertions before it hold.

use halocast_ir::{
    ClampBits, Coefs, Form, Matrix, Op, OpKind, Program, Scale, Source, Task, Tensor, TensorId,
};

use super::{GenerateError, check_causal};

/// What the fixed shift of a narrow rescale divides by.
const ONE: i64 = 1 << 16;
/// What the names of the statement's ops begin with.
const PREFIX: &str = "generate/";
/// Longest sequence and largest vocabulary: `sequence + 1` and sums of indicators stay activations.
const MAX_SIZE: usize = (1 << 15) - 2;

/// Rewrites a program with one input, token ids `[T]` (or `[1, T]`), and one output, logits `[T, vocab]` (or
/// `[1, T, vocab]`), to [`Task::Generate`]. Inputs become `p`, `n`, `prompt`, hints `sequence`, `u`, `v`, the output
/// `answer`.
///
/// # Errors
/// [`GenerateError::Interface`] when inputs or outputs are others, [`GenerateError::EmbeddingRows`] when the embedding and
/// the logits are over different vocabularies, [`GenerateError::NotCausal`] when it cannot be shown that logits do not
/// depend on later tokens.
pub fn certify_generation(program: Program) -> Result<Program, GenerateError> {
    let model = Interface::of(&program)?;
    check_causal(&program, model.tokens, model.logits)?;
    let mut s = Statement {
        tensors: program.tensors,
        ops: Vec::new(),
        t: model.seq_len,
    };
    s.tensors[model.tokens.0 as usize].name = "sequence".into();
    let p = s.tensor("p", &[1]);
    let n = s.tensor("n", &[1]);
    let prompt = s.row("prompt");
    let (u, v) = (s.row("u"), s.row("v"));
    s.indicators(u, v);
    let live = s.counts(u, v, p, n);
    let (want, answer) = s.tokens(model.tokens, u, live, prompt);
    s.ops.extend(program.ops);
    let argmax = s.decoding(model.logits, want);
    let certified = Program {
        tensors: s.tensors,
        tables: program.tables,
        ops: s.ops,
        inputs: vec![p, n, prompt],
        hints: vec![model.tokens, u, v],
        outputs: vec![answer],
        task: Task::Generate {
            seq_len: model.seq_len,
            vocab: model.vocab,
            sequence: model.tokens,
            argmax,
        },
    };
    certified.validate()?;
    Ok(certified)
}

/// Checks that a program of [`Task::Generate`] is what [`certify_generation`] makes of a causal model: taken out of the
/// statement and put into it again, the model gives the same program. For programs that come from a file: a missing
/// assertion is seen by no run of the model.
///
/// # Errors
/// [`GenerateError::NotCertified`], or why the model inside cannot be certified.
pub fn check_generation(program: &Program) -> Result<(), GenerateError> {
    let model = model_inside(program).ok_or(GenerateError::NotCertified)?;
    match certify_generation(model)? == *program {
        true => Ok(()),
        false => Err(GenerateError::NotCertified),
    }
}

/// The model of a certified program: its ops are those that are not the statement's, its tensors those before `p`.
fn model_inside(program: &Program) -> Option<Program> {
    let Task::Generate {
        sequence, argmax, ..
    } = program.task
    else {
        return None;
    };
    let logits = program.ops.iter().find_map(|op| match op.kind {
        OpKind::ArgMax { x, out } if out == argmax => Some(x),
        _ => None,
    })?;
    let tensors = program.tensors.get(..program.inputs.first()?.0 as usize)?;
    let own = |op: &&Op| !op.name.starts_with(PREFIX);
    let model = Program {
        tensors: tensors.to_vec(),
        tables: program.tables.clone(),
        ops: program.ops.iter().filter(own).cloned().collect(),
        inputs: vec![sequence],
        hints: vec![],
        outputs: vec![logits],
        task: Task::Infer,
    };
    model.validate().ok().map(|()| model)
}

/// The tokens and logits of a language model.
struct Interface {
    tokens: TensorId,
    logits: TensorId,
    seq_len: usize,
    vocab: usize,
}

impl Interface {
    fn of(program: &Program) -> Result<Self, GenerateError> {
        let refuse = |what: String| Err(GenerateError::Interface { what });
        if program.task != Task::Infer || !program.hints.is_empty() {
            return refuse("the program already states a task".into());
        }
        let ([tokens], [logits]) = (&program.inputs[..], &program.outputs[..]) else {
            let (i, o) = (program.inputs.len(), program.outputs.len());
            return refuse(format!("{i} inputs and {o} outputs, expected one of each"));
        };
        let seq_len = match program.tensor(*tokens).shape[..] {
            [t] | [1, t] => t,
            ref other => return refuse(format!("input shape {other:?}, expected [1, T]")),
        };
        let vocab = match program.tensor(*logits).shape[..] {
            [t, v] | [1, t, v] if t == seq_len => v,
            ref other => {
                return refuse(format!(
                    "output shape {other:?}, expected [1, {seq_len}, vocab]"
                ));
            }
        };
        if seq_len == 0 || vocab == 0 || seq_len > MAX_SIZE || vocab > MAX_SIZE {
            return refuse(format!(
                "{seq_len} positions and {vocab} tokens, at most {MAX_SIZE} of each"
            ));
        }
        let Some(rows) = embedding_rows(program, *tokens) else {
            return refuse("no embedding reads every token".into());
        };
        if rows != vocab {
            return Err(GenerateError::EmbeddingRows { rows, vocab });
        }
        Ok(Interface {
            tokens: *tokens,
            logits: *logits,
            seq_len,
            vocab,
        })
    }
}

/// Rows of the embedding that reads all tokens, which bounds them.
fn embedding_rows(program: &Program, tokens: TensorId) -> Option<usize> {
    let rows = |op: &Op| match &op.kind {
        OpKind::Gather { ids, table, .. } if *ids == tokens => Some(table.rows),
        _ => None,
    };
    program.ops.iter().filter_map(rows).min()
}

/// The statement's own tensors and ops.
struct Statement {
    tensors: Vec<Tensor>,
    ops: Vec<Op>,
    t: usize,
}

impl Statement {
    fn tensor(&mut self, name: &str, shape: &[usize]) -> TensorId {
        self.tensors.push(Tensor {
            name: name.into(),
            shape: shape.to_vec(),
            scale: Scale(0),
        });
        TensorId(self.tensors.len() as u32 - 1)
    }

    fn row(&mut self, name: &str) -> TensorId {
        self.tensor(name, &[self.t])
    }

    fn op(&mut self, name: &str, kind: OpKind) {
        let name = format!("{PREFIX}{name}");
        self.ops.push(Op { name, kind });
    }

    /// Asserts `ab·a·b + ca·a + cb·b + one = 0` everywhere.
    fn assert(&mut self, name: &str, a: TensorId, b: Option<TensorId>, coefs: [i64; 4]) {
        let [ab, ca, cb, one] = coefs;
        let coefs = Coefs::uniform(ab, ca, cb, one);
        self.op(name, OpKind::AssertZero { a, b, coefs });
    }

    /// `ab·a·b + ca·a + cb·b + one`, exactly.
    fn compute(&mut self, name: &str, a: TensorId, b: TensorId, coefs: [i64; 4]) -> TensorId {
        let out = self.row(name);
        let [ab, ca, cb, one] = coefs.map(|c| c * ONE);
        self.op(
            name,
            OpKind::Elementwise {
                a,
                b: Some(b),
                coefs: Coefs::uniform(ab, ca, cb, one),
                form: Form::Narrow(ClampBits::Act),
                out,
            },
        );
        out
    }

    /// Element t is element t + 1; the last is a constant.
    fn next(&mut self, name: &str, x: TensorId, last: i16) -> TensorId {
        let out = self.row(name);
        let shifted = (1..self.t as u32).map(|index| Source::Cell { tensor: 0, index });
        let map = shifted.chain([Source::Const(last)]).collect();
        let sources = vec![x];
        self.op(name, OpKind::Rearrange { sources, map, out });
        out
    }

    /// The sum of a row.
    fn sum(&mut self, name: &str, x: TensorId) -> TensorId {
        let out = self.tensor(name, &[1]);
        let w = Matrix {
            rows: self.t,
            cols: 1,
            data: vec![1; self.t],
        };
        self.op(
            name,
            OpKind::Linear {
                x,
                w,
                bias: None,
                mul: ONE,
                bits: ClampBits::Act,
                out,
            },
        );
        out
    }

    /// u and v are 0…01…1, u starts with 0, v ≤ u.
    fn indicators(&mut self, u: TensorId, v: TensorId) {
        self.assert("u is 0 or 1", u, Some(u), [1, -1, 0, 0]);
        self.assert("v is 0 or 1", v, Some(v), [1, -1, 0, 0]);
        let (next_u, next_v) = (self.next("u'", u, 1), self.next("v'", v, 1));
        self.assert("u does not fall", u, Some(next_u), [-1, 1, 0, 0]);
        self.assert("v does not fall", v, Some(next_v), [-1, 1, 0, 0]);
        let mut first = vec![0; self.t];
        first[0] = 1;
        let coefs = Coefs {
            a: first,
            ..Coefs::uniform(0, 0, 0, 0)
        };
        self.op(
            "u starts with 0",
            OpKind::AssertZero {
                a: u,
                b: None,
                coefs,
            },
        );
        self.assert("v is below u", v, Some(u), [-1, 1, 0, 0]);
    }

    /// Ties p and n to u and v; returns `u − v`.
    fn counts(&mut self, u: TensorId, v: TensorId, p: TensorId, n: TensorId) -> TensorId {
        let t = self.t as i64;
        let from_p = self.sum("count of u", u);
        self.assert("p", from_p, Some(p), [0, 1, 1, -t]);
        let live = self.compute("u - v", u, v, [0, 1, -1, 0]);
        let answered = self.sum("count of u - v", live);
        self.assert("n", answered, Some(n), [0, 1, -1, 0]);
        live
    }

    /// Ties prompt and answer to the sequence; returns `want` and `answer`.
    fn tokens(
        &mut self,
        sequence: TensorId,
        u: TensorId,
        live: TensorId,
        prompt: TensorId,
    ) -> (TensorId, TensorId) {
        let given = self.compute("sequence before p", sequence, u, [-1, 1, 0, 0]);
        self.assert("prompt", given, Some(prompt), [0, 1, -1, 0]);
        let answer = self.compute("answer", sequence, live, [1, 0, 0, 0]);
        let next_live = self.next("(u - v)'", live, 0);
        let next_token = self.next("sequence'", sequence, 0);
        let want = self.compute("want", next_token, next_live, [1, 0, 1, 0]);
        (want, answer)
    }

    /// The arg-max of every position, which is the wanted token where one is wanted.
    fn decoding(&mut self, logits: TensorId, want: TensorId) -> TensorId {
        let argmax = self.row("argmax");
        let x = logits;
        self.op("argmax", OpKind::ArgMax { x, out: argmax });
        let miss = self.compute("want - 1 - argmax", want, argmax, [0, 1, -1, -1]);
        self.assert("greedy", want, Some(miss), [1, 0, 0, 0]);
        argmax
    }
}
