//! Opinions on the application, announcements and the guide of services in plain words.

use super::Facts;
use crate::{event::EventKind, feedback};

impl Facts<'_> {
    /// The sentences of opinions and publications.
    pub(super) fn around(&self) -> Option<String> {
        let kind = self.code::<feedback::Kind>("kind").map(|kind| format!("（{}）", kind.label()));
        let kind = kind.unwrap_or_default();
        Some(match self.event.kind {
            EventKind::FeedbackSubmitted if self.viewer.own => "您的意见已收到，谢谢".to_owned(),
            EventKind::FeedbackSubmitted => format!("有人对应用提出意见{kind}，请查看后答复"),
            EventKind::BurdenReported if self.viewer.own => "您的意见已收到，谢谢".to_owned(),
            EventKind::BurdenReported => {
                "有人反映应用增加负担（形式主义、重复填报、强制打卡等），请查看后答复".to_owned()
            }
            EventKind::FeedbackAnswered => {
                let status = self.code::<feedback::Status>("status");
                let status = status.map_or("已答复", feedback::Status::label);
                format!("您对应用的意见{status}")
            }
            EventKind::PublicationSubmitted if self.flag("after") => {
                "已先行发布，请事后审核；有误的请审核不通过，内容随即撤下".to_owned()
            }
            EventKind::PublicationSubmitted => "有内容等待审核后发布，请查看".to_owned(),
            EventKind::PublicationReviewed if self.flag("approved") => {
                "您提交的内容已审核通过".to_owned()
            }
            EventKind::PublicationReviewed => "您提交的内容审核未通过，请修改后再提交".to_owned(),
            EventKind::GuideExpiring => {
                let until = self.word("until").map(|day| format!("（{day}）")).unwrap_or_default();
                format!("办事指南即将到期{until}，请核对后修改有效期，或撤下")
            }
            EventKind::GuideExpired => {
                "办事指南已到期，已标为过期，三十天后不再显示；仍然有效的请修改有效期".to_owned()
            }
            EventKind::GuideReviewDue => {
                "办事指南到了复核的日期，请核对内容是否仍然正确".to_owned()
            }
            _ => return None,
        })
    }
}
