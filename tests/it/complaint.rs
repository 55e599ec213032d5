//! Complaints (诉求) end to end: their life, who may see what, how they come in, how they are found.

mod audience;
mod centre;
mod clock;
mod intake;
mod life;
mod list;
mod merging;
mod poll;
mod sheet;
