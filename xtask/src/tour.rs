//! The tour: a short story that is told over HTTP against a running server, one line a step.
//!
//! A new part of the story is a chapter: a file in `tour/` and a line in [`CHAPTERS`].

mod around;
mod branch;
mod complaint;
mod guide;
mod ledger;
mod points;
mod rates;
mod service;
mod whistle;

use std::pin::Pin;
use std::time::Instant;

use crate::console::say;
use crate::failure::Result;
use guide::Guide;

/// A part of the story.
type Chapter = for<'g> fn(&'g mut Guide) -> Pin<Box<dyn Future<Output = Result> + 'g>>;

/// The whole story, in its order.
const CHAPTERS: &[(&str, Chapter)] = &[
    ("一件诉求：路灯不亮", |guide| Box::pin(complaint::play(guide))),
    ("一次吹哨：夜市占道", |guide| Box::pin(whistle::play(guide))),
    ("路灯的回访：返工一次才算解决", |guide| Box::pin(complaint::conclude(guide))),
    ("一名党员：报到与服务", |guide| Box::pin(service::play(guide))),
    ("积分兑换：一份午餐", |guide| Box::pin(points::play(guide))),
    ("党支部：名册与积分管理手册", |guide| Box::pin(branch::play(guide))),
    ("公告、办事指南、意见", |guide| Box::pin(around::play(guide))),
    ("本月三率", |guide| Box::pin(rates::play(guide))),
    ("积分对账", |guide| Box::pin(ledger::play(guide))),
];

/// Plays the story against the server at `base_url`.
///
/// # Errors
/// The first step whose answer differs, with what was expected and what came.
pub async fn play(base_url: &str) -> Result {
    let mut guide = Guide::new(base_url)?;
    let since = Instant::now();
    for (title, chapter) in CHAPTERS {
        say(format!("\n◆ {title}"));
        chapter(&mut guide).await?;
    }
    let seconds = since.elapsed().as_secs_f64();
    say(format!("\n演示完毕：{} 步，{seconds:.1} 秒，全部如期", guide.steps()));
    Ok(())
}
