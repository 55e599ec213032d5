//! Who fits which post (技能与就近匹配), and why. It suggests and never decides: everybody may claim
//! every post, and nobody is suggested who did not agree to it.
//!
//! A match is counted to a hundred: up to [`SKILLS`] for what the post wants to be known, up to
//! [`NEAR`] for being near, [`EXPERIENCE`] for having done the like before **\[default\]**.

use super::{Kind, check_in};
use crate::{complaint::Location, org::NodeCode};

/// What all the skills that a post wants weigh together.
pub const SKILLS: i32 = 60;
/// What being near weighs.
pub const NEAR: i32 = 30;
/// What a service of the same kind weighs, however often.
pub const EXPERIENCE: i32 = 10;
/// Up to how many metres one is near, and what part of [`NEAR`] that is, in thirds.
const STEPS: [(i32, i32); 3] = [(1_000, 3), (3_000, 2), (10_000, 1)];

/// What of a post is matched.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted<'a> {
    /// What it is about.
    pub kind: Kind,
    /// What helps to know.
    pub skills: &'a [String],
    /// The community that offers it.
    pub community: &'a NodeCode,
    /// Where it is.
    pub location: Option<Location>,
}

/// What of a person is matched.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Helper {
    /// What they say they know.
    pub skills: Vec<String>,
    /// The community that they are registered with.
    pub community: Option<NodeCode>,
    /// Where they say they are; asked each time and never kept.
    pub location: Option<Location>,
    /// The kinds of post that they have served at.
    pub kinds: Vec<Kind>,
}

/// How well somebody fits a post.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// 0 to 100.
    pub score: i32,
    /// Why, one clause each.
    pub reasons: Vec<String>,
}

impl Match {
    /// Why, in one sentence.
    pub fn text(&self) -> String {
        if self.reasons.is_empty() {
            "没有特别的匹配，有时间也可以认领".to_owned()
        } else {
            self.reasons.join("；")
        }
    }
}

/// How well a person fits a post, and why.
pub fn fit(post: &Wanted<'_>, person: &Helper) -> Match {
    let parts = [knows(post, person), near(post, person), served(post, person)];
    let score = parts.iter().map(|(score, _)| score).sum();
    Match { score, reasons: parts.into_iter().filter_map(|(_, reason)| reason).collect() }
}

fn knows(post: &Wanted<'_>, person: &Helper) -> (i32, Option<String>) {
    let has = |wanted: &&String| {
        person.skills.iter().any(|skill| skill.trim().eq_ignore_ascii_case(wanted.trim()))
    };
    let known: Vec<&str> = post.skills.iter().filter(has).map(String::as_str).collect();
    let count = |length: usize| i32::try_from(length).unwrap_or(i32::MAX);
    match (count(known.len()), count(post.skills.len())) {
        // Whoever wants no skill is served by everybody, half as well as by whoever knows it all.
        (_, 0) => (SKILLS / 2, Some("不要求技能".to_owned())),
        (0, _) => (0, None),
        (some, all) => (SKILLS * some / all, Some(format!("会{}", known.join("、")))),
    }
}

fn near(post: &Wanted<'_>, person: &Helper) -> (i32, Option<String>) {
    if let Some((place, here)) = post.location.zip(person.location) {
        let away = check_in::away(place, here);
        let third = STEPS.iter().find(|(metres, _)| away <= *metres).map_or(0, |(_, part)| *part);
        let said = if away < 1000 {
            format!("离您约 {} 米", (away / 50 + 1) * 50)
        } else {
            format!("离您约 {} 公里", (away + 500) / 1000)
        };
        return (NEAR * third / 3, (third > 0).then_some(said));
    }
    let subdistrict = |code: &NodeCode| code.as_str().get(..9).map(str::to_owned);
    match &person.community {
        Some(own) if own == post.community => (NEAR, Some("在报到的社区".to_owned())),
        Some(own)
            if subdistrict(own).is_some() && subdistrict(own) == subdistrict(post.community) =>
        {
            (NEAR * 2 / 3, Some("在报到的街道".to_owned()))
        }
        _ => (0, None),
    }
}

fn served(post: &Wanted<'_>, person: &Helper) -> (i32, Option<String>) {
    if person.kinds.contains(&post.kind) {
        (EXPERIENCE, Some(format!("做过{}", post.kind.label())))
    } else {
        (0, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::code;

    const HERE: Location = Location { lng: 113.3402, lat: 40.0911 };

    fn helper() -> Helper {
        Helper {
            skills: vec!["急救".to_owned(), "Excel".to_owned()],
            community: Some(code("140213066004")),
            location: None,
            kinds: vec![Kind::Medical],
        }
    }

    #[test]
    fn skills_place_and_experience_add_up_to_a_hundred() {
        let community = code("140213066004");
        let skills = ["急救".to_owned(), "excel".to_owned()];
        let post = Wanted {
            kind: Kind::Medical,
            skills: &skills,
            community: &community,
            location: Some(HERE),
        };
        let best = fit(&post, &helper());
        assert_eq!((best.score, SKILLS + NEAR + EXPERIENCE), (100, 100));
        assert_eq!(best.text(), "会急救、excel；在报到的社区；做过医疗健康");
        let half = Helper { skills: vec!["急救".to_owned()], ..helper() };
        assert_eq!(fit(&post, &half).score, 70);
        let nobody = fit(&post, &Helper::default());
        assert_eq!((nobody.score, nobody.text().contains("可以认领")), (0, true));
        let any = Wanted { skills: &[], ..post.clone() };
        assert_eq!(fit(&any, &Helper::default()).score, 30);
        let beside = Helper { community: Some(code("140213066001")), ..Helper::default() };
        assert_eq!(fit(&any, &beside).reasons, ["不要求技能", "在报到的街道"]);
        let elsewhere = Helper { community: Some(code("140213051001")), ..Helper::default() };
        assert_eq!(fit(&any, &elsewhere).score, 30);
    }

    #[test]
    fn the_nearer_the_better_and_a_place_counts_before_the_community() {
        let community = code("140213066004");
        let post = Wanted {
            kind: Kind::Elderly,
            skills: &["理发".to_owned()],
            community: &community,
            location: Some(HERE),
        };
        let at = |metres: f64| {
            let here = Location { lat: HERE.lat + metres / 111_195.0, ..HERE };
            let found = fit(&post, &Helper { location: Some(here), ..helper() });
            (found.score, found.text())
        };
        assert_eq!(at(310.0), (30, "离您约 350 米".to_owned()));
        assert_eq!(at(2_600.0), (20, "离您约 3 公里".to_owned()));
        assert_eq!(at(9_000.0).0, 10);
        assert_eq!(at(30_000.0).0, 0);
    }
}
