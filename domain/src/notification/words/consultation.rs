//! Consultations in plain words.

use super::Facts;
use crate::{
    consultation::{Cause, Level},
    event::EventKind,
};

impl Facts<'_> {
    /// What happened in a consultation.
    pub(super) fn consultation(&self) -> Option<String> {
        let unit = self.unit();
        let level = self.code::<Level>("level").map_or("区中心", Level::label);
        let by = self.by("decide_by", |at| format!("，{at} 前裁定"));
        Some(match self.event.kind {
            EventKind::ConsultationOpened => match self.code::<Cause>("cause") {
                Some(cause @ (Cause::Overlap | Cause::Hard)) => {
                    format!("{}，已转入会商，由区中心召集有关单位研究", cause.label())
                }
                _ => "多次重办仍未解决，已转入会商，由区中心召集有关单位研究".to_owned(),
            },
            EventKind::ConsultationInvited => {
                format!("请{unit}参加会商，尽快书面陈述意见{by}")
            }
            EventKind::ConsultationStated => format!("{unit}已陈述会商意见"),
            EventKind::ConsultationClimbed => {
                format!("会商已提级，由{level}召集，请{unit}参加{by}")
            }
            EventKind::ConsultationDecided => {
                let by = self.by("reply_by", |at| format!("，{at} 前答复"));
                format!("会商已裁定承办单位{by}")
            }
            EventKind::ConsultationLapsed => format!("诉求已有结果或已结束，{unit}不用再参加会商"),
            EventKind::TaskBound => {
                let by = self.by("reply_by", |at| format!("，{at} 前答复"));
                format!("会商裁定由{unit}承办，不能再退单{by}")
            }
            _ => return None,
        })
    }
}
