//! Announcements (社区公告): what a community, a subdistrict or the district's centre tells the people
//! of its area. Its life is a [`crate::publication`]'s.

use crate::{
    attachment::Chosen,
    org::NodeCode,
    personal::IdNumber,
    refusal::{Faults, FieldError, Invalid},
    text,
    time::Timestamp,
};

/// Areas of one announcement at most.
const MOST_AREAS: usize = 50;

codes! {
    /// What an announcement is.
    pub enum Kind {
        /// Any news.
        Notice = "notice", "通知";
        /// Water, power or gas is cut off.
        Outage = "outage", "停水停电停气";
        /// Something takes place.
        Activity = "activity", "活动";
        /// A policy is explained.
        Policy = "policy", "政策";
    }
}

impl Kind {
    /// Whether people read it before another looked at it: what is cut off cannot wait.
    pub const fn is_urgent(self) -> bool {
        matches!(self, Self::Outage)
    }
}

codes! {
    /// Who reads an announcement.
    pub enum Audience {
        /// Everybody, also without a log-in.
        Residents = "residents", "居民";
        /// Those who work for the city.
        Staff = "staff", "工作人员";
    }
}

/// The fields as they came.
#[derive(Debug, Clone)]
pub struct EditionForm<'a> {
    /// 2–100 characters.
    pub title: &'a str,
    /// 5–5,000 characters.
    pub text: &'a str,
    /// Divisions of the body's own; the body itself where none is named.
    pub areas: &'a [String],
    /// It stands first.
    pub pinned: bool,
    /// From when people read it.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Its pictures.
    pub pictures: Chosen,
}

/// What one edition says, sound in form.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Edition {
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Whom it concerns.
    pub areas: Vec<NodeCode>,
    /// It stands first.
    pub pinned: bool,
    /// From when people read it.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Its pictures, in order.
    pub pictures: Chosen,
}

impl EditionForm<'_> {
    /// # Errors
    /// Every field that breaks a rule: an area that is not the body's, an end that has passed, a
    /// citizen's ID number in the text.
    pub fn parse(&self, body: &NodeCode, now: Timestamp) -> Result<Edition, Invalid> {
        let mut faults = Faults::default();
        let title = faults.take(text::line("title", self.title, 2, 100).and_then(nobodys("title")));
        let words = faults.take(text::text("text", self.text, 5, 5000).and_then(nobodys("text")));
        let areas = self.areas(body, &mut faults);
        if self.starts_at >= self.ends_at {
            faults.add("ends_at", "结束时间要在开始时间之后");
        } else if self.ends_at <= now {
            faults.add("ends_at", "结束时间已经过去，请另选时间");
        }
        faults.check()?;
        Ok(Edition {
            title: title.unwrap_or_default(),
            text: words.unwrap_or_default(),
            areas,
            pinned: self.pinned,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            pictures: self.pictures.clone(),
        })
    }

    fn areas(&self, body: &NodeCode, faults: &mut Faults) -> Vec<NodeCode> {
        if self.areas.len() > MOST_AREAS {
            faults.add("areas", format!("最多 {MOST_AREAS} 个，范围更大请填上一级的代码"));
            return Vec::new();
        }
        let mut areas: Vec<NodeCode> = Vec::new();
        for (place, given) in self.areas.iter().enumerate() {
            let field = format!("areas[{place}]");
            let Some(area) = faults.take(NodeCode::parse(&field, given)) else { continue };
            if !body.contains(&area) {
                faults.add(field, "只能填本单位辖区内的区划代码");
            } else if areas.contains(&area) {
                faults.add(field, "同一个区划只填一次");
            } else {
                areas.push(area);
            }
        }
        if areas.is_empty() { vec![body.clone()] } else { areas }
    }
}

/// Refuses a text in which a citizen's ID number stands: an announcement is about no person.
fn nobodys(field: &'static str) -> impl Fn(String) -> Result<String, FieldError> {
    move |given| {
        if holds_id_number(&given) {
            let reason = "里面有居民身份证号码，公告不能公布个人信息，请删去或只留必要的部分";
            return Err(FieldError::new(field, reason));
        }
        Ok(given)
    }
}

/// Whether a citizen's full ID number stands in a text, also with spaces or hyphens in it.
pub fn holds_id_number(given: &str) -> bool {
    let mut runs =
        given.split(|c: char| !(c.is_ascii_digit() || matches!(c, 'X' | 'x' | ' ' | '-')));
    runs.any(|run| {
        let digits: Vec<char> = run.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
        digits.windows(18).any(|window| {
            let number: String = window.iter().collect();
            IdNumber::parse("id_number", &number).is_ok()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, code, tuesday};

    fn form<'a>(text: &'a str, areas: &'a [String]) -> EditionForm<'a> {
        EditionForm {
            title: "文兴小区停水通知",
            text,
            areas,
            pinned: false,
            starts_at: tuesday(),
            ends_at: at("2026-11-25 18:00"),
            pictures: Chosen::default(),
        }
    }

    const WORDS: &str = "因管道抢修，今天 9 时至 18 时停水，请提前储水。联系电话 13835200001。";

    #[test]
    fn a_body_speaks_to_its_own_area() {
        let body = code("140213066004");
        let all = form(WORDS, &[]).parse(&body, tuesday()).unwrap();
        assert_eq!(all.areas, std::slice::from_ref(&body), "the whole of it where none is named");
        let own = ["140213066004001".to_owned()];
        assert_eq!(form(WORDS, &own).parse(&body, tuesday()).unwrap().areas, [code(&own[0])]);
        let odd = ["140213066", "140213066004", "140213066004", "文兴"].map(str::to_owned);
        let faults = form(WORDS, &odd).parse(&body, tuesday()).unwrap_err().0;
        let fields: Vec<&str> = faults.iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["areas[0]", "areas[2]", "areas[3]"]);
        let many = vec!["140213066004".to_owned(); 51];
        assert!(form(WORDS, &many).parse(&body, tuesday()).is_err());
    }

    #[test]
    fn no_id_number_is_made_public() {
        let body = code("140213066004");
        for number in ["11010519491231002X", "110105 19491231 002x", "110105-19491231-002X"] {
            let text = format!("请{number}到社区领取通知书。");
            let faults = form(&text, &[]).parse(&body, tuesday()).unwrap_err().0;
            assert_eq!(faults[0].field, "text", "{number}");
        }
        // A number of an order or an account proves nothing of itself.
        for other in ["110105194912310021", "6222021234567890123", "0352-5012345"] {
            assert!(!holds_id_number(other), "{other}");
        }
        assert!(holds_id_number("编号9911010519491231002X"));
    }

    #[test]
    fn it_ends_after_it_begins_and_not_in_the_past() {
        let body = code("140213066004");
        let late = form(WORDS, &[]);
        assert!(late.parse(&body, at("2026-11-25 18:00")).is_err());
        let turned = EditionForm { starts_at: at("2026-11-26 09:00"), ..form(WORDS, &[]) };
        assert_eq!(turned.parse(&body, tuesday()).unwrap_err().0[0].field, "ends_at");
    }

    #[test]
    fn only_what_is_cut_off_cannot_wait() {
        for kind in Kind::ALL {
            assert_eq!(kind.is_urgent(), *kind == Kind::Outage, "{kind}");
        }
    }
}
