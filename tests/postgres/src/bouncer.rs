//! A real PgBouncer before a server, if one is installed on this machine.

use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, thread};

use crate::Cluster;
use crate::cluster::{account_for, fresh_folder, run_as};

/// Folders of packages; a user's search path often lacks the second.
const FOLDERS: [&str; 3] = ["/usr/bin", "/usr/sbin", "/usr/local/bin"];

/// Time-out of the start.
const START: Duration = Duration::from_secs(20);

/// A PgBouncer with its default settings except for the pool mode.
#[derive(Debug)]
pub struct Bouncer {
    process: Child,
    folder: PathBuf,
}

impl Bouncer {
    /// Finds the program; `None` if it is not installed.
    #[must_use]
    pub fn program() -> Option<PathBuf> {
        let path = env::var_os("PATH").unwrap_or_default();
        let places = env::split_paths(&path).chain(FOLDERS.map(PathBuf::from));
        places
            .map(|folder| folder.join("pgbouncer"))
            .find(|program| program.is_file())
    }

    /// Starts a PgBouncer before a server of this process, in the pool mode `session` or
    /// `transaction`.
    ///
    /// # Errors
    /// Fails if it is not installed, if it does not start, or if the server was not started by
    /// this process.
    pub fn before(server: &Cluster, mode: &str) -> io::Result<Self> {
        let program = Self::program().ok_or_else(|| io::Error::other("no pgbouncer"))?;
        let behind = server
            .folder()
            .ok_or_else(|| io::Error::other("not our server"))?;
        let folder = fresh_folder()?;
        // Like the server, PgBouncer refuses to run as root.
        let account = account_for(&folder)?;
        let (settings, users) = (folder.join("ini"), folder.join("users"));
        fs::write(&users, "\"postgres\" \"\"\n\"app\" \"\"\n")?;
        fs::write(
            &settings,
            format!(
                "[databases]\n* = host={} port=5432\n[pgbouncer]\npool_mode = {mode}\nlisten_addr =\n\
                 listen_port = 5432\nunix_socket_dir = {}\nauth_type = trust\nauth_file = {}\nlogfile = {}\n",
                behind.display(),
                folder.display(),
                users.display(),
                folder.join("log").display(),
            ),
        )?;
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o755))?;
        if let Some((user, group)) = account {
            for path in [&folder, &settings, &users] {
                chown(path, Some(user), Some(group))?;
            }
        }
        let process = run_as(&program, account)
            .arg("-q")
            .arg(&settings)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let bouncer = Self { process, folder };
        bouncer.wait_until_ready()?;
        Ok(bouncer)
    }

    /// Returns the folder of its socket.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the URL of a database through it.
    #[must_use]
    pub fn url(&self, database: &str) -> String {
        format!(
            "postgres://postgres@localhost/{database}?host={}&sslmode=disable",
            self.folder.display()
        )
    }

    fn wait_until_ready(&self) -> io::Result<()> {
        let socket = self.folder.join(".s.PGSQL.5432");
        let started = Instant::now();
        while std::os::unix::net::UnixStream::connect(&socket).is_err() {
            if started.elapsed() > START {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                return Err(io::Error::other(format!("PgBouncer did not start: {log}")));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
