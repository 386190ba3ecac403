//! A throw-away PostgreSQL server.

use std::fs::DirBuilder;
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::binaries;

/// Shell script that runs the server as long as the pipe to it is open; then it stops the
/// server and removes its folder. It reads orders from the pipe: `kill` ends the server and all
/// its processes as a power cut would, and `start` starts it again; `freeze` stops all
/// processes in the middle of their work until `thaw`; `restart` stops the server as an
/// operator does, and starts it.
const KEEPER: &str = r#"d=$1; shift
"$@" >>"$d/log" 2>&1 & p=$!
while read -r order; do
    case "$order" in
        kill)
            # Stopped first, it makes no backend that the list misses. A server does not
            # start while one of the last server's has the shared memory.
            kill -STOP $p; c=$(pgrep -P $p); kill -9 $p $c 2>/dev/null; wait $p 2>/dev/null
            n=0
            for b in $c; do
                while [ $n -lt 500 ] && kill -0 $b 2>/dev/null; do n=$((n+1)); sleep 0.01; done
            done ;;
        start) "$@" >>"$d/log" 2>&1 & p=$! ;;
        freeze) kill -STOP $p $(pgrep -P $p) 2>/dev/null ;;
        thaw) kill -CONT $p $(pgrep -P $p) 2>/dev/null ;;
        restart) kill -INT $p; wait $p 2>/dev/null; "$@" >>"$d/log" 2>&1 & p=$! ;;
    esac
done
kill -CONT $p $(pgrep -P $p) 2>/dev/null
kill -QUIT $p; wait $p; cd /; rm -rf "$d""#;

/// Time-out of a server's start.
const START: Duration = Duration::from_secs(60);

/// The durability of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// As in production: a commit is on disk before it is acknowledged.
    Durable,
    /// Faster, for tests that do not crash the server.
    Fast,
}

/// A running server.
#[derive(Debug)]
pub struct Cluster {
    options: PgConnectOptions,
    own: Option<Own>,
}

/// A server that this process started.
#[derive(Debug)]
struct Own {
    keeper: Child,
    folder: PathBuf,
    programs: PathBuf,
}

impl Cluster {
    /// Returns the server of this test binary, which the first call starts.
    ///
    /// `INCIDENT_TEST_DATABASE_URL` names a running one to be used instead.
    ///
    /// # Panics
    /// Panics if there is no server and none can be started; the message names the remedy.
    #[must_use]
    #[expect(
        clippy::panic,
        reason = "a store test that is skipped must not count as passed"
    )]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(
            || match Self::given().unwrap_or_else(|| Self::start(Safety::Fast)) {
                Ok(cluster) => cluster,
                Err(error) => panic!("{error}"),
            },
        )
    }

    fn given() -> Option<io::Result<Self>> {
        let url = env::var("INCIDENT_TEST_DATABASE_URL").ok()?;
        let options = url.parse().map_err(io::Error::other);
        Some(options.map(|options| Self { options, own: None }))
    }

    /// Starts a server in a fresh folder.
    ///
    /// # Errors
    /// Fails if there are no programs, or if they fail; the message names the remedy or the
    /// failure.
    pub fn start(safety: Safety) -> io::Result<Self> {
        Self::start_in(fresh_folder()?, safety)
    }

    /// Starts a server in a folder that exists and is empty, such as a
    /// [`SmallDisk`](crate::SmallDisk).
    ///
    /// # Errors
    /// Fails as [`start`](Self::start) does.
    pub fn start_in(folder: PathBuf, safety: Safety) -> io::Result<Self> {
        Self::made(folder, safety, initialise)
    }

    /// Starts a standby that follows this server: it accepts reads, and no writes until it is
    /// promoted.
    ///
    /// # Errors
    /// Fails as [`start`](Self::start) does, or if this server was not started by this process.
    pub fn standby(&self, safety: Safety) -> io::Result<Self> {
        let of = self
            .folder()
            .ok_or_else(|| io::Error::other("not our server"))?;
        Self::made(fresh_folder()?, safety, |programs, data, account| {
            copy_of(of, programs, data, account)
        })
    }

    fn made(
        folder: PathBuf,
        safety: Safety,
        fill: impl FnOnce(&Path, &Path, Option<(u32, u32)>) -> io::Result<()>,
    ) -> io::Result<Self> {
        let programs = binaries::folder().ok_or_else(|| io::Error::other(binaries::MISSING))?;
        let account = account_for(&folder)?;
        let data = folder.join("data");
        DirBuilder::new().mode(0o700).create(&data)?;
        if let Some((user, group)) = account {
            chown(&folder, Some(user), Some(group))?;
            chown(&data, Some(user), Some(group))?;
        }
        fill(&programs, &data, account)?;
        let keeper = launch(&programs, &folder, &data, account, safety)?;
        let options = PgConnectOptions::new_without_pgpass()
            .socket(&folder)
            .port(5432)
            .username("postgres")
            .database("postgres")
            .ssl_mode(PgSslMode::Disable);
        let cluster = Self {
            options,
            own: Some(Own {
                keeper,
                folder,
                programs,
            }),
        };
        cluster.wait_until_ready()?;
        Ok(cluster)
    }

    /// Returns the options to connect to the database `postgres` as its superuser.
    #[must_use]
    pub fn options(&self) -> PgConnectOptions {
        self.options.clone()
    }

    /// Returns the folder of the socket and the data; `None` for a server that was given.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.own.as_ref().map(|own| own.folder.as_path())
    }

    /// Returns the folder of the server's programs; `None` for a server that was given.
    #[must_use]
    pub fn programs(&self) -> Option<&Path> {
        self.own.as_ref().map(|own| own.programs.as_path())
    }

    /// Returns the URL of a database, for a process that reads it from `DATABASE_URL`.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        match &self.own {
            Some(own) => format!(
                "postgres://postgres@localhost/{database}?host={}&sslmode=disable",
                own.folder.display()
            ),
            None => {
                let host = self.options.get_host();
                let port = self.options.get_port();
                let user = self.options.get_username();
                format!("postgres://{user}@{host}:{port}/{database}")
            }
        }
    }

    /// Ends the server and all its processes at once, as a power cut would.
    ///
    /// # Errors
    /// Fails if the server was not started by this process, or does not end.
    pub fn kill(&mut self) -> io::Result<()> {
        self.order("kill")?;
        let started = Instant::now();
        // Until the socket accepts no connection.
        while self.folder().is_some_and(|folder| {
            std::os::unix::net::UnixStream::connect(folder.join(".s.PGSQL.5432")).is_ok()
        }) {
            if started.elapsed() > START {
                return Err(io::Error::other("the server does not die"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Starts the server again, and waits until it has recovered.
    ///
    /// # Errors
    /// Fails if the server was not started by this process, or does not start.
    pub fn start_again(&mut self) -> io::Result<()> {
        if let Some(own) = &self.own {
            // The file is of the server that was killed, which would pass for a running one.
            let _ = fs::remove_file(own.folder.join("data/postmaster.pid"));
        }
        self.order("start")?;
        self.wait_until_ready()
    }

    /// Stops every process of the server in the middle of its work. Clients get no reply until
    /// [`thaw`](Self::thaw).
    ///
    /// # Errors
    /// Fails if the server was not started by this process, or does not stop.
    pub fn freeze(&mut self) -> io::Result<()> {
        self.order("freeze")?;
        self.wait_for_state('T')
    }

    /// Lets a frozen server continue.
    ///
    /// # Errors
    /// Fails if the server was not started by this process, or does not continue.
    pub fn thaw(&mut self) -> io::Result<()> {
        self.order("thaw")?;
        self.wait_for_state('S')
    }

    /// Waits until the server's first process has a state, as shown in `/proc`.
    fn wait_for_state(&self, state: char) -> io::Result<()> {
        let stat = format!("/proc/{}/stat", self.pid()?);
        let started = Instant::now();
        // Not every system has `/proc`; the order is executed nevertheless.
        while let Ok(text) = fs::read_to_string(&stat) {
            if text
                .rsplit(") ")
                .next()
                .is_some_and(|rest| rest.starts_with(state))
            {
                break;
            }
            if started.elapsed() > START {
                return Err(io::Error::other("the server is not in that state"));
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Stops the server as an operator does, which ends every connection, and starts it again.
    ///
    /// # Errors
    /// Fails if the server was not started by this process, or does not start.
    pub fn restart(&mut self) -> io::Result<()> {
        let before = self.pid()?;
        self.order("restart")?;
        let started = Instant::now();
        while self.pid().map_or(true, |now| now == before) {
            if started.elapsed() > START {
                return Err(io::Error::other("the server does not restart"));
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.wait_until_ready()
    }

    /// Returns the server's log.
    ///
    /// # Errors
    /// Fails if the server was not started by this process, or its log cannot be read.
    pub fn log(&self) -> io::Result<String> {
        let folder = self
            .folder()
            .ok_or_else(|| io::Error::other("not our server"))?;
        fs::read_to_string(folder.join("log"))
    }

    fn order(&mut self, order: &str) -> io::Result<()> {
        let own = self
            .own
            .as_mut()
            .ok_or_else(|| io::Error::other("not our server"))?;
        let pipe = own
            .keeper
            .stdin
            .as_mut()
            .ok_or_else(|| io::Error::other("no keeper"))?;
        writeln!(pipe, "{order}")?;
        pipe.flush()
    }

    /// Returns the process id of the server.
    ///
    /// # Errors
    /// Fails if the server was not started by this process, or is not running.
    pub fn pid(&self) -> io::Result<u32> {
        let own = self
            .own
            .as_ref()
            .ok_or_else(|| io::Error::other("not our server"))?;
        let text = fs::read_to_string(own.folder.join("data/postmaster.pid"))?;
        let first = text.lines().next().unwrap_or_default();
        first.trim().parse().map_err(io::Error::other)
    }

    fn wait_until_ready(&self) -> io::Result<()> {
        let Some(own) = &self.own else { return Ok(()) };
        let socket = own.folder.join(".s.PGSQL.5432");
        let started = Instant::now();
        loop {
            let pid_file = fs::read_to_string(own.folder.join("data/postmaster.pid"));
            // The eighth line of postmaster.pid is the state.
            let ready = pid_file.is_ok_and(|text| {
                text.lines()
                    .nth(7)
                    .is_some_and(|line| matches!(line.trim(), "ready" | "standby"))
            });
            if ready && socket.exists() {
                return Ok(());
            }
            if started.elapsed() > START {
                let log = fs::read_to_string(own.folder.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("PostgreSQL did not start: {log}")));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Creates a folder that only its owner can enter. It is not below `target/`, which an
/// unprivileged account may be unable to reach.
pub(crate) fn fresh_folder() -> io::Result<PathBuf> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    // Short, because the path of a socket has about 100 bytes at most.
    let folder = env::temp_dir().join(format!("incident-pg-{}-{count}", process::id()));
    if folder.exists() {
        // Left by an earlier process with the same id.
        fs::remove_dir_all(&folder)?;
    }
    DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Finds the account for PostgreSQL, which refuses to run as root; `None` if this process is
/// not root.
pub(crate) fn account_for(folder: &Path) -> io::Result<Option<(u32, u32)>> {
    // The owner of a fresh folder is this process's effective user.
    if fs::metadata(folder)?.uid() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd")?;
    for wanted in ["postgres", "nobody"] {
        for line in accounts.lines() {
            let fields: Vec<&str> = line.split(':').collect();
            if let [name, _, user, group, ..] = fields.as_slice()
                && *name == wanted
                && let (Ok(user), Ok(group)) = (user.parse(), group.parse())
            {
                return Ok(Some((user, group)));
            }
        }
    }
    Err(io::Error::other(
        "PostgreSQL does not run as root, and there is no account `postgres` or `nobody`",
    ))
}

pub(crate) fn run_as(program: &Path, account: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = account {
        command.uid(user).gid(group);
    }
    command.current_dir("/");
    command
}

fn initialise(programs: &Path, data: &Path, account: Option<(u32, u32)>) -> io::Result<()> {
    let output = run_as(&programs.join("initdb"), account)
        .arg("-D")
        .arg(data)
        .args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C"])
        .args(["--no-sync", "--no-instructions"])
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("initdb failed: {said}")))
}

/// Copies the data of a server, for a standby that follows it.
fn copy_of(of: &Path, programs: &Path, data: &Path, account: Option<(u32, u32)>) -> io::Result<()> {
    let output = run_as(&programs.join("pg_basebackup"), account)
        .arg("-D")
        .arg(data)
        .arg("-h")
        .arg(of)
        .args([
            "-U",
            "postgres",
            "-X",
            "stream",
            "-c",
            "fast",
            "-R",
            "--no-sync",
        ])
        .stdin(Stdio::null())
        .output()?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(io::Error::other(format!("pg_basebackup failed: {said}")))
}

fn launch(
    programs: &Path,
    folder: &Path,
    data: &Path,
    account: Option<(u32, u32)>,
    safety: Safety,
) -> io::Result<Child> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o755))?;
    let mut shell = run_as(Path::new("/bin/sh"), account);
    shell
        .args(["-c", KEEPER, "sh"])
        .arg(folder)
        .arg(programs.join("postgres"))
        .arg("-D")
        .arg(data)
        .arg("-k")
        .arg(folder)
        .args([
            "-c",
            "listen_addresses=",
            "-c",
            "unix_socket_permissions=0777",
        ])
        .args(["-c", "max_connections=200", "-c", "shared_buffers=64MB"])
        .args(["-c", "recovery_init_sync_method=syncfs"]);
    if safety == Safety::Fast {
        shell
            .args(["-c", "fsync=off", "-c", "full_page_writes=off"])
            .args(["-c", "synchronous_commit=off"]);
    }
    shell
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // A signal to the tests' process group must not reach the server first.
        .process_group(0)
        .spawn()
}
