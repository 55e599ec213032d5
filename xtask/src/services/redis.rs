//! A private Redis that listens on a socket alone.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::console::{say, tail};
use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::services::Durability;
use crate::services::home::Home;

const POLL: Duration = Duration::from_millis(20);
const PATIENCE: Duration = Duration::from_secs(30);

/// A running server; it stops when this value goes.
#[derive(Debug)]
pub struct Redis {
    data: PathBuf,
    socket: PathBuf,
    log: PathBuf,
}

impl Redis {
    /// Starts the server in `home`, or takes over the one that a killed run has left.
    ///
    /// # Errors
    /// Shows the end of the server's log.
    pub fn start(home: &Home, program: &Path, durability: Durability) -> Result<Self> {
        let log = home.log("redis")?;
        home.account.own(&log)?;
        let server = Self { data: data(home), socket: socket(home), log };
        fs::create_dir_all(&server.data).context(|| format!("创建 {}", server.data.display()))?;
        fs::set_permissions(&server.data, Permissions::from_mode(0o700))?;
        home.account.own(&server.data)?;
        if let Some(pid) = running(home) {
            if server.ask("PING").is_ok_and(|answer| answer == "+PONG") {
                say(format!("接管上次运行留下的 Redis（进程 {pid}）"));
                return Ok(server);
            }
            Self::stop_leftover(home)?;
        }
        server.launch(home, program, durability)?;
        Ok(server)
    }

    /// Stops the server that a killed run has left in `home`, if there is one.
    pub fn stop_leftover(home: &Home) -> Result {
        let Some(pid) = running(home) else { return Ok(()) };
        say(format!("停止上次运行留下的 Redis（进程 {pid}）"));
        // Redis saves on SIGTERM as it does on SHUTDOWN.
        if process::terminate(pid, PATIENCE) {
            return Ok(());
        }
        Err(Failure::new(format!("Redis（进程 {pid}）在 30 秒内没有停下，请手工停止它")))
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("redis+unix://{}", self.socket.display())
    }

    fn launch(&self, home: &Home, program: &Path, durability: Durability) -> Result {
        let (append, save) = match durability {
            Durability::Full => ("yes", "3600 1"),
            Durability::None => ("no", ""),
        };
        let mut command = home.account.command(program);
        command.args(["--port", "0", "--daemonize", "yes", "--maxmemory-policy", "noeviction"]);
        command.args(["--appendonly", append, "--save", save, "--unixsocketperm", "700"]);
        command.arg("--unixsocket").arg(&self.socket).arg("--dir").arg(&self.data);
        command.arg("--logfile").arg(&self.log).arg("--pidfile").arg(self.data.join("redis.pid"));
        let output = command.output().context(|| "运行 redis-server".to_owned())?;
        let since = Instant::now();
        // While it still reads its log after a crash it answers -LOADING.
        while output.status.success() && since.elapsed() < PATIENCE {
            if self.ask("PING").is_ok_and(|answer| answer == "+PONG") {
                return Ok(());
            }
            sleep(POLL);
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("Redis 没有启动成功。{}{}", said.trim(), tail(&self.log, 12))))
    }

    /// Sends one inline command; the first line of the answer, errors (`-…`) included.
    ///
    /// # Errors
    /// The server does not answer.
    pub fn ask(&self, command: &str) -> Result<String> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.write_all(format!("{command}\r\n").as_bytes())?;
        let mut answer = String::new();
        BufReader::new(stream).read_line(&mut answer)?;
        Ok(answer.trim_end().to_owned())
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let Some(pid) = running_on(&self.data, &self.socket) else { return };
        // It answers only when it refuses, such as when the disk is full.
        let refused = self.ask("SHUTDOWN SAVE").ok().filter(|answer| !answer.is_empty());
        if refused.is_none() && process::gone_within(pid, PATIENCE) {
            return;
        }
        let why = refused.unwrap_or_default();
        say(format!("Redis 没有按 SHUTDOWN SAVE 停下 {why}，改用信号"));
        if !process::terminate(pid, PATIENCE) {
            say(format!("Redis（进程 {pid}）还在运行，请手工停止它。{}", tail(&self.log, 5)));
        }
    }
}

fn data(home: &Home) -> PathBuf {
    home.dir.join("redis")
}

fn socket(home: &Home) -> PathBuf {
    home.sockets.join("redis.sock")
}

fn running(home: &Home) -> Option<i32> {
    running_on(&data(home), &socket(home))
}

fn running_on(data: &Path, socket: &Path) -> Option<i32> {
    let pid = fs::read_to_string(data.join("redis.pid")).ok()?.trim().parse().ok()?;
    process::serves(pid, socket).then_some(pid)
}
