//! How much of a contract is straight-line code: as much as a chain takes, first the numerator, which gains most by the byte, then the loops.

use crate::{
    CODE_SIZE_LIMIT, GenerateError,
    code::size::code_size,
    dag::{Dag, Id},
    layout::Layout,
    program::{LANES, Program},
    render::Sources,
    shape::Shape,
};

/// One choice, with all that follows from it.
pub(crate) struct Plan {
    program: Program,
    layout: Layout,
    straight: bool,
}

impl Plan {
    /// What is not straight-line code: instructions, then whether there are loops. Compares plans of one circuit.
    pub(crate) fn slowness(&self) -> (usize, bool) {
        (self.program.instructions.len(), !self.straight)
    }

    pub(crate) fn sources<'a>(&'a self, shape: &'a Shape) -> Sources<'a> {
        Sources {
            shape,
            program: &self.program,
            layout: &self.layout,
            straight: self.straight,
        }
    }
}

/// All choices for one key.
pub(crate) struct Plans<'a> {
    shape: &'a Shape,
    dag: Dag,
    root: Id,
    /// Instructions of the numerator.
    pub(crate) length: usize,
}

impl<'a> Plans<'a> {
    pub(crate) fn new(shape: &'a Shape) -> Self {
        let (dag, root) = Dag::of(&shape.numerator);
        Self {
            shape,
            length: Program::length(&dag, root),
            dag,
            root,
        }
    }

    /// The fastest plan whose source fits; the smallest one if none does (the compiler's word counts, see `check_code_size`).
    pub(crate) fn largest(
        &self,
        render: impl Fn(&Sources) -> Result<String, GenerateError>,
    ) -> Result<Plan, GenerateError> {
        let fits = |plan: &Plan| -> Result<bool, GenerateError> {
            let source = render(&plan.sources(self.shape))?;
            Ok(code_size(&source) <= CODE_SIZE_LIMIT)
        };
        let whole = self.plan(self.length, true)?;
        if fits(&whole)? {
            return Ok(whole);
        }
        let (mut low, mut high) = (0, self.length.div_ceil(LANES) + 1);
        while low + 1 < high {
            let middle = low.midpoint(high);
            if fits(&self.plan(middle * LANES, false)?)? {
                low = middle;
            } else {
                high = middle;
            }
        }
        self.plan(low * LANES, false)
    }

    fn plan(&self, statements: usize, straight: bool) -> Result<Plan, GenerateError> {
        let program = Program::compile(&self.dag, self.root, statements);
        let layout = Layout::new(self.shape, &program)?;
        Ok(Plan {
            program,
            layout,
            straight,
        })
    }
}
