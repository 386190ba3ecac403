//! A throw-away ClickHouse server, or a cluster of several.

use std::io::{Error, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use reqwest::Client;

use crate::programs;

/// Shell script that runs the server as long as the pipe to it is open; then it kills the
/// server and removes its folder.
const KEEPER: &str =
    r#"d=$1; shift; "$@" & p=$!; cat >/dev/null; kill -KILL $p; wait $p; cd /; rm -rf "$d""#;

/// Time-out of a server's start.
const START: Duration = Duration::from_secs(60);

/// One or more servers of one cluster.
#[derive(Debug)]
pub struct ClickHouseServer {
    /// The HTTP URL of each server, without a database.
    urls: Vec<String>,
    _own: Vec<Started>,
}

/// A server that this process started; its folder is removed with it.
#[derive(Debug)]
struct Started(Child);

impl Drop for Started {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

impl ClickHouseServer {
    /// Returns the server of this test binary, which the first call starts.
    ///
    /// `INCIDENT_TEST_CLICKHOUSE_URL` (`http://USER:PASSWORD@HOST:8123`) names a running one to
    /// be used instead.
    ///
    /// # Panics
    /// Panics if there is no server and none can be started; the message names the remedy.
    #[must_use]
    #[expect(
        clippy::panic,
        reason = "a test that is skipped must not count as passed"
    )]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<ClickHouseServer> = OnceLock::new();
        SHARED.get_or_init(|| {
            if let Ok(url) = env::var("INCIDENT_TEST_CLICKHOUSE_URL") {
                return Self {
                    urls: vec![url.trim_end_matches('/').to_owned()],
                    _own: Vec::new(),
                };
            }
            Self::start(1).unwrap_or_else(|error| panic!("{error}"))
        })
    }

    /// Starts a number of servers that form the cluster `shards`.
    ///
    /// # Errors
    /// Fails if there is no program, or if it does not start; the message names the remedy or
    /// holds the log.
    pub fn start(shards: usize) -> io::Result<Self> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::start_once(shards) {
                // Another process took a port that was free a moment ago.
                Err(error) if error.kind() == ErrorKind::AddrInUse && tries < 5 => {}
                other => return other,
            }
        }
    }

    fn start_once(shards: usize) -> io::Result<Self> {
        let ports = free_ports(shards * 3)?;
        let ports: Vec<&[u16]> = ports.chunks(3).collect();
        let native: Vec<u16> = ports
            .iter()
            .filter_map(|ports| ports.get(1))
            .copied()
            .collect();
        let (mut urls, mut own) = (Vec::new(), Vec::new());
        for ports in ports {
            own.push(Started::with(ports, &native)?);
            let http = ports.first().copied().unwrap_or_default();
            urls.push(format!("http://default@127.0.0.1:{http}"));
        }
        Ok(Self { urls, _own: own })
    }

    /// Creates a database on every server, and returns its address on the first one, in the
    /// form of `USAGE_URL`.
    ///
    /// # Errors
    /// Fails if a server does not reply or refuses.
    pub async fn database(&self) -> io::Result<String> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("test_{}_{count}", process::id());
        for at in 0..self.urls.len() {
            self.run(at, &format!("create database {name}")).await?;
        }
        let first = self.urls.first().map_or("", String::as_str);
        Ok(format!("clickhouse+{first}/{name}"))
    }

    /// Runs a statement on one of the servers, and returns its reply.
    ///
    /// # Errors
    /// Fails if the server refuses it, or does not reply.
    pub async fn run(&self, at: usize, sql: &str) -> io::Result<String> {
        let url = self.urls.get(at).map_or("", String::as_str);
        let client = Client::builder().no_proxy().build().map_err(Error::other)?;
        let request = client.post(url).body(sql.to_owned());
        let response = request.send().await.map_err(Error::other)?;
        let status = response.status();
        let told = response.text().await.map_err(Error::other)?;
        if status.is_success() {
            Ok(told)
        } else {
            Err(Error::other(format!("{sql}: {told}")))
        }
    }
}

impl Started {
    fn with(ports: &[u16], native: &[u16]) -> io::Result<Self> {
        let (program, command) =
            programs::found().ok_or_else(|| Error::other(programs::MISSING))?;
        let folder = tempfile::Builder::new().prefix("incident-ch-").tempdir()?;
        configure(folder.path(), ports, native)?;
        let log = fs::File::create(folder.path().join("log"))?;
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "sh"])
            .arg(folder.path())
            .arg(&program)
            .args(command)
            .arg("--config-file=config.xml")
            .current_dir(folder.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        // From here on the shell script removes the folder.
        let (started, folder) = (Self(keeper), folder.keep());
        wait(ports.first().copied().unwrap_or_default(), &folder)?;
        Ok(started)
    }
}

/// Finds ports on which no one is listening.
fn free_ports(count: usize) -> io::Result<Vec<u16>> {
    let listeners: Vec<TcpListener> = (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect::<io::Result<_>>()?;
    listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port()))
        .collect()
}

/// Writes the configuration of a server of a cluster: ports for HTTP, for its own protocol and
/// for other servers; and beside `default` the user `small`, whose inserts are split into
/// blocks. The root element has had the name `yandex` since the first version, and newer ones
/// accept it.
fn configure(folder: &Path, ports: &[u16], native: &[u16]) -> io::Result<()> {
    for name in ["data", "tmp", "user_files", "format_schemas"] {
        fs::create_dir(folder.join(name))?;
    }
    let port = |at: usize| ports.get(at).copied().unwrap_or_default();
    let shards: String = native
        .iter()
        .map(|port| {
            format!("<shard><replica><host>127.0.0.1</host><port>{port}</port></replica></shard>")
        })
        .collect();
    let config = format!(
        "<yandex>\
         <logger><level>warning</level><console>1</console></logger>\
         <listen_host>127.0.0.1</listen_host>\
         <http_port>{}</http_port><tcp_port>{}</tcp_port>\
         <interserver_http_port>{}</interserver_http_port><interserver_http_host>127.0.0.1</interserver_http_host>\
         <path>{folder}/data/</path><tmp_path>{folder}/tmp/</tmp_path>\
         <user_files_path>{folder}/user_files/</user_files_path>\
         <format_schema_path>{folder}/format_schemas/</format_schema_path>\
         <users_config>{folder}/users.xml</users_config>\
         <default_profile>default</default_profile><default_database>default</default_database>\
         <mark_cache_size>67108864</mark_cache_size><timezone>UTC</timezone>\
         <remote_servers><shards>{shards}</shards></remote_servers>\
         </yandex>",
        port(0),
        port(1),
        port(2),
        folder = folder.display(),
    );
    fs::write(folder.join("config.xml"), config)?;
    fs::write(
        folder.join("users.xml"),
        "<yandex><profiles><default/><small><max_insert_block_size>100</max_insert_block_size>\
         <min_insert_block_size_rows>1</min_insert_block_size_rows></small></profiles><users>\
         <default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile>\
         <quota>default</quota></default>\
         <small><password></password><networks><ip>127.0.0.1</ip></networks><profile>small</profile>\
         <quota>default</quota></small></users><quotas><default/></quotas></yandex>",
    )
}

/// Waits until the server replies to `/ping`.
fn wait(port: u16, folder: &Path) -> io::Result<()> {
    let started = Instant::now();
    loop {
        if ping(port).is_ok_and(|told| told.contains("Ok.")) {
            return Ok(());
        }
        let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
        let told = format!("ClickHouse did not start: {log}");
        if log.contains("already in use") {
            return Err(Error::new(ErrorKind::AddrInUse, told));
        }
        if started.elapsed() > START {
            return Err(Error::other(told));
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn ping(port: u16) -> io::Result<String> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(1)))?;
    stream.write_all(b"GET /ping HTTP/1.0\r\n\r\n")?;
    let mut told = String::new();
    stream.read_to_string(&mut told)?;
    Ok(told)
}
