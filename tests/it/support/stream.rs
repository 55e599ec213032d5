//! A stream as a client reads it: event by event, with its place.

use std::time::Duration;

use reqwest::Response;
use serde_json::Value;

use super::Client;

/// Within so long something comes, on a machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a stream said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    /// Where it stands.
    pub id: String,
    /// What it is about.
    pub event: String,
    /// Ids and codes.
    pub data: Value,
}

/// An open stream.
pub struct Listening {
    response: Response,
    text: String,
    /// The last place that was told.
    pub place: String,
}

impl Client {
    /// Opens a stream of a server, from a place on.
    pub async fn listens(&self, base: &str, last: Option<&str>) -> Listening {
        let url = format!("{base}/api/v1/queue/stream");
        let mut request = self.app.inner.http.get(url).header("accept-encoding", "gzip");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let token = self.token().await.expect("somebody");
        let response = request.bearer_auth(token).send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        let mut listening = Listening { response, text: String::new(), place: String::new() };
        let first = listening.block().await.expect("the place from which it tells");
        assert!(first.starts_with("retry: "), "{first}");
        listening
    }
}

impl Listening {
    /// A header of the answer.
    pub fn header(&self, name: &str) -> &str {
        self.response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The next piece, up to an empty line; `None` when the stream ended.
    pub async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let (block, rest) = (block.to_owned(), rest.to_owned());
                self.text = rest;
                if let Some(id) = block.lines().find_map(|line| line.strip_prefix("id: ")) {
                    id.clone_into(&mut self.place);
                }
                return Some(block);
            }
            let piece = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            match piece.expect("something within the heartbeat") {
                Ok(Some(piece)) => self.text.push_str(std::str::from_utf8(&piece).expect("text")),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The next event; `None` when the stream ended.
    pub async fn next(&mut self) -> Option<Heard> {
        loop {
            let block = self.block().await?;
            let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name));
            if let (Some(event), Some(data)) = (field("event: "), field("data: ")) {
                return Some(Heard {
                    id: self.place.clone(),
                    event: event.to_owned(),
                    data: serde_json::from_str(data).expect("JSON"),
                });
            }
        }
    }

    /// Everything up to the notification with this id.
    pub async fn until(&mut self, fence: &str) -> Vec<Heard> {
        let mut heard = Vec::new();
        loop {
            let one = self.next().await.expect("the stream goes on");
            if one.data["notification_id"] == fence {
                return heard;
            }
            // The fence may lie in what was left out: it would be waited for without an end.
            assert_ne!(one.event, "reset", "after {heard:?}");
            heard.push(one);
        }
    }

    /// How long it took to end, whatever came before.
    pub async fn ends(mut self) -> Duration {
        let begun = std::time::Instant::now();
        while self.block().await.is_some() {
            assert!(begun.elapsed() < PATIENCE, "it goes on");
        }
        begun.elapsed()
    }
}
