//! What happened at a till or on paper, and what was found of something that looked unfair.

use super::Facts;
use crate::{event::EventKind, fairness};

impl Facts<'_> {
    /// The sentences of redemptions and of fairness flags.
    pub(super) fn till(&self) -> Option<String> {
        let points = self.number("points").unwrap_or_default();
        let flag = self.code::<fairness::Kind>("flag").map_or("", fairness::Kind::label);
        Some(match self.event.kind {
            EventKind::RedemptionUndone => {
                format!("店员撤销了误核销，{points} 分已退回；还需要的，请重新兑换")
            }
            EventKind::VoucherIssued => {
                let until = self.by("expires_at", |at| format!("，{at} 前有效"));
                format!(
                    "社区工作人员当面为您代办了兑换券，占用 {points} 分{until}；不是您本人办理的，请取消这次兑换并告知社区"
                )
            }
            EventKind::VoucherRevoked => format!("社区作废了为您代办的兑换券，{points} 分已退回"),
            EventKind::FlagUpheld => {
                format!("经核查认定“{flag}”；有不同意见的，可以申诉一次，由另一位核查人决定")
            }
            EventKind::FlagConfirmed => format!("申诉后由另一位核查人维持“{flag}”的认定"),
            EventKind::FlagOverturned => format!("申诉后由另一位核查人撤销了“{flag}”的认定"),
            _ => return None,
        })
    }
}
