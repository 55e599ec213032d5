//! A line of somebody's account in a sentence that they can follow.

use super::{EntryKind, Ground, Source};
use crate::service;

/// A movement on an account, to be explained to whoever it belongs to.
#[derive(Debug, Clone, PartialEq)]
pub struct Movement<'a> {
    /// What moved.
    pub kind: EntryKind,
    /// What gave the points; of a reversal, what had given those that it takes back.
    pub source: Option<Source>,
    /// How many; negative when they went away.
    pub points: i64,
    /// Codes and figures of the movement.
    pub data: &'a serde_json::Value,
    /// The offer that was redeemed or refunded.
    pub offer: Option<&'a str>,
    /// Why somebody moved them by hand, in their words.
    pub reason: Option<&'a str>,
}

impl Movement<'_> {
    /// The sentence that explains the line.
    pub fn sentence(&self) -> String {
        let points = self.points.abs();
        let said = match self.kind {
            EntryKind::Earn => format!("{} {points} 分", self.earned()),
            EntryKind::Redeem => format!("兑换“{}”，已核销，用去 {points} 分", self.offer()),
            EntryKind::Expire if self.word("reason") == Some("erased") => {
                format!("账号注销，作废 {points} 分")
            }
            EntryKind::Expire => format!("到期未使用，清零 {points} 分"),
            EntryKind::Reverse if self.offer.is_some() => {
                format!("“{}”的兑换已退回，返还 {points} 分", self.offer())
            }
            EntryKind::Reverse => self.taken_back(points),
            EntryKind::Adjust if self.points < 0 => format!("核对账目后调减 {points} 分"),
            EntryKind::Adjust => format!("核对账目后调增 {points} 分"),
            EntryKind::Offset => format!("抵还此前收回时已用掉的 {points} 分"),
            EntryKind::Donate => self.donated(points),
        };
        match self.reason {
            Some(reason) => format!("{said}。说明：{reason}"),
            None => said,
        }
    }

    fn offer(&self) -> &str {
        self.offer.unwrap_or("优惠")
    }

    fn word(&self, key: &str) -> Option<&str> {
        self.data.get(key)?.as_str()
    }

    fn number(&self, key: &str) -> Option<i64> {
        self.data.get(key)?.as_i64()
    }

    /// What points were given for.
    fn earned(&self) -> String {
        let number = self.word("number").map_or_else(String::new, |number| format!(" {number}"));
        match self.source {
            Some(Source::Appeal) => format!("反映的诉求{number}查实办结，奖励"),
            Some(Source::Suggestion) => format!("提出的建议{number}被采纳，奖励"),
            Some(Source::Visit) => "走访结对的困难家庭，奖励".to_owned(),
            Some(Source::Service) | None => {
                let kind = self.word("post_kind").and_then(|code| code.parse().ok());
                let kind = kind.map_or_else(String::new, |kind: service::Kind| {
                    format!("（{}）", kind.label())
                });
                let long = self.number("minutes").map_or_else(String::new, duration);
                format!("志愿服务{kind}{long}已确认，得")
            }
        }
    }

    fn taken_back(&self, points: i64) -> String {
        let ground = self.word("ground").and_then(|code| code.parse().ok());
        let ground =
            ground.map_or_else(String::new, |ground: Ground| format!("{}，", ground.label()));
        let what =
            self.source.map_or_else(|| "此前".to_owned(), |source| format!("“{}”", source.label()));
        // Where nothing was left the line moves nothing, and says of how many points it speaks.
        let (points, rest) = match points {
            0 => (self.number("points").unwrap_or_default(), "其中"),
            points => (points, "另有"),
        };
        let part = |key: &str, said: &str| {
            let number = self.number(key).filter(|number| *number > 0);
            number.map_or_else(String::new, |number| format!("，{rest} {number} 分{said}"))
        };
        let owed = part("owed", "已用掉，从以后所得中抵还");
        let expired = part("expired", "已到期清零，不再收回");
        format!("{ground}收回{what}所得的 {points} 分{owed}{expired}")
    }

    fn donated(&self, points: i64) -> String {
        // In both books: what leaves the community's is what the household's takes in.
        if self.word("from") == Some("community") {
            return format!("社区转赠 {points} 分");
        }
        match self.word("to") {
            Some("community") if self.points < 0 => format!("捐给社区 {points} 分，谢谢您"),
            Some("household") if self.points < 0 => {
                format!("转赠结对帮扶的家庭 {points} 分，谢谢您")
            }
            _ if self.points < 0 => format!("转赠 {points} 分"),
            _ => format!("收到爱心转赠 {points} 分"),
        }
    }
}

/// Minutes as people say them.
fn duration(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => format!(" {minutes} 分钟"),
        (hours, 0) => format!(" {hours} 小时"),
        (hours, minutes) => format!(" {hours} 小时 {minutes} 分钟"),
    }
}
