//! Trying out deadlines: what the rules would give a task, and how they come to it.

use actix_web::{
    get,
    web::{Data, Json},
};
use chrono::{DateTime, Datelike, Utc};
use domain::{
    refusal::FieldError,
    sla::{self, Deadlines, Needs, Step, Urgency},
    time::{self, Timestamp},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::extract::{Caller, Query, caller};
use crate::{error::Error, state::State};

routes![preview];

/// What to try.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Trial {
    /// 紧急程度
    #[param(example = "ordinary")]
    urgency: Urgency,
    /// 派单时间（2000–2100 年，RFC 3339）；不填为现在
    #[param(required = false, value_type = Option<String>, format = DateTime,
        example = "2026-11-24T08:30:00+08:00")]
    from: Option<String>,
}

/// 试算出的时限
#[derive(Debug, Serialize, ToSchema)]
pub struct Preview {
    /// 各环节的时限；这类事项没有的环节为 null
    #[serde(flatten)]
    pub deadlines: Deadlines,
    /// 每个时限是怎样算出来的，按先后排列
    pub steps: Vec<Step>,
}

/// 时限试算
///
/// 从派单时间起，按工作日历（含调休）算出签收、先行联系、到场、答复的时限，并逐项说明。假定反映人可以联系、
/// 需要到场；实际任务可能没有这两个环节。
#[utoipa::path(
    operation_id = "deadline.preview", tag = "deadline", params(Trial), security(("bearer" = [])),
    responses((status = 200, description = "时限及其算法", body = Preview,
        example = json!({
            "acknowledge_by": "2026-11-24T04:00:00Z", "contact_by": "2026-11-25T00:30:00Z",
            "arrive_by": "2026-11-25T16:00:00Z", "reply_by": "2026-12-01T16:00:00Z",
            "provisional": false,
            "steps": [{"mark": "contact", "at": "2026-11-25T00:30:00Z",
                "explanation": "先行联系：自然时间 24 小时，从 11月24日 08:30 起，到 11月25日 08:30"}]}))),
)]
#[get("/deadlines/preview")]
pub async fn preview(
    _caller: Caller<caller::needs::Staff>,
    state: Data<State>,
    asked: Query<Trial>,
) -> Result<Json<Preview>, Error> {
    let from = match asked.0.from.as_deref() {
        Some(text) => instant(text)?,
        None => state.clock.now(),
    };
    let (urgency, schedules) = (asked.0.urgency, &state.rules.schedules);
    let calendar = state.calendars.current();
    Ok(Json(Preview {
        deadlines: sla::deadlines(urgency, from, calendar, schedules, Needs::ALL),
        steps: sla::steps(urgency, from, calendar, schedules, Needs::ALL),
    }))
}

/// Reads `from`. A `+` that was not escaped arrives as a space, and there is no other space in an
/// RFC 3339 time with its `T`.
fn instant(text: &str) -> Result<Timestamp, FieldError> {
    let read = DateTime::parse_from_rfc3339(text)
        .or_else(|_| DateTime::parse_from_rfc3339(&text.replace(' ', "+")));
    let at = read
        .map(|at| at.with_timezone(&Utc))
        .map_err(|_| FieldError::new("from", "应为带时区的时间，例如 2026-11-24T08:30:00+08:00"))?;
    if (2000..=2100).contains(&time::date(at).year()) {
        Ok(at)
    } else {
        Err(FieldError::new("from", "时间要在 2000 年到 2100 年之间"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unescaped_plus_is_understood() {
        let wanted: Timestamp = "2026-11-24T00:30:00Z".parse().unwrap();
        for text in
            ["2026-11-24T08:30:00+08:00", "2026-11-24T08:30:00 08:00", "2026-11-24T00:30:00Z"]
        {
            assert_eq!(instant(text).unwrap(), wanted, "{text}");
        }
    }

    #[test]
    fn absurd_times_are_refused() {
        for text in [
            "",
            "2026-11-24",
            "2026-11-24T08:30:00",
            "2026-13-01T00:00:00Z",
            "1999-12-31T15:59:59Z",
            "2100-12-31T16:00:00Z",
            "9999-12-31T23:59:59Z",
            "+262142-12-31T23:59:59Z",
        ] {
            assert_eq!(instant(text).unwrap_err().field, "from", "{text}");
        }
        assert!(instant("1999-12-31T16:00:00Z").is_ok());
    }
}
