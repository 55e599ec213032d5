//! Registration and service in plain words.

use super::Facts;
use crate::{
    event::EventKind,
    registration::change,
    service::{Status, year::Short},
    work_unit::{ReceiptCause, ReportKind},
};

impl Facts<'_> {
    /// What happened to a registration, a post or a claim.
    pub(super) fn service(&self) -> Option<String> {
        let starts = || self.by("starts_at", |at| format!("（{at} 开始）"));
        Some(match self.event.kind {
            EventKind::RegistrationSubmitted => {
                format!("有党员申请到{}报到，请核对名册后签署", self.place())
            }
            EventKind::RegistrationSigned => {
                format!("{}已签署您的报到，回执已留存", self.place())
            }
            EventKind::RegistrationRefused => {
                format!("{}未签署您的报到，请核对姓名和证件号码后重新申请", self.place())
            }
            EventKind::ReceiptSent => match self.code::<ReceiptCause>("cause") {
                Some(cause) => format!(
                    "贵单位一名党员{}（{}），请在报到回执中查看并签收",
                    cause.label(),
                    self.place()
                ),
                None => "贵单位有新的报到回执，请查看并签收".to_owned(),
            },
            EventKind::ChangeAsked
            | EventKind::ChangeReleased
            | EventKind::ChangeGranted
            | EventKind::ChangeRefused
            | EventKind::ChangeTakenBack => self.changed(),
            EventKind::ServiceReminded => {
                let year = self.number("year").unwrap_or_default();
                format!("{year} 年度服务{}，年底前完成；可在服务岗位中认领", self.short())
            }
            EventKind::UnitSubmitted => {
                format!("有单位申请到{}报到，请核对后签署", self.place())
            }
            EventKind::UnitSigned => format!("{}已签署贵单位的报到", self.place()),
            EventKind::UnitRefused => format!("{}未签署贵单位的报到", self.place()),
            EventKind::UnitEnded => format!("单位在{}的报到已终止", self.place()),
            EventKind::UnitReported => self.reported(),
            EventKind::Claimed => match self.code::<Status>("status") {
                Some(Status::Waitlisted) => {
                    "岗位已满，列入候补，有人退出时按先后自动转正".to_owned()
                }
                _ => "已认领岗位，请按时到场".to_owned(),
            },
            EventKind::ClaimPromoted => {
                format!("岗位有了空位，您的候补已转正{}，请按时到场；来不了请取消", starts())
            }
            EventKind::ClaimCancelled => "本人已取消认领".to_owned(),
            EventKind::PostCancelled => {
                format!("{}取消了这个岗位{}，不用再去，谢谢您的支持", self.place(), starts())
            }
            EventKind::CheckedIn => "已签到，服务开始".to_owned(),
            EventKind::CheckedOut => "已签退，等待组织者确认时长".to_owned(),
            EventKind::ServiceConfirmed => self.confirmed(),
            EventKind::NoShow => "组织者登记您没有到场，这次不计时长".to_owned(),
            EventKind::ClaimRejected => "组织者没有认可这次服务，不计时长".to_owned(),
            _ => return None,
        })
    }

    fn place(&self) -> &str {
        self.event.unit_name.as_deref().unwrap_or("社区")
    }

    /// What became of a change that a member asked for.
    fn changed(&self) -> String {
        let what = self.code::<change::Kind>("change").map_or("变更报到", change::Kind::label);
        let (place, own) = (self.place(), self.viewer.own);
        match self.event.kind {
            EventKind::ChangeAsked => format!("有党员申请“{what}”，请{place}核对后办理"),
            EventKind::ChangeReleased if own => {
                format!("原社区已同意转出，等待{place}接收，服务次数和时长都带过去")
            }
            EventKind::ChangeReleased => format!("有党员转到{place}，请核对后接收"),
            EventKind::ChangeGranted => format!("{place}已办理您的“{what}”申请"),
            EventKind::ChangeRefused => format!("{place}没有同意您的“{what}”申请"),
            _ => format!("党员撤回了“{what}”申请，不用再办"),
        }
    }

    /// What is missing as the event holds it.
    fn short(&self) -> String {
        let number = |key| self.number(key).unwrap_or_default();
        Short { services: number("services"), minutes: number("minutes") }.text()
    }

    /// What a unit is told of all its members.
    fn reported(&self) -> String {
        let number = |key| self.number(key).unwrap_or_default();
        let (year, members, missing) = (number("year"), number("members"), number("missing"));
        let figures = format!("贵单位报到党员 {members} 人，未完成 {missing} 人");
        match self.code::<ReportKind>("report") {
            Some(ReportKind::Quarter) => {
                format!("{year} 年第 {} 季度服务反馈：{figures}，可下载名单", number("number"))
            }
            Some(ReportKind::Year) => {
                format!("{year} 年度服务结果已结算：{figures}，可下载证明和名单")
            }
            _ => format!("{year} 年度服务提醒：{figures}，请提醒尚未完成的党员"),
        }
    }

    fn confirmed(&self) -> String {
        let minutes = self.number("minutes").map(spoken).unwrap_or_default();
        let points = match self.number("points") {
            Some(0) => "，未产生积分（当日已到上限，或不足 1 分），时长照常计入",
            Some(points) => return format!("组织者已确认服务时长{minutes}，获得 {points} 积分"),
            None => "",
        };
        format!("组织者已确认服务时长{minutes}{points}")
    }
}

/// Minutes as people say them: `1 小时 30 分钟`.
fn spoken(minutes: i64) -> String {
    match (minutes / 60, minutes % 60) {
        (0, rest) => format!(" {rest} 分钟"),
        (hours, 0) => format!(" {hours} 小时"),
        (hours, rest) => format!(" {hours} 小时 {rest} 分钟"),
    }
}

#[cfg(test)]
mod tests {
    use super::spoken;

    #[test]
    fn minutes_are_spoken() {
        assert_eq!([45, 120, 90].map(spoken), [" 45 分钟", " 2 小时", " 1 小时 30 分钟"]);
    }
}
