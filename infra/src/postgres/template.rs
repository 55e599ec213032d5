//! Reply templates (答复模板) and their versions, and which of them made a reply.

use domain::{
    id::{AccountId, TaskId, TemplateId},
    org::NodeCode,
    template::{Field, Wording},
    time::Timestamp,
};
use sqlx::types::Json;

use super::Connection;

pub mod read;

/// A template as its rules see it.
#[derive(Debug, Clone)]
pub struct Template {
    /// Whose it is; none for the centre's.
    pub unit: Option<NodeCode>,
    /// Its current version.
    pub version: i64,
    /// It is no longer in use.
    pub retired: bool,
    /// What its current version says.
    pub wording: Wording,
}

/// A template, locked against a change by anybody else.
///
/// # Errors
/// The database is away.
pub async fn lock(conn: &mut Connection, id: TemplateId) -> Result<Option<Template>, sqlx::Error> {
    sqlx::query!("select from reply_template where id = $1 for no key update", id.0)
        .execute(&mut *conn)
        .await?;
    find(conn, id).await
}

/// A template as it stands.
///
/// # Errors
/// The database is away.
pub async fn find(conn: &mut Connection, id: TemplateId) -> Result<Option<Template>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select t.unit as "unit: NodeCode", t.version, t.retired_at is not null as "retired!",
               v.name, v.text, v.fields as "fields: Json<Vec<Field>>"
           from reply_template t
           join reply_template_version v on v.template_id = t.id and v.version = t.version
           where t.id = $1"#,
        id.0,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| Template {
        unit: row.unit,
        version: row.version,
        retired: row.retired,
        wording: Wording { name: row.name, text: row.text, fields: row.fields.0 },
    }))
}

/// Stores a new template with its first version.
///
/// # Errors
/// The database is away; `reply_template_name` when the owner has one of this name.
pub async fn insert(
    conn: &mut Connection,
    id: TemplateId,
    unit: Option<&NodeCode>,
    wording: &Wording,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into reply_template (id, unit, name, created_at) values ($1, $2, $3, $4)",
        id.0,
        unit.map(NodeCode::as_str),
        wording.name,
        now,
    )
    .execute(&mut *conn)
    .await?;
    add_version(conn, (id, 1), wording, (by, now)).await
}

/// Stores the next version of a locked template, which counts from now on.
///
/// # Errors
/// The database is away; `reply_template_name` when the owner has one of this name.
pub async fn revise(
    conn: &mut Connection,
    (id, version): (TemplateId, i64),
    wording: &Wording,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update reply_template set version = $2, name = $3 where id = $1",
        id.0,
        version,
        wording.name
    )
    .execute(&mut *conn)
    .await?;
    add_version(conn, (id, version), wording, (by, now)).await
}

async fn add_version(
    conn: &mut Connection,
    (id, version): (TemplateId, i64),
    wording: &Wording,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into reply_template_version (template_id, version, name, text, fields, made_by, made_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        version,
        wording.name,
        wording.text,
        serde_json::to_value(&wording.fields).map_err(|error| sqlx::Error::Encode(error.into()))?,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Takes a locked template out of use; replies that it made keep their version.
///
/// # Errors
/// The database is away.
pub async fn retire(
    conn: &mut Connection,
    id: TemplateId,
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update reply_template set retired_at = $2, retired_by = $3 where id = $1",
        id.0,
        now,
        by.0
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Keeps which version rendered a text for a task. The same text again is the later version's.
///
/// # Errors
/// The database is away.
pub async fn made(
    conn: &mut Connection,
    task: TaskId,
    text: &str,
    (id, version): (TemplateId, i64),
    (by, now): (AccountId, Timestamp),
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into reply_from_template (task_id, digest, template_id, template_version, made_by, made_at)
         values ($1, sha256(convert_to($2, 'UTF8')), $3, $4, $5, $6)
         on conflict (task_id, digest) do update
             set template_id = $3, template_version = $4, made_by = $5, made_at = $6",
        task.0,
        text,
        id.0,
        version,
        by.0,
        now,
    )
    .execute(conn)
    .await?;
    Ok(())
}
