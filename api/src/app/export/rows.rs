//! How the rows of a list look in a workbook.

use domain::{
    page::Limit,
    personal::{PersonName, Phone},
    sla::Urgency,
    time::{self, Timestamp},
    view::List,
};
use infra::postgres::{complaint::read::Summary, task::read::TaskView};

use crate::sheet::Cell;

/// The header.
pub(super) const fn columns(list: List) -> &'static [&'static str] {
    match list {
        List::Complaints => &[
            "编号",
            "标题",
            "类型",
            "状态",
            "紧急程度",
            "社区",
            "提交时间",
            "热点",
            "保密",
            "联系人",
            "联系电话",
        ],
        List::Tasks => &[
            "诉求编号",
            "标题",
            "承办单位",
            "主办或协办",
            "状态",
            "紧急程度",
            "派单时间",
            "签收时限",
            "先行联系时限",
            "到场时限",
            "答复时限",
            "签收时间",
            "先行联系时间",
            "到场时间",
            "答复时间",
            "答复结果",
            "答复内容",
        ],
    }
}

/// Cuts what was read with one row more than the page to the page; says whether there was one.
pub(super) fn cut_to<T>(rows: &mut Vec<T>, limit: Limit) -> bool {
    let size = usize::try_from(limit.rows()).unwrap_or(usize::MAX);
    let more = rows.len() > size;
    rows.truncate(size);
    more
}

/// A complaint. A confidential one has no contact here: whoever must call asks for it by name.
pub(super) fn complaint(
    row: &Summary,
    contact: Option<(Option<PersonName>, Phone)>,
    unmask: bool,
) -> Vec<Cell> {
    let (name, phone) = contact.map_or((None, None), |(name, phone)| (name, Some(phone)));
    let name = name.map(|name| if unmask { name.plain().to_owned() } else { name.masked() });
    let phone = phone.map(|phone| if unmask { phone.plain().to_owned() } else { phone.masked() });
    let yes = |is: bool| Cell::from(is.then_some("是"));
    vec![
        row.number.clone().into(),
        row.title.clone().into(),
        row.kind.label().into(),
        row.status.label().into(),
        row.urgency.map(Urgency::label).into(),
        row.community_name.clone().into(),
        moment(row.created_at),
        yes(row.hot),
        yes(row.confidential),
        name.into(),
        phone.into(),
    ]
}

/// A task.
pub(super) fn task(row: &TaskView) -> Vec<Cell> {
    let at = |at: Option<Timestamp>| at.map_or(Cell::Empty, moment);
    vec![
        row.number.clone().into(),
        row.title.clone().into(),
        row.unit_name.clone().into(),
        row.role.label().into(),
        row.status.label().into(),
        row.urgency.label().into(),
        moment(row.dispatched_at),
        moment(row.acknowledge_by),
        at(row.contact_by),
        at(row.arrive_by),
        moment(row.reply_by),
        at(row.acknowledged_at),
        at(row.contacted_at),
        at(row.arrived_at),
        at(row.replied_at),
        row.reply.as_ref().map(|reply| reply.outcome.label()).into(),
        row.reply.as_ref().map(|reply| reply.text.clone()).into(),
    ]
}

/// An instant as table programs sort it.
fn moment(at: Timestamp) -> Cell {
    time::civil(at).format("%Y-%m-%d %H:%M").to_string().into()
}
