//! A server that behaves like WeChat as far as messages need it: it logs people in, gives a token,
//! passes texts, and takes messages, each of which it remembers. It can let whoever sends one wait for
//! the answer.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::failure::Result;

/// The longest request that is read, in bytes.
const LONGEST: usize = 64 * 1024;
/// Nobody is let wait longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// See the module; it stops with this value.
#[derive(Debug)]
pub struct WeChat {
    /// Where it listens.
    pub base_url: String,
    known: Arc<Known>,
    listening: JoinHandle<()>,
}

#[derive(Debug)]
struct Known {
    /// How often it took messages, by the person and the key of the call.
    messages: Mutex<BTreeMap<(String, String), usize>>,
    held: watch::Sender<bool>,
}

impl WeChat {
    /// Starts it on a free port of 127.0.0.1.
    ///
    /// # Errors
    /// There is none.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let known = Arc::new(Known { messages: Mutex::default(), held: watch::Sender::new(false) });
        let knowing = known.clone();
        let listening = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let knowing = knowing.clone();
                // Whoever was killed hangs up in the middle.
                tokio::spawn(async move { answer_all(stream, &knowing).await.ok() });
            }
        });
        Ok(Self { base_url, known, listening })
    }

    /// Lets whoever sends a message wait for the answer, or no longer.
    pub fn hold(&self, held: bool) {
        self.known.held.send_replace(held);
    }

    /// How often it took each message to somebody, told apart by their keys, by the code of the log-in.
    pub fn taken(&self, code: &str) -> Vec<usize> {
        let messages = self.known.messages.lock().unwrap_or_else(PoisonError::into_inner);
        let of = messages.iter().filter(|((to, _), _)| *to == open_id(code));
        of.map(|(_, count)| *count).collect()
    }
}

impl Drop for WeChat {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

fn open_id(code: &str) -> String {
    format!("oSoak-{code}")
}

async fn answer_all(stream: TcpStream, known: &Known) -> Result {
    let mut stream = BufReader::new(stream);
    loop {
        let (mut first, mut length, mut key) = (String::new(), 0, String::new());
        if stream.read_line(&mut first).await? == 0 {
            return Ok(());
        }
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await?;
            if line.trim().is_empty() {
                break;
            }
            let Some((name, value)) = line.split_once(':') else { continue };
            if name.eq_ignore_ascii_case("content-length") {
                length = value.trim().parse::<usize>()?.min(LONGEST);
            } else if name.eq_ignore_ascii_case("x-request-key") {
                value.trim().clone_into(&mut key);
            }
        }
        let mut body = vec![0; length];
        stream.read_exact(&mut body).await?;
        let body = serde_json::from_slice(&body).unwrap_or_default();
        let target = first.split(' ').nth(1).unwrap_or_default();
        let answer = answer(target, key, &body, known).await.to_string();
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: {}\r\n\r\n",
            answer.len()
        );
        stream.write_all((head + &answer).as_bytes()).await?;
    }
}

async fn answer(target: &str, key: String, body: &Value, known: &Known) -> Value {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match path {
        "/sns/jscode2session" => {
            let code = query.split('&').find_map(|pair| pair.strip_prefix("js_code="));
            json!({ "openid": open_id(code.unwrap_or_default()), "session_key": "k" })
        }
        "/cgi-bin/stable_token" => json!({ "access_token": "soak", "expires_in": 7200 }),
        "/wxa/msg_sec_check" => {
            json!({ "errcode": 0, "result": { "suggest": "pass", "label": 100 } })
        }
        "/cgi-bin/message/subscribe/send" => {
            let to = body.get("touser").and_then(Value::as_str).unwrap_or_default().to_owned();
            {
                let mut messages = known.messages.lock().unwrap_or_else(PoisonError::into_inner);
                *messages.entry((to, key)).or_default() += 1;
            }
            let mut held = known.held.subscribe();
            let _ = tokio::time::timeout(PATIENCE, held.wait_for(|held| !held)).await;
            json!({ "errcode": 0, "errmsg": "ok" })
        }
        _ => json!({ "errcode": -1, "errmsg": "no such interface" }),
    }
}
