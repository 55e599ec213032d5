//! The rules of tasks: every state × every step, and each rule at its edges.

mod clocks;
mod inside;
mod recompute;
mod replies;
mod returns;
mod steps;
mod summary;
mod unit;
