//! The open streams of this process: who listens by which log-in, and what is passed to all of them.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use domain::{id::SessionId, identity::Actor, live::Refused, refusal::Basic, time::Timestamp};
use infra::postgres::live::Reading;
use tokio::sync::{Notify, broadcast, oneshot};

use crate::{app::identity::Who, error::Error};

/// So many readings wait for a stream that is slow; whoever misses some reads for itself.
const WAITING: usize = 64;

/// The open streams. Cloning it clones the handle.
#[derive(Clone)]
pub struct Streams(Arc<Shared>);

struct Shared {
    open: Mutex<Open>,
    news: broadcast::Sender<Arc<Reading>>,
    /// Somebody took a seat.
    came: Notify,
}

#[derive(Default)]
struct Open {
    streams: HashMap<u64, Listener>,
    next: u64,
    /// The server stops.
    closed: bool,
}

struct Listener {
    who: Who,
    /// Dropping it ends the stream.
    _cut: oneshot::Sender<()>,
}

/// A stream's own end of it; dropping it gives its room back.
pub struct Seat {
    /// What everybody is told.
    pub news: broadcast::Receiver<Arc<Reading>>,
    /// Ready when the stream has to end.
    pub cut: oneshot::Receiver<()>,
    id: u64,
    shared: Arc<Shared>,
}

impl Default for Streams {
    fn default() -> Self {
        let (news, _) = broadcast::channel(WAITING);
        Self(Arc::new(Shared { open: Mutex::default(), news, came: Notify::new() }))
    }
}

impl Shared {
    /// A panic between two changes of a map leaves nothing half done that matters.
    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Streams {
    /// Takes a seat, where the person has fewer than `per_person` and the process fewer
    /// than `at_most`.
    ///
    /// # Errors
    /// `stream_limit_reached`, `streams_full`; `unavailable` while the server stops.
    pub fn take(&self, who: &Who, (per_person, at_most): (u32, u32)) -> Result<Seat, Error> {
        let mut open = self.0.open();
        if open.closed {
            return Err(Basic::Unavailable.into());
        }
        let account = who.actor.account;
        let own = open.streams.values().filter(|one| one.who.actor.account == account).count();
        if own >= usize::try_from(per_person).unwrap_or(usize::MAX) {
            return Err(Refused::Limit { most: per_person }.into());
        }
        if open.streams.len() >= usize::try_from(at_most).unwrap_or(usize::MAX) {
            return Err(Refused::Full.into());
        }
        let (sender, cut) = oneshot::channel();
        let id = open.next;
        open.next += 1;
        open.streams.insert(id, Listener { who: who.clone(), _cut: sender });
        self.0.came.notify_one();
        metrics::gauge!("live_streams").increment(1.0);
        let shared = Arc::clone(&self.0);
        Ok(Seat { news: self.0.news.subscribe(), cut, id, shared })
    }

    /// The log-ins that streams were opened by; `None` where there is no stream.
    pub fn sessions(&self) -> Option<Vec<SessionId>> {
        let open = self.0.open();
        let sessions = open.streams.values().map(|one| one.who.session);
        (!open.streams.is_empty()).then(|| sessions.collect())
    }

    /// Waits until there is a stream.
    pub async fn anybody(&self) {
        while self.sessions().is_none() {
            self.0.came.notified().await;
        }
    }

    /// Ends the streams whose log-in is over, whose roles are others than when they began, or whose
    /// token ended; `alive` is what holds of the log-ins that were asked for.
    pub fn keep(&self, asked: &[SessionId], alive: &[(SessionId, Actor)], now: Timestamp) {
        let alive: HashMap<SessionId, &Actor> =
            alive.iter().map(|(session, actor)| (*session, actor)).collect();
        let asked: HashSet<&SessionId> = asked.iter().collect();
        self.0.open().streams.retain(|_, one| {
            let known = !asked.contains(&one.who.session)
                || alive.get(&one.who.session).is_some_and(|actor| **actor == one.who.actor);
            known && now < one.who.ends
        });
    }

    /// Tells every stream.
    pub fn tell(&self, reading: Reading) {
        // Nobody may be left to hear it.
        let _ = self.0.news.send(Arc::new(reading));
    }

    /// Ends every stream; new ones may be opened.
    pub fn cut(&self) {
        self.0.open().streams.clear();
    }

    /// Ends every stream, and opens none any more: the server stops.
    pub fn close(&self) {
        let mut open = self.0.open();
        open.closed = true;
        open.streams.clear();
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.shared.open().streams.remove(&self.id);
        metrics::gauge!("live_streams").decrement(1.0);
    }
}

#[cfg(test)]
mod tests {
    use domain::{
        id::Id,
        identity::{Grant, Role},
    };

    use super::*;

    const NOW: Timestamp = chrono::DateTime::UNIX_EPOCH;
    const ROOM: (u32, u32) = (2, 3);

    fn who(account: u8, session: u8) -> Who {
        let grants = vec![Grant { role: Role::Dispatcher, scope: "140213".to_owned() }];
        let actor = Actor { account: Id::from_parts(NOW, &[account; 10]), grants };
        Who { actor, session: Id::from_parts(NOW, &[session; 10]), ends: later() }
    }

    fn later() -> Timestamp {
        NOW + chrono::TimeDelta::minutes(5)
    }

    fn code(taken: Result<Seat, Error>) -> Option<&'static str> {
        taken.err().and_then(|error| error.code())
    }

    #[tokio::test]
    async fn a_seat_is_taken_within_both_limits_and_given_back() {
        let streams = Streams::default();
        let take = |account| streams.take(&who(account, account), ROOM);
        let first = take(1).unwrap();
        let second = take(1).unwrap();
        assert_eq!(code(take(1)), Some("stream_limit_reached"));
        let third = take(2).unwrap();
        assert_eq!(code(take(2)), Some("streams_full"));
        drop(first);
        assert!(take(2).is_ok());
        drop((second, third));
        assert_eq!(streams.sessions(), None);
        assert!(take(1).is_ok());
    }

    #[tokio::test]
    async fn a_stream_ends_with_its_log_in_its_roles_or_its_token() {
        let streams = Streams::default();
        let mut seats: Vec<Seat> =
            (1..=3).map(|one| streams.take(&who(one, one), ROOM).unwrap()).collect();
        let asked = streams.sessions().unwrap();
        let [one, mut two] = [who(1, 1), who(2, 2)];
        two.actor.grants.clear();
        let alive = [one, two].map(|who| (who.session, who.actor));
        let over = |seats: &mut Vec<Seat>| {
            let closed = Err(oneshot::error::TryRecvError::Closed);
            seats.iter_mut().map(|seat| seat.cut.try_recv() == closed).collect::<Vec<_>>()
        };
        streams.keep(&asked, &alive, NOW);
        assert_eq!(over(&mut seats), [false, true, true], "a role gone, a log-in over");
        drop(seats.split_off(1));
        let late = streams.take(&who(4, 4), ROOM).unwrap();
        streams.keep(&asked, &alive, NOW);
        seats.push(late);
        assert_eq!(over(&mut seats), [false, false], "nobody asked for the one that came since");
        streams.keep(&[], &[], later());
        assert_eq!(over(&mut seats), [true, true], "the tokens ended");
    }

    #[tokio::test]
    async fn a_server_that_stops_ends_every_stream_and_opens_none() {
        let streams = Streams::default();
        let mut seat = streams.take(&who(1, 1), ROOM).unwrap();
        streams.close();
        assert!(seat.cut.try_recv().is_err());
        assert_eq!(code(streams.take(&who(1, 1), ROOM)), Some("unavailable"));
    }
}
