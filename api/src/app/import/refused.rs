//! Why a file cannot be imported at all.

use std::path::PathBuf;

use domain::{
    import::Field,
    org::NodeCode,
    refusal::{Kind, Refusal},
};

use super::Summary;
use crate::{error::Error, sheet};

/// Why nothing of a file is taken in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The file is away or locked.
    #[error("文件 {} 打不开：{why}", .file.display())]
    Unreadable {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        why: std::io::Error,
    },
    /// It is no sheet.
    #[error(transparent)]
    Sheet(#[from] sheet::Refused),
    /// A mapping that is none.
    #[error("“{given}”不是对应关系：要写成 字段=列名，字段可用 {fields}")]
    Map {
        /// What was given.
        given: String,
        /// Every field.
        fields: String,
    },
    /// A field is mapped twice.
    #[error("字段 {0} 对应了两次，请只留一个 --map")]
    MappedTwice(Field),
    /// There is no such column.
    #[error("文件里没有“{column}”这一列；有这些列：{available}")]
    NoSuchColumn {
        /// What was asked for.
        column: String,
        /// What there is.
        available: String,
    },
    /// There are several such columns.
    #[error("文件里有几列都叫“{0}”，请先改名")]
    ColumnTwice(String),
    /// A field that every row needs has no column.
    #[error("缺少{}：请用 --map {field}=列名 指明；有这些列：{available}", field.label())]
    FieldMissing {
        /// The field.
        field: Field,
        /// The columns that there are.
        available: String,
    },
    /// No community for any row.
    #[error(
        "缺少社区：请用 --community 代码 给全部行指定一个，或用 --map community=列名 指明哪一列是社区"
    )]
    CommunityMissing,
    /// The community is none.
    #[error("没有 {0} 这个社区或村")]
    NoSuchCommunity(NodeCode),
    /// The report cannot be written, so that nothing was begun.
    #[error("拒绝清单 {} 写不进去：{why}；没有导入任何一行", .file.display())]
    Report {
        /// Which file.
        file: PathBuf,
        /// What the system says.
        why: csv::Error,
    },
    /// A row was refused, and all or none was asked for.
    #[error("{0}\n因为用了 --strict，没有导入任何一行")]
    Strict(Summary),
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::Unreadable { .. } => "import_unreadable",
            Self::Sheet(refused) => refused.code(),
            Self::Map { .. } | Self::MappedTwice(_) => "import_map",
            Self::NoSuchColumn { .. } | Self::ColumnTwice(_) => "import_column",
            Self::FieldMissing { .. } => "import_field_missing",
            Self::CommunityMissing | Self::NoSuchCommunity(_) => "import_community",
            Self::Report { .. } => "import_report",
            Self::Strict(_) => "import_strict",
        }
    }

    fn kind(&self) -> Kind {
        Kind::Invalid
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        Self::Refused(Box::new(refused))
    }
}
