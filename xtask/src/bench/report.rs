//! The figures as a table for people and as JSON for machines.

use std::time::Duration;

use serde_json::{Value, json};

use super::cases::Case;
use super::load::Outcome;

/// What the server may need under load, in MB.
const MEMORY_AIM: f64 = 100.0;
/// Pieces of a hot offer sold in a second.
const SOLD_AIM: f64 = 500.0;
/// From start to ready on a migrated database, in seconds.
const READY_AIM: f64 = 1.0;

/// What one use case came to.
#[derive(Debug)]
pub struct Figures {
    /// Which.
    pub case: Case,
    /// Over HTTP.
    pub http: Outcome,
    /// The server's CPU time, the warm-up's included.
    pub cpu: Duration,
    /// pgbench's transactions per second with the same statements.
    pub limit: f64,
}

/// What a whole run came to.
#[derive(Debug)]
pub struct Report {
    /// By use case.
    pub figures: Vec<Figures>,
    /// From start to ready.
    pub ready: Duration,
    /// The server's highest memory, in kilobytes.
    pub peak: u32,
    /// The worker's.
    pub worker_peak: u32,
    /// Jobs per second of the worker alone.
    pub jobs: f64,
    /// How many were open.
    pub connections: usize,
    /// How long each was counted.
    pub lasts: Duration,
}

impl Figures {
    fn per_second(&self) -> f64 {
        float(self.http.latencies.len()) / self.http.lasted.as_secs_f64()
    }

    fn ratio(&self) -> f64 {
        self.per_second() / self.limit.max(1.0)
    }

    fn aim(&self) -> f64 {
        f64::from(self.case.aim()) / 100.0
    }

    fn milliseconds(&self, quantile: f64) -> f64 {
        float(self.http.latencies.value_at_quantile(quantile)) / 1000.0
    }

    fn cpu_milliseconds(&self) -> f64 {
        self.cpu.as_secs_f64() * 1000.0 / float(self.http.sent.max(1))
    }

    fn row(&self) -> String {
        format!(
            "| {} | {:.0} | {:.1} | {:.1} | {} | {:.2} | {:.0} | {:.2} | {:.2} {} |",
            self.case.name(),
            self.per_second(),
            self.milliseconds(0.5),
            self.milliseconds(0.99),
            self.http.errors,
            self.cpu_milliseconds(),
            self.limit,
            self.ratio(),
            self.aim(),
            mark(self.ratio() >= self.aim()),
        )
    }

    fn json(&self) -> Value {
        json!({
            "case": self.case.code(),
            "requests_per_second": self.per_second(),
            "p50_ms": self.milliseconds(0.5),
            "p99_ms": self.milliseconds(0.99),
            "errors": self.http.errors,
            "first_error": self.http.first_error,
            "server_cpu_ms_per_request": self.cpu_milliseconds(),
            "pgbench_tps": self.limit,
            "ratio": self.ratio(),
            "aim": self.aim(),
        })
    }
}

impl Report {
    /// As Markdown, to be read in the terminal and kept in `docs/BENCHMARKS.md`.
    pub fn table(&self) -> String {
        let head = "\n| 用例 | 请求/秒 | p50 ms | p99 ms | 错误 | CPU ms/请求 | pgbench 事务/秒 | 比值 | 目标 |\n\
                    |---|--:|--:|--:|--:|--:|--:|--:|--:|\n";
        let rows: Vec<String> = self.figures.iter().map(Figures::row).collect();
        let (peak, ready) = (megabytes(self.peak), self.ready.as_secs_f64());
        let mut table = format!(
            "{head}{}\n\n\
             - {} 个连接，每项 {} 秒（另有预热）；测量时 worker 暂停\n\
             - 服务内存峰值 {peak:.0} MB（目标 ≤ {MEMORY_AIM:.0} {}），worker {:.0} MB\n\
             - 启动到就绪 {ready:.2} 秒（目标 ≤ {READY_AIM:.0} {}）\n\
             - worker 单独清理积压：每秒 {:.0} 个作业\n",
            rows.join("\n"),
            self.connections,
            self.lasts.as_secs(),
            mark(peak <= MEMORY_AIM),
            megabytes(self.worker_peak),
            mark(ready <= READY_AIM),
            self.jobs,
        );
        if let Some(redeem) = self.figures.iter().find(|figures| figures.case == Case::Redeem) {
            let sold = redeem.per_second();
            let mark = mark(sold >= SOLD_AIM);
            table += &format!("- 热门优惠每秒售出 {sold:.0} 份（目标 ≥ {SOLD_AIM:.0} {mark}）\n");
        }
        for figures in &self.figures {
            if let Some(error) = &figures.http.first_error {
                table += &format!("- {} 的第一个错误：{error}\n", figures.case.name());
            }
        }
        table
    }

    /// As JSON.
    pub fn json(&self) -> Value {
        json!({
            "connections": self.connections,
            "seconds": self.lasts.as_secs(),
            "cases": self.figures.iter().map(Figures::json).collect::<Vec<_>>(),
            "server_peak_mb": megabytes(self.peak),
            "worker_peak_mb": megabytes(self.worker_peak),
            "start_to_ready_seconds": self.ready.as_secs_f64(),
            "worker_jobs_per_second": self.jobs,
        })
    }
}

fn mark(reached: bool) -> &'static str {
    if reached { "✓" } else { "✗" }
}

fn megabytes(kilobytes: u32) -> f64 {
    f64::from(kilobytes) / 1024.0
}

/// Counts here stay far below 2³².
fn float(count: u64) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use hdrhistogram::Histogram;

    use super::*;

    fn figures(limit: f64) -> Figures {
        let mut latencies = Histogram::new(3).unwrap();
        for micros in 1..=1000 {
            latencies.record(micros * 10).unwrap();
        }
        let lasted = Duration::from_secs(2);
        let http = Outcome { latencies, errors: 0, first_error: None, sent: 1000, lasted };
        Figures { case: Case::Submit, http, cpu: Duration::from_millis(500), limit }
    }

    #[test]
    fn a_row_says_how_far_the_aim_is() {
        let row = figures(1000.0).row();
        assert!(row.contains("| 500 | 5.0 | 9.9 | 0 | 0.50 | 1000 | 0.50 | 0.60 ✗ |"), "{row}");
        assert!(figures(800.0).row().contains("| 0.62 | 0.60 ✓ |"));
    }

    #[test]
    fn table_and_json_hold_the_same() {
        let report = Report {
            figures: vec![figures(1000.0)],
            ready: Duration::from_millis(800),
            peak: 51_200,
            worker_peak: 20_480,
            jobs: 900.0,
            connections: 32,
            lasts: Duration::from_secs(2),
        };
        let table = report.table();
        assert!(table.contains("50 MB（目标 ≤ 100 ✓）") && table.contains("0.80 秒"), "{table}");
        assert_eq!(report.json()["cases"][0]["ratio"], 0.5);
    }
}
