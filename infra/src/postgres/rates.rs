//! The three rates: counted from tasks and evaluations when they are [`read`], stored nowhere yet.

pub mod read;
