//! Why a chip cannot be laid out or filled.

use thiserror::Error;

/// What is wrong with a shape or with the points and scalars of a job.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum EccError {
    /// The shape has no jobs.
    #[error("no multiplications: the shape must name at least one")]
    NoJobs,
    /// A job has no points.
    #[error("job {job} has no points")]
    EmptyJob {
        /// Number of the job.
        job: usize,
    },
    /// The range table does not fit.
    #[error("k = {k}, but the 17-bit range table needs k >= {smallest}")]
    Domain {
        /// The domain asked for.
        k: u32,
        /// The smallest that can be.
        smallest: u32,
    },
    /// The jobs do not fit, in this domain or in any.
    #[error("the jobs need {needed} rows, k = {k} has {available}")]
    Rows {
        /// The domain asked for.
        k: u32,
        /// Rows of all blocks.
        needed: usize,
        /// Rows that blocks can have.
        available: usize,
    },
    /// Inputs for another list of jobs.
    #[error("inputs for {got} jobs, the shape has {expected}")]
    JobCount {
        /// Jobs given.
        got: usize,
        /// Jobs of the shape.
        expected: usize,
    },
    /// Inputs for a job of another size.
    #[error("job {job}: {got} points, the shape has {expected}")]
    JobSize {
        /// Number of the job.
        job: usize,
        /// Points given.
        got: usize,
        /// Points of the shape.
        expected: usize,
    },
    /// The chip has no form for the point at infinity.
    #[error("job {job}, point {point}: the point at infinity cannot be multiplied here")]
    Identity {
        /// Number of the job.
        job: usize,
        /// Number of the point.
        point: usize,
    },
    /// A point that is none.
    #[error("job {job}, point {point}: not on the curve")]
    NotOnCurve {
        /// Number of the job.
        job: usize,
        /// Number of the point.
        point: usize,
    },
    /// The sum is the point at infinity.
    #[error("job {job}: the result is the point at infinity")]
    ResultIsIdentity {
        /// Number of the job.
        job: usize,
    },
    /// Two points with one abscissa meet in an addition. Happens by intent only: points made from the offset point.
    #[error("job {job}: an addition meets two points with the same x (block {block})")]
    Exceptional {
        /// Number of the job.
        job: usize,
        /// Block of the addition.
        block: usize,
    },
}
