//! The three rates: counted from tasks and evaluations when they are [`read`]; a month that is
//! frozen is kept by [`super::bulletin`].

pub mod read;
