//! The transition tables as documentation: `docs/TRANSITIONS.md` is this module's text, made from
//! the same tables that the rules read.

use crate::{
    complaint, consultation, fairness, feedback, final_reply, grant, household, merchant, offer,
    pairing,
    party::transfer,
    points, publication, redemption,
    registration::{self, change},
    request,
    score::{self, quarterly},
    screening, service, supervision, task, whistle, work_unit,
};

/// One table: each step with the states it starts from and those it can lead to.
struct Table<'t> {
    title: &'t str,
    refused: &'t str,
    states: Vec<(&'t str, &'t str)>,
    steps: Vec<Row<'t>>,
}

struct Row<'t> {
    code: &'t str,
    label: &'t str,
    from: Vec<&'t str>,
    to: Vec<&'t str>,
}

/// Every table as Markdown.
pub fn markdown() -> String {
    let mut out = String::from(
        "# Transitions\n\n\
         <!-- Generated from `TRANSITIONS` in\n     \
         domain/src/{complaint,task,whistle,consultation,final_reply,supervision,registration,service,household,points}.rs.\n     \
         domain/src/{complaint,task,whistle,consultation,final_reply,supervision,registration,service,\n     \
         redemption,fairness}.rs.\n     \
         domain/src/{complaint,task,whistle,consultation,final_reply,supervision,registration,service,\n     \
         domain/src/{complaint,task,whistle,consultation,final_reply,supervision,registration,service,merchant,offer}.rs.\n     \
         household,party/transfer,score,score/settlement}.rs.\n     \
         domain/src/{complaint,task,whistle,consultation,final_reply,supervision,registration,request,service}.rs.\n     \
         registration/change,work_unit,pairing,party/transfer}.rs.\n     \
         Rewrite it with: UPDATE=1 cargo test -p domain transitions -->\n\n\
         Every step that is allowed, from where, and where it can lead. A step that a table does\n\
         not list is refused with the code under its title. A step that starts and ends in the\n\
         same state (挂起, 催办, 先行联系 …) is marked ↺. Whoever reported a merged complaint may\n\
         evaluate it once the case it follows is answered; that changes no state.\n",
    );
    for table in [
        complaints(),
        tasks(),
        whistles(),
        consultations(),
        final_replies(),
        screenings(),
        supervisions(),
        registrations(),
        changes(),
        unit_registrations(),
        matters(),
        transfers(),
        requests(),
        claims(),
        pairings(),
        proposals(),
        notices(),
        redemptions(),
        flags(),
        applications(),
        offers(),
        settlements(),
        scores(),
        quarters(),
        disputes(),
        opinions(),
        publications(),
        grants(),
    ] {
        table.write(&mut out);
    }
    out
}

macro_rules! table {
    ($word:ident, $title:literal, $refused:literal) => {
        table!($word::Status, $word::TRANSITIONS, $title, $refused)
    };
    ($status:ty, $transitions:expr, $title:literal, $refused:literal) => {
        Table {
            title: $title,
            refused: $refused,
            states: <$status>::ALL.iter().map(|it| (it.code(), it.label())).collect(),
            steps: $transitions
                .iter()
                .map(|(step, from, to)| Row {
                    code: step.code(),
                    label: step.label(),
                    from: from.iter().map(|it| it.code()).collect(),
                    to: to.iter().map(|it| it.code()).collect(),
                })
                .collect(),
        }
    };
}

fn complaints() -> Table<'static> {
    table!(complaint, "A complaint (诉求)", "complaint_step_refused")
}

fn opinions() -> Table<'static> {
    table!(feedback, "An opinion on the application (意见)", "feedback_step_refused")
}

fn publications() -> Table<'static> {
    table!(
        publication,
        "An announcement or an item of the guide (公告、办事指南)",
        "publication_step_refused"
    )
}

fn tasks() -> Table<'static> {
    table!(task, "A task (任务单)", "task_step_refused")
}

fn whistles() -> Table<'static> {
    table!(whistle, "A whistle (吹哨)", "whistle_step_refused")
}

fn supervisions() -> Table<'static> {
    table!(supervision, "A supervision (督办件)", "supervision_step_refused")
}

fn consultations() -> Table<'static> {
    table!(consultation, "A consultation (会商)", "consultation_step_refused")
}

fn screenings() -> Table<'static> {
    table!(
        screening::State,
        screening::TRANSITIONS,
        "What the public may read (内容核验)",
        "screening_step_refused"
    )
}

fn final_replies() -> Table<'static> {
    table!(final_reply, "A final reply (最终答复)", "final_reply_step_refused")
}

fn registrations() -> Table<'static> {
    table!(registration, "A registration (双报到)", "registration_step_refused")
}

fn changes() -> Table<'static> {
    table!(change, "A change of a registration (报到变更)", "registration_change_step_refused")
}

fn unit_registrations() -> Table<'static> {
    table!(work_unit, "A work unit's registration (单位报到)", "unit_registration_step_refused")
}

fn matters() -> Table<'static> {
    table!(pairing, "A paired cadre's matter (包联事项)", "matter_step_refused")
}

fn transfers() -> Table<'static> {
    table!(
        transfer,
        "A transfer between party branches (组织关系转接)",
        "party_transfer_step_refused"
    )
}

fn claims() -> Table<'static> {
    table!(service, "A claim of a service post (认领)", "claim_step_refused")
}

fn proposals() -> Table<'static> {
    table!(
        points::ProposalStatus,
        points::TRANSITIONS,
        "A proposal about points: a version of the rules, a manual adjustment (积分规则、人工调整)",
        "points_proposal_step_refused"
    )
}

fn notices() -> Table<'static> {
    table!(
        points::NoticeStatus,
        points::NOTICE_TRANSITIONS,
        "An award in public notice (积分公示)",
        "points_notice_step_refused"
    )
}

fn pairings() -> Table<'static> {
    table!(household, "Who looks after a household (包联)", "pairing_step_refused")
}

/// Its steps lead from one state to one other, and the refusal depends on the state.
fn redemptions() -> Table<'static> {
    let steps = redemption::TRANSITIONS.iter().map(|(step, from, to)| Row {
        code: step.code(),
        label: step.label(),
        from: vec![from.code()],
        to: vec![to.code()],
    });
    Table {
        title: "A redemption (兑换)",
        refused: "redemption_already_verified` · `redemption_ended` · `redemption_not_verified",
        states: redemption::Status::ALL.iter().map(|it| (it.code(), it.label())).collect(),
        steps: steps.collect(),
    }
}

fn flags() -> Table<'static> {
    table!(fairness, "A fairness flag (公平核查)", "fairness_step_refused")
}

fn applications() -> Table<'static> {
    table!(merchant, "An application to become a merchant (入驻申请)", "application_step_refused")
}

fn offers() -> Table<'static> {
    table!(offer, "An offer (优惠)", "offer_step_refused")
}

fn settlements() -> Table<'static> {
    use merchant::settlement;
    table!(settlement, "A merchant's statement of a month (结算单)", "settlement_step_refused")
}

fn scores() -> Table<'static> {
    table!(score, "An entry of the score book (积分管理手册)", "score_step_refused")
}

fn quarters() -> Table<'static> {
    table!(quarterly, "A branch's quarter (季度结算)", "score_settlement_step_refused")
}

fn requests() -> Table<'static> {
    table!(request, "A request (点单)", "request_step_refused")
}

fn disputes() -> Table<'static> {
    use service::dispute;
    table!(dispute, "A dispute of a service (服务异议)", "dispute_step_refused")
}

fn grants() -> Table<'static> {
    table!(grant, "A proposal of a role (授权申请)", "grant_step_refused")
}

impl Row<'_> {
    fn stays(&self) -> bool {
        self.from == self.to
    }

    fn line(&self) -> String {
        let (from, to) = (list(&self.from), list(&self.to));
        let to = if self.stays() { "↺".to_owned() } else { to };
        format!("| `{}` {} | {from} | {to} |\n", self.code, self.label)
    }
}

impl Table<'_> {
    fn write(&self, out: &mut String) {
        out.push_str(&format!("\n## {}\n\nRefused: `{}`.\n\n", self.title, self.refused));
        out.push_str("| step | from | to |\n|---|---|---|\n");
        for row in &self.steps {
            out.push_str(&row.line());
        }
        out.push_str("\n| state | steps |\n|---|---|\n");
        for (code, label) in &self.states {
            let steps = self.steps.iter().filter(|row| row.from.contains(code));
            let steps: Vec<_> = steps.map(|row| row.code).collect();
            let steps = if steps.is_empty() { "–".to_owned() } else { list(&steps) };
            out.push_str(&format!("| `{code}` {label} | {steps} |\n"));
        }
    }
}

fn list(codes: &[&str]) -> String {
    codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_document_is_fresh() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/TRANSITIONS.md");
        let text = markdown();
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(path, &text).unwrap();
        }
        let stored = std::fs::read_to_string(path).unwrap_or_default();
        assert!(
            stored == text,
            "docs/TRANSITIONS.md is stale; rewrite it with: UPDATE=1 cargo test -p domain transitions"
        );
    }

    #[test]
    fn each_step_stands_in_its_table_once() {
        let listed: Vec<_> = complaint::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, complaint::Step::ALL);
        let listed: Vec<_> = task::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, task::Step::ALL);
        let listed: Vec<_> = whistle::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, whistle::Step::ALL);
        let listed: Vec<_> = supervision::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, supervision::Step::ALL);
        let listed: Vec<_> = consultation::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, consultation::Step::ALL);
        let listed: Vec<_> = registration::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, registration::Step::ALL);
        let listed: Vec<_> = service::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, service::Step::ALL);
        let listed: Vec<_> = points::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, points::ProposalStep::ALL);
        let listed: Vec<_> = points::NOTICE_TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, points::NoticeStep::ALL);
        let listed: Vec<_> = household::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, household::Step::ALL);
        let listed: Vec<_> = redemption::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, redemption::Step::ALL);
        let listed: Vec<_> = fairness::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, fairness::Step::ALL);
        let listed: Vec<_> = merchant::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, merchant::Step::ALL);
        let listed: Vec<_> = offer::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, offer::Step::ALL);
        let listed: Vec<_> =
            merchant::settlement::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, merchant::settlement::Step::ALL);
        let listed: Vec<_> = score::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, score::Step::ALL);
        let listed: Vec<_> = quarterly::TRANSITIONS.iter().map(|(step, ..)| *step).collect();
        assert_eq!(listed, quarterly::Step::ALL);
    }
}
