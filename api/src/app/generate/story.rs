//! What the complaints of a generated history are about: templates of our own, filled with the
//! names of places.

use chrono::{Datelike, NaiveDate, TimeDelta};
use domain::{
    complaint::{Channel, Kind, Submission, SubmissionForm, Submitter},
    identity::Actor,
    org::NodeCode,
    refusal::Invalid,
    sla::Urgency,
    time::{self, Timestamp},
};
use serde::Deserialize;

use super::draws::Draws;
use crate::{app::seed::table, error::Error};

const STORIES: &str = include_str!("../../../../infra/seed/stories.csv");
const WHEN: [&str; 8] =
    ["昨天晚上", "今天早上", "连续三天", "这一周", "近半个月", "前天下午", "最近", "周末"];
const WHO: [&str; 6] = ["居民", "业主", "附近商户", "接送孩子的家长", "几户邻居", "租户"];
const PARTS: [&str; 8] = ["1号院", "2号院", "东区", "西区", "家属院", "南门", "北门", "沿街"];
const DAYS: [&str; 4] = ["接单当日", "次日上午", "第二天", "经核查后"];
const FAMILY: [&str; 10] = ["王", "李", "张", "刘", "赵", "杨", "郭", "武", "樊", "白"];
const ADDRESS: [&str; 2] = ["女士", "先生"];
/// How many of a thousand come in at each hour of the day.
const HOURS: [u32; 24] =
    [4, 3, 2, 2, 2, 5, 15, 40, 80, 95, 90, 70, 45, 45, 70, 80, 75, 65, 55, 50, 45, 35, 18, 9];

/// A template.
#[derive(Debug, Clone, Deserialize)]
pub struct Story {
    weight: u32,
    kind: Kind,
    /// How the centre judges it.
    pub urgency: Urgency,
    /// The department that answers for it.
    pub lead: NodeCode,
    /// The subdistrict leads where its list says so.
    pub grassroots: bool,
    /// Somebody must come to the place.
    pub site: bool,
    /// The duty-list item.
    pub item: Option<String>,
    title: String,
    content: String,
    reply: String,
}

/// Every template.
///
/// # Errors
/// Never: the file is our own.
pub fn load() -> Result<Vec<Story>, Error> {
    table(STORIES)
}

/// A community with what people call its places.
#[derive(Debug, Clone)]
pub struct Place {
    /// The community.
    pub code: NodeCode,
    /// The subdistrict above it.
    pub subdistrict: NodeCode,
    /// Its name.
    pub name: String,
    /// Its estates, where they are known.
    pub estates: Vec<String>,
}

/// A story told by somebody about somewhere.
#[derive(Debug, Clone)]
pub struct Told {
    /// What is handed in.
    pub submission: Submission,
    /// What the lead unit will answer.
    pub reply: String,
}

impl Story {
    /// The template that comes up at this time of the year: heating in winter alone.
    pub fn drawn<'s>(stories: &'s [Self], at: Timestamp, draws: &mut Draws) -> Option<&'s Self> {
        let winter = matches!(time::date(at).month(), 11 | 12 | 1..=3);
        draws.weighed(stories, |story| match story.item.as_deref() {
            Some("housing-04") if !winter => 0,
            Some("housing-04") => story.weight * 2,
            _ => story.weight,
        })
    }

    /// Tells it about a place. `dispatcher` takes it in when it came by telephone.
    ///
    /// # Errors
    /// Never: templates hold to the rules of a submission.
    pub fn told(
        &self,
        place: &Place,
        dispatcher: &Actor,
        draws: &mut Draws,
    ) -> Result<(Told, bool), Invalid> {
        let part = draws.pick(&PARTS).copied().unwrap_or_default();
        let spot = match draws.pick(&place.estates) {
            Some(estate) if draws.in_thousand(700) => estate.clone(),
            _ => format!("{}{part}", place.name),
        };
        let mut word = |words: &[&'static str]| draws.pick(words).copied().unwrap_or_default();
        let filled = [("{place}", spot.as_str()), ("{when}", word(&WHEN)), ("{who}", word(&WHO))];
        let day = word(&DAYS);
        let fill = |text: &str| {
            let mut text = text.replace("{day}", day);
            for (gap, words) in filled {
                text = text.replace(gap, words);
            }
            text
        };
        let (title, content, reply) = (fill(&self.title), fill(&self.content), fill(&self.reply));
        let name = format!("{}{}", word(&FAMILY), word(&ADDRESS));
        // 199 is no block of numbers that is given out here.
        let phone = format!("199{:08}", draws.below(100_000_000));
        let by_phone = draws.in_thousand(550);
        let by = if by_phone { Submitter::Officer(dispatcher) } else { Submitter::Anonymous };
        let address = format!("{spot}{}号楼", draws.between(1, 20));
        let form = SubmissionForm {
            title: &title,
            content: &content,
            community_code: place.code.as_str(),
            address: Some(&address),
            confidential: draws.in_thousand(20),
            channel: Some(if by_phone { Channel::Phone } else { Channel::MiniProgram }),
            contact: (by_phone || draws.in_thousand(800)).then_some((Some(&*name), &*phone)),
            ..SubmissionForm::default()
        };
        Ok((Told { submission: Submission::parse(self.kind, &form, by)?, reply }, by_phone))
    }
}

/// An instant of a day at which people write or call.
pub fn hour(day: NaiveDate, draws: &mut Draws) -> Timestamp {
    let hours: Vec<(u32, u32)> = (0..).zip(HOURS).collect();
    let hour = draws.weighed(&hours, |(_, weight)| *weight).map_or(12, |(hour, _)| *hour);
    let second = TimeDelta::seconds(i64::from(hour * 3600 + draws.below(3600)));
    time::start_of(day) + second
}

#[cfg(test)]
mod tests {
    use domain::{id::Id, org::NodeCode};

    use super::*;

    #[test]
    fn every_template_holds_to_the_rules() {
        let place = Place {
            code: NodeCode::parse("code", "140213066004").unwrap(),
            subdistrict: NodeCode::parse("code", "140213066").unwrap(),
            name: "文兴社区".to_owned(),
            estates: vec!["永安花园".to_owned()],
        };
        let account = Id::from_parts(chrono::DateTime::UNIX_EPOCH, &[1; 10]);
        let dispatcher = Actor { account, grants: Vec::new() };
        for story in load().unwrap() {
            let (told, _) = story.told(&place, &dispatcher, &mut Draws::of(1, 1)).unwrap();
            let text =
                format!("{}{}{}", told.submission.title, told.submission.content, told.reply);
            assert!(!text.contains(['{', '}']), "{text}");
            assert!(domain::task::is_substantive(&told.reply), "{}", told.reply);
        }
    }
}
