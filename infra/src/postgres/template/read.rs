//! Reply templates as they are read: a unit its own and the centre's, the centre all of them.

use domain::{
    id::TemplateId,
    org::NodeCode,
    page::{Cursor, PageRequest},
    scope::Scope,
    template::{Field, Wording},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::postgres::Connection;

/// 答复模板的一个版本
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TemplateView {
    /// 模板的 id
    pub id: TemplateId,
    /// 哪个单位的；区中心的（各单位都能用）为 null
    pub unit: Option<NodeCode>,
    /// 该单位的名称；区中心的写“区中心”
    pub unit_name: String,
    /// 这一版的版本号
    pub version: i64,
    /// 现行的版本号，用于 If-Match
    pub current_version: i64,
    /// 名称
    #[schema(example = "路灯维修")]
    pub name: String,
    /// 正文，要填的地方写成 {{名称}}
    #[schema(example = "{{处理时间}}到现场查看，路灯{{结果}}。")]
    pub text: String,
    /// 要填的项目
    pub fields: Vec<Field>,
    /// 谁写的这一版
    pub made_by: String,
    /// 这一版的时间
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// 建立的时间
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// 停用的时间；在用的为 null
    #[schema(value_type = Option<String>, format = DateTime)]
    pub retired_at: Option<Timestamp>,
}

impl TemplateView {
    /// Where the next page starts when this is the last row.
    pub fn cursor(&self) -> Cursor {
        Cursor { at: self.created_at, id: self.id.0 }
    }

    /// What this version says and asks for.
    pub fn wording(&self) -> Wording {
        Wording { name: self.name.clone(), text: self.text.clone(), fields: self.fields.clone() }
    }
}

/// 答复所用的模板
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct TemplateUsed {
    /// 模板的 id
    pub id: TemplateId,
    /// 哪一版
    pub version: i64,
    /// 那一版的名称
    pub name: String,
}

/// What templates are narrowed to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Filter {
    /// One alone.
    pub id: Option<TemplateId>,
    /// That version of it; the current one when left out.
    pub version: Option<i64>,
    /// Those in use, or those no longer in use; both when left out.
    pub retired: Option<bool>,
}

/// Templates within the scope, the oldest first, one more than the page.
///
/// # Errors
/// The database is away.
pub async fn list(
    conn: &mut Connection,
    scope: &Scope,
    filter: Filter,
    page: PageRequest,
) -> Result<Vec<TemplateView>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select t.id as "id: TemplateId", t.unit as "unit: NodeCode",
               coalesce(u.name, '区中心') as "unit_name!", v.version, t.version as current_version,
               v.name, v.text, v.fields as "fields: Json<Vec<Field>>", a.display_name as made_by,
               v.made_at, t.created_at, t.retired_at
           from reply_template t
           join reply_template_version v
               on v.template_id = t.id and v.version = coalesce($5, t.version)
           join account a on a.id = v.made_by
           left join org_node u on u.code = t.unit
           where ($1 or t.unit is null or t.unit = any($2))
               and ($3::uuid is null or t.id = $3)
               and ($4::bool is null or (t.retired_at is not null) = $4)
               and ($6::timestamptz is null or (t.created_at, t.id) > ($6, $7))
           order by t.created_at, t.id
           limit $8"#,
        scope.everything(),
        scope.units(),
        filter.id.map(|id| id.0),
        filter.retired,
        filter.version,
        page.after.map(|cursor| cursor.at),
        page.after.map_or(Uuid::nil(), |cursor| cursor.id),
        page.probe(),
    )
    .fetch_all(conn)
    .await?;
    let views = rows.into_iter().map(|row| TemplateView {
        id: row.id,
        unit: row.unit,
        unit_name: row.unit_name,
        version: row.version,
        current_version: row.current_version,
        name: row.name,
        text: row.text,
        fields: row.fields.0,
        made_by: row.made_by,
        made_at: row.made_at,
        created_at: row.created_at,
        retired_at: row.retired_at,
    });
    Ok(views.collect())
}
