//! What went wrong, said so that the person at the terminal knows the next step.

use std::error::Error;

/// The result of every step; the error is ready to be shown.
pub type Result<T = ()> = std::result::Result<T, Failure>;

/// Why a command ends without success.
#[derive(Debug)]
pub enum Failure {
    /// A sentence for the person, with the way on.
    Told(String),
    /// A tool that has already explained itself ended with this exit code.
    Exit(u8),
}

impl Failure {
    /// A failure that is explained by `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self::Told(message.into())
    }
}

impl<E: Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Told(with_causes(&error))
    }
}

/// Adds what was being done to an error that does not know it.
pub trait Context<T> {
    /// Prefixes the error with `what()`, a phrase such as “写入 /path”.
    fn context(self, what: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: Error> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::new(format!("{}：{}", what(), with_causes(&error))))
    }
}

fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push('：');
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
