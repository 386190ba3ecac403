//! The descriptions of handlers, from the types of their arguments and of what they return.

use std::sync::Arc;

use axum::extract::State;

use super::operation::Operation;
use super::schemas::Schemas;
use crate::http::problem::Problem;

/// A part of a request that a handler extracts.
pub(crate) trait Describe {
    /// Adds what it reads, and the problems with which it refuses a request.
    fn describe(operation: &mut Operation, schemas: &mut Schemas);
}

/// A successful response.
pub(crate) trait DescribeAnswer {
    /// Adds its media types with their schemas.
    fn describe_answer(operation: &mut Operation, schemas: &mut Schemas);
}

/// A handler whose arguments and response are described, for the types of its arguments.
pub(crate) trait DescribedHandler<Arguments> {
    /// Adds the descriptions of all of them.
    fn describe_all(operation: &mut Operation, schemas: &mut Schemas);
}

impl<T> Describe for State<Arc<T>> {
    fn describe(_: &mut Operation, _: &mut Schemas) {}
}

impl<R: DescribeAnswer> DescribeAnswer for Result<R, Problem> {
    fn describe_answer(operation: &mut Operation, schemas: &mut Schemas) {
        R::describe_answer(operation, schemas);
    }
}

macro_rules! described_handlers {
    ($(($($argument:ident)*))+) => {$(
        impl<F, Fut, R, $($argument),*> DescribedHandler<($($argument,)*)> for F
        where
            F: Fn($($argument),*) -> Fut,
            Fut: Future<Output = R>,
            R: DescribeAnswer,
            $($argument: Describe,)*
        {
            fn describe_all(operation: &mut Operation, schemas: &mut Schemas) {
                $($argument::describe(operation, schemas);)*
                R::describe_answer(operation, schemas);
            }
        }
    )+};
}

described_handlers! {
    ()
    (A)
    (A B)
    (A B C)
    (A B C D)
    (A B C D E)
    (A B C D E G)
}
