//! Proposals as staff read them: what is asked of a list is no secret among those who work by it.

use super::{
    Connection, Cursor, DutyProposalId, ListKind, NodeCode, PageRequest, Status, TaskId, Timestamp,
    Uuid,
};

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// Its id.
    pub id: DutyProposalId,
    /// Grows with each change.
    pub version: i64,
    /// Where it stands.
    pub status: Status,
    /// The item.
    pub item: String,
    /// The matter.
    pub item_name: String,
    /// The kind of list.
    pub kind: ListKind,
    /// The version that it objects to.
    pub list: String,
    /// What should stand there.
    pub text: String,
    /// Who should lead.
    pub lead_unit: Option<NodeCode>,
    /// The task whose return showed it.
    pub from_task: Option<TaskId>,
    /// Who objects.
    pub unit: Option<NodeCode>,
    /// Its name.
    pub unit_name: Option<String>,
    /// When.
    pub made_at: Timestamp,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Why so.
    pub note: Option<String>,
    /// The version that took it up.
    pub settled_in: Option<String>,
}

impl Shown {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.made_at, id: self.id.0 }
    }
}

/// Which proposals.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// One alone.
    pub id: Option<DutyProposalId>,
    /// Where they stand.
    pub status: Option<Status>,
    /// To which item.
    pub item: Option<String>,
}

/// The proposals, newest first, one more than the page.
///
/// # Errors
/// The database failed.
pub async fn list(
    conn: &mut Connection,
    filter: &Filter,
    page: PageRequest,
) -> Result<Vec<Shown>, sqlx::Error> {
    sqlx::query_as!(
        Shown,
        r#"
        select proposal.id as "id: DutyProposalId", proposal.version,
            proposal.status as "status: Status", proposal.item, item.name as item_name,
            list.kind as "kind: ListKind", list.version as list, proposal.text,
            proposal.lead_unit as "lead_unit: NodeCode", from_task as "from_task: TaskId",
            proposal.unit as "unit: NodeCode", unit.name as "unit_name?", made_at, decided_at, note,
            new.version as "settled_in?"
        from duty_proposal as proposal
        join duty_list as list on list.id = proposal.list_id
        join duty_item as item on item.list_id = proposal.list_id and item.code = proposal.item
        left join org_node as unit on unit.code = proposal.unit
        left join duty_list as new on new.id = proposal.settled_in
        where ($1::uuid is null or proposal.id = $1)
            and ($2::text is null or proposal.status = $2)
            and ($3::text is null or proposal.item = $3)
            and ($4::timestamptz is null or (made_at, proposal.id) < ($4, $5))
        order by made_at desc, proposal.id desc limit $6
        "#,
        filter.id.map(|id| id.0),
        filter.status.map(Status::code),
        filter.item,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe()
    )
    .fetch_all(conn)
    .await
}
