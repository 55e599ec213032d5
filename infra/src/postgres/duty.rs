//! Duty lists: versions that are added and end, never change.

use std::collections::HashMap;

use chrono::NaiveDate;
use domain::{
    duty::{Duty, Item, ListKind, Listed},
    org::NodeCode,
};

use super::Connection;

pub mod edition;
pub mod proposal;
pub mod read;

#[cfg(test)]
mod tests;

/// For each unit, the lists that are valid for it on a date, and what each says about the item:
/// the facts for [`domain::duty::judge`]. Of several valid versions of one list the newest counts.
/// A community sees its own list, the district's, and what was recalled from its subdistrict.
///
/// # Errors
/// The database failed.
pub async fn valid(
    conn: &mut Connection,
    units: &[NodeCode],
    item: Option<&str>,
    on: NaiveDate,
) -> Result<HashMap<NodeCode, Vec<Listed>>, sqlx::Error> {
    let codes: Vec<String> = units.iter().map(ToString::to_string).collect();
    let rows = sqlx::query!(
        r#"
        select distinct on (asked.unit, list.kind)
            asked.unit as "unit!: NodeCode", list.kind as "kind: ListKind", list.version,
            list.title, item.subdistrict_role as "duty?: Duty"
        from unnest($1::text[]) as asked (unit)
        join duty_list as list
            on list.division_code is null or list.division_code = asked.unit
            or (list.kind = 'recalled' and starts_with(asked.unit, list.division_code))
        left join duty_item as item on item.list_id = list.id and item.code = $2
        where list.valid_from <= $3 and (list.valid_to is null or list.valid_to > $3)
        order by asked.unit, list.kind, list.valid_from desc, list.id desc
        "#,
        &codes,
        item,
        on
    )
    .fetch_all(conn)
    .await?;
    let mut lists: HashMap<NodeCode, Vec<Listed>> = HashMap::new();
    for row in rows {
        lists.entry(row.unit).or_default().push(Listed {
            kind: row.kind,
            version: row.version,
            title: row.title,
            duty: row.duty,
        });
    }
    Ok(lists)
}

/// The item with this code on any list that is valid on the date; the district's list is asked
/// first, then the newest. `None` means that no such item exists, which a command that names it
/// refuses as a wrong field.
///
/// # Errors
/// The database failed.
pub async fn item(
    conn: &mut Connection,
    code: &str,
    on: NaiveDate,
) -> Result<Option<Item>, sqlx::Error> {
    sqlx::query_as!(
        Item,
        r#"
        select item.code, category, name, lead_unit as "lead_unit: NodeCode", department_duty,
            subdistrict_role as "duty: Duty", subdistrict_duty as grassroots_duty,
            photos_required, basis
        from duty_item as item
        join duty_list as list on list.id = item.list_id
        where item.code = $1 and list.valid_from <= $2
            and (list.valid_to is null or list.valid_to > $2)
        order by list.division_code is not null, list.valid_from desc, list.id desc
        limit 1
        "#,
        code,
        on
    )
    .fetch_optional(conn)
    .await
}

/// The item as it stood on one version of a list: what a complaint was judged by.
///
/// # Errors
/// The database failed.
pub async fn item_of(
    conn: &mut Connection,
    version: &str,
    code: &str,
) -> Result<Option<Item>, sqlx::Error> {
    sqlx::query_as!(
        Item,
        r#"
        select item.code, category, name, lead_unit as "lead_unit: NodeCode", department_duty,
            subdistrict_role as "duty: Duty", subdistrict_duty as grassroots_duty,
            photos_required, basis
        from duty_item as item
        join duty_list as list on list.id = item.list_id
        where list.version = $1 and item.code = $2
        "#,
        version,
        code
    )
    .fetch_optional(conn)
    .await
}

/// A version of a list as it is written, with its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    /// What it is for.
    pub kind: ListKind,
    /// The version, unique over all lists.
    pub version: String,
    /// The title, for people.
    pub title: String,
    /// The subdistrict or community it is for; `None` for the district's.
    pub division: Option<NodeCode>,
    /// The first day on which it is valid.
    pub valid_from: NaiveDate,
    /// The first day on which it is no longer.
    pub valid_to: Option<NaiveDate>,
    /// What is on it.
    pub items: Vec<Item>,
}

/// Adds versions of lists with their items; a version that is there already is left exactly as it
/// is. Returns how many versions were new.
///
/// # Errors
/// A division or department is missing, an item stands twice on a list, or the database failed.
#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
pub async fn insert_lists(conn: &mut Connection, lists: &[List]) -> Result<usize, sqlx::Error> {
    let text = |of: fn(&List) -> &str| lists.iter().map(|l| of(l).to_owned()).collect::<Vec<_>>();
    let divisions: Vec<Option<String>> =
        lists.iter().map(|list| list.division.as_ref().map(ToString::to_string)).collect();
    let from: Vec<NaiveDate> = lists.iter().map(|list| list.valid_from).collect();
    let to: Vec<Option<NaiveDate>> = lists.iter().map(|list| list.valid_to).collect();
    let added = sqlx::query!(
        r#"
        insert into duty_list (kind, version, title, division_code, valid_from, valid_to)
        select * from unnest(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::date[], $6::date[])
        on conflict (version) do nothing
        returning id, version
        "#,
        &text(|list| list.kind.code()),
        &text(|list| &list.version),
        &text(|list| &list.title),
        &divisions as &[Option<String>],
        &from,
        &to as &[Option<NaiveDate>],
    )
    .fetch_all(&mut *conn)
    .await?;
    let ids: HashMap<&str, i64> = added.iter().map(|row| (row.version.as_str(), row.id)).collect();
    let items = lists
        .iter()
        .filter_map(|list| ids.get(list.version.as_str()).map(|id| (*id, list)))
        .flat_map(|(id, list)| list.items.iter().map(move |item| (id, item)))
        .collect::<Vec<_>>();
    insert_items(conn, &items).await?;
    Ok(added.len())
}

#[expect(clippy::as_conversions, reason = "tells sqlx that elements may be null")]
async fn insert_items(conn: &mut Connection, items: &[(i64, &Item)]) -> Result<(), sqlx::Error> {
    let text = |of: fn(&Item) -> &str| {
        items.iter().map(|(_, item)| of(item).to_owned()).collect::<Vec<_>>()
    };
    let lists: Vec<i64> = items.iter().map(|(list, _)| *list).collect();
    let leads: Vec<Option<String>> =
        items.iter().map(|(_, item)| item.lead_unit.as_ref().map(ToString::to_string)).collect();
    let photos: Vec<bool> = items.iter().map(|(_, item)| item.photos_required).collect();
    sqlx::query!(
        r#"
        insert into duty_item (list_id, code, category, name, lead_unit, department_duty,
            subdistrict_role, subdistrict_duty, photos_required, basis)
        select * from unnest(
            $1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
            $8::text[], $9::boolean[], $10::text[])
        "#,
        &lists,
        &text(|item| &item.code),
        &text(|item| &item.category),
        &text(|item| &item.name),
        &leads as &[Option<String>],
        &text(|item| &item.department_duty),
        &text(|item| item.duty.code()),
        &text(|item| &item.grassroots_duty),
        &photos,
        &text(|item| &item.basis),
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Whether an item of a version demands photos with a reply.
///
/// # Errors
/// The database is away.
pub async fn demands_photos(
    conn: &mut Connection,
    item: &str,
    version: &str,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from duty_item item join duty_list list on list.id = item.list_id
               where item.code = $1 and list.version = $2 and item.photos_required) as "demands!""#,
        item,
        version,
    )
    .fetch_one(conn)
    .await
}
