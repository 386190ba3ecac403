//! The server of a mock vendor.

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

/// A mock vendor on a loopback port, in this process. It stops when dropped.
///
/// It stores the requests that it gets, keys included, and returns them: use made-up keys.
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
    /// Requests that were answered as accepted, and are not handled yet.
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

/// An order to listen or to refuse connections, with a channel for the result.
struct VendorOrder {
    listen: bool,
    done: oneshot::Sender<io::Result<()>>,
}

impl MockVendor {
    /// Starts a mock of PagerDuty's Events API v2.
    ///
    /// # Errors
    /// Fails if it cannot listen on a port.
    pub async fn pagerduty() -> io::Result<Self> {
        Self::start(Box::new(PagerDutyRules)).await
    }

    /// Starts a mock of OpsGenie's Alerts API v2. It also answers under the path of Jira Service
    /// Management's integrations.
    ///
    /// # Errors
    /// Fails if it cannot listen on a port.
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

    /// Returns the address to give to an adapter.
    #[must_use]
    pub fn base_url(&self) -> BaseUrl {
        self.base.clone()
    }

    /// Sets the valid keys; all others are refused from now on.
    pub fn only_keys<K: Into<String>>(&self, keys: impl IntoIterator<Item = K>) {
        self.shared.lock().keys = Some(keys.into_iter().map(Into::into).collect());
    }

    /// Adds faults for the next requests, in the order in which they begin to arrive. After them,
    /// the plan applies again, if there is one.
    pub fn script(&self, faults: impl IntoIterator<Item = Fault>) {
        self.shared.lock().script.extend(faults);
    }

    /// Sets a function that chooses the fault of each request. [`Fault::ResetUnread`] acts as
    /// [`Fault::ResetRead`] here, as the plan needs the request.
    pub fn plan(&self, plan: impl Fn(&RecordedAttempt) -> Fault + Send + Sync + 'static) {
        self.shared.lock().plan = Some(Box::new(plan));
    }

    /// Sets whether triggers are accepted without opening an alert, as in a maintenance window or
    /// with a disabled service.
    pub fn suppress(&self, suppressing: bool) {
        self.shared.lock().book.suppressing = suppressing;
    }

    /// Sets a rate limit: at most `most` requests per key in any `window`. Others are answered
    /// 429; each key is counted separately.
    pub fn limit_per_key(&self, most: usize, window: Duration) {
        self.shared.lock().limit = Some(Limit::new(most, window));
    }

    /// Sets the time after which an alert closes by itself, as PagerDuty does after four hours.
    pub fn close_after(&self, time: Duration) {
        self.shared.lock().book.closes_after = Some(time);
    }

    /// Acknowledges an alert as a person in the vendor's app does. Returns `false` if it was not
    /// open.
    #[must_use]
    pub fn acknowledge_there(&self, key: &str, by: &str) -> bool {
        let mut state = self.shared.lock();
        state.book.touch(key, by, AlertState::Acknowledged)
    }

    /// Closes an alert as a person in the vendor's app does. Returns `false` if it was not open.
    #[must_use]
    pub fn close_there(&self, key: &str, by: &str) -> bool {
        self.shared.lock().book.touch(key, by, AlertState::Closed)
    }

    /// Stops accepting connections, and closes the existing ones. The port stays reserved.
    ///
    /// # Errors
    /// Fails if another process took the port, or if the runtime is shutting down.
    pub async fn refuse(&self) -> io::Result<()> {
        self.order(false).await
    }

    /// Starts accepting connections again.
    ///
    /// # Errors
    /// Fails as [`refuse`](Self::refuse) does.
    pub async fn listen(&self) -> io::Result<()> {
        self.order(true).await
    }

    async fn order(&self, listen: bool) -> io::Result<()> {
        let (done, answer) = oneshot::channel();
        let order = VendorOrder { listen, done };
        self.orders.send(order).await.map_err(io::Error::other)?;
        answer.await.map_err(io::Error::other)?
    }

    /// Returns every request that was read, in the order of arrival.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().requests.clone()
    }

    /// Returns the number of connections accepted so far.
    #[must_use]
    pub fn connections(&self) -> u64 {
        self.shared.lock().connections
    }

    /// Returns the number of connections that were reset before their request was read.
    #[must_use]
    pub fn unread(&self) -> u64 {
        self.shared.lock().unread
    }

    /// Returns every wake, in order.
    #[must_use]
    pub fn wakes(&self) -> Vec<WokenBy> {
        self.shared.lock().book.wakes.clone()
    }

    /// Returns every alert, closed ones included, in the order of opening.
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
    /// Returns the fault that the plan chooses for a request.
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
    /// Bound and not listening: connections are refused, and no other process gets the port.
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

/// Serves one connection to its end. An error ends it, as in a server.
async fn converse(mut stream: TcpStream, shared: Arc<SharedVendor>) {
    while let Ok(true) = exchange(&mut stream, &shared).await {}
}

/// Serves one request. Returns `true` if another may follow.
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
        (Fault::EndlessBody, Some(reply)) => reply.write_without_end(stream).await.map(|()| false),
        (Fault::Drip(pause), Some(reply)) => reply.drip(stream, pause).await.map(|()| true),
        (fault, Some(reply)) => {
            if let Fault::Sleep(time) = fault {
                tokio::time::sleep(time).await;
            }
            let written = reply.write(stream).await;
            if written.is_err() {
                // The client is gone, so it got no answer.
                if let Some(seen) = shared.lock().requests.get_mut(place) {
                    seen.status = None;
                }
            }
            written.map(|()| true)
        }
    }
}

/// Returns the answer to a request, or `None` if the connection is reset or hangs instead.
fn answer(fault: &Fault, state: &mut VendorState, seen: &RecordedRequest) -> Option<MockReply> {
    match fault {
        Fault::None | Fault::Sleep(_) | Fault::Drip(_) | Fault::EndlessBody => {
            Some(state.handle(seen))
        }
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

/// Resets the connection instead of closing it.
fn reset(stream: &TcpStream) -> io::Result<bool> {
    stream.set_zero_linger()?;
    Ok(false)
}
