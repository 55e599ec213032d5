//! Registration and service in plain words.

use super::Facts;
use crate::{
    event::EventKind,
    identity::Role,
    registration::change,
    service::{Status, dispute, year::Short},
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
            EventKind::RegistrationEnded if self.viewer.own => format!(
                "您已不在党员名册上，在{}的报到随之终止；已有的服务时长都保留，有疑问请联系党支部",
                self.place()
            ),
            EventKind::RegistrationEnded => {
                format!("有党员已移出名册，在{}的报到随之终止", self.place())
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
            EventKind::ClaimPromoted if self.flag("short_notice") => format!(
                "岗位有了空位，您的候补已转正{}；时间很紧，来不了直接取消即可，不算未到",
                starts()
            ),
            EventKind::ClaimPromoted => {
                format!("岗位有了空位，您的候补已转正{}，请按时到场；来不了请取消", starts())
            }
            EventKind::ClaimCancelled if self.flag("late") => {
                "本人已取消认领；离开始已近，别人来不及接替，记为临时取消".to_owned()
            }
            EventKind::ClaimCancelled => "本人已取消认领".to_owned(),
            EventKind::PostCancelled => {
                format!("{}取消了这个岗位{}，不用再去，谢谢您的支持", self.place(), starts())
            }
            EventKind::CheckedIn => "已签到，服务开始".to_owned(),
            EventKind::CheckedOut => "已签退，等待组织者确认时长".to_owned(),
            EventKind::ServiceConfirmed => self.confirmed(),
            EventKind::NoShow if self.flag("by_clock") => {
                "岗位结束多日，没有人确认您到场，记为未到，这次不计时长；如实际到场，请提出异议"
                    .to_owned()
            }
            EventKind::NoShow => "组织者登记您没有到场，这次不计时长".to_owned(),
            EventKind::ClaimRejected => "组织者没有认可这次服务，不计时长".to_owned(),
            EventKind::AttendanceDue => {
                let open = self.number("open").unwrap_or_default();
                let by = self.by("absent_at", |at| format!("；{at} 起没有签到的记为未到"));
                format!("岗位已结束，还有 {open} 人的时长没有确认，请逐人确认或登记未到{by}")
            }
            EventKind::PostInvited => format!(
                "{}邀请您认领这个岗位{}，方便的话请认领，不方便不用回复",
                self.place(),
                starts()
            ),
            EventKind::PostChanged => {
                format!("{}更改了您认领的岗位{}，请查看最新安排", self.place(), starts())
            }
            EventKind::DisputeRaised | EventKind::DisputeWithdrawn => self.disputed(),
            EventKind::DisputeDecided => self.ruled(),
            EventKind::RequestSubmitted => {
                "有居民点单，请查看后下单；不能安排的请说明原因".to_owned()
            }
            EventKind::RequestOrdered => {
                format!("{}已为您的点单安排服务{}，有人接单后可以看到进展", self.place(), starts())
            }
            EventKind::RequestDeclined => format!("{}未能安排您的点单", self.place()),
            EventKind::RequestCancelled => "居民取消了点单，还没有开始的岗位已一并取消".to_owned(),
            EventKind::RequestReturned if self.viewer.own => {
                format!("您的点单还没有人上门，已请{}重新安排", self.place())
            }
            EventKind::RequestReturned => {
                "下单的岗位已结束，没有人服务，点单退回待处理，请重新下单或说明不能安排".to_owned()
            }
            EventKind::RequestSettled if self.viewer.own => {
                "您的点单已有人服务，没有另行反映的按已完成处理；对时长有异议的可以提出".to_owned()
            }
            EventKind::RequestSettled => {
                "点单已有人服务，居民没有另行反映，按已完成处理".to_owned()
            }
            EventKind::RequestDone => "居民已确认服务完成并作出评价".to_owned(),
            EventKind::ClaimsPaused => {
                let until = self.by("until", |at| format!("，到 {at} 为止"));
                format!(
                    "因多次认领后未到，新的认领暂停{until}；已认领的不受影响，确有原因的可联系组织部门"
                )
            }
            EventKind::ClaimsResumed => "认领已恢复，可以认领新的岗位".to_owned(),
            _ => return self.household(),
        })
    }

    /// What happened to a pairing with a household. The household is in no event.
    fn household(&self) -> Option<String> {
        let day = |key| self.word(key).unwrap_or_default();
        Some(match self.event.kind {
            EventKind::PairingProposed => format!(
                "{}请您包联一户困难家庭，期限到 {}，请答复是否接受",
                self.place(),
                day("until")
            ),
            EventKind::PairingAccepted => "包联人已接受包联".to_owned(),
            EventKind::PairingDeclined => "包联人没有接受，请另选一位".to_owned(),
            EventKind::PairingEnded => "包联已经结束，谢谢这段时间的关心".to_owned(),
            EventKind::VisitDue => {
                format!("您包联的家庭该走访了（应在 {} 前），走访后请登记", day("due"))
            }
            EventKind::DeviceNew => {
                let device = self.word("device").unwrap_or("未知设备");
                let place = self.word("place").map(|place| format!("，网络地址 {place}"));
                let place = place.unwrap_or_default();
                format!("您的账号在新设备上登录：{device}{place}。不是本人的，请马上在登录设备中退出它并修改密码")
            }
            EventKind::PasswordSet => {
                "安全管理员给您的账号设了一次性密码，原来的登录已全部退出。不是您要求的，请马上联系安全管理员".to_owned()
            }
            EventKind::TotpReset => {
                "您的动态口令已被重置，原来的登录已全部退出。不是您要求的，请马上联系安全管理员".to_owned()
            }
            EventKind::DirectoryBound => {
                "您的账号已绑定统一身份，原来的登录已全部退出。不是您要求的，请马上联系安全管理员".to_owned()
            }
            EventKind::RoleGranted => {
                format!("您的账号已有{}，现在即可使用", self.role_on_scope())
            }
            EventKind::RoleRevoked => {
                format!("您的账号已收回{}，有疑问请联系安全管理员", self.role_on_scope())
            }
            EventKind::MerchantApproved => {
                "您的商户入驻申请已通过，您是商户负责人，可以核销、邀请店员、起草优惠".to_owned()
            }
            EventKind::MerchantSentBack => "您的商户入驻申请需要补正，请修改后重新提交".to_owned(),
            EventKind::MerchantRefused => "您的商户入驻申请没有通过".to_owned(),
            EventKind::RedemptionReturned => {
                "商户暂停合作，您待核销的兑换已取消，积分和份数已退回".to_owned()
            }
            _ => return self.score(),
        })
    }

    /// What happened in the score book. About whom, and how much, is in no event.
    fn score(&self) -> Option<String> {
        let quarter = self.word("quarter").unwrap_or("本季度");
        let upheld = self.event.data.get("upheld") == Some(&true.into());
        Some(match self.event.kind {
            EventKind::ScoreEntered => format!("积分管理手册有一条 {quarter} 的记录，请认定"),
            EventKind::ScoreAccepted => {
                format!("您提交的积分管理手册 {quarter} 的记录已认定")
            }
            EventKind::ScoreRefused => {
                format!("您提交的积分管理手册 {quarter} 的记录未认定")
            }
            EventKind::ScoreProposed => format!("有党支部提交 {quarter} 的积分结算，请审定"),
            EventKind::ScoreNoticed => format!(
                "所在党支部 {quarter} 的积分正在公示{}，有不同意见可以提出",
                self.by("until", |at| format!("，到 {at} 为止"))
            ),
            EventKind::ScoreSentBack => {
                format!("{quarter} 的积分结算已退回，请更正后重新提交")
            }
            EventKind::ScoreObjected => format!("{quarter} 的积分公示有人提出异议，请处理"),
            EventKind::ScoreObjectionDecided if upheld => {
                format!("您对 {quarter} 积分公示的异议成立")
            }
            EventKind::ScoreObjectionDecided => {
                format!("您对 {quarter} 积分公示的异议不成立")
            }
            EventKind::ScoreLocked => {
                format!("所在党支部 {quarter} 的积分已锁定，需要更正的在下一季度更正")
            }
            _ => return None,
        })
    }

    /// A role and where it is held, as a person reads it.
    fn role_on_scope(&self) -> String {
        let role = self.code::<Role>("role").map_or("工作", Role::label);
        let scope = self.word("scope").map_or_else(String::new, |at| format!("（{at}）"));
        format!("{role}角色{scope}")
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        self.event.data.get(key).and_then(serde_json::Value::as_bool) == Some(true)
    }

    fn place(&self) -> &str {
        self.event.unit_name.as_deref().unwrap_or("社区")
    }

    fn disputed(&self) -> String {
        let who = if self.flag("by_served") { "被服务的居民" } else { "服务的人" };
        match self.event.kind {
            EventKind::DisputeRaised => {
                format!("{who}对这次服务的认定提出异议，由另一位工作人员复核，复核前原结论有效")
            }
            _ => format!("{who}撤回了对这次服务的异议，原结论不变"),
        }
    }

    fn ruled(&self) -> String {
        let outcome = self.code::<dispute::Status>("outcome");
        match (outcome, self.number("minutes")) {
            (Some(dispute::Status::Corrected), Some(0)) => {
                "异议已由另一位工作人员复核：更正为不计这次服务".to_owned()
            }
            (Some(dispute::Status::Corrected), Some(minutes)) => {
                let points = self.number("points");
                let points = points.map(|points| format!("，积分为 {points} 分"));
                let points = points.unwrap_or_default();
                format!("异议已由另一位工作人员复核：服务时长更正为{}{points}", spoken(minutes))
            }
            (Some(dispute::Status::Corrected), None) => {
                "异议已由另一位工作人员复核：已更正".to_owned()
            }
            _ => "异议已由另一位工作人员复核：维持原结论".to_owned(),
        }
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
