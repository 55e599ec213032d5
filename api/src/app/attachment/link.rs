//! Links to files: signed, good for minutes, without a token, so that a client shows a picture by
//! its address alone. Whether the file may be shown is asked again each time one is followed.

use domain::{
    attachment::{MediaType, link_until},
    id::AttachmentId,
    refusal::Basic,
};
use futures::Stream;
use infra::{
    postgres::attachment::read,
    storage::{Name, Part},
};

use super::away;
use crate::{error::Error, state::State};

/// The changing part of a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Until when it is good, in seconds since 1970.
    pub expires: i64,
    /// The signature, in hexadecimal.
    pub signature: String,
}

/// Whom a link was shown to: whoever judges files sees hidden ones as well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Viewed {
    /// By a reader of the thing.
    Reader,
    /// By a judge.
    Judge,
}

impl Viewed {
    const fn purpose(self) -> &'static str {
        match self {
            Self::Reader => "attachment-link",
            Self::Judge => "attachment-link-judge",
        }
    }
}

impl Link {
    /// A link that is good from now on for as long as a link is.
    pub fn to(state: &State, name: Name, viewed: Viewed) -> Self {
        let expires = link_until(state.clock.now()).timestamp();
        let mac = state.crypto.mac(viewed.purpose(), signed(name, expires).as_bytes());
        Self { expires, signature: hex::encode(mac) }
    }

    /// Whom it was shown to; none when it is too old or not ours.
    fn read(&self, state: &State, name: Name) -> Option<Viewed> {
        let given = hex::decode(&self.signature).ok()?;
        let ours = |viewed: &Viewed| {
            let text = signed(name, self.expires);
            state.crypto.mac_matches(viewed.purpose(), text.as_bytes(), &given)
        };
        let fresh = state.clock.now().timestamp() < self.expires;
        [Viewed::Reader, Viewed::Judge].into_iter().find(|viewed| fresh && ours(viewed))
    }
}

fn signed(name: Name, expires: i64) -> String {
    let part = match name.part {
        Part::Whole => "file",
        Part::Thumbnail => "thumbnail",
    };
    format!("{part}/{}/{expires}", name.id)
}

/// The file behind a link: how it is kept, its length, its bytes.
///
/// # Errors
/// `not_found`: a wrong link, one that is too old and a hidden file look the same.
pub async fn file(
    state: &State,
    id: AttachmentId,
    part: Part,
    link: &Link,
) -> Result<(MediaType, u64, impl Stream<Item = std::io::Result<Vec<u8>>> + use<>), Error> {
    let name = Name { id, part };
    let viewed = link.read(state, name).ok_or(Basic::NotFound)?;
    let row = read::behind_link(&mut *state.db.acquire().await?, id).await?;
    let (media_type, check) = row.ok_or(Basic::NotFound)?;
    if !check.shows(viewed == Viewed::Judge) {
        return Err(Basic::NotFound.into());
    }
    let found = state.files.get(state.crypto.clone(), name).await.map_err(away)?;
    let (length, bytes) = found.ok_or(Basic::NotFound)?;
    let media_type = if part == Part::Thumbnail { MediaType::Jpeg } else { media_type };
    Ok((media_type, length, bytes))
}
