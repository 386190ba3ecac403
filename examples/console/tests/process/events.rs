//! Event streams of the process: a thousand of them, cuts at any byte, replicas, and the stop.

use std::io::BufReader;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use incident_test_postgres::{Cluster, Database, Safety};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::memory::resident;
use crate::stops::{ended, kill};
use crate::{Running, after, until};

const TOKEN: &str = "token-0123456789-token";

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// Raises the limit of this process to that of a thousand streams.
fn raise_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    let wanted = limit.maximum.unwrap_or(4_096).min(4_096);
    if limit.current.is_some_and(|current| current < wanted) {
        let current = Some(wanted);
        setrlimit(Resource::Nofile, Rlimit { current, ..limit }).unwrap();
    }
}

fn serve(database: Option<&str>) -> (Running, SocketAddr) {
    let mut console = after("ulimit -n 4096");
    console
        .env("INCIDENT_TOKENS", format!("root:admin:{TOKEN}"))
        .env("RUST_LOG", "warn");
    if let Some(url) = database {
        console.env("DATABASE_URL", url);
        console.env("INCIDENT_ALLOW_UNSAFE_DATABASE", "1");
    }
    let mut child = Running::of(&mut console);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let seen = until(&mut lines, "listening on http://");
    let address = seen.last().unwrap();
    let address = address.trim_start_matches("listening on http://");
    (child, address.parse().unwrap())
}

/// Numbers that look random, and are the same in each run.
#[derive(Clone, Copy)]
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

/// A client of the stream, as a browser is one: it reconnects with the last event id, and dispatches
/// whole events only.
struct Client {
    last_id: Option<String>,
    /// The numbers of the changes that it was sent.
    seqs: Vec<u64>,
    resets: usize,
    /// The number of times that it was cut off.
    cuts: usize,
}

/// One connection of a client.
struct Stream {
    socket: TcpStream,
    raw: Vec<u8>,
    text: String,
    /// Set if the last chunk came: the response is whole.
    is_whole: bool,
}

impl Stream {
    async fn open(address: SocketAddr, last_id: Option<&str>) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let resume = last_id.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
        let request = format!(
            "GET /sys/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {TOKEN}\r\n{resume}\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let (mut raw, mut buffer) = (Vec::new(), [0; 4_096]);
        loop {
            let read = timeout(PATIENCE, socket.read(&mut buffer)).await.unwrap();
            raw.extend_from_slice(&buffer[..read.unwrap()]);
            let head = raw.windows(4).position(|bytes| bytes == b"\r\n\r\n");
            if let Some(end) = head {
                let head = String::from_utf8(raw.drain(..end + 4).collect()).unwrap();
                assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
                let text = String::new();
                let is_whole = false;
                let mut stream = Self {
                    socket,
                    raw,
                    text,
                    is_whole,
                };
                stream.decode();
                return stream;
            }
        }
    }

    /// Reads at most so many bytes; returns their number, 0 at the end.
    async fn read(&mut self, most: usize) -> usize {
        let mut buffer = [0; 4_096];
        let part = &mut buffer[..most.min(4_096)];
        let read = timeout(PATIENCE, self.socket.read(part)).await.unwrap();
        let read = read.unwrap_or(0);
        self.raw.extend_from_slice(&buffer[..read]);
        self.decode();
        read
    }

    /// Takes the whole chunks off the raw bytes (RFC 9112, 7.1).
    fn decode(&mut self) {
        while let Some(line) = self.raw.windows(2).position(|bytes| bytes == b"\r\n") {
            let size = std::str::from_utf8(&self.raw[..line]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            let (start, end) = (line + 2, line + 2 + size);
            if self.raw.len() < end + 2 {
                return;
            }
            self.text += std::str::from_utf8(&self.raw[start..end]).unwrap();
            self.raw.drain(..end + 2);
            self.is_whole |= size == 0;
        }
    }
}

impl Client {
    const fn new() -> Self {
        Self {
            last_id: None,
            seqs: Vec::new(),
            resets: 0,
            cuts: 0,
        }
    }

    fn last_seq(&self) -> Option<u64> {
        let (_, seq) = self.last_id.as_ref()?.split_once('-')?;
        seq.parse().ok()
    }

    /// Dispatches the whole events of a connection.
    fn dispatch(&mut self, stream: &mut Stream) {
        while let Some(end) = stream.text.find("\n\n") {
            let block: String = stream.text.drain(..end + 2).collect();
            let field = |name: &str| {
                let mut lines = block.lines().filter_map(|line| line.split_once(": "));
                let found = lines.find(|(field, _)| *field == name);
                found.map(|(_, value)| value.to_owned())
            };
            self.last_id = field("id").or(self.last_id.take());
            match field("event").as_deref() {
                Some("change") => self.seqs.push(self.last_seq().unwrap()),
                Some("reset") => self.resets += 1,
                other => assert_eq!(other, None),
            }
        }
    }

    async fn connect(&mut self, address: SocketAddr) -> Stream {
        let mut stream = Stream::open(address, self.last_id.as_deref()).await;
        while self.last_id.is_none() {
            self.dispatch(&mut stream);
            if self.last_id.is_none() {
                assert_ne!(stream.read(4_096).await, 0);
            }
        }
        stream
    }
}

/// The work of one client: it is cut off after some bytes each time, and then reads to the end.
struct Reading {
    client: Client,
    stream: Stream,
    cuts: Vec<usize>,
    addresses: Vec<SocketAddr>,
}

impl Reading {
    /// Reads until the newest number is one; returns the open stream with its client.
    async fn until(
        mut self,
        newest: tokio::sync::watch::Receiver<Option<u64>>,
    ) -> (Client, Stream) {
        let mut left = self.cuts.pop();
        loop {
            if *newest.borrow() == self.client.last_seq() && left.is_none() {
                return (self.client, self.stream);
            }
            // So that the number that is known last is noticed too.
            let most = left.unwrap_or(4_096);
            let reading = timeout(Duration::from_millis(200), self.stream.read(most));
            let read = match reading.await {
                Ok(read) => read,
                // Nothing more comes: the stream is cut off where it is.
                Err(_) if newest.borrow().is_some() && left.is_some() => {
                    left = self.cut().await;
                    continue;
                }
                Err(_) => continue,
            };
            assert_ne!(read, 0, "the server ended the stream");
            self.client.dispatch(&mut self.stream);
            let Some(bytes) = left.as_mut() else { continue };
            *bytes -= read;
            if *bytes == 0 {
                left = self.cut().await;
            }
        }
    }

    /// Cuts the stream off and opens the next one; returns the number of bytes until the next cut.
    async fn cut(&mut self) -> Option<usize> {
        self.client.cuts += 1;
        let left = self.cuts.pop();
        let next = self.cuts.len() % self.addresses.len();
        let last_id = self.client.last_id.as_deref();
        self.stream = Stream::open(self.addresses[next], last_id).await;
        left
    }
}

struct Load {
    streams: usize,
    cuts: usize,
    /// The number of bytes within which a stream is cut off; it gets more than that in all.
    cut_within: u64,
    incidents: usize,
    updates: usize,
}

async fn post(address: SocketAddr, path: &str, body: &Value) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("http://{address}{path}"));
    let request = request.bearer_auth(TOKEN);
    let request = request.header("content-type", "application/json");
    let answer = request.body(body.to_string()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    answer.json().await.unwrap()
}

/// Declares incidents and updates each of them, through all addresses in turn.
async fn write(addresses: &[SocketAddr], load: &Load) {
    let incidents = (0..load.incidents).map(|number| {
        let address = addresses[number % addresses.len()];
        let updates = load.updates;
        tokio::spawn(async move {
            let body = json!({"title": "x", "severity": "SEV4", "page": false});
            let incident = post(address, "/sys/incidents", &body).await;
            let path = format!(
                "/sys/incidents/{}/updates",
                incident["id"].as_str().unwrap()
            );
            for _ in 0..updates {
                post(address, &path, &json!({"message": "still down"})).await;
            }
        })
    });
    let mut incidents: Vec<_> = incidents.collect();
    for one in incidents.drain(..) {
        one.await.unwrap();
    }
}

/// Opens streams, writes while they are cut off, and asserts that each client saw every change once.
async fn run(
    addresses: &[SocketAddr],
    load: &Load,
    opened: impl FnOnce(),
) -> Vec<(Client, Stream)> {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut readings = Vec::new();
    let (newest, known) = tokio::sync::watch::channel(None);
    for number in 0..load.streams {
        let mut client = Client::new();
        let stream = client.connect(addresses[number % addresses.len()]).await;
        let cuts = (number..load.cuts).step_by(load.streams);
        let cuts = cuts.map(|_| usize::try_from(1 + dice.below(load.cut_within)).unwrap());
        let (cuts, addresses) = (cuts.collect(), addresses.to_vec());
        readings.push(Reading {
            client,
            stream,
            cuts,
            addresses,
        });
    }
    opened();
    let starts: Vec<u64> = readings
        .iter()
        .map(|one| one.client.last_seq().unwrap())
        .collect();
    let readings = readings
        .into_iter()
        .map(|one| tokio::spawn(one.until(known.clone())));
    let readings: Vec<_> = readings.collect();
    let began = Instant::now();
    write(addresses, load).await;
    let wrote = began.elapsed();
    let mut last = Client::new();
    drop(last.connect(addresses[0]).await);
    let end = last.last_seq();
    newest.send_replace(end);
    let (mut done, mut cuts) = (Vec::new(), 0);
    for (reading, start) in readings.into_iter().zip(starts) {
        let (client, stream) = timeout(PATIENCE, reading).await.unwrap().unwrap();
        let expected: Vec<u64> = (start + 1..=end.unwrap()).collect();
        // No cut was as long as a minute.
        assert_eq!(client.resets, 0);
        assert_eq!(client.seqs, expected);
        cuts += client.cuts;
        done.push((client, stream));
    }
    assert_eq!(cuts, load.cuts);
    eprintln!(
        "{} streams, {cuts} cuts, {} events, written in {wrote:?}, read in {:?}",
        load.streams,
        end.unwrap(),
        began.elapsed()
    );
    done
}

/// H17, H18: a thousand streams are cut off a thousand times while a hundred incidents are updated:
/// nothing is lost, nothing comes twice; and they do not hold up the stop.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_streams_lose_nothing_and_do_not_hold_up_the_stop() {
    raise_descriptors();
    let (mut child, address) = serve(None);
    let before = resident(child.id());
    let load = Load {
        streams: 1_000,
        cuts: 1_000,
        cut_within: 6_000,
        incidents: 100,
        updates: 1,
    };
    let pid = child.id();
    let streams = run(&[address], &load, || {
        let more = resident(pid).saturating_sub(before) / 1024;
        eprintln!(
            "{} KiB before, {more} KiB more for the streams",
            before / 1024
        );
        assert!(more < 100 * 1024, "{more} KiB");
    })
    .await;
    eprintln!("{} KiB after it", resident(pid) / 1024);
    let metrics = reqwest::Client::builder().no_proxy().build().unwrap();
    let metrics = metrics.get(format!("http://{address}/metrics"));
    let metrics = metrics.bearer_auth(TOKEN).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    assert!(
        metrics.contains("\nincident_event_streams 1000\n"),
        "{metrics}"
    );
    let began = Instant::now();
    kill("-TERM", child.id());
    assert!(ended(&mut child, began).success());
    let took = began.elapsed();
    eprintln!("stopped in {took:?} with {} streams", streams.len());
    assert!(took < Duration::from_secs(1), "{took:?}");
    for (_, mut stream) in streams {
        while stream.read(4_096).await > 0 {}
        assert!(stream.is_whole, "the response was cut off");
    }
}

/// H17: clients move between two processes on one database at each cut.
#[tokio::test(flavor = "multi_thread")]
async fn clients_move_between_replicas_and_lose_nothing() {
    raise_descriptors();
    let cluster = Cluster::start(Safety::Fast).unwrap();
    let database = Database::create(&cluster, None).await.unwrap();
    let url = cluster.url(database.name());
    let (one, first) = serve(Some(&url));
    let (other, second) = serve(Some(&url));
    let load = Load {
        streams: 100,
        cuts: 300,
        cut_within: 1_000,
        incidents: 20,
        updates: 4,
    };
    let streams = run(&[first, second], &load, || {}).await;
    drop((one, other));
    assert_eq!(streams.len(), load.streams);
}
