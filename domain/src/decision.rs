//! What a rule answers when it agrees.

/// The new state of an aggregate and what happened to it, to be saved together.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision<S> {
    /// The aggregate as it stands after the command.
    pub state: S,
    /// What happened, in order.
    pub events: Vec<crate::event::NewEvent>,
}

impl<S> Decision<S> {
    /// A decision with one event.
    pub fn one(state: S, event: crate::event::NewEvent) -> Self {
        Self { state, events: vec![event] }
    }
}
