//! The duty lists as staff look them up. They belong to nobody, so these reads take no scope.

use chrono::NaiveDate;
use domain::{
    duty::{Duty, ListKind},
    org::NodeCode,
};

use crate::postgres::Connection;

/// An item with the list that it was found on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its code, to be named in a dispatch.
    pub code: String,
    /// The category.
    pub category: String,
    /// The matter.
    pub name: String,
    /// The department that leads or stands behind.
    pub lead_unit: Option<NodeCode>,
    /// Its name.
    pub lead_name: Option<String>,
    /// What the department does.
    pub department_duty: String,
    /// What is asked of the subdistrict or community.
    pub duty: Duty,
    /// What it does.
    pub grassroots_duty: String,
    /// Whether a reply must carry photos.
    pub photos_required: bool,
    /// The law or regulation.
    pub basis: String,
    /// On which kind of list it stands.
    pub list: ListKind,
    /// The list's version.
    pub version: String,
}

/// The items that are valid on a date, in the order of their codes. Without a unit: the
/// district's list. For a subdistrict: each matter as the strongest of its lists has it. For a
/// community: its own list. For a department: the matters it leads on the district's list. `words`
/// looks into codes, names and categories.
///
/// # Errors
/// The database failed.
pub async fn items(
    conn: &mut Connection,
    words: Option<&str>,
    unit: Option<&NodeCode>,
    on: NaiveDate,
) -> Result<Vec<Entry>, sqlx::Error> {
    let division = unit.filter(|code| code.is_division()).map(NodeCode::as_str);
    let department = unit.filter(|code| !code.is_division()).map(NodeCode::as_str);
    // The district's list speaks of subdistricts; a community has its own.
    let district_list = division.is_none_or(|code| code.len() <= 9);
    sqlx::query_as!(
        Entry,
        r#"
        select distinct on (item.code)
            item.code, item.category, item.name, item.lead_unit as "lead_unit: NodeCode",
            lead.name as "lead_name?", item.department_duty,
            item.subdistrict_role as "duty: Duty", item.subdistrict_duty as grassroots_duty,
            item.photos_required, item.basis, list.kind as "list: ListKind", list.version
        from duty_item as item
        join duty_list as list on list.id = item.list_id
        left join org_node as lead on lead.code = item.lead_unit
        where list.valid_from <= $1 and (list.valid_to is null or list.valid_to > $1)
            and ((list.division_code is null and $2) or list.division_code = $3)
            and ($4::text is null or item.lead_unit = $4)
            and ($5::text is null
                or position($5 in item.code || ' ' || item.name || ' ' || item.category) > 0)
        order by item.code, array_position(
            array['recalled', 'basic', 'cooperate', 'territorial', 'community'], list.kind),
            list.valid_from desc, list.id desc
        "#,
        on,
        district_list,
        division,
        department,
        words
    )
    .fetch_all(conn)
    .await
}
