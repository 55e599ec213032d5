//! Tasks (任务单) end to end: what a unit does, what the centre rules, and in which order a
//! request is looked at.

mod approval;
mod bulk;
mod checks;
mod draft;
mod exclusion;
mod hand;
mod returns;
mod rulings;
mod steps;
mod summary;
