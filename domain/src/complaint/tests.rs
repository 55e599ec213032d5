//! The rules of complaints: every state × every step, each rule at its edges, and random lives.

mod centre;
mod clocks;
mod exclusion;
mod reporter;
mod sequences;
mod steps;
