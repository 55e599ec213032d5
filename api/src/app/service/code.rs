//! The code that is shown at a post (签到码): a MAC of the post and of the time, so that nothing of
//! it is stored and none can be told from another.

use domain::{
    id::PostId,
    service::code::{Shown, Slot},
    time::Timestamp,
};
use infra::{crypto::same, random::UNAMBIGUOUS};

use crate::state::State;

/// What a MAC of a code is made for.
const CONTEXT: &str = "post.check_in_code";
/// Characters of a code, of 25 each: one in 244 million, and few attempts.
const LENGTH: usize = 6;
/// What the picture at the place begins with, before the post and the code.
const PICTURE: &str = "zhixiang:check-in";

/// The code of a post that comes up in a slot.
fn code(state: &State, post: PostId, slot: Slot) -> String {
    let message = [post.0.as_bytes().as_slice(), &slot.0.to_be_bytes()].concat();
    let mac = state.crypto.mac(CONTEXT, &message);
    let (letters, _) = mac.as_chunks::<2>();
    let letter = |pair: &[u8; 2]| {
        UNAMBIGUOUS.get(usize::from(u16::from_be_bytes(*pair)) % UNAMBIGUOUS.len()).copied()
    };
    letters.iter().filter_map(letter).take(LENGTH).collect()
}

/// The code of a post now, with the text for its picture.
pub fn now(state: &State, post: PostId, now: Timestamp) -> (Slot, String, String) {
    let slot = Slot::at(now);
    let code = code(state, post, slot);
    let picture = format!("{PICTURE}:{post}:{code}");
    (slot, code, picture)
}

/// What a code that somebody shows at a post is worth. Every candidate is compared, in constant
/// time each, so that the answer takes as long whichever it is.
pub(super) fn judge(state: &State, post: PostId, shown: &str, now: Timestamp) -> Shown {
    let skew = state.config.service.code_skew_seconds;
    let fits = |slot: &Slot| same(code(state, post, *slot).as_bytes(), shown.as_bytes());
    let matching: Vec<Slot> = Slot::candidates(now, skew).filter(fits).collect();
    matching.last().map_or(Shown::Wrong, |slot| slot.worth(now))
}
