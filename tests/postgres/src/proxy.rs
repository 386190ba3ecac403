//! Something between client and server that can be told to misbehave.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{fs, io};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What happens to what passes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It passes.
    Pass,
    /// Nothing passes in either direction, and nobody is told: a cable is cut.
    Cut,
    /// What is asked passes, until something holds this text; then the server
    /// gets it, and the connection breaks before its answer comes back.
    LoseAnswerTo(String),
}

/// A proxy on a socket in a folder of its own.
#[derive(Debug)]
pub struct Proxy {
    folder: PathBuf,
    mode: Arc<Mutex<Mode>>,
    changed: watch::Sender<()>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Stands before the server whose socket is in a folder. Needs a runtime.
    ///
    /// # Errors
    /// No socket can be made.
    pub fn before(server: &Path) -> io::Result<Self> {
        let folder = server.with_extension(format!("proxy{}", next_number()));
        fs::create_dir_all(&folder)?;
        let listener = UnixListener::bind(folder.join(".s.PGSQL.5432"))?;
        let mode = Arc::new(Mutex::new(Mode::Pass));
        let (changed, watching) = watch::channel(());
        let (socket, shared) = (server.join(".s.PGSQL.5432"), Arc::clone(&mode));
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (socket, mode) = (socket.clone(), Arc::clone(&shared));
                let watching = watching.clone();
                tokio::spawn(async move {
                    if let Ok(server) = UnixStream::connect(socket).await {
                        converse(client, server, mode, watching).await;
                    }
                });
            }
        });
        Ok(Self {
            folder,
            mode,
            changed,
            serving,
        })
    }

    /// The folder to connect through.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// From here on, on connections that stand too.
    pub fn set(&self, mode: Mode) {
        *locked(&self.mode) = mode;
        self.changed.send_replace(());
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// A number that no other proxy of this process has.
fn next_number() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

fn locked(mode: &Mutex<Mode>) -> MutexGuard<'_, Mode> {
    mode.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn converse(
    client: UnixStream,
    server: UnixStream,
    mode: Arc<Mutex<Mode>>,
    watching: watch::Receiver<()>,
) {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Set when the answer on this connection is to be lost.
    let mute = AtomicBool::new(false);
    // The first end of either direction ends both.
    tokio::select! {
        () = asked(from_client, to_server, &mode, watching.clone(), &mute) => {}
        () = answered(from_server, to_client, &mode, watching, &mute) => {}
    }
}

/// Waits while nothing passes.
async fn open(mode: &Mutex<Mode>, watching: &mut watch::Receiver<()>) {
    while *locked(mode) == Mode::Cut {
        if watching.changed().await.is_err() {
            return;
        }
    }
}

async fn asked(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mode: &Mutex<Mode>,
    mut watching: watch::Receiver<()>,
    mute: &AtomicBool,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        open(mode, &mut watching).await;
        let bytes = buffer.get(..read).unwrap_or_default();
        let loses = match &*locked(mode) {
            Mode::LoseAnswerTo(text) => bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes()),
            Mode::Pass | Mode::Cut => false,
        };
        mute.store(loses, Ordering::SeqCst);
        if to.write_all(bytes).await.is_err() {
            return;
        }
        if loses {
            // Long enough for the server to do it and to answer nobody.
            tokio::time::sleep(Duration::from_millis(150)).await;
            return;
        }
    }
}

async fn answered(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mode: &Mutex<Mode>,
    mut watching: watch::Receiver<()>,
    mute: &AtomicBool,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        open(mode, &mut watching).await;
        let bytes = buffer.get(..read).unwrap_or_default();
        if !mute.load(Ordering::SeqCst) && to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
