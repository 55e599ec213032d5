//! A sheet as the body: the bytes of a CSV file or a workbook. Taking it never fails; reading it
//! does, when the handler says so, as with [`super::Body`].

use std::{convert::Infallible, time::Duration};

use actix_web::{FromRequest, HttpRequest, dev::Payload, http::header::CONTENT_TYPE};
use domain::refusal::{Kind, Refusal};
use futures::{FutureExt, StreamExt, future::LocalBoxFuture};

use crate::error::Error;

/// The largest sheet, in bytes.
pub const LIMIT: usize = 5 * 1024 * 1024;
/// How much of a sheet that is too large is read and thrown away, in bytes, so that the client
/// gets to see the answer instead of a broken connection.
const DRAIN: usize = 32 * 1024 * 1024;
/// How long a client may take to send it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a sheet may be declared as; what it is, its first bytes tell.
const TYPES: [&str; 5] = [
    "text/csv",
    "text/plain",
    "application/octet-stream",
    "application/vnd.ms-excel",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
];

/// Why a body is no sheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// Larger than [`LIMIT`].
    #[error("文件超过 5 MB，请拆分后再导入")]
    TooLarge,
    /// Declared as something else.
    #[error(
        "请直接上传 CSV 或 Excel（.xlsx）文件的内容，类型写 text/csv 或 application/octet-stream"
    )]
    Type,
    /// The client hung up, or took too long.
    #[error("文件没有传完，请重新上传")]
    Broken,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge => "sheet_too_large",
            Self::Type => "sheet_type",
            Self::Broken => "sheet_broken_off",
        }
    }

    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge => Kind::TooLarge,
            Self::Type => Kind::UnsupportedType,
            Self::Broken => Kind::Malformed,
        }
    }
}

impl From<Refused> for Error {
    fn from(refusal: Refused) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

/// The bytes of a sheet, taken in but not yet looked at.
#[derive(Debug)]
pub struct SheetBody(Result<Vec<u8>, Refused>);

impl SheetBody {
    /// The bytes.
    ///
    /// # Errors
    /// `sheet_too_large`, `sheet_type`, `sheet_broken_off`.
    pub fn read(self) -> Result<Vec<u8>, Error> {
        Ok(self.0?)
    }
}

impl FromRequest for SheetBody {
    type Error = Infallible;
    type Future = LocalBoxFuture<'static, Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let fits = declares_sheet(request);
        let payload = payload.take();
        async move {
            let taken = tokio::time::timeout(PATIENCE, take(payload)).await;
            let taken = taken.unwrap_or(Err(Refused::Broken));
            Ok(Self(if fits { taken } else { taken.and(Err(Refused::Type)) }))
        }
        .boxed_local()
    }
}

/// Saying nothing is taken for a sheet.
fn declares_sheet(request: &HttpRequest) -> bool {
    let Some(declared) = request.headers().get(CONTENT_TYPE) else { return true };
    let declared = declared.to_str().unwrap_or_default();
    let essence = declared.split(';').next().unwrap_or_default().trim();
    TYPES.iter().any(|known| essence.eq_ignore_ascii_case(known))
}

async fn take(mut payload: Payload) -> Result<Vec<u8>, Refused> {
    let (mut kept, mut seen) = (Vec::new(), 0_usize);
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Refused::Broken)?;
        seen = seen.saturating_add(chunk.len());
        if seen > DRAIN {
            break;
        }
        if seen <= LIMIT {
            kept.extend_from_slice(&chunk);
        } else {
            kept = Vec::new();
        }
    }
    if seen > LIMIT { Err(Refused::TooLarge) } else { Ok(kept) }
}
