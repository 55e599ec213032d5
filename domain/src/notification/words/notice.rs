//! What happened to a merchant's statement, to a transfer between branches, and to what a leading cadre
//! took on; and what waits for staff.

use super::Facts;
use crate::{delivery::Counts, event::EventKind};

impl Facts<'_> {
    /// The sentences of statements, transfers and the matters of leading cadres.
    pub(super) fn notice(&self) -> Option<String> {
        let month = self.word("month").map_or_else(String::new, |month| format!("{month} 的"));
        let line = self.number("line").map_or_else(String::new, |line| format!("第 {line} 行"));
        Some(match self.event.kind {
            EventKind::StatementReady => {
                let until = self.by("until", |at| format!("，有异议的请在 {at} 前提出"));
                format!("{month}结算单已出，请商户核对确认{until}")
            }
            EventKind::StatementConfirmed => format!("商户已确认{month}结算单，可以付款"),
            EventKind::StatementDisputed => {
                format!("商户对{month}结算单{line}提出异议，等待组织员答复")
            }
            EventKind::StatementAnswered if self.number("fen").is_some() => {
                format!("{month}结算单{line}的异议成立，差额记入下一张结算单")
            }
            EventKind::StatementAnswered => {
                format!("{month}结算单{line}的异议已答复，这一行不作更正")
            }
            EventKind::StatementPaid => format!("{month}结算单已付款，请查收"),
            EventKind::TransferProposed => "申请转接组织关系，等待转出党支部同意".to_owned(),
            EventKind::TransferReleased => {
                "转出党支部已同意转接组织关系，等待转入党支部接收".to_owned()
            }
            EventKind::TransferAccepted => "转入党支部已接收，组织关系转接完成".to_owned(),
            EventKind::TransferRefused => "组织关系转接未获同意，仍在原党支部".to_owned(),
            EventKind::TransferWithdrawn => "组织关系转接申请已撤回，仍在原党支部".to_owned(),
            EventKind::MatterLogged => "包联领导干部在社区认领了一件事".to_owned(),
            EventKind::MatterSolved => "包联事项已报告解决，请社区核实确认".to_owned(),
            EventKind::MatterConfirmed => "社区已确认包联事项解决".to_owned(),
            EventKind::MatterSentBack => "社区认为包联事项没有解决，退回继续办理".to_owned(),
            EventKind::DailyDigest => Counts::of(&self.event.data).sentence(),
            EventKind::CadreEnded => "领导干部与社区的包联已终止".to_owned(),
            _ => return None,
        })
    }
}
