//! `cargo xtask soak`: the experiments of reliability against the real server and worker, on a
//! PostgreSQL and a Redis of their own. Each is seeded, and a long one goes on where it was stopped.

mod complaints;
mod deadlines;
mod dice;
mod drops;
mod figures;
mod ground;
mod histories;
mod holds;
mod keys;
mod kills;
mod messages;
mod points;
mod postgres;
mod progress;
mod redemptions;
mod redis;
mod restore;
mod wechat;

use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::time::Instant;

use serde_json::json;

use crate::app::{self, App};
use crate::console::say;
use crate::failure::{Context, Failure, Result};
use crate::services::{Durability, Services, ports};
use figures::Figures;
use ground::Ground;
use progress::Progress;
use wechat::WeChat;

/// The options of `cargo xtask soak`.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// 实验名；all 为全部
    #[arg(default_value = ALL)]
    name: String,
    /// 测试里的小规模
    #[arg(long)]
    short: bool,
    /// 随机数种子；同一种子做同样的事
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// 轮数；不写按表
    #[arg(long)]
    rounds: Option<usize>,
    /// 每轮的件数；不写按表
    #[arg(long)]
    each: Option<usize>,
    /// 结果写到这个 JSON；旁边的 .state 记着做完的轮，中断后接着做
    #[arg(long)]
    out: Option<PathBuf>,
    /// 不编译，用这个程序
    #[arg(long)]
    program: Option<PathBuf>,
}

const ALL: &str = "all";
const RESTORE: &str = "restore";

/// The options of `cargo xtask drill`.
#[derive(Debug, clap::Args)]
pub struct Drill {
    /// 每一段写入多少毫秒：备份前、备份后、时刻之后
    #[arg(long)]
    each: Option<usize>,
    /// 不编译，用这个程序
    #[arg(long)]
    program: Option<PathBuf>,
}

/// A restore drill alone.
///
/// # Errors
/// As of [`soak`].
pub async fn drill(root: &Path, given: &Drill) -> Result {
    let options = Options {
        name: RESTORE.to_owned(),
        short: true,
        seed: 1,
        rounds: None,
        each: given.each,
        out: None,
        program: given.program.clone(),
    };
    soak(root, &options).await
}

/// How much of an experiment: so many rounds of `each`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Size {
    rounds: usize,
    each: usize,
}

const fn size(rounds: usize, each: usize) -> Size {
    Size { rounds, each }
}

/// One round; an error says what does not hold.
type Round =
    for<'c> fn(&'c mut Ground<'_>, usize) -> Pin<Box<dyn Future<Output = Result<Figures>> + 'c>>;

/// An experiment.
struct Experiment {
    name: &'static str,
    about: &'static str,
    short: Size,
    soak: Size,
    round: Round,
}

/// All of them; the sizes are those of docs/RELIABILITY.md.
const EXPERIMENTS: [Experiment; 12] = [
    Experiment {
        name: "redemptions",
        about: "库存 100 的兑换，夹着取消",
        short: size(10, 500),
        soak: size(200, 500),
        round: |ground, each| Box::pin(redemptions::round(ground, each)),
    },
    Experiment {
        name: "keys",
        about: "同一个幂等键并发",
        short: size(100, 20),
        soak: size(1_000, 100),
        round: |ground, each| Box::pin(keys::round(ground, each)),
    },
    Experiment {
        name: "holds",
        about: "核销、取消、过期争抢",
        short: size(4, 50),
        soak: size(200, 50),
        round: |ground, each| Box::pin(holds::round(ground, each)),
    },
    Experiment {
        name: "histories",
        about: "随机步骤与简单模型比较",
        short: size(50, 12),
        soak: size(1_000, 20),
        round: |ground, each| Box::pin(histories::round(ground, each)),
    },
    Experiment {
        name: "kills",
        about: "负载中 kill -9 服务或 worker",
        short: size(10, 1),
        soak: size(1_000, 1),
        round: |ground, each| Box::pin(kills::round(ground, each)),
    },
    Experiment {
        name: "points",
        about: "在三个指定时刻 kill -9",
        short: size(3, 1),
        soak: size(100, 1),
        round: |ground, each| Box::pin(points::round(ground, each)),
    },
    Experiment {
        name: "messages",
        about: "发往微信途中 kill -9 worker",
        short: size(3, 1),
        soak: size(100, 1),
        round: |ground, each| Box::pin(messages::round(ground, each)),
    },
    Experiment {
        name: "drops",
        about: "客户端中途断开",
        short: size(5, 100),
        soak: size(100, 100),
        round: |ground, each| Box::pin(drops::round(ground, each)),
    },
    Experiment {
        name: "postgres",
        about: "负载中 PostgreSQL 立即停机",
        short: size(1, 1),
        soak: size(100, 1),
        round: |ground, each| Box::pin(postgres::round(ground, each)),
    },
    Experiment {
        name: "redis",
        about: "Redis 清空、裁剪、丢组、停顿、内存满",
        short: size(1, 20),
        soak: size(50, 20),
        round: |ground, each| Box::pin(redis::round(ground, each)),
    },
    Experiment {
        name: "deadlines",
        about: "同时到期的时限，途中 kill -9 worker",
        short: size(1, 500),
        soak: size(1, 10_000),
        round: |ground, each| Box::pin(deadlines::round(ground, each)),
    },
    // The last one: the product works on what was restored afterwards, until it is stopped.
    Experiment {
        name: RESTORE,
        about: "负载中备份，误删之后恢复到指定时刻",
        short: size(1, 1_000),
        soak: size(1, 20_000),
        round: |ground, each| Box::pin(restore::round(ground, each)),
    },
];

/// Leases as short as in a campaign, so that a dead worker's jobs are soon taken over; everybody
/// logs in from one address.
const SETTINGS: [(&str, &str); 5] = [
    ("ZHIXIANG__WORKER__LEASE_SECONDS", "1"),
    ("ZHIXIANG__LIMITS__LOGIN_PER_MINUTE", "100000"),
    ("ZHIXIANG__TELEMETRY__LOG_FILTER", "warn"),
    // No hour is quiet: messages go out whenever this runs.
    ("ZHIXIANG__QUIET__FROM", "0"),
    ("ZHIXIANG__QUIET__UNTIL", "0"),
];
/// Where files lie.
const FILES: &str = "ZHIXIANG__FILES__DIRECTORY";
/// Where WeChat is.
const WECHAT: &str = "ZHIXIANG__WECHAT__BASE_URL";

/// Runs what the options name.
///
/// # Errors
/// Something does not hold: the experiment, the round, the seed and what.
pub async fn soak(root: &Path, options: &Options) -> Result {
    let chosen = chosen(&options.name)?;
    let services = Services::scratch(root, "soak", Durability::Full).await?;
    let program = match &options.program {
        Some(program) => program.canonicalize().context(|| program.display().to_string())?,
        None => app::build(root, false).await?,
    };
    let wechat = WeChat::start().await?;
    let files = services.postgres().map(|server| server.beside(restore::FILES));
    let files = files.unwrap_or_default().display().to_string();
    let own = [(WECHAT, &*wechat.base_url), (FILES, &*files)];
    let settings: Vec<_> = SETTINGS.into_iter().chain(own).collect();
    let app = App::new(&program, &services, ports::free()?).with(&settings);
    app.migrate().await?;
    app.seed().await?;
    let mut running = app.start().await?;
    let mut ground = Ground::new(&app, &mut running, (&services, &wechat), !options.short)?;
    ground.enrich()?;
    let out = out(root, options);
    let mut progress = Progress::open(&out, options.seed, options.short);
    let mut reports = Vec::new();
    for experiment in chosen {
        let size = experiment.size(options);
        reports.push(experiment.run(&mut ground, &mut progress, options.seed, size).await?);
    }
    progress.finish(&json!({ "seed": options.seed, "experiments": reports }))?;
    say(format!("数字写在 {}", out.display()));
    Ok(())
}

/// The experiments in the size that belongs into the tests.
///
/// # Errors
/// As of [`soak`].
pub async fn short(root: &Path) -> Result {
    let options = Options {
        name: ALL.to_owned(),
        short: true,
        seed: 1,
        rounds: None,
        each: None,
        out: None,
        program: None,
    };
    soak(root, &options).await
}

fn chosen(name: &str) -> Result<Vec<&'static Experiment>> {
    let found: Vec<_> = EXPERIMENTS.iter().filter(|one| name == ALL || one.name == name).collect();
    if found.is_empty() {
        let names: Vec<&str> = EXPERIMENTS.iter().map(|one| one.name).collect();
        return Err(Failure::new(format!("没有实验 {name}；有 all、{}", names.join("、"))));
    }
    Ok(found)
}

fn out(root: &Path, options: &Options) -> PathBuf {
    let length = if options.short { "-short" } else { "" };
    let own = || root.join("target/soak").join(format!("{}{length}.json", options.name));
    options.out.clone().unwrap_or_else(own)
}

impl Experiment {
    fn size(&self, options: &Options) -> Size {
        let size = if options.short { self.short } else { self.soak };
        Size {
            rounds: options.rounds.unwrap_or(size.rounds),
            each: options.each.unwrap_or(size.each),
        }
    }

    async fn run(
        &self,
        ground: &mut Ground<'_>,
        progress: &mut Progress,
        seed: u64,
        Size { rounds, each }: Size,
    ) -> Result<serde_json::Value> {
        let since = Instant::now();
        let done = progress.done(self.name, each).min(rounds);
        if done > 0 {
            say(format!("{}：已做完 {done} 轮，接着做", self.name));
        }
        for n in done..rounds {
            ground.begin(self.name, seed, n);
            let figures = (self.round)(ground, each).await.map_err(|failure| match failure {
                Failure::Told(told) => {
                    Failure::new(format!("{} 第 {n} 轮（种子 {seed}）：{told}", self.name))
                }
                exit @ Failure::Exit(_) => exit,
            })?;
            progress.note(self.name, each, figures)?;
        }
        let figures = progress.figures(self.name, rounds);
        let seconds = since.elapsed().as_secs_f64();
        say(format!("{:<12}{seconds:>5.1} 秒  {}：{figures}", self.name, self.about));
        Ok(json!({
            "name": self.name, "rounds": rounds, "each": each, "figures": figures,
            "seconds_of_this_run": seconds,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_experiment_is_found_by_its_name() {
        assert_eq!(chosen(ALL).unwrap().len(), EXPERIMENTS.len());
        for experiment in &EXPERIMENTS {
            let found = chosen(experiment.name).unwrap();
            assert_eq!(found.len(), 1, "{} is unique", experiment.name);
        }
        let Err(Failure::Told(told)) = chosen("nothing") else { panic!("there is none") };
        assert!(told.contains("redemptions"), "{told}");
    }

    #[test]
    fn a_soak_is_at_least_as_large() {
        for Experiment { name, short, soak, .. } in EXPERIMENTS {
            assert!(soak.rounds * soak.each >= short.rounds * short.each, "{name}");
        }
    }
}
