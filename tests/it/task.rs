//! Tasks (任务单) end to end: what a unit does, what the centre rules, and in which order a
//! request is looked at.

mod bulk;
mod checks;
mod draft;
mod exclusion;
mod returns;
mod rulings;
mod steps;
mod summary;
