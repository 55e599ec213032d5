//! What happens to somebody's points, in plain words.

use super::Facts;
use crate::{
    event::EventKind,
    points::{Ground, Source},
};

impl Facts<'_> {
    /// What happened to the reader's points.
    pub(super) fn points(&self) -> Option<String> {
        let points =
            self.number("points").map_or_else(String::new, |points| format!(" {points} 分"));
        Some(match self.event.kind {
            EventKind::PointsTakenBack => {
                let ground = self.code::<Ground>("ground");
                let ground =
                    ground.map_or_else(String::new, |ground| format!("{}，", ground.label()));
                let what = self.code::<Source>("source").map_or("此前", Source::label);
                let owed =
                    self.number("owed").filter(|owed| *owed > 0).map_or_else(String::new, |owed| {
                        format!("；其中 {owed} 分已用掉，从以后所得中抵还，不影响现在的兑换")
                    });
                format!("{ground}收回{what}所得的积分{points}{owed}")
            }
            EventKind::PointsAdjusted if self.number("points").is_some_and(|points| points < 0) => {
                let points = self.number("points").map_or(0, i64::abs);
                format!("经两人核准，您的积分调减 {points} 分")
            }
            EventKind::PointsAdjusted => format!("经两人核准，您的积分调增{points}"),
            EventKind::PointsExpiring => {
                let at = self.by("at", |at| format!("将于 {at} 到期"));
                format!("您有{points}积分{at}，到期未用会清零，请留意可以兑换的优惠")
            }
            EventKind::PointsReceived => match self.word("from") {
                Some("community") => format!("社区向您转赠积分{points}，可以兑换优惠"),
                _ => format!("您收到爱心转赠的积分{points}，可以兑换优惠"),
            },
            EventKind::AwardNoticed => {
                let what = self.code::<Source>("source").map_or("应得", Source::label);
                let until = self.by("until", |at| format!("，公示到 {at}"));
                format!("{what}所得的积分{points}正在公示{until}，没有异议即入账")
            }
            EventKind::AwardRefused => {
                let what = self.code::<Source>("source").map_or("应得", Source::label);
                format!("对{what}所得积分{points}的公示异议成立，这笔积分不入账")
            }
            _ => return None,
        })
    }
}
