//! Reply templates (答复模板): a text with places to fill in, such as `{{处理时间}}`, and what must
//! stand there. What it gives is a reply like any other, and is held to the same rules.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    id::TemplateId,
    refusal::{Faults, FieldError, Invalid, Kind, Refusal},
    text,
};

mod fill;
#[cfg(test)]
mod tests;

/// The longest text of a template, in characters.
const LONGEST: usize = 5_000;
/// Fields of one template at most.
const MOST_FIELDS: usize = 20;
/// Options of one choice at most.
const MOST_OPTIONS: usize = 20;

codes! {
    /// What stands in a field of a template.
    pub enum FieldKind {
        /// Any words.
        Text = "text", "文字";
        /// A day.
        Date = "date", "日期";
        /// A number.
        Number = "number", "数字";
        /// One of several words.
        Choice = "choice", "选项";
    }
}

/// 模板里要填的一项
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = TemplateField)]
pub struct Field {
    /// 名称，写在正文的 {{ }} 里；1–20 个字母、数字、汉字或下划线
    #[schema(example = "处理时间")]
    pub name: String,
    /// 给填写的人看的说明，1–40 个字
    #[schema(example = "现场处理的日期")]
    pub label: String,
    /// 填什么
    pub kind: FieldKind,
    /// 是否必填
    pub required: bool,
    /// 选项，2–20 个；只有 choice 要写
    #[serde(default)]
    pub options: Vec<String>,
}

/// What one version of a template says and asks for. One that exists fits together: each place in
/// the text is a declared field, and each field has its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// Its name.
    pub name: String,
    /// The text with its places.
    pub text: String,
    /// What stands in them.
    pub fields: Vec<Field>,
}

impl Wording {
    /// # Errors
    /// Every field at fault: a place without a field, a field without a place, and so on.
    pub fn parse(name: &str, text: &str, fields: &[Field]) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        let name = faults.take(text::line("name", name, 2, 50));
        let text = faults.take(text::text("text", text, 10, LONGEST));
        let fields = declared(fields, &mut faults);
        if let Some(text) = &text {
            match fill::places(text) {
                Ok(places) => fitting(&places, &fields, &mut faults),
                Err(reason) => faults.add("text", reason),
            }
        }
        faults.check()?;
        Ok(Self { name: name.unwrap_or_default(), text: text.unwrap_or_default(), fields })
    }

    /// The text with every place filled in.
    ///
    /// # Errors
    /// Each field that is missing, is none of the template's, or is of another kind, by its name.
    pub fn render(&self, given: &BTreeMap<String, Value>) -> Result<String, Invalid> {
        fill::render(self, given)
    }
}

/// The fields as they are kept.
fn declared(fields: &[Field], faults: &mut Faults) -> Vec<Field> {
    if fields.len() > MOST_FIELDS {
        faults.add("fields", format!("最多 {MOST_FIELDS} 项，现在是 {} 项", fields.len()));
        return Vec::new();
    }
    let mut kept: Vec<Field> = Vec::new();
    for (index, field) in fields.iter().enumerate() {
        let at = |part: &str| format!("fields.{index}.{part}");
        let name = field.name.trim().to_owned();
        let length = name.chars().count();
        if !(1..=20).contains(&length) || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            faults.add(at("name"), "名称为 1–20 个字母、数字、汉字或下划线");
        } else if kept.iter().any(|other| other.name == name) {
            faults.add(at("name"), format!("“{name}”写了两次"));
        }
        let label = faults.take(text::line(&at("label"), &field.label, 1, 40));
        let options = options(field, &at("options"), faults);
        let label = label.unwrap_or_default();
        kept.push(Field { name, label, kind: field.kind, required: field.required, options });
    }
    kept
}

fn options(field: &Field, at: &str, faults: &mut Faults) -> Vec<String> {
    if field.kind != FieldKind::Choice {
        if !field.options.is_empty() {
            faults.add(at, "只有 choice 要写选项");
        }
        return Vec::new();
    }
    if !(2..=MOST_OPTIONS).contains(&field.options.len()) {
        faults.add(at, format!("要有 2–{MOST_OPTIONS} 个选项，现在是 {} 个", field.options.len()));
        return Vec::new();
    }
    let mut kept: Vec<String> = Vec::new();
    for (index, option) in field.options.iter().enumerate() {
        let place = format!("{at}.{index}");
        if let Some(option) = faults.take(text::line(&place, option, 1, 50)) {
            if kept.contains(&option) {
                faults.add(place, format!("“{option}”写了两次"));
            }
            kept.push(option);
        }
    }
    kept
}

/// Notes places without a field and fields without a place.
fn fitting(places: &[&str], fields: &[Field], faults: &mut Faults) {
    let mut strange: Vec<&str> = Vec::new();
    for place in places {
        if !fields.iter().any(|field| field.name == *place) && !strange.contains(place) {
            strange.push(place);
            faults.add("text", format!("正文里的 {{{{{place}}}}} 没有列在要填的项目（fields）里"));
        }
    }
    for (index, field) in fields.iter().enumerate() {
        if !places.contains(&field.name.as_str()) {
            let reason = format!("正文里没有 {{{{{}}}}}，请写进正文或删去这一项", field.name);
            faults.add(format!("fields.{index}.name"), reason);
        }
    }
}

/// The words of a reply, as a unit sends them: its own, or a template's.
#[derive(Debug, Clone, PartialEq)]
pub enum Words {
    /// Written by hand.
    Own(String),
    /// By a template, with what stands in its places.
    Filled {
        /// Which.
        template: TemplateId,
        /// By the names of its fields.
        fields: BTreeMap<String, Value>,
    },
}

impl Words {
    /// # Errors
    /// Both or neither; fields without a template.
    pub fn parse(
        text: Option<String>,
        template: Option<TemplateId>,
        fields: Option<BTreeMap<String, Value>>,
    ) -> Result<Self, Invalid> {
        match (text, template, fields) {
            (Some(text), None, None) => Ok(Self::Own(text)),
            (None, Some(template), fields) => {
                Ok(Self::Filled { template, fields: fields.unwrap_or_default() })
            }
            (None, None, _) => {
                Err(Invalid::field("text", "请写明办理情况和结果，或者选一个答复模板（template）"))
            }
            (Some(_), Some(_), _) => {
                Err(Invalid::field("text", "用了答复模板就不再写正文，请删去 text 或 template"))
            }
            (Some(_), None, Some(_)) => {
                Err(Invalid::field("fields", "没有选答复模板（template），请删去 fields"))
            }
        }
    }
}

/// Why a template is not used or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such template for this unit.
    #[error("没有这个答复模板，请从本单位和区中心的模板里选择")]
    Missing,
    /// It is no longer in use.
    #[error("这个答复模板已停用，请换一个模板")]
    Retired,
    /// The owner has one of this name.
    #[error("已有同名的答复模板，请换一个名称，或修改原来的那个")]
    NameTaken,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Missing => "template_missing",
            Self::Retired => "template_retired",
            Self::NameTaken => "template_name_taken",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::Missing => Kind::Invalid,
            Self::Retired | Self::NameTaken => Kind::Conflict,
        }
    }

    fn fields(&self) -> Vec<FieldError> {
        match self {
            Self::Missing => vec![FieldError::new("template", self.to_string())],
            Self::Retired | Self::NameTaken => Vec::new(),
        }
    }
}
