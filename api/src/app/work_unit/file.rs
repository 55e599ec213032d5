//! Reports to a unit as files to print and file (反馈、证明): a workbook or a PDF, with the whole
//! names of the unit's own members; each download is on record.

use domain::{
    id::UnitReportId,
    page::{Limit, PageRequest},
    refusal::{Basic, Invalid},
    scope::Scope,
    service::{Year, year::Standing},
    time,
    work_unit::ReportKind,
};
use infra::postgres::{
    audit::{self, AuditEntry},
    registration::result::Filter,
    work_unit::read::{self, ToldFilter, UnitReportView},
};
use serde_json::json;

use crate::{
    app::{
        case::Ask,
        registration::{
            result::{self, Judged},
            whole_name,
        },
        transact,
    },
    error::Error,
    paper::{self, Paper},
    sheet::{Cell, Sheet, write_workbook},
    state::State,
};

/// In which form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A workbook.
    Workbook,
    /// A PDF.
    Pdf,
}

/// The columns and their shares of a page's width.
const COLUMNS: [(&str, f32); 7] = [
    ("姓名", 1.4),
    ("报到社区", 1.8),
    ("当年要求", 1.2),
    ("次数", 0.8),
    ("小时", 0.9),
    ("还差", 2.2),
    ("结论", 1.1),
];

/// A report with everybody it is about, as a file.
///
/// # Errors
/// Not of the caller's unit; `pdf_font_missing`.
pub async fn make(state: &State, ask: Ask, id: UnitReportId, form: Form) -> Result<Vec<u8>, Error> {
    let now = state.clock.now();
    let scope = ask.actor.as_ref().map(Scope::of).ok_or(Basic::Unauthenticated)?;
    let here = state.clone();
    let (view, rows) = transact(&state.db, move |tx| {
        Box::pin(async move {
            let filter = ToldFilter { id: Some(id.0), ..ToldFilter::default() };
            let one = PageRequest { after: None, limit: Limit::DEFAULT };
            let view = read::reports(tx, &scope, &filter, one).await?.pop();
            let view = view.ok_or(Basic::NotFound)?;
            let year = Year::new(view.year).map_err(Invalid::from)?;
            let filter = Filter { unit: Some(view.unit.clone()), ..Filter::default() };
            let found = result::all(tx, &here, (year, view.until), &filter).await?;
            let rows: Result<Vec<_>, _> = found.iter().map(|one| row(&here, one)).collect();
            let data = json!({ "members": found.len() });
            let entry = AuditEntry::new("work_unit.file", "unit_report", id, &ask.origin)
                .with(data)
                .by(ask.actor.as_ref());
            audit::append(tx, &entry, now).await?;
            Ok((view, rows?))
        })
    })
    .await?;
    let font = match form {
        Form::Pdf => state.config.pdf.clone(),
        Form::Workbook => return workbook(&view, rows),
    };
    let paper = paper(&view, rows, &time::written(now));
    // Reading and cutting a font of many megabytes would hold up whoever is served meanwhile.
    tokio::task::spawn_blocking(move || {
        let font = paper::font(&font)?;
        paper::pdf(&paper, &font)
    })
    .await?
}

fn row(state: &State, one: &Judged) -> Result<[Cell; 7], Error> {
    let done = one.line.served.done();
    let required = one.required.tally();
    let (wanted, verdict) = match one.standing {
        Standing::Bound => (
            format!("{} 次 {} 小时", required.services, required.hours),
            if one.short.is_none() { "完成" } else { "未完成" },
        ),
        other => (other.label().to_owned(), other.label()),
    };
    let missing = if one.short.is_none() { String::new() } else { one.short.text() };
    Ok([
        whole_name(state, &one.line.name_sealed)?.into(),
        one.line.community_name.clone().into(),
        wanted.into(),
        f64::from(u32::try_from(done.services).unwrap_or(u32::MAX)).into(),
        done.hours.into(),
        missing.into(),
        verdict.into(),
    ])
}

/// What the file is called at its head.
fn title(view: &UnitReportView) -> String {
    let (unit, year) = (&view.unit_name, view.year);
    match view.kind {
        ReportKind::Reminder => format!("{unit}党员 {year} 年度社区服务提醒名单"),
        ReportKind::Quarter => {
            format!("{unit}党员 {year} 年第 {} 季度社区服务反馈", view.number)
        }
        ReportKind::Year => format!("{unit}党员 {year} 年度社区服务证明"),
    }
}

fn workbook(view: &UnitReportView, rows: Vec<[Cell; 7]>) -> Result<Vec<u8>, Error> {
    let sheet = Sheet {
        name: format!("{}{}", view.year, view.kind.label()),
        columns: COLUMNS.iter().map(|(name, _)| (*name).to_owned()).collect(),
        rows: rows.into_iter().map(Vec::from).collect(),
    };
    write_workbook(&[sheet]).map_err(|fault| Error::Internal(Box::new(fault)))
}

fn paper(view: &UnitReportView, rows: Vec<[Cell; 7]>, made: &str) -> Paper {
    let text = |cell: Cell| match cell {
        Cell::Text(text) => text,
        Cell::Number(number) => number.to_string(),
        Cell::Empty => String::new(),
    };
    Paper {
        title: title(view),
        opening: vec![format!(
            "{}：现将贵单位党员到社区报到和参加服务的情况反馈如下，统计到 {}。",
            view.unit_name,
            time::written(view.until)
        )],
        columns: COLUMNS.to_vec(),
        rows: rows.into_iter().map(|row| row.into_iter().map(text).collect()).collect(),
        closing: vec![format!(
            "以上据各社区确认的服务记录于 {made} 生成，仅供本单位党组织使用，请妥善保管。"
        )],
    }
}
