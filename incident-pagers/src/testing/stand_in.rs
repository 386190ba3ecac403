//! The server behind a stand-in.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use super::book::{Alert, AlertBook, AlertState, RecordedRequest, WokenBy};
use super::fault::{CannedResponse, Fault, RecordedAttempt};
use super::http::{MockReply, read};
use super::limit::Limit;
use super::opsgenie::OpsGenieRules;
use super::pagerduty::PagerDutyRules;
use super::rules::Rules;
use crate::BaseUrl;

/// A vendor on a loopback port, of this process. It stops when dropped.
///
/// It keeps what it is sent, keys included, and shows it: give it made-up keys.
#[derive(Debug)]
pub struct MockVendor {
    base: BaseUrl,
    shared: Arc<SharedVendor>,
    orders: mpsc::Sender<VendorOrder>,
    serving: JoinHandle<()>,
}

type Plan = Box<dyn Fn(&RecordedAttempt) -> Fault + Send + Sync>;

struct SharedVendor(Mutex<VendorState>);

struct VendorState {
    rules: Box<dyn Rules>,
    book: AlertBook,
    keys: Option<Vec<String>>,
    script: VecDeque<Fault>,
    plan: Option<Plan>,
    attempts: BTreeMap<(String, String), u32>,
    requests: Vec<RecordedRequest>,
    /// Taken as accepted, and not done yet.
    overtaken: Vec<RecordedRequest>,
    limit: Option<Limit>,
    connections: u64,
    unread: u64,
}

impl fmt::Debug for SharedVendor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        f.debug_struct("Shared")
            .field("rules", &state.rules)
            .field("book", &state.book)
            .finish_non_exhaustive()
    }
}

/// Whether to take connections, and where to say that it is so now.
struct VendorOrder {
    listen: bool,
    done: oneshot::Sender<io::Result<()>>,
}

impl MockVendor {
    /// PagerDuty, Events API v2.
    ///
    /// # Errors
    /// No port can be listened on.
    pub async fn pagerduty() -> io::Result<Self> {
        Self::start(Box::new(PagerDutyRules)).await
    }

    /// OpsGenie, Alerts API v2; it also answers under the path of Jira Service
    /// Management's integrations.
    ///
    /// # Errors
    /// No port can be listened on.
    pub async fn opsgenie() -> io::Result<Self> {
        Self::start(Box::<OpsGenieRules>::default()).await
    }

    pub(super) async fn start(rules: Box<dyn Rules>) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let base = BaseUrl::new(&format!("http://{address}")).map_err(io::Error::other)?;
        let shared = Arc::new(SharedVendor(Mutex::new(VendorState {
            rules,
            book: AlertBook::default(),
            keys: None,
            script: VecDeque::new(),
            plan: None,
            attempts: BTreeMap::new(),
            requests: Vec::new(),
            overtaken: Vec::new(),
            limit: None,
            connections: 0,
            unread: 0,
        })));
        let (orders, taken) = mpsc::channel(1);
        let serving = tokio::spawn(serve(listener, address, Arc::clone(&shared), taken));
        Ok(Self {
            base,
            shared,
            orders,
            serving,
        })
    }

    /// The address to give to an adapter.
    #[must_use]
    pub fn base_url(&self) -> BaseUrl {
        self.base.clone()
    }

    /// Refuses every key but these.
    pub fn only_keys<K: Into<String>>(&self, keys: impl IntoIterator<Item = K>) {
        self.shared.lock().keys = Some(keys.into_iter().map(Into::into).collect());
    }

    /// Misbehaves on the next requests, in the order in which they begin to
    /// arrive; then follows the plan again, if there is one.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.lock().script.extend(faults);
    }

    /// Decides per request how to misbehave. [`Fault::ResetUnread`] is
    /// [`Fault::ResetRead`] here: the plan has to read the request.
    pub fn plan(&self, plan: impl Fn(&RecordedAttempt) -> Fault + Send + Sync + 'static) {
        self.shared.lock().plan = Some(Box::new(plan));
    }

    /// Takes pages and opens nothing, as in a maintenance window or with a
    /// disabled service; or works again.
    pub fn suppress(&self, suppressing: bool) {
        self.shared.lock().book.suppressing = suppressing;
    }

    /// Takes so many requests of one key in any such time, and answers 429 to the
    /// rest; other keys are not touched.
    pub fn limit_per_key(&self, most: usize, window: Duration) {
        self.shared.lock().limit = Some(Limit::new(most, window));
    }

    /// Closes alerts by itself after this time, as PagerDuty does after four hours.
    pub fn close_after(&self, time: Duration) {
        self.shared.lock().book.closes_after = Some(time);
    }

    /// A person acknowledges an alert in the vendor's app; whether it was open.
    #[must_use]
    pub fn acknowledge_there(&self, key: &str, by: &str) -> bool {
        let mut state = self.shared.lock();
        state.book.touch(key, by, AlertState::Acknowledged)
    }

    /// A person closes an alert in the vendor's app; whether it was open.
    #[must_use]
    pub fn close_there(&self, key: &str, by: &str) -> bool {
        self.shared.lock().book.touch(key, by, AlertState::Closed)
    }

    /// Refuses connections, and cuts those that stand. The port stays taken.
    ///
    /// # Errors
    /// The port was lost to somebody else, or the runtime is ending.
    pub async fn refuse(&self) -> io::Result<()> {
        self.order(false).await
    }

    /// Takes connections again.
    ///
    /// # Errors
    /// As [`refuse`](Self::refuse).
    pub async fn listen(&self) -> io::Result<()> {
        self.order(true).await
    }

    async fn order(&self, listen: bool) -> io::Result<()> {
        let (done, answer) = oneshot::channel();
        let order = VendorOrder { listen, done };
        self.orders.send(order).await.map_err(io::Error::other)?;
        answer.await.map_err(io::Error::other)?
    }

    /// Every request that was read, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().requests.clone()
    }

    /// How many connections were taken.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.lock().connections
    }

    /// How many connections were reset before their request was read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.shared.lock().unread
    }

    /// Every wake, in order.
    #[must_use]
    pub fn wakes(&self) -> Vec<WokenBy> {
        self.shared.lock().book.wakes.clone()
    }

    /// Every alert there ever was, in the order of opening.
    #[must_use]
    pub fn alerts(&self) -> Vec<Alert> {
        let mut state = self.shared.lock();
        state.book.close_old();
        state.book.alerts.clone()
    }
}

impl Drop for MockVendor {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl SharedVendor {
    fn lock(&self) -> MutexGuard<'_, VendorState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl VendorState {
    /// The fault of a request that was read.
    fn planned(&mut self, seen: &RecordedRequest) -> Fault {
        let Some((action, key)) = self.rules.attempt(seen) else {
            return Fault::None;
        };
        let number = self
            .attempts
            .entry((action.clone(), key.clone()))
            .or_default();
        *number += 1;
        let attempt = RecordedAttempt {
            action,
            key,
            number: *number,
        };
        self.plan
            .as_ref()
            .map_or(Fault::None, |plan| plan(&attempt))
    }

    fn handle(&mut self, seen: &RecordedRequest) -> MockReply {
        self.book.close_old();
        if let Some(limit) = &mut self.limit
            && let Some(account) = self.rules.account(seen)
            && let Err(wait) = limit.take(account, seen.at)
        {
            return self.rules.throttled(wait);
        }
        let reply = self.carry_out(seen);
        for late in std::mem::take(&mut self.overtaken) {
            self.carry_out(&late);
        }
        reply
    }

    fn carry_out(&mut self, seen: &RecordedRequest) -> MockReply {
        self.rules
            .handle(seen, self.keys.as_deref(), &mut self.book)
    }
}

enum Door {
    Open(TcpListener),
    /// Bound and not listening: connections are refused, and nobody else gets
    /// the port.
    Shut(TcpSocket),
}

async fn serve(
    listener: TcpListener,
    address: SocketAddr,
    shared: Arc<SharedVendor>,
    mut orders: mpsc::Receiver<VendorOrder>,
) {
    let mut connections = JoinSet::new();
    let mut door = Some(Door::Open(listener));
    loop {
        let order = match &door {
            Some(Door::Open(listener)) => tokio::select! {
                taken = listener.accept() => {
                    if let Ok((stream, _)) = taken {
                        shared.lock().connections += 1;
                        connections.spawn(converse(stream, Arc::clone(&shared)));
                    }
                    continue;
                }
                Some(_) = connections.join_next() => continue,
                order = orders.recv() => order,
            },
            Some(Door::Shut(_)) | None => orders.recv().await,
        };
        let Some(order) = order else { return };
        let moved = if order.listen {
            opened(door.take(), address)
        } else {
            connections.shutdown().await;
            shut(door.take(), address)
        };
        let answer = moved.map(|new| door = Some(new));
        let _ = order.done.send(answer);
    }
}

fn shut(door: Option<Door>, address: SocketAddr) -> io::Result<Door> {
    drop(door);
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(Door::Shut(socket))
}

fn opened(door: Option<Door>, address: SocketAddr) -> io::Result<Door> {
    match door {
        Some(Door::Open(listener)) => Ok(Door::Open(listener)),
        Some(Door::Shut(socket)) => socket.listen(1024).map(Door::Open),
        None => match shut(None, address)? {
            Door::Shut(socket) => socket.listen(1024).map(Door::Open),
            open @ Door::Open(_) => Ok(open),
        },
    }
}

/// One connection, to its end. What goes wrong on it ends it, as in a server.
async fn converse(mut stream: TcpStream, shared: Arc<SharedVendor>) {
    while let Ok(true) = exchange(&mut stream, &shared).await {}
}

/// One request; whether another may follow.
async fn exchange(stream: &mut TcpStream, shared: &SharedVendor) -> io::Result<bool> {
    if stream.peek(&mut [0]).await? == 0 {
        return Ok(false);
    }
    let scripted = shared.lock().script.pop_front();
    if scripted == Some(Fault::ResetUnread) {
        shared.lock().unread += 1;
        return reset(stream);
    }
    let Some(mut seen) = read(stream).await? else {
        return Ok(false);
    };
    let (fault, place, reply) = {
        let mut state = shared.lock();
        let planned = state.planned(&seen);
        let fault = scripted.unwrap_or(planned);
        let reply = answer(&fault, &mut state, &seen);
        seen.status = reply.as_ref().map(|reply| reply.status);
        state.requests.push(seen);
        (fault, state.requests.len() - 1, reply)
    };
    match (fault, reply) {
        (Fault::BlackHole, _) => std::future::pending().await,
        (_, None) => reset(stream),
        (Fault::Drip(pause), Some(reply)) => reply.drip(stream, pause).await.map(|()| true),
        (fault, Some(reply)) => {
            if let Fault::Sleep(time) = fault {
                tokio::time::sleep(time).await;
            }
            let written = reply.write(stream).await;
            if written.is_err() {
                // The client had gone.
                if let Some(seen) = shared.lock().requests.get_mut(place) {
                    seen.status = None;
                }
            }
            written.map(|()| true)
        }
    }
}

/// What is answered; none where the connection is cut instead.
fn answer(fault: &Fault, state: &mut VendorState, seen: &RecordedRequest) -> Option<MockReply> {
    match fault {
        Fault::None | Fault::Sleep(_) | Fault::Drip(_) => Some(state.handle(seen)),
        Fault::ResetUnread | Fault::ResetRead | Fault::BlackHole => None,
        Fault::Overtaken => {
            state.overtaken.push(seen.clone());
            Some(state.rules.taken(seen))
        }
        Fault::AcceptThenLose => {
            state.handle(seen);
            None
        }
        Fault::HugeBody(bytes) => {
            let mut reply = state.handle(seen);
            reply.body.resize(*bytes, b' ');
            Some(reply)
        }
        Fault::Answer(CannedResponse {
            status,
            headers,
            body,
            accepts,
        }) => {
            if *accepts {
                state.handle(seen);
            }
            Some(MockReply {
                status: *status,
                headers: headers.clone(),
                body: body.clone().into_bytes(),
            })
        }
    }
}

/// Closes with a reset instead of an end.
fn reset(stream: &TcpStream) -> io::Result<bool> {
    stream.set_zero_linger()?;
    Ok(false)
}
