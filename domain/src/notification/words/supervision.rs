//! What is told of missed deadlines and of supervision (催办、通报、督办).

use super::Facts;
use crate::{event::EventKind, sla::Mark, supervision::Level};

impl Facts<'_> {
    /// A notice to the head, or a written bulletin: what was missed.
    pub(super) fn missed(&self) -> String {
        let marks = self.event.data.get("marks").and_then(serde_json::Value::as_array);
        let labels: Vec<&str> = marks
            .into_iter()
            .flatten()
            .filter_map(|mark| mark.as_str()?.parse::<Mark>().ok())
            .map(Mark::label)
            .collect();
        let what = if labels.is_empty() { "办理".to_owned() } else { labels.join("、") };
        let by = self.by("by", |at| format!("（时限 {at}）"));
        let unit = self.unit();
        match self.event.kind {
            EventKind::WrittenBulletin => {
                format!("书面通报：{unit}逾期仍未{what}{by}，请立即办理，再不办理将转入督办")
            }
            _ => format!("催办通知：{unit}未按时{what}{by}，请单位负责人督促立即办理"),
        }
    }

    /// What happened to a supervision.
    pub(super) fn supervision(&self) -> Option<String> {
        let unit = self.unit();
        let level = self.code::<Level>("level").map_or("督办", Level::label);
        let by = self.by("by", |at| format!("，须在 {at} 前书面答复"));
        Some(match self.event.kind {
            EventKind::SupervisionOpened => format!("{level}：{unit}{by}"),
            EventKind::SupervisionClimbed => {
                format!("{unit}逾期未答复，转为{level}{by}")
            }
            EventKind::SupervisionReferred => format!("提交区领导督办：{unit}{by}"),
            EventKind::LeaderInstructed => format!("区领导批示：{unit}{by}"),
            EventKind::SupervisionAnswered => {
                let until = self.by("until", |at| format!("，承诺 {at} 前办结"));
                format!("{unit}已书面答复督办件{until}，等待督查审核")
            }
            EventKind::SupervisionSentBack => format!("{unit}的督办答复被退回{by}"),
            EventKind::SupervisionAccepted => format!("{unit}的督办件已办结"),
            EventKind::SupervisionLapsed => {
                format!("此件已不由{unit}办理，督办件失效，不再答复")
            }
            EventKind::SupervisionListed => format!("{unit}的督办件已挂牌督办"),
            EventKind::SupervisionUnlisted => format!("{unit}的督办件已摘牌"),
            EventKind::CoordinationAsked => {
                format!("三级督办后{unit}仍未答复，已提请协调机制研究")
            }
            _ => return None,
        })
    }
}
