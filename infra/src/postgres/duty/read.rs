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

/// A version of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub kind: ListKind,
    /// The version, unique over all lists.
    pub version: String,
    /// The title.
    pub title: String,
    /// The subdistrict or community it is for.
    pub division: Option<NodeCode>,
    /// Its name.
    pub division_name: Option<String>,
    /// The first day on which it is valid.
    pub valid_from: NaiveDate,
    /// The first day on which it is no longer.
    pub valid_to: Option<NaiveDate>,
    /// How many items it has.
    pub items: i64,
}

/// Which versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// This one alone.
    pub id: Option<i64>,
    /// Lists of this kind.
    pub kind: Option<ListKind>,
    /// Lists of this subdistrict or community.
    pub division: Option<NodeCode>,
    /// Versions that are valid on this day.
    pub valid_on: Option<NaiveDate>,
}

/// The versions by name, after one of them.
///
/// # Errors
/// The database failed.
pub async fn lists(
    conn: &mut Connection,
    filter: &Filter,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<List>, sqlx::Error> {
    sqlx::query_as!(
        List,
        r#"
        select list.id, list.kind as "kind: ListKind", version, title,
            list.division_code as "division: NodeCode", node.name as "division_name?",
            valid_from, valid_to,
            (select count(*) from duty_item where list_id = list.id) as "items!"
        from duty_list as list
        left join org_node as node on node.code = list.division_code
        where ($1::bigint is null or list.id = $1)
            and ($2::text is null or list.kind = $2)
            and ($3::text is null or list.division_code = $3)
            and ($4::date is null or (valid_from <= $4 and (valid_to is null or valid_to > $4)))
            and ($5::text is null or version > $5)
        order by version limit $6
        "#,
        filter.id,
        filter.kind.map(ListKind::code),
        filter.division.as_ref().map(NodeCode::as_str),
        filter.valid_on,
        after,
        rows
    )
    .fetch_all(conn)
    .await
}

/// The items of a version by code, after one of them.
///
/// # Errors
/// The database failed.
pub async fn items_of(
    conn: &mut Connection,
    list: i64,
    after: Option<&str>,
    rows: i64,
) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_as!(
        Entry,
        r#"
        select item.code, item.category, item.name, item.lead_unit as "lead_unit: NodeCode",
            lead.name as "lead_name?", item.department_duty,
            item.subdistrict_role as "duty: Duty", item.subdistrict_duty as grassroots_duty,
            item.photos_required, item.basis, list.kind as "list: ListKind", list.version
        from duty_item as item
        join duty_list as list on list.id = item.list_id
        left join org_node as lead on lead.code = item.lead_unit
        where list.id = $1 and ($2::text is null or item.code > $2)
        order by item.code limit $3
        "#,
        list,
        after,
        rows
    )
    .fetch_all(conn)
    .await
}

/// Every item of a version, for export.
///
/// # Errors
/// The database failed.
pub async fn whole(
    conn: &mut Connection,
    list: i64,
) -> Result<Vec<domain::duty::Item>, sqlx::Error> {
    super::edition::items(conn, list).await
}

/// How an item stands for a place on a day: on which list, and as which row of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The row of the list.
    pub list_id: i64,
    /// The kind of list.
    pub kind: ListKind,
    /// Its version.
    pub version: String,
    /// Its title.
    pub title: String,
    /// The item.
    pub item: domain::duty::Item,
}

/// The item as the strongest of the lists has it that are valid on the day: the subdistrict's own
/// in their order, the district's, and last the community's own. Without a place: the district's.
///
/// # Errors
/// The database failed.
pub async fn strongest(
    conn: &mut Connection,
    code: &str,
    place: Option<&NodeCode>,
    on: NaiveDate,
) -> Result<Option<Found>, sqlx::Error> {
    let subdistrict = place.and_then(|place| place.as_str().get(..9));
    let row = sqlx::query!(
        r#"
        select list.id, list.kind as "kind: ListKind", list.version, list.title,
            item.code, item.category, item.name, item.lead_unit as "lead_unit: NodeCode",
            item.department_duty, item.subdistrict_role as "duty: Duty",
            item.subdistrict_duty as grassroots_duty, item.photos_required, item.basis
        from duty_item as item
        join duty_list as list on list.id = item.list_id
        where item.code = $1 and list.valid_from <= $2
            and (list.valid_to is null or list.valid_to > $2)
            and (list.division_code is null or list.division_code = $3
                or list.division_code = $4)
        order by array_position(
            array['recalled', 'basic', 'cooperate', 'territorial', 'community'], list.kind)
        limit 1
        "#,
        code,
        on,
        place.map(NodeCode::as_str),
        subdistrict
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Found {
        list_id: row.id,
        kind: row.kind,
        version: row.version,
        title: row.title,
        item: domain::duty::Item {
            code: row.code,
            category: row.category,
            name: row.name,
            lead_unit: row.lead_unit,
            department_duty: row.department_duty,
            duty: row.duty,
            grassroots_duty: row.grassroots_duty,
            photos_required: row.photos_required,
            basis: row.basis,
        },
    }))
}

/// Whether the item stands on any list that is valid on the day.
///
/// # Errors
/// The database failed.
pub async fn anywhere(
    conn: &mut Connection,
    code: &str,
    on: NaiveDate,
) -> Result<bool, sqlx::Error> {
    Ok(super::item(conn, code, on).await?.is_some())
}
