//! Streams (实时推送): one reader for all streams of a process, each of which picks what its scope hears.
//!
//! The reader looks into PostgreSQL each second, and sooner when Redis says that something was
//! committed. It first asks which log-ins are alive, so that nothing is told to one that is over.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use domain::{
    id::SessionId,
    live::{Place, Told},
    scope::Scope,
};
use infra::{
    postgres::{
        identity::session as sessions,
        live::{self as store, Reading},
    },
    redis::live::Stirs,
};
use tokio::{
    sync::{Notify, broadcast::error::RecvError},
    time::{Instant, sleep, timeout},
};

use super::identity::Who;
use crate::{error::Error, state::State, streams::Seat};

/// Between two looks, when nobody says that something was committed.
const PERIOD: Duration = Duration::from_secs(1);
/// Between two looks at least.
const FLOOR: Duration = Duration::from_millis(200);
/// Before Redis is tried again.
const RECONNECT: Duration = Duration::from_secs(2);
/// Rows of one reading.
const ROWS: usize = 500;
/// Readings by which a stream may lag behind; beyond, the client loads its lists anew.
const REPLAYED: usize = 8;
/// A stream is never silent for longer.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What a stream says next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message {
    /// From here on everything is told.
    Open(Place),
    /// Something happened.
    Told(Told),
    /// What lies between is too much, or the place is none of ours: load the lists, then go on here.
    Reset(Place),
    /// Nothing; all up to this place was told, where it is known.
    Quiet(Option<Place>),
}

impl Message {
    /// What it is called in the figures.
    const fn name(self) -> &'static str {
        match self {
            Self::Open(_) => "open",
            Self::Told(told) => told.topic.code(),
            Self::Reset(_) => "reset",
            Self::Quiet(_) => "heartbeat",
        }
    }
}

/// An open stream.
pub struct Stream {
    state: State,
    scope: Scope,
    seat: Seat,
    place: Place,
    waiting: VecDeque<Message>,
    /// What `news` holds is not enough: PostgreSQL is read from the place on.
    behind: bool,
    spoke: Instant,
}

/// Opens a stream at the place that the client names in `Last-Event-ID`, or now.
///
/// # Errors
/// `stream_limit_reached`, `streams_full`; the database's.
pub async fn open(state: &State, who: &Who, resume: Option<&str>) -> Result<Stream, Error> {
    let limits = &state.config.limits;
    let room = (limits.streams_per_person, limits.streams);
    let seat = state.streams.take(who, room)?;
    // Asked after the seat was taken: what is told to all from now on lies behind it, or is read anew.
    let now = store::now(&mut *state.db.acquire().await?).await?;
    let named = resume.map(|text| Place::parse(text).filter(|place| *place <= now));
    let (place, first) = match named {
        None => (now, Message::Open(now)),
        Some(Some(place)) => (place, Message::Open(place)),
        Some(None) => (now, Message::Reset(now)),
    };
    Ok(Stream {
        state: state.clone(),
        scope: Scope::of(&who.actor),
        seat,
        behind: place < now,
        place,
        waiting: VecDeque::from([first]),
        spoke: Instant::now(),
    })
}

impl Stream {
    /// What to say next; `None` when the stream ends: the log-in is over, its roles changed, its token
    /// ended, the server stops, or the database is away. The client comes back with its place.
    pub async fn next(&mut self) -> Option<Message> {
        loop {
            // Before anything that waits: nothing is said to whoever may not hear it any more.
            if self.seat.cut.try_recv() != Err(tokio::sync::oneshot::error::TryRecvError::Empty) {
                return None;
            }
            if let Some(message) = self.waiting.pop_front() {
                self.spoke = Instant::now();
                metrics::counter!("live_messages_total", "event" => message.name()).increment(1);
                return Some(message);
            }
            if self.behind {
                self.catch_up()
                    .await
                    .inspect_err(|error| tracing::warn!(%error, "a stream broke"))
                    .ok()?;
                continue;
            }
            tokio::select! {
                _ = &mut self.seat.cut => return None,
                news = self.seat.news.recv() => match news {
                    Ok(reading) if reading.from > self.place => self.behind = true,
                    Ok(reading) => self.take(&reading),
                    Err(RecvError::Lagged(_)) => self.behind = true,
                    Err(RecvError::Closed) => return None,
                },
                () = tokio::time::sleep_until(self.spoke + HEARTBEAT) => {
                    let known = Some(self.place).filter(Place::is_end);
                    self.waiting.push_back(Message::Quiet(known));
                }
            }
        }
    }

    /// Picks what the scope hears of a reading, behind the place.
    fn take(&mut self, reading: &Reading) {
        for happening in reading.happenings.iter().filter(|one| one.place > self.place) {
            self.waiting.extend(happening.told(&self.scope).map(Message::Told));
        }
        self.place = self.place.max(reading.until);
    }

    /// Reads for itself up to now; too far behind, it starts anew.
    async fn catch_up(&mut self) -> Result<(), Error> {
        let mut conn = self.state.db.acquire().await?;
        for _ in 0..REPLAYED {
            let reading = store::after(&mut conn, self.place, ROWS).await?;
            self.take(&reading);
            if reading.whole {
                self.behind = false;
                return Ok(());
            }
        }
        self.place = store::now(&mut conn).await?;
        self.waiting = VecDeque::from([Message::Reset(self.place)]);
        self.behind = false;
        Ok(())
    }
}

/// Reads for every stream of the process, while there are any.
pub async fn keep_reading(state: State) {
    loop {
        state.streams.anybody().await;
        let stirred = Arc::new(Notify::new());
        let listening = tokio::spawn(listen(state.clone(), Arc::clone(&stirred)));
        read_while_anybody(&state, &stirred).await;
        listening.abort();
    }
}

async fn read_while_anybody(state: &State, stirred: &Notify) {
    let mut place = None;
    while let Some(asked) = state.streams.sessions() {
        match read_once(state, &asked, &mut place).await {
            // More waits; who is alive is asked again before it is told.
            Ok(false) => continue,
            Ok(true) => {}
            Err(error) => {
                // Who is alive cannot be asked either: the streams end, and their clients come back.
                tracing::warn!(%error, "streams end: the database cannot be read");
                state.streams.cut();
            }
        }
        sleep(FLOOR).await;
        // Either is a reason to look.
        let _ = timeout(PERIOD - FLOOR, stirred.notified()).await;
    }
}

/// One reading, told to whoever is alive. Answers whether that was all.
async fn read_once(
    state: &State,
    asked: &[SessionId],
    place: &mut Option<Place>,
) -> Result<bool, Error> {
    let now = state.clock.now();
    let mut conn = state.db.acquire().await?;
    let alive = sessions::alive_of(&mut conn, asked, now).await?;
    state.streams.keep(asked, &alive, now);
    let from = match *place {
        Some(place) => place,
        None => store::now(&mut conn).await?,
    };
    let reading = store::after(&mut conn, from, ROWS).await?;
    let whole = reading.whole;
    *place = Some(reading.until);
    state.streams.tell(reading);
    Ok(whole)
}

/// Passes on what Redis says; without it the reader looks each second.
async fn listen(state: State, stirred: Arc<Notify>) {
    loop {
        match Stirs::connect(&state.redis).await {
            Ok(mut stirs) => {
                while stirs.next().await.is_some() {
                    stirred.notify_one();
                }
            }
            Err(error) => tracing::debug!(%error, "streams hear nothing from redis"),
        }
        sleep(RECONNECT).await;
    }
}
