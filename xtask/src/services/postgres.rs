//! A private PostgreSQL that listens on a socket alone.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use crate::console::{say, tail};
use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::services::Durability;
use crate::services::account::{Account, without_pg_variables};
use crate::services::home::Home;
use crate::services::packages::Installation;

/// A running server; it stops when this value goes.
#[derive(Debug)]
pub struct Postgres {
    bin: PathBuf,
    data: PathBuf,
    sockets: PathBuf,
    account: Account,
    log: PathBuf,
    durability: Durability,
}

impl Postgres {
    /// Starts the server in `home`, initialising it on the first start, or takes over the one that a
    /// killed run has left.
    ///
    /// # Errors
    /// Shows the end of the server's log.
    pub fn start(home: &Home, installed: &[Installation], durability: Durability) -> Result<Self> {
        let data = home.dir.join("postgres");
        let complete = is_complete(&data);
        let bin = choose(installed, complete.then(|| major_of(&data)).flatten())?;
        let log = home.log("postgres")?;
        let (sockets, account) = (home.sockets.clone(), home.account.clone());
        let server = Self { bin, data, sockets, account, log, durability };
        if !complete {
            server.initialise(home)?;
        }
        match server.running() {
            Some(pid) if server.psql("postgres", &["-c", "select 1"]).is_ok() => {
                say(format!("接管上次运行留下的 PostgreSQL（进程 {pid}）"));
            }
            Some(_) => {
                server.stop()?;
                server.launch()?;
            }
            None => server.launch()?,
        }
        Ok(server)
    }

    /// Stops the server that a killed run has left in `home`, if there is one.
    pub fn stop_leftover(home: &Home) -> Result {
        let data = home.dir.join("postgres");
        let Some(pid) = postmaster(&data) else { return Ok(()) };
        say(format!("停止上次运行留下的 PostgreSQL（进程 {pid}）"));
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGINT)?;
        if process::gone_within(pid, Duration::from_secs(60)) {
            return Ok(());
        }
        Err(Failure::new(format!("PostgreSQL（进程 {pid}）在 60 秒内没有停下，请手工停止它")))
    }

    /// The URL of one of its databases, for a superuser.
    pub fn url(&self, database: &str) -> String {
        let host = self.sockets.display().to_string().replace('/', "%2F");
        format!("postgres://postgres@{host}/{database}")
    }

    /// The folder of `psql`, `pgbench` and the rest.
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// Runs psql on `database`, stopping at the first error; what it printed.
    pub fn psql(&self, database: &str, arguments: &[&str]) -> Result<String> {
        let mut command = self.session(database);
        let output = command.args(arguments).output().context(|| "运行 psql".to_owned())?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        Err(Failure::new(format!("psql（数据库 {database}）：{}", said.trim())))
    }

    /// Ends the server as a crash would: nothing is written any more.
    ///
    /// # Errors
    /// pg_ctl fails; shows the end of the log.
    pub fn crash(&self) -> Result {
        self.end("immediate")
    }

    /// Starts the server again; it recovers by itself.
    ///
    /// # Errors
    /// Shows the end of the server's log.
    pub fn restart(&self) -> Result {
        self.launch()
    }

    /// The path of something that lies beside the data.
    pub fn beside(&self, name: &str) -> PathBuf {
        self.data.with_file_name(name)
    }

    /// A new folder beside the data that the server may write to.
    ///
    /// # Errors
    /// It is there already.
    pub fn folder(&self, name: &str) -> Result<PathBuf> {
        let folder = self.beside(name);
        fs::create_dir(&folder).context(|| format!("创建 {}", folder.display()))?;
        self.account.own(&folder)?;
        Ok(folder)
    }

    /// Starts another data folder where this server, which is stopped, was reached.
    ///
    /// # Errors
    /// Shows the end of the server's log.
    pub fn take_over(&self, data: &Path) -> Result<Self> {
        let server = Self {
            bin: self.bin.clone(),
            data: data.to_owned(),
            sockets: self.sockets.clone(),
            account: self.account.clone(),
            log: self.log.clone(),
            durability: self.durability,
        };
        server.launch()?;
        Ok(server)
    }

    /// A session that keeps what `sql` has locked until it is dropped.
    ///
    /// # Errors
    /// The lock is not granted.
    pub fn hold(&self, database: &str, sql: &str) -> Result<Held> {
        let mut command = self.session(database);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut inner = command.spawn().context(|| "运行 psql".to_owned())?;
        let (input, output) = (inner.stdin.take(), inner.stdout.take());
        let mut held = Held { inner, input };
        let asked = held.input.as_mut().map(|input| write!(input, "begin;\n{sql};\n\\echo held\n"));
        asked.transpose()?;
        let lines = output.into_iter().flat_map(|output| BufReader::new(output).lines());
        for line in lines {
            if line? == "held" {
                return Ok(held);
            }
        }
        Err(Failure::new(format!("psql 没有得到锁：{sql}")))
    }

    /// Dumps `database` and restores it into a new one, as docs/OPERATIONS.md has it.
    ///
    /// # Errors
    /// What the tool says that fails.
    pub fn copy(&self, database: &str, to: &str) -> Result {
        let dump = self.beside("dump");
        let mut write = self.client("pg_dump");
        write.args(["--format=custom", "--file"]).arg(&dump).arg(database);
        self.tool("pg_dump", &mut write)?;
        self.ensure_database(to)?;
        let mut read = self.client("pg_restore");
        read.args(["--exit-on-error", "--single-transaction", "--no-owner", "--dbname", to]);
        self.tool("pg_restore", read.arg(&dump))
    }

    /// A tool that connects to this server.
    fn client(&self, tool: &str) -> Command {
        let mut command = Command::new(self.bin.join(tool));
        without_pg_variables(&mut command)
            .args(["-U", "postgres", "-p", "5432", "-h"])
            .arg(&self.sockets);
        command
    }

    fn session(&self, database: &str) -> Command {
        let mut command = self.client("psql");
        command.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]);
        command
    }

    /// Creates `database` unless it is there. The name is ours, never input.
    pub fn ensure_database(&self, database: &str) -> Result {
        let query = format!("select 1 from pg_database where datname = '{database}'");
        if self.psql("postgres", &["-c", &query])?.is_empty() {
            self.psql("postgres", &["-c", &format!("create database {database}")])?;
        }
        Ok(())
    }

    fn running(&self) -> Option<i32> {
        postmaster(&self.data)
    }

    /// initdb works in a folder beside and is renamed when it is done: `data` is whole or not there.
    fn initialise(&self, home: &Home) -> Result {
        let fresh = home.dir.join("postgres.new");
        for leftover in [&self.data, &fresh] {
            if leftover.exists() && fs::remove_dir(leftover).is_err() {
                home.set_aside(leftover)?;
            }
        }
        fs::create_dir(&fresh).context(|| format!("创建 {}", fresh.display()))?;
        fs::set_permissions(&fresh, fs::Permissions::from_mode(0o700))?;
        self.account.own(&fresh)?;
        let mut initdb = self.account.command(self.bin.join("initdb"));
        initdb.args(["-U", "postgres", "-E", "UTF8", "--locale=C.UTF-8", "-A", "trust"]);
        initdb.arg("--no-instructions").arg("-D").arg(&fresh);
        if self.durability == Durability::None {
            initdb.arg("--no-sync");
        }
        self.tool("initdb", &mut initdb)?;
        fs::rename(&fresh, &self.data).context(|| format!("启用 {}", self.data.display()))
    }

    fn launch(&self) -> Result {
        self.drop_stale_pid_file()?;
        let mut tries = 3;
        loop {
            let mut start = self.account.command(self.bin.join("pg_ctl"));
            start.args(["-s", "-w", "-t", "60", "-o", &self.options(), "-D"]).arg(&self.data);
            let started = self.tool("pg_ctl", start.arg("start"));
            tries -= 1;
            if started.is_ok() || tries == 0 {
                return started;
            }
            // Processes of a killed server need a moment to notice that it is gone.
            sleep(Duration::from_secs(1));
        }
    }

    fn options(&self) -> String {
        let base = "-p 5432 -h '' -c max_connections=200 -c shared_buffers=256MB";
        let fast = match self.durability {
            Durability::Full => "",
            Durability::None => " -c fsync=off -c synchronous_commit=off -c full_page_writes=off",
        };
        // The sockets' folder has only letters that a shell leaves alone: see `Home`.
        format!("{base} -k {}{fast}", self.sockets.display())
    }

    /// After a crash of the machine the noted pid may by now be somebody else's, in which case the
    /// server would refuse to start.
    fn drop_stale_pid_file(&self) -> Result {
        let file = self.data.join("postmaster.pid");
        if file.exists() && self.running().is_none() {
            let aside = self.data.with_extension("stale-pid");
            fs::rename(&file, &aside).context(|| format!("移开 {}", file.display()))?;
        }
        Ok(())
    }

    fn tool(&self, name: &str, command: &mut Command) -> Result {
        let log = File::options().append(true).open(&self.log)?;
        command.stdout(log.try_clone()?).stderr(log);
        let status = command.status().context(|| format!("运行 {name}"))?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::new(format!("PostgreSQL 的 {name} 失败。{}", tail(&self.log, 12))))
    }

    fn stop(&self) -> Result {
        if self.running().is_none() {
            return Ok(());
        }
        let mode = match self.durability {
            Durability::Full => "fast",
            Durability::None => "immediate",
        };
        self.end(mode)
    }

    fn end(&self, mode: &str) -> Result {
        let mut stop = self.account.command(self.bin.join("pg_ctl"));
        stop.args(["-s", "-w", "-t", "60", "-m", mode, "-D"]).arg(&self.data);
        self.tool("pg_ctl", stop.arg("stop"))
    }
}

/// A session with an open transaction, which is rolled back when this value goes.
#[derive(Debug)]
pub struct Held {
    inner: Child,
    input: Option<ChildStdin>,
}

impl Held {
    /// Gives the locks back.
    ///
    /// # Errors
    /// The session is gone already, and its locks with it.
    pub fn release(mut self) -> Result {
        drop(self.input.take());
        self.inner.wait()?;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.inner.wait();
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if let Err(Failure::Told(message)) = self.stop() {
            say(message);
        }
    }
}

/// The pid of the server that works in `data`.
fn postmaster(data: &Path) -> Option<i32> {
    let text = fs::read_to_string(data.join("postmaster.pid")).ok()?;
    let pid = text.lines().next()?.trim().parse().ok()?;
    process::serves(pid, data).then_some(pid)
}

fn is_complete(data: &Path) -> bool {
    ["PG_VERSION", "global/pg_control"].iter().all(|file| data.join(file).is_file())
}

fn major_of(data: &Path) -> Option<u32> {
    fs::read_to_string(data.join("PG_VERSION")).ok()?.trim().parse().ok()
}

/// The newest installation, or for existing data the one that can read it.
fn choose(installed: &[Installation], existing: Option<u32>) -> Result<PathBuf> {
    let found = match existing {
        None => installed.first(),
        Some(major) => installed.iter().find(|installation| installation.major == major),
    };
    found.map(|installation| installation.bin.clone()).ok_or_else(|| {
        let major = existing.unwrap_or_default();
        Failure::new(format!(
            "现有数据是 PostgreSQL {major} 的，本机没有这个版本。请安装 postgresql-{major}，\
             或用 cargo xtask run --fresh 丢弃数据重来。"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(major: u32) -> Installation {
        Installation { major, bin: format!("/pg/{major}").into() }
    }

    #[test]
    fn existing_data_is_served_by_its_own_version() {
        let both = [installed(17), installed(15)];
        assert_eq!(choose(&both, None).unwrap(), Path::new("/pg/17"));
        assert_eq!(choose(&both, Some(15)).unwrap(), Path::new("/pg/15"));
        let Err(Failure::Told(message)) = choose(&both, Some(16)) else { panic!("16 is absent") };
        assert!(message.contains("postgresql-16"), "{message}");
    }

    #[test]
    fn half_initialised_data_is_seen() {
        let data = std::env::temp_dir().join(format!("xtask-pg-{}", std::process::id()));
        fs::create_dir_all(data.join("global")).unwrap();
        assert!(!is_complete(&data));
        fs::write(data.join("PG_VERSION"), "15\n").unwrap();
        assert!(!is_complete(&data), "initdb writes PG_VERSION first");
        fs::write(data.join("global/pg_control"), "").unwrap();
        assert!(is_complete(&data));
        assert_eq!(major_of(&data), Some(15));
        fs::remove_dir_all(&data).unwrap();
    }
}
