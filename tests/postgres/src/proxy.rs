//! A proxy between client and server that can be made to misbehave.

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

use crate::seen::{RecordedTraffic, SeenMessages};

/// The treatment of the traffic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProxyMode {
    /// Everything passes.
    Pass,
    /// Nothing passes in either direction, and neither side is notified, as if a cable were
    /// cut.
    Cut,
    /// Requests pass until one contains this text: the server gets it, and the connection
    /// breaks before the reply comes back.
    LoseAnswerTo(String),
    /// Requests pass until one contains a text: the server gets it, and the client gets an
    /// error instead of the reply, before the connection breaks.
    Lie {
        /// The text.
        to: String,
        /// The error.
        with: ServerError,
    },
}

/// An error in the form that a server sends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerError {
    /// The severity: ERROR, FATAL or PANIC.
    pub severity: &'static str,
    /// The SQLSTATE.
    pub code: &'static str,
}

impl ServerError {
    /// Returns the protocol's message `ErrorResponse`.
    fn bytes(&self) -> Vec<u8> {
        let mut fields = Vec::new();
        for (kind, value) in [
            (b'S', self.severity),
            (b'V', self.severity),
            (b'C', self.code),
            (b'M', "told by a proxy"),
        ] {
            fields.push(kind);
            fields.extend(value.as_bytes());
            fields.push(0);
        }
        fields.push(0);
        let length = u32::try_from(fields.len() + 4).unwrap_or(u32::MAX);
        [&b"E"[..], &length.to_be_bytes(), &fields].concat()
    }
}

/// State that all connections of a proxy share.
#[derive(Debug)]
struct ProxyState {
    mode: Mutex<ProxyMode>,
    seen: Mutex<RecordedTraffic>,
}

/// A proxy on a socket in a folder of its own.
#[derive(Debug)]
pub struct Proxy {
    folder: PathBuf,
    state: Arc<ProxyState>,
    changed: watch::Sender<()>,
    serving: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy before the server whose socket is in a folder. Needs a runtime.
    ///
    /// # Errors
    /// Fails if the socket cannot be created.
    pub fn before(server: &Path) -> io::Result<Self> {
        let folder = server.with_extension(format!("proxy{}", next_number()));
        fs::create_dir_all(&folder)?;
        let listener = UnixListener::bind(folder.join(".s.PGSQL.5432"))?;
        let state = Arc::new(ProxyState {
            mode: Mutex::new(ProxyMode::Pass),
            seen: Mutex::default(),
        });
        let (changed, watching) = watch::channel(());
        let (socket, shared) = (server.join(".s.PGSQL.5432"), Arc::clone(&state));
        let serving = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let (socket, state) = (socket.clone(), Arc::clone(&shared));
                let watching = watching.clone();
                tokio::spawn(async move {
                    if let Ok(server) = UnixStream::connect(socket).await {
                        converse(client, server, &state, watching).await;
                    }
                });
            }
        });
        Ok(Self {
            folder,
            state,
            changed,
            serving,
        })
    }

    /// Returns the folder to connect through.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Sets the mode, also for connections that are open.
    pub fn set(&self, mode: ProxyMode) {
        *locked(&self.state.mode) = mode;
        self.changed.send_replace(());
    }

    /// Returns the traffic to the server so far, on all connections.
    #[must_use]
    pub fn seen(&self) -> RecordedTraffic {
        *locked(&self.state.seen)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.serving.abort();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Returns a number that no other proxy of this process has.
fn next_number() -> u64 {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    COUNT.fetch_add(1, Ordering::Relaxed)
}

fn locked<T>(value: &Mutex<T>) -> MutexGuard<'_, T> {
    value.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The end of a connection.
enum StreamEnd {
    /// One side has closed it.
    Gone,
    /// The client gets these bytes first.
    Told(Vec<u8>),
}

async fn converse(
    client: UnixStream,
    server: UnixStream,
    state: &ProxyState,
    watching: watch::Receiver<()>,
) {
    let (from_client, mut to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    // Set while the replies on this connection are to be lost.
    let mute = AtomicBool::new(false);
    // The end of either direction ends both.
    let end = tokio::select! {
        end = asked(from_client, to_server, state, watching.clone(), &mute) => end,
        () = answered(from_server, &mut to_client, state, watching, &mute) => StreamEnd::Gone,
    };
    if let StreamEnd::Told(bytes) = end {
        let _ = to_client.write_all(&bytes).await;
    }
}

/// Waits until traffic passes.
async fn open(mode: &Mutex<ProxyMode>, watching: &mut watch::Receiver<()>) {
    while *locked(mode) == ProxyMode::Cut {
        if watching.changed().await.is_err() {
            return;
        }
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes
        .windows(text.len())
        .any(|part| part == text.as_bytes())
}

async fn asked(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    state: &ProxyState,
    mut watching: watch::Receiver<()>,
    mute: &AtomicBool,
) -> StreamEnd {
    let mut buffer = vec![0; 64 * 1024];
    let mut messages = SeenMessages::default();
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        open(&state.mode, &mut watching).await;
        let bytes = buffer.get(..read).unwrap_or_default();
        let ends = match &*locked(&state.mode) {
            ProxyMode::LoseAnswerTo(text) if holds(bytes, text) => Some(StreamEnd::Gone),
            ProxyMode::Lie { to, with } if holds(bytes, to) => Some(StreamEnd::Told(with.bytes())),
            ProxyMode::Pass
            | ProxyMode::Cut
            | ProxyMode::LoseAnswerTo(_)
            | ProxyMode::Lie { .. } => None,
        };
        mute.store(ends.is_some(), Ordering::SeqCst);
        if to.write_all(bytes).await.is_err() {
            return StreamEnd::Gone;
        }
        locked(&state.seen).add(messages.read(bytes));
        if let Some(end) = ends {
            // Long enough for the server to execute it; its reply is lost.
            tokio::time::sleep(Duration::from_millis(150)).await;
            return end;
        }
    }
    StreamEnd::Gone
}

async fn answered(
    mut from: OwnedReadHalf,
    to: &mut OwnedWriteHalf,
    state: &ProxyState,
    mut watching: watch::Receiver<()>,
    mute: &AtomicBool,
) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        open(&state.mode, &mut watching).await;
        let bytes = buffer.get(..read).unwrap_or_default();
        if !mute.load(Ordering::SeqCst) && to.write_all(bytes).await.is_err() {
            return;
        }
    }
}
