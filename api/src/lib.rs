//! The interface, the use cases and the jobs of 智享平城, and what starts them.

pub mod app;
pub mod calendars;
pub mod clock;
pub mod config;
pub mod error;
pub mod http;
pub mod jobs;
pub mod paper;
pub mod server;
pub mod sheet;
pub mod state;
pub mod streams;
pub mod telemetry;
pub mod token;
