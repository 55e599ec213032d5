//! The product itself as children of ours: built, migrated, seeded, served.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::Command;
use tokio::time::sleep;

use crate::checkout::cargo;
use crate::console::{say, tail};
use crate::failure::{Failure, Result};
use crate::process::{self, Child, PidFile, command, stop_all};
use crate::services::Services;
use crate::services::home::Home;

const POLL: Duration = Duration::from_millis(50);
/// How long the server and the worker may finish what they have begun.
const GRACE: Duration = Duration::from_secs(20);
/// How long a start may take before it counts as failed.
const START: Duration = Duration::from_secs(60);
const NAMES: [&str; 2] = [Part::Serve.name(), Part::Worker.name()];

/// Builds `zhixiang`; the path of the program.
///
/// The workspace is named so that its dependencies have the same features as in the tests, and are
/// compiled once.
pub async fn build(root: &Path, release: bool) -> Result<PathBuf> {
    let mut arguments = vec!["build", "--workspace", "--bin", "zhixiang"];
    arguments.extend(release.then_some("--release"));
    process::run("cargo build", &mut cargo(root, arguments)).await?;
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
    let profile = if release { "release" } else { "debug" };
    Ok(root.join(target).join(profile).join("zhixiang"))
}

/// The built program with the services and the port that it works with.
#[derive(Debug)]
pub struct App<'a> {
    program: &'a Path,
    services: &'a Services,
    port: u16,
    base_url: String,
    settings: &'a [(&'a str, &'a str)],
}

/// A running server and worker; both stop when this value goes.
#[derive(Debug)]
pub struct Running {
    serve: Child,
    worker: Child,
    logs: [PathBuf; 2],
    pid_files: [Option<PidFile>; 2],
}

/// One of the two processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Answers requests.
    Serve,
    /// Does the jobs.
    Worker,
}

impl Part {
    /// Its command.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Worker => "worker",
        }
    }
}

impl<'a> App<'a> {
    /// The program on `port` of 127.0.0.1.
    pub fn new(program: &'a Path, services: &'a Services, port: u16) -> Self {
        let base_url = format!("http://127.0.0.1:{port}");
        Self { program, services, port, base_url, settings: &[] }
    }

    /// With these settings, as environment variables.
    pub fn with(self, settings: &'a [(&'a str, &'a str)]) -> Self {
        Self { settings, ..self }
    }

    /// Where it listens.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// Brings the schema up to date.
    pub async fn migrate(&self) -> Result {
        self.once("migrate", &["migrate"]).await
    }

    /// Makes the demo district; a second time changes nothing.
    pub async fn seed(&self) -> Result {
        self.once("seed", &["seed", "demo"]).await
    }

    /// Starts the server and the worker, and waits until the server says that it is ready.
    pub async fn start(&self) -> Result<Running> {
        let [serve, worker] = NAMES;
        let (serve, serve_log, serve_pid) = self.child(serve)?;
        let (worker, worker_log, worker_pid) = self.child(worker)?;
        let logs = [serve_log, worker_log];
        let pid_files = [Some(serve_pid), Some(worker_pid)];
        let mut running = Running { serve, worker, logs, pid_files };
        tokio::select! {
            ready = self.ready() => ready.map_err(|_| {
                let [log, _] = &running.logs;
                let seconds = START.as_secs();
                Failure::new(format!("服务在 {seconds} 秒内没有就绪。{}", tail(log, 20)))
            })?,
            died = died(&mut running.serve, &mut running.worker, &running.logs) => return Err(died),
        }
        Ok(running)
    }

    /// Ends one process with SIGKILL, as a crash would, and starts it again.
    pub async fn crash(&self, running: &mut Running, part: Part) -> Result {
        let [serve_pid, worker_pid] = &mut running.pid_files;
        let (child, pid_file) = match part {
            Part::Serve => (&mut running.serve, serve_pid),
            Part::Worker => (&mut running.worker, worker_pid),
        };
        kill(Pid::from_raw(child.pid()), Signal::SIGKILL)?;
        child.wait().await?;
        // The old one's file goes before the new one's, which has the same name, is written.
        *pid_file = None;
        let (fresh, _, fresh_pid) = self.child(part.name())?;
        *child = fresh;
        *pid_file = Some(fresh_pid);
        if part == Part::Serve { self.ready().await } else { Ok(()) }
    }

    async fn ready(&self) -> Result {
        let client =
            reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let url = format!("{}/readyz", self.base_url);
        let since = Instant::now();
        while since.elapsed() < START {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status().as_u16() == 200) {
                return Ok(());
            }
            sleep(POLL).await;
        }
        Err(Failure::new("not ready"))
    }

    /// Runs a command of `zhixiang` to its end; its log has this name.
    ///
    /// # Errors
    /// It fails; shows the end of the log.
    pub async fn once(&self, name: &str, arguments: &[&str]) -> Result {
        let (log, mut child) = self.spawn(name, arguments)?;
        if child.wait().await?.success() {
            return Ok(());
        }
        Err(Failure::new(format!("zhixiang {} 失败。{}", arguments.join(" "), tail(&log, 20))))
    }

    fn child(&self, name: &str) -> Result<(Child, PathBuf, PidFile)> {
        let (log, child) = self.spawn(name, &[name])?;
        let pid = PidFile::write(pid_file(&self.services.home, name), child.pid())?;
        Ok((child, log, pid))
    }

    fn spawn(&self, name: &str, arguments: &[&str]) -> Result<(PathBuf, Child)> {
        let log = self.services.home.fresh_log(name)?;
        let out = File::options().append(true).open(&log)?;
        let mut command = self.command();
        command.args(arguments).stdout(Stdio::from(out.try_clone()?)).stderr(Stdio::from(out));
        let child = Child::spawn(&format!("zhixiang {name}"), &mut command, GRACE)?;
        Ok((log, child))
    }

    /// `zhixiang` with the configuration of this run; arguments and output are the caller's.
    pub fn command(&self) -> Command {
        let mut command = command(self.program);
        command
            .env("ZHIXIANG__MODE", "demo")
            .env("ZHIXIANG__DATABASE__URL", &self.services.database_url)
            .env("ZHIXIANG__REDIS__URL", &self.services.redis_url)
            .env("ZHIXIANG__HTTP__PORT", self.port.to_string())
            .envs(self.settings.iter().copied());
        command
    }
}

impl Running {
    /// Resolves when the server or the worker ends, which neither does by itself; says where to look.
    pub async fn died(&mut self) -> Failure {
        died(&mut self.serve, &mut self.worker, &self.logs).await
    }

    /// The pids of the server and of the worker.
    pub fn pids(&self) -> [i32; 2] {
        [self.serve.pid(), self.worker.pid()]
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        stop_all(&mut [&mut self.serve, &mut self.worker]);
    }
}

async fn died(serve: &mut Child, worker: &mut Child, logs: &[PathBuf; 2]) -> Failure {
    let [serve_log, worker_log] = logs;
    let (status, name, log) = tokio::select! {
        status = serve.wait() => (status, serve.name(), serve_log),
        status = worker.wait() => (status, worker.name(), worker_log),
    };
    match status {
        Ok(status) => Failure::new(format!("{name} 意外退出（{status}）。{}", tail(log, 20))),
        Err(failure) => failure,
    }
}

/// Stops the server and the worker that a killed run has left in `home`: they work on its data, and
/// lose nothing when they are asked to stop.
pub fn stop_leftover(home: &Home) -> Result {
    for name in NAMES {
        let Some(pid) = PidFile::running(&pid_file(home, name)) else { continue };
        say(format!("停止上次运行留下的 zhixiang {name}（进程 {pid}）"));
        if !process::terminate(pid, GRACE) {
            return Err(Failure::new(format!(
                "上次运行留下的 zhixiang {name} 没有停下，请执行：\n    kill -9 {pid}\n然后再运行一次。"
            )));
        }
    }
    Ok(())
}

fn pid_file(home: &Home, name: &str) -> PathBuf {
    home.dir.join("run").join(format!("{name}.pid"))
}
