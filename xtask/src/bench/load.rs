//! A load generator: keep-alive connections that each send the next request when the last one is
//! answered. It parses as little as it can, since it shares the processors with the server.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::failure::{Failure, Result};

/// Not counted: connections, caches and statements get ready.
pub const WARM_UP: Duration = Duration::from_secs(2);
/// After so many broken connections one after another nothing will come of it.
const PATIENCE: u32 = 50;

/// Makes the n-th request and says which status it must get.
pub type Requests = Arc<dyn Fn(u64) -> Request + Send + Sync>;

/// One request, ready to be sent.
#[derive(Debug, Clone)]
pub struct Request {
    /// All of it, as it goes over the wire.
    pub bytes: Vec<u8>,
    /// What the answer must be.
    pub status: u16,
}

/// What came of a run, without its warm-up.
#[derive(Debug)]
pub struct Outcome {
    /// Answered as they must be, in microseconds.
    pub latencies: Histogram<u64>,
    /// Answered otherwise, or not at all.
    pub errors: u64,
    /// The first of them.
    pub first_error: Option<String>,
    /// Every request, the warm-up's included.
    pub sent: u64,
    /// How long was counted.
    pub lasted: Duration,
}

impl Outcome {
    fn new() -> Result<Self> {
        let latencies = Histogram::new(3)?;
        let lasted = Duration::ZERO;
        Ok(Self { latencies, errors: 0, first_error: None, sent: 0, lasted })
    }

    fn note(&mut self, error: String) {
        self.errors += 1;
        self.first_error.get_or_insert(error);
    }

    fn join(&mut self, other: Self) -> Result {
        self.latencies.add(other.latencies)?;
        self.errors += other.errors;
        self.sent += other.sent;
        self.first_error = self.first_error.take().or(other.first_error);
        Ok(())
    }
}

/// Sends for `lasts`, after a warm-up.
///
/// # Errors
/// The server cannot be reached.
pub async fn run(
    base_url: &str,
    connections: usize,
    lasts: Duration,
    requests: Requests,
) -> Result<Outcome> {
    let address = base_url.trim_start_matches("http://").to_owned();
    let begins = Instant::now() + WARM_UP;
    let ends = begins + lasts;
    let next = Arc::new(AtomicU64::new(0));
    let mut all = JoinSet::new();
    for _ in 0..connections {
        let (address, next, requests) = (address.clone(), next.clone(), requests.clone());
        all.spawn(async move { connection(&address, begins, ends, &next, &requests).await });
    }
    let mut outcome = Outcome::new()?;
    while let Some(one) = all.join_next().await {
        outcome.join(one??)?;
    }
    outcome.lasted = lasts;
    Ok(outcome)
}

/// Sends one request on a connection of its own.
///
/// # Errors
/// The answer is not what it must be.
pub async fn once(base_url: &str, request: &Request) -> Result {
    let mut wire = Wire::open(base_url.trim_start_matches("http://")).await?;
    let status = wire.ask(&request.bytes).await?;
    if status == request.status {
        return Ok(());
    }
    let words = String::from_utf8_lossy(wire.body()).into_owned();
    Err(Failure::new(format!("{status}，应为 {}：{words}", request.status)))
}

async fn connection(
    address: &str,
    begins: Instant,
    ends: Instant,
    next: &AtomicU64,
    requests: &Requests,
) -> Result<Outcome> {
    let mut outcome = Outcome::new()?;
    let mut wire = Wire::open(address).await?;
    let mut broken = 0;
    loop {
        let request = requests(next.fetch_add(1, Ordering::Relaxed));
        let since = Instant::now();
        if since >= ends {
            return Ok(outcome);
        }
        let answer = wire.ask(&request.bytes).await;
        let counts = since >= begins;
        outcome.sent += 1;
        match answer {
            Ok(status) if status == request.status => {
                broken = 0;
                if counts {
                    let took = u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX);
                    outcome.latencies.record(took)?;
                }
            }
            Ok(status) => {
                broken = 0;
                let words = String::from_utf8_lossy(wire.body()).into_owned();
                outcome.note(format!("{status}，应为 {}：{words}", request.status));
            }
            Err(error) => {
                outcome.note(error.to_string());
                broken += 1;
                if broken > PATIENCE {
                    return Err(Failure::new(format!("服务连不上：{error}")));
                }
                wire = Wire::open(address).await?;
            }
        }
    }
}

/// One connection.
struct Wire {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Where the body of the last answer begins.
    body: usize,
}

impl Wire {
    async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(16 * 1024), body: 0 })
    }

    /// Sends a request and reads the whole answer; its status.
    async fn ask(&mut self, request: &[u8]) -> std::io::Result<u16> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = Head::parse(&self.buffer) {
                self.body = head.length;
                while self.buffer.len() < head.length + head.body {
                    if self.stream.read_buf(&mut self.buffer).await? == 0 {
                        return Err(std::io::ErrorKind::UnexpectedEof.into());
                    }
                }
                return Ok(head.status);
            }
        }
    }

    fn body(&self) -> &[u8] {
        self.buffer.get(self.body..).unwrap_or_default()
    }
}

/// What of an answer's head matters.
#[derive(Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    length: usize,
    body: usize,
}

impl Head {
    /// Reads a complete head; the product always says how long its body is.
    fn parse(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let text = std::str::from_utf8(bytes.get(..end)?).ok()?;
        let mut lines = text.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let body = lines
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
            .map_or(Some(0), |(_, length)| length.trim().parse().ok())?;
        Some(Self { status, length: end + 4, body })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_once_it_is_whole() {
        let answer = b"HTTP/1.1 201 Created\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
        let head = Head::parse(answer).unwrap();
        assert_eq!(head, Head { status: 201, length: answer.len() - 5, body: 5 });
        assert_eq!(Head::parse(&answer[..30]), None);
        let empty = Head::parse(b"HTTP/1.1 204 No Content\r\n\r\n").unwrap();
        assert_eq!((empty.status, empty.body), (204, 0));
    }
}
