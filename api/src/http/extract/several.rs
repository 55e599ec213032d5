//! A filter that takes several values: `?status=submitted,accepted`.

use std::{fmt::Display, str::FromStr};

use serde::{Deserialize, Deserializer, de::Error};

/// The values between commas; a row fits when any of them does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Several<T>(pub Vec<T>);

/// Nothing asked for is nothing excluded.
impl<T> Default for Several<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Several<T> {
    fn deserialize<D: Deserializer<'de>>(given: D) -> Result<Self, D::Error> {
        let text = String::deserialize(given)?;
        let values = text.split(',').map(|value| value.trim().parse().map_err(D::Error::custom));
        values.collect::<Result<_, _>>().map(Self)
    }
}

#[cfg(test)]
mod tests {
    use domain::task::Status;

    use super::*;

    #[test]
    fn values_stand_between_commas() {
        let read = |text: &str| serde_json::from_value::<Several<Status>>(text.into()).ok();
        assert_eq!(read("pending"), Some(Several(vec![Status::Pending])));
        let two = Several(vec![Status::Pending, Status::Arrived]);
        assert_eq!(read("pending, arrived"), Some(two));
        for bad in ["", "lost", "pending,", "pending;arrived"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
