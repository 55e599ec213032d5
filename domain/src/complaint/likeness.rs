//! Which complaints are likely about one matter: repeats of one reporter, and candidates for a
//! merge by place, time and text. The centre decides; nothing is merged by itself.

use chrono::TimeDelta;

use crate::time::Timestamp;

/// Within this time the same words of the same reporter are a repeat: 7 days **\[default\]**.
pub const REPEAT_WITHIN: TimeDelta = TimeDelta::days(7);
/// How far apart two complaints of one matter may come in: 30 days **\[default\]**.
pub const DUPLICATE_WITHIN: TimeDelta = TimeDelta::days(30);
/// How far apart in place, in metres: 200 **\[default\]**.
pub const DUPLICATE_METRES: f64 = 200.0;
/// What is less alike than this, of 100, is not worth a look **\[default\]**.
pub const DUPLICATE_SCORE: u8 = 45;

/// A text without what typing it twice changes: white space, punctuation, and the case of letters.
pub fn normalised(title: &str, content: &str) -> String {
    let letters = title.chars().chain(content.chars()).filter(|c| c.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

codes! {
    /// Why two complaints are likely about one matter.
    pub enum Reason {
        /// The same reporter handed in the same words.
        Repeat = "repeat", "同一反映人重复提交";
        /// About the same community.
        SameCommunity = "same_community", "同一社区";
        /// The places lie close together.
        Near = "near", "位置相近";
        /// They came in close together.
        Recent = "recent", "时间相近";
        /// The words are alike.
        SimilarText = "similar_text", "内容相似";
    }
}

/// What is known of two complaints.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pair {
    /// One is marked as a repeat of the other, or both of the same.
    pub repeat: bool,
    /// Both are about the same community.
    pub same_community: bool,
    /// How far apart the places are, in metres, where both are known.
    pub metres: Option<f64>,
    /// How far apart they came in.
    pub apart: TimeDelta,
    /// Two-character windows that both texts have.
    pub shared: i32,
    /// Those of the one text.
    pub one: i32,
    /// Those of the other.
    pub other: i32,
}

/// How alike two complaints are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Likeness {
    /// 0–100.
    pub score: u8,
    /// What speaks for it, the strongest first.
    pub reasons: Vec<Reason>,
}

impl Pair {
    /// How alike they are: text counts up to 60, place up to 25, time up to 15; a repeat is 100.
    /// Place and time alone stay below [`DUPLICATE_SCORE`]: neighbours complain of different
    /// things.
    pub fn likeness(&self) -> Likeness {
        let mut reasons = Vec::new();
        if self.repeat {
            reasons.push(Reason::Repeat);
        }
        let text = self.text();
        if text >= 18 {
            reasons.push(Reason::SimilarText);
        }
        let near = self.metres.is_some_and(|metres| metres <= DUPLICATE_METRES);
        let place = match (near, self.same_community) {
            (true, _) => 25,
            // Known to be elsewhere in the community, or unknown where.
            (false, true) => 15,
            (false, false) => 0,
        };
        reasons.extend(near.then_some(Reason::Near));
        reasons.extend(self.same_community.then_some(Reason::SameCommunity));
        let days = self.apart.abs().num_days();
        let time = match days {
            ..=2 => 15,
            3..=6 => 10,
            7..=13 => 5,
            _ => 0,
        };
        reasons.extend((time >= 10).then_some(Reason::Recent));
        let score = if self.repeat { 100 } else { text + place + time };
        Likeness { score, reasons }
    }

    /// The share of windows in common (Dice), as 0–60.
    fn text(&self) -> u8 {
        let all = self.one.saturating_add(self.other);
        if all <= 0 {
            return 0;
        }
        let points = self.shared.max(0).saturating_mul(120) / all;
        u8::try_from(points.min(60)).unwrap_or(60)
    }
}

/// The first instant from which on the same words are a repeat of what comes in now.
pub fn repeats_since(now: Timestamp) -> Timestamp {
    now - REPEAT_WITHIN
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> Pair {
        Pair {
            repeat: false,
            same_community: true,
            metres: None,
            apart: TimeDelta::hours(3),
            shared: 0,
            one: 40,
            other: 40,
        }
    }

    #[test]
    fn typing_it_twice_changes_nothing() {
        assert_eq!(normalised("路灯 不亮！", "三号楼前。"), normalised("路灯不亮", " 三号楼前\n"));
        assert_eq!(normalised("WiFi", "坏了"), normalised("wifi", "坏了"));
        assert_ne!(normalised("路灯", "三号楼"), normalised("路灯", "四号楼"));
    }

    #[test]
    fn place_and_time_alone_are_no_duplicate() {
        let here = Pair { metres: Some(20.0), ..pair() };
        assert!(here.likeness().score < DUPLICATE_SCORE);
        assert!(pair().likeness().score < DUPLICATE_SCORE);
        assert!(Pair { same_community: false, ..pair() }.likeness().score < DUPLICATE_SCORE);
    }

    #[test]
    fn like_words_nearby_are() {
        let like = Pair { shared: 24, metres: Some(120.0), ..pair() };
        let found = like.likeness();
        assert_eq!(found.score, 36 + 25 + 15);
        let reasons = [Reason::SimilarText, Reason::Near, Reason::SameCommunity, Reason::Recent];
        assert_eq!(found.reasons, reasons);
        let far = Pair { same_community: false, metres: Some(900.0), ..like };
        assert_eq!(far.likeness().score, 36 + 15);
    }

    #[test]
    fn the_score_stays_within_a_hundred_and_grows_with_each_likeness() {
        for shared in 0..=40 {
            for metres in [None, Some(10.0), Some(5000.0)] {
                for days in [0, 5, 10, 29] {
                    let one = Pair { shared, metres, apart: TimeDelta::days(days), ..pair() };
                    let score = one.likeness().score;
                    assert!(score <= 100);
                    let more = Pair { shared: shared + 1, ..one };
                    assert!(more.likeness().score >= score);
                    let later = Pair { apart: TimeDelta::days(-days - 1), ..one };
                    assert!(later.likeness().score <= score);
                    assert_eq!(Pair { repeat: true, ..one }.likeness().score, 100);
                }
            }
        }
        let nothing = Pair { one: 0, other: 0, ..pair() };
        assert_eq!(nothing.likeness().score, 30);
    }
}
