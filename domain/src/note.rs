//! Internal notes (内部备注): what the centre and the units of a case tell each other beside the
//! record. The reporter never reads them: they are no events, and no timeline, notification or
//! printed sheet is made of them. A note stays as it was written; another one corrects it.

use crate::{
    id::NoteId,
    org::NodeCode,
    refusal::{Faults, FieldError, Invalid, Kind, Refusal},
    text,
};

/// The longest note, in characters.
pub const LONGEST: usize = 2000;

/// A note as somebody wants it written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Write {
    /// What it says.
    pub text: String,
    /// The note that it takes the place of.
    pub corrects: Option<NoteId>,
}

impl Write {
    /// # Errors
    /// The text is missing or too long.
    pub fn parse(text: &str, corrects: Option<NoteId>) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let text = faults.take(text::text("text", text, 1, LONGEST));
        faults.check()?;
        Ok(Self { text: text.unwrap_or_default(), corrects })
    }
}

/// A note that stands, as far as a correction asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// In whose name it was written; none for the centre.
    pub unit: Option<NodeCode>,
    /// Another note has taken its place.
    pub corrected: bool,
}

impl Standing {
    /// Whether whoever writes for `side` (none is the centre) may correct it.
    ///
    /// # Errors
    /// It is another side's, or was corrected already.
    pub fn correct(&self, side: Option<&NodeCode>) -> Result<(), Refused> {
        if self.unit.as_ref() != side {
            return Err(Refused::Foreign);
        }
        if self.corrected {
            return Err(Refused::Corrected);
        }
        Ok(())
    }
}

/// Why a note is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such note on this case.
    #[error("这件工单没有要更正的那条备注，请刷新后从列表里选择")]
    Missing,
    /// One corrects one's own side's notes only.
    #[error("只能更正本单位写的备注；对其他单位的备注有不同意见，请另写一条")]
    Foreign,
    /// It was corrected already.
    #[error("这条备注已经更正过，请更正最新的那一条")]
    Corrected,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "note_missing",
            Self::Foreign => "note_foreign",
            Self::Corrected => "note_corrected",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Missing => Kind::Invalid,
            Self::Foreign | Self::Corrected => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Missing => vec![FieldError::new("corrects", self.to_string())],
            Self::Foreign | Self::Corrected => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(code: &str) -> NodeCode {
        NodeCode::parse("unit", code).unwrap()
    }

    #[test]
    fn a_note_is_text_of_some_length() {
        let note = Write::parse(" 业主情绪激动，上门时两人同行。\n", None).unwrap();
        assert_eq!(note.text, "业主情绪激动，上门时两人同行。");
        for bad in ["", " \n ", "a\u{0}b"] {
            assert!(Write::parse(bad, None).is_err(), "{bad:?}");
        }
        assert!(Write::parse(&"长".repeat(LONGEST), None).is_ok());
        assert!(Write::parse(&"长".repeat(LONGEST + 1), None).is_err());
    }

    #[test]
    fn each_side_corrects_its_own_notes_once() {
        let (housing, ecology) = (unit("housing"), unit("ecology"));
        let sides = [None, Some(&housing), Some(&ecology)];
        for of in sides {
            for by in sides {
                for corrected in [false, true] {
                    let standing = Standing { unit: of.cloned(), corrected };
                    let expected = if of != by {
                        Err(Refused::Foreign)
                    } else if corrected {
                        Err(Refused::Corrected)
                    } else {
                        Ok(())
                    };
                    assert_eq!(standing.correct(by), expected, "{of:?} by {by:?}");
                }
            }
        }
    }
}
