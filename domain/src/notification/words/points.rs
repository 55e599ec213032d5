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
            _ => return None,
        })
    }
}
