//! The bulletin as a workbook.

use domain::rates::{CentreFigure, Figure};

use super::BulletinView;
use crate::{
    error::Error,
    sheet::{Cell, Sheet, write_workbook},
};

/// One tab for each part of the bulletin.
///
/// # Errors
/// A text is longer than a cell may be.
pub fn workbook(view: &BulletinView) -> Result<Vec<u8>, Error> {
    let sheets = [rates(view), centre(view), areas(view), topics(view), unsolved(view)];
    write_workbook(&sheets).map_err(|fault| Error::Internal(Box::new(fault)))
}

fn sheet(name: &str, columns: &[&str], rows: Vec<Vec<Cell>>) -> Sheet {
    let columns = columns.iter().map(|column| (*column).to_owned()).collect();
    Sheet { name: name.to_owned(), columns, rows }
}

fn rates(view: &BulletinView) -> Sheet {
    let mut columns = vec![
        "同类组",
        "代码",
        "单位",
        "排名",
        "排名得分",
        "综合得分",
        "评哨得分",
        "评哨件数",
        "响应率",
        "解决率",
        "满意率",
        "上月得分",
        "上月排名",
        "上年同月得分",
        "上年同月排名",
        "未联系上比例",
        "剔除比例",
        "重办比例",
        "按时签收率",
        "按时答复率",
        "退单率",
        "超时率",
        "一次通过率",
        "办理时长中位数（分钟）",
        "办理时长九成分位（分钟）",
    ];
    columns.extend(Figure::ALL.iter().map(|figure| figure.label()));
    let mut rows = Vec::new();
    for group in &view.groups {
        for row in &group.rows {
            let compared = view.comparison.iter().find(|one| one.unit == row.unit);
            let month = compared.and_then(|one| one.last_month);
            let year = compared.and_then(|one| one.last_year);
            let mut cells: Vec<Cell> = vec![
                group.group.label().into(),
                row.unit.clone().into(),
                row.name.clone().into(),
                row.rank.into(),
                row.score.or(row.composite).into(),
                row.composite.into(),
                row.appraisal.into(),
                row.appraisals.into(),
                row.response_rate.into(),
                row.solved_rate.into(),
                row.satisfied_rate.into(),
                month.and_then(|past| past.composite).into(),
                month.and_then(|past| past.rank).into(),
                year.and_then(|past| past.composite).into(),
                year.and_then(|past| past.rank).into(),
                row.not_reached_share.into(),
                row.excluded_share.into(),
                row.reworked_share.into(),
                row.on_time_acknowledge_rate.into(),
                row.on_time_reply_rate.into(),
                row.return_rate.into(),
                row.overdue_rate.into(),
                row.one_pass_rate.into(),
                row.handling_median_minutes.into(),
                row.handling_p90_minutes.into(),
            ];
            cells.extend(Figure::ALL.iter().map(|figure| row.counts.get(figure).copied().into()));
            rows.push(cells);
        }
    }
    sheet("三率", &columns, rows)
}

fn centre(view: &BulletinView) -> Sheet {
    let centre = &view.centre;
    let mut rows: Vec<Vec<Cell>> = vec![
        vec!["按时受理派单率".into(), centre.on_time_dispatch_rate.into()],
        vec!["按时裁定率".into(), centre.on_time_ruling_rate.into()],
        vec!["按时确认率".into(), centre.on_time_confirm_rate.into()],
        vec!["直接答复被申请复核比例".into(), centre.appealed_share.into()],
        vec!["直接答复时长中位数（分钟）".into(), centre.handling_median_minutes.into()],
        vec!["直接答复时长九成分位（分钟）".into(), centre.handling_p90_minutes.into()],
    ];
    rows.extend(
        CentreFigure::ALL
            .iter()
            .map(|figure| vec![figure.label().into(), centre.counts.get(figure).copied().into()]),
    );
    sheet("区中心", &["指标", "数值"], rows)
}

fn areas(view: &BulletinView) -> Sheet {
    let rows = view.areas.iter().map(|area| {
        vec![
            area.code.clone().into(),
            area.name.clone().into(),
            area.complaints.into(),
            area.residents.into(),
            area.per_10k.into(),
        ]
    });
    let columns = ["代码", "区划", "诉求件数", "常住人口", "每万人件数"];
    sheet("各街道", &columns, rows.collect())
}

fn topics(view: &BulletinView) -> Sheet {
    let rows = view.topics.iter().map(|one| vec![one.name.clone().into(), one.complaints.into()]);
    sheet("热点事项", &["事项", "件数"], rows.collect())
}

fn unsolved(view: &BulletinView) -> Sheet {
    let rows = view.unsolved.iter().map(|one| {
        vec![
            one.number.clone().into(),
            one.unit.clone().into(),
            one.unit_name.clone().into(),
            one.topic.clone().into(),
            one.reason.clone().into(),
            one.basis.clone().into(),
        ]
    });
    let columns = ["编号", "单位代码", "单位", "事项", "原因", "依据"];
    sheet("未解决", &columns, rows.collect())
}
