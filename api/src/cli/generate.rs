//! `zhixiang generate`: a history to try the system on.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use api::{
    app::generate::{self, Order, Progress},
    state::State,
};
use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::Failure;

#[derive(Debug, Args)]
pub struct Given {
    /// 诉求件数，至今两年内
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=900_000))]
    complaints: u64,
    /// 种子：相同的种子生成相同的历史
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// Runs it.
pub async fn run(state: &State, given: &Given) -> Result<(), Failure> {
    let order = Order { complaints: given.complaints, seed: given.seed };
    let since = Instant::now();
    let report = generate::run(state, order, progress(given.complaints)).await?;
    println!("{report}，用时 {} 秒", since.elapsed().as_secs());
    Ok(())
}

/// A bar for a person, a line for each tenth in a log.
fn progress(all: u64) -> Progress {
    if !std::io::stderr().is_terminal() {
        let told = AtomicU64::new(0);
        return Arc::new(move |done, all| {
            let tenth = done.saturating_mul(10).checked_div(all).unwrap_or_default();
            if told.swap(tenth, Ordering::Relaxed) != tenth {
                eprintln!("已写入 {done}/{all} 件（全部写完后一起生效）");
            }
        });
    }
    let style = ProgressStyle::with_template("{bar:40} {pos}/{len} 件  {per_sec}  剩余 {eta}");
    let bar =
        ProgressBar::new(all).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    Arc::new(move |done, all| {
        bar.set_position(done);
        if done == all {
            bar.finish_and_clear();
        }
    })
}
