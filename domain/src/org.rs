//! Organisation (组织): the administrative tree (市 → 区 → 街道 → 社区 → 网格 → 小区 → 楼栋), the
//! departments that hang on the district, and the party tree.
//!
//! A division's code begins with its parent's (140213 ⊃ 140213066 ⊃ 140213066004), so the subtree
//! of a division is all codes with its code as prefix. Departments and party bodies have codes of
//! another alphabet and never fall under a prefix by accident.

use crate::refusal::FieldError;

codes! {
    /// What a node of the trees is.
    pub enum NodeKind {
        /// 市.
        City = "city", "市";
        /// 区县.
        District = "district", "区县";
        /// 街道、乡镇.
        Subdistrict = "subdistrict", "街道乡镇";
        /// 社区居民委员会.
        Community = "community", "社区";
        /// 村民委员会.
        Village = "village", "村";
        /// 网格.
        Grid = "grid", "网格";
        /// 小区.
        Estate = "estate", "小区";
        /// 楼栋.
        Building = "building", "楼栋";
        /// 区直部门.
        Department = "department", "部门";
        /// 水电气暖等公用企业.
        Utility = "utility", "公用企业";
        /// 社区党委、党总支.
        PartyCommittee = "party_committee", "社区党委";
        /// 小区（网格）党支部.
        PartyBranch = "party_branch", "党支部";
        /// 楼栋党小组.
        PartyGroup = "party_group", "楼栋党小组";
        /// 党员中心户.
        PartyHousehold = "party_household", "党员中心户";
    }
}

impl NodeKind {
    /// Whether the node can be given tasks.
    pub const fn is_unit(self) -> bool {
        matches!(
            self,
            Self::Subdistrict | Self::Community | Self::Village | Self::Department | Self::Utility
        )
    }

    /// Whether tasks for the node are bound to the duty lists (a subdistrict or below).
    pub const fn is_grassroots(self) -> bool {
        matches!(self, Self::Subdistrict | Self::Community | Self::Village)
    }
}

codes! {
    /// How an estate is managed (管理模式).
    pub enum ManagementMode {
        /// A property company.
        Company = "company", "企业包管";
        /// The community itself.
        Community = "community", "社区托管";
        /// The work unit that built it.
        Unit = "unit", "单位代管";
        /// The owners themselves.
        Owners = "owners", "业主自管";
    }
}

/// The code of a node: a division's digits, or a word such as `urban-management`.
#[derive(
    Debug,
    Clone,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    serde::Serialize,
    serde::Deserialize,
    sqlx::Type,
)]
#[serde(transparent)]
#[sqlx(transparent)]
pub struct NodeCode(String);

impl NodeCode {
    /// # Errors
    /// Not 2–40 characters of `a-z`, `0-9` and `-`.
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        let fits = (2..=40).contains(&given.len())
            && given.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        if fits {
            Ok(Self(given.to_owned()))
        } else {
            Err(FieldError::new(
                field,
                "代码不对：区划写数字代码，部门写它的英文代码，例如 urban-management",
            ))
        }
    }

    /// A code that may be left out.
    ///
    /// # Errors
    /// As [`NodeCode::parse`].
    pub fn optional(field: &str, given: Option<&str>) -> Result<Option<Self>, FieldError> {
        given.map(|code| Self::parse(field, code)).transpose()
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is a division's code.
    pub fn is_division(&self) -> bool {
        self.0.bytes().all(|b| b.is_ascii_digit())
    }

    /// Whether `other` is this division or lies inside it.
    pub fn contains(&self, other: &Self) -> bool {
        self == other || (self.is_division() && other.is_division() && other.0.starts_with(&self.0))
    }

    /// The community that a grid, estate or building lies in; what is larger stays itself.
    pub fn community(&self) -> Self {
        match self.0.get(..12) {
            Some(community) if self.is_division() => Self(community.to_owned()),
            _ => self.clone(),
        }
    }

    /// The division one level up by the code's own structure: community → subdistrict → district.
    pub fn superior(&self) -> Option<Self> {
        if !self.is_division() {
            return None;
        }
        let length = match self.0.len() {
            13.. => 12,
            10..=12 => 9,
            7..=9 => 6,
            5..=6 => 4,
            _ => return None,
        };
        self.0.get(..length).map(|code| Self(code.to_owned()))
    }
}

impl std::str::FromStr for NodeCode {
    type Err = FieldError;

    fn from_str(given: &str) -> Result<Self, Self::Err> {
        Self::parse("code", given)
    }
}

impl std::fmt::Display for NodeCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl utoipa::PartialSchema for NodeCode {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::schema::ObjectBuilder::new()
            .schema_type(utoipa::openapi::schema::Type::String)
            .description(Some("部门的代码，或街道、社区的区划代码"))
            .examples([serde_json::json!("urban-management")])
            .into()
    }
}

impl utoipa::ToSchema for NodeCode {}

/// A unit (承办单位) as the rules see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Its code.
    pub code: NodeCode,
    /// What it is.
    pub kind: NodeKind,
    /// Its name.
    pub name: String,
    /// The node above it, which takes the task when the unit itself is reported (举报回避).
    pub superior: Option<NodeCode>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> NodeCode {
        NodeCode::parse("code", text).unwrap()
    }

    #[test]
    fn a_subtree_is_a_prefix_of_digits() {
        let subdistrict = code("140213066");
        assert!(subdistrict.contains(&subdistrict));
        assert!(subdistrict.contains(&code("140213066004")));
        assert!(!subdistrict.contains(&code("140213067001")));
        assert!(!subdistrict.contains(&code("140213")));
        assert!(!code("water").contains(&code("water-plant")));
    }

    #[test]
    fn superiors_go_up_to_the_city() {
        let mut at = code("140213066004001");
        let mut walk = Vec::new();
        while let Some(up) = at.superior() {
            walk.push(up.to_string());
            at = up;
        }
        assert_eq!(walk, ["140213066004", "140213066", "140213", "1402"]);
        assert_eq!(code("urban-management").superior(), None);
    }

    #[test]
    fn foreign_alphabets_are_refused() {
        for bad in ["", "x", "文兴", "140213066004'", "Urban", "a_b", "１４０２１３"] {
            assert!(NodeCode::parse("code", bad).is_err(), "{bad}");
        }
    }
}
