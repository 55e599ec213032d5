//! A statement as a workbook and as a page to print.

use domain::{
    merchant::settlement::yuan,
    time::{self, civil},
};
use infra::postgres::merchant::settlement::read::LineView;

use super::SettlementDetail;
use crate::{
    error::Error,
    http::printed::{self, escaped},
    sheet::{Cell, Sheet, write_workbook},
};

const STYLE: &str = "body{font:14px/1.6 'Noto Sans CJK SC','Source Han Sans SC','Microsoft YaHei',\
    sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}h1{text-align:center}\
    table{border-collapse:collapse;width:100%}th,td{border:1px solid #bbb;padding:.2rem .5rem;\
    text-align:left}th{background:#f4f1ee}.note{color:#555}.sign{display:flex;gap:4rem;margin-top:3rem}\
    @media print{body{margin:0}tr{break-inside:avoid}}";

const COLUMNS: [&str; 9] =
    ["行号", "类别", "时间", "优惠", "积分", "应付（元）", "另付（元）", "付款方", "异议与答复"];
/// Who pays where no budget does.
const OWN: &str = "商户自己承担";

/// The cells of a line as text.
fn cells(line: &LineView) -> Vec<String> {
    vec![
        line.n.to_string(),
        line.kind.label().to_owned(),
        civil(line.at).format("%Y-%m-%d %H:%M:%S").to_string(),
        line.title.clone(),
        line.points.to_string(),
        yuan(line.fen),
        yuan(line.cash_fen),
        line.payer.clone().unwrap_or_else(|| OWN.to_owned()),
        dispute(line),
    ]
}

/// What was said about a line.
fn dispute(line: &LineView) -> String {
    let Some(reason) = &line.dispute_reason else { return String::new() };
    let answer = match (line.upheld, &line.answer, line.correction_fen) {
        (Some(true), Some(answer), Some(fen)) => {
            format!("成立，{answer}（下期更正 {} 元）", yuan(fen))
        }
        (Some(_), Some(answer), _) => format!("不成立，{answer}"),
        _ => "待处理".to_owned(),
    };
    format!("{reason}：{answer}")
}

/// Each payer with what it owes.
fn payers(detail: &SettlementDetail) -> Vec<Vec<String>> {
    let row = |payer: &infra::postgres::merchant::settlement::read::PayerTotal| {
        let name = payer.name.clone().unwrap_or_else(|| OWN.to_owned());
        vec![name, payer.lines.to_string(), yuan(payer.fen)]
    };
    detail.payers.iter().map(row).collect()
}

/// The totals, each with its name.
fn totals(detail: &SettlementDetail) -> Vec<Vec<String>> {
    let one = &detail.settlement;
    let row = |name: &str, value: String| vec![name.to_owned(), value];
    vec![
        row("商户", format!("{}（{}）", one.merchant_name, one.merchant)),
        row("月份", one.month.format("%Y-%m").to_string()),
        row("状态", one.status.label().to_owned()),
        row("出具时间", time::written(one.frozen_at)),
        row("核销次数", one.redemptions.to_string()),
        row("退回次数", one.refunds.to_string()),
        row("积分合计", one.points.to_string()),
        row("应付合计（元）", yuan(one.fen)),
        row("居民另付合计（元）", yuan(one.cash_fen)),
        row("付款凭证号", one.document_no.clone().unwrap_or_default()),
    ]
}

fn sheet(name: &str, columns: &[&str], rows: Vec<Vec<String>>) -> Sheet {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    let rows = rows.into_iter().map(|row| row.into_iter().map(Cell::Text).collect()).collect();
    Sheet { name: name.to_owned(), columns, rows }
}

/// Totals, payers and lines, a tab each.
///
/// # Errors
/// A text is longer than a cell may be.
pub fn workbook(detail: &SettlementDetail, lines: &[LineView]) -> Result<Vec<u8>, Error> {
    let sheets = [
        sheet("结算单", &["项目", "内容"], totals(detail)),
        sheet("付款方", &["付款方", "行数", "应付（元）"], payers(detail)),
        sheet("逐行", &COLUMNS, lines.iter().map(cells).collect()),
    ];
    write_workbook(&sheets).map_err(|fault| Error::Internal(Box::new(fault)))
}

/// The page.
pub fn html(detail: &SettlementDetail, lines: &[LineView]) -> String {
    let one = &detail.settlement;
    let title = format!("{} {} 月结算单", one.merchant_name, one.month.format("%Y-%m"));
    format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title>\
         <style>{STYLE}</style></head><body><h1>{title}</h1>{totals}<h2>各付款方应付</h2>{payers}\
         <h2>逐行</h2>{lines}<div class=\"sign\"><p>商户（签章）：</p><p>组织员（签章）：</p></div>\
         <p class=\"note\">出具后不再改变；有误的请在 {until} 之前提出异议，更正写在下一张结算单。</p>\
         </body></html>",
        title = escaped(&title),
        totals = printed::table(&["项目", "内容"], totals(detail).into_iter(), "没有。"),
        payers =
            printed::table(&["付款方", "行数", "应付（元）"], payers(detail).into_iter(), "没有。"),
        lines = printed::table(&COLUMNS, lines.iter().map(cells), "没有。"),
        until = escaped(&time::written(one.dispute_until)),
    )
}
