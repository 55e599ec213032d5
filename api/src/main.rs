//! `zhixiang`: one binary for the server, the worker and whoever runs them.

use std::process::ExitCode;

use clap::Parser;

mod cli;

#[tokio::main]
async fn main() -> ExitCode {
    match cli::run(cli::Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("zhixiang：{failure}");
            ExitCode::FAILURE
        }
    }
}
