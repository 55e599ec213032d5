//! A row of the register: what it is made of, and every change of it.

use chrono::{Months, NaiveDate};

use super::{
    Health, Identity, Ledger, Rank, Refused, RemovedAs, Sex, Standing,
    floating::{Float, FloatForm},
};
use crate::{
    id::{AccountId, MemberId},
    org::NodeCode,
    personal::{IdNumber, IdTail, PersonName, Phone},
    refusal::{Faults, FieldError, Invalid},
    text,
};

/// Nobody joins before this age (党章第一条).
const ADULT: Months = Months::new(18 * 12);
/// Skills that a member names at most.
const SKILLS: usize = 20;

/// By which number somebody stands on the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Number {
    /// The whole of it.
    Full(IdNumber),
    /// Its last six characters; the rest is not known yet.
    Tail(IdTail),
}

impl Number {
    /// # Errors
    /// Neither 18 characters that prove themselves nor the last six.
    pub fn parse(field: &str, given: &str) -> Result<Self, FieldError> {
        if given.trim().chars().count() == 6 {
            return IdTail::parse(field, given).map(Self::Tail);
        }
        IdNumber::parse(field, given).map(Self::Full)
    }

    /// The whole number, where it is known.
    pub const fn full(&self) -> Option<&IdNumber> {
        match self {
            Self::Full(number) => Some(number),
            Self::Tail(_) => None,
        }
    }

    /// The last six characters.
    pub fn tail(&self) -> IdTail {
        match self {
            Self::Full(number) => number.tail(),
            Self::Tail(tail) => tail.clone(),
        }
    }
}

/// Somebody who is to stand on the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: PersonName,
    /// The number.
    pub number: Number,
    /// The telephone.
    pub phone: Option<Phone>,
    /// As the number says it, or as it was given where only six characters are known.
    pub sex: Option<Sex>,
    /// The same for the date of birth.
    pub born_on: Option<NaiveDate>,
    /// The day of joining the party.
    pub joined_on: Option<NaiveDate>,
    /// How far the membership is.
    pub standing: Standing,
    /// The branch.
    pub branch: NodeCode,
    /// The group or household below it.
    pub group: Option<NodeCode>,
    /// The ledger.
    pub ledger: Ledger,
    /// The rank at work.
    pub rank: Rank,
    /// The work unit that gets receipts.
    pub work_unit: Option<String>,
    /// What the member can do for others.
    pub skills: Vec<String>,
    /// Whether the member takes part as others do.
    pub health: Health,
    /// The other end, of whoever stands in the floating ledger.
    pub floating: Option<Float>,
}

/// The same as somebody wrote it.
#[derive(Debug, Clone, Default)]
pub struct EntryForm<'a> {
    /// The name.
    pub name: &'a str,
    /// 18 characters, or the last six.
    pub id_number: &'a str,
    /// The telephone.
    pub phone: Option<&'a str>,
    /// Sex, where only six characters are known.
    pub sex: Option<Sex>,
    /// Birth, where only six characters are known.
    pub born_on: Option<NaiveDate>,
    /// The day of joining.
    pub joined_on: Option<NaiveDate>,
    /// 正式 where none is named.
    pub standing: Option<Standing>,
    /// The branch's code.
    pub branch: &'a str,
    /// The code of a group below it.
    pub group: Option<&'a str>,
    /// The ledger; 在职 where none is named.
    pub ledger: Option<Ledger>,
    /// 无职级 where none is named.
    pub rank: Option<Rank>,
    /// The work unit.
    pub work_unit: Option<&'a str>,
    /// Skills.
    pub skills: &'a [String],
    /// 正常 where none is named.
    pub health: Option<Health>,
    /// The other end.
    pub floating: Option<FloatForm<'a>>,
}

impl EntryForm<'_> {
    /// # Errors
    /// A field breaks a rule; the number contradicts sex or birth; a floating member without the
    /// other end, or the other end of somebody who does not float.
    pub fn parse(&self, today: NaiveDate) -> Result<Entry, Invalid> {
        let mut faults = Faults::default();
        let name = faults.take(PersonName::parse("name", self.name));
        let number = faults.take(Number::parse("id_number", self.id_number));
        let phone = faults.take(phone(self.phone)).flatten();
        let branch = faults.take(NodeCode::parse("branch", self.branch));
        let group = faults.take(NodeCode::optional("group", self.group)).flatten();
        let work_unit = faults.take(text::optional("work_unit", self.work_unit, 100)).flatten();
        let skills = faults.take(skills(self.skills));
        let known = number.as_ref().and_then(Number::full).map(read);
        for fault in contradictions(known, (self.sex, self.born_on)) {
            faults.add(fault.field, fault.reason);
        }
        let (sex, born_on) = match known {
            Some((sex, born_on)) => (Some(sex), Some(born_on)),
            None => (self.sex, self.born_on),
        };
        for fault in dates(born_on, self.joined_on, today) {
            faults.add(fault.field, fault.reason);
        }
        let ledger = self.ledger.unwrap_or(Ledger::Employed);
        let floating = match (&self.floating, ledger) {
            (Some(given), Ledger::Floating) => match given.parse(today) {
                Ok(floating) => Some(floating),
                Err(invalid) => {
                    let at = |one: &FieldError| format!("floating.{}", one.field);
                    invalid.0.iter().for_each(|one| faults.add(at(one), &one.reason));
                    None
                }
            },
            (None, Ledger::Floating) => {
                faults.add("floating", "流动党员要写明流动去向和另一端的党组织");
                None
            }
            (Some(_), _) => {
                faults.add("floating", "只有流动台账的党员才填写流动情况");
                None
            }
            (None, _) => None,
        };
        faults.check()?;
        let (Some(name), Some(number), Some(branch)) = (name, number, branch) else {
            return Err(Invalid(Vec::new()));
        };
        Ok(Entry {
            name,
            number,
            phone,
            sex,
            born_on,
            joined_on: self.joined_on,
            standing: self.standing.unwrap_or(Standing::Full),
            branch,
            group,
            ledger,
            rank: self.rank.unwrap_or(Rank::None),
            work_unit,
            skills: skills.unwrap_or_default(),
            health: self.health.unwrap_or(Health::Good),
            floating,
        })
    }
}

impl Entry {
    /// What registrations are matched by.
    pub fn identity(&self) -> Identity {
        Identity { name: self.name.clone(), number: self.number.tail() }
    }
}

/// What a full number says of its holder.
pub fn read(number: &IdNumber) -> (Sex, NaiveDate) {
    (if number.is_male() { Sex::Male } else { Sex::Female }, number.born_on())
}

fn phone(given: Option<&str>) -> Result<Option<Phone>, FieldError> {
    let given = given.filter(|text| !text.trim().is_empty());
    given.map(|text| Phone::parse("phone", text)).transpose()
}

fn skills(given: &[String]) -> Result<Vec<String>, FieldError> {
    let mut kept: Vec<String> = Vec::new();
    for skill in given {
        let skill = text::line("skills", skill, 1, 20)?;
        if !kept.contains(&skill) {
            kept.push(skill);
        }
    }
    if kept.len() > SKILLS {
        return Err(FieldError::new("skills", format!("最多写 {SKILLS} 项技能")));
    }
    Ok(kept)
}

/// Where what was given is not what the full number says.
fn contradictions(
    known: Option<(Sex, NaiveDate)>,
    given: (Option<Sex>, Option<NaiveDate>),
) -> Vec<FieldError> {
    let Some((sex, born_on)) = known else { return Vec::new() };
    let mut faults = Vec::new();
    if given.0.is_some_and(|other| other != sex) {
        faults.push(FieldError::new("sex", "与身份证号码不符，可以不填"));
    }
    if given.1.is_some_and(|other| other != born_on) {
        faults.push(FieldError::new("born_on", "与身份证号码中的出生日期不符，可以不填"));
    }
    faults
}

fn dates(
    born_on: Option<NaiveDate>,
    joined_on: Option<NaiveDate>,
    today: NaiveDate,
) -> Vec<FieldError> {
    let grown = born_on.map(|born| born.checked_add_months(ADULT).unwrap_or(NaiveDate::MAX));
    let mut faults = Vec::new();
    if grown.is_some_and(|grown| grown > today) {
        faults.push(FieldError::new("born_on", "党员须年满十八岁，请核对出生日期或身份证号码"));
    }
    if joined_on.is_some_and(|joined| joined > today) {
        faults.push(FieldError::new("joined_on", "入党日期不能晚于今天"));
    } else if joined_on.zip(grown).is_some_and(|(joined, grown)| joined < grown) {
        faults.push(FieldError::new("joined_on", "入党时应已年满十八岁，请核对入党日期"));
    }
    faults
}

/// A row of the register as its rules see it. Name, number and telephone are sealed and none of
/// the rules'.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its id.
    pub id: MemberId,
    /// Grows by one with each save.
    pub version: i64,
    /// The branch; rows from before may have none.
    pub branch: Option<NodeCode>,
    /// The group or household below it.
    pub group: Option<NodeCode>,
    /// The ledger.
    pub ledger: Ledger,
    /// The rank at work.
    pub rank: Rank,
    /// How far the membership is.
    pub standing: Standing,
    /// The health.
    pub health: Health,
    /// The sex, where known.
    pub sex: Option<Sex>,
    /// The date of birth, where known.
    pub born_on: Option<NaiveDate>,
    /// The day of joining, where known.
    pub joined_on: Option<NaiveDate>,
    /// The work unit.
    pub work_unit: Option<String>,
    /// The skills.
    pub skills: Vec<String>,
    /// Whether the full number is known.
    pub has_number: bool,
    /// The account that a community signed as this member.
    pub account: Option<AccountId>,
    /// Whether it stands there no more.
    pub removed: bool,
}

/// What is put right of a row; what is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The name.
    pub name: Option<PersonName>,
    /// The full number, of a row that has six characters only.
    pub number: Option<IdNumber>,
    /// The telephone, or that there is none.
    pub phone: Option<Option<Phone>>,
    /// The sex, of a row without the full number.
    pub sex: Option<Sex>,
    /// The birth, of a row without the full number.
    pub born_on: Option<NaiveDate>,
    /// The day of joining.
    pub joined_on: Option<NaiveDate>,
    /// How far the membership is.
    pub standing: Option<Standing>,
    /// The group, or that there is none.
    pub group: Option<Option<NodeCode>>,
    /// The rank.
    pub rank: Option<Rank>,
    /// The work unit, or that there is none.
    pub work_unit: Option<Option<String>>,
    /// The skills, all of them.
    pub skills: Option<Vec<String>>,
    /// The health.
    pub health: Option<Health>,
}

/// The same as somebody wrote it: an empty text takes away what may be missing.
#[derive(Debug, Clone, Default)]
pub struct ChangeForm<'a> {
    /// The name.
    pub name: Option<&'a str>,
    /// The full number.
    pub id_number: Option<&'a str>,
    /// The telephone.
    pub phone: Option<&'a str>,
    /// The group's code.
    pub group: Option<&'a str>,
    /// The work unit.
    pub work_unit: Option<&'a str>,
    /// The skills.
    pub skills: Option<&'a [String]>,
}

impl ChangeForm<'_> {
    /// # Errors
    /// A field breaks a rule, or nothing is named at all. `rest` holds what needs no reading.
    pub fn parse(&self, rest: &Change) -> Result<Change, Invalid> {
        let mut faults = Faults::default();
        let name = self.name.map(|name| PersonName::parse("name", name));
        let number = self.id_number.map(|number| IdNumber::parse("id_number", number));
        let group = self.group.map(|code| {
            let code = Some(code).filter(|code| !code.trim().is_empty());
            NodeCode::optional("group", code)
        });
        let unit = self.work_unit.map(|unit| text::optional("work_unit", Some(unit), 100));
        let change = Change {
            name: name.and_then(|name| faults.take(name)),
            number: number.and_then(|number| faults.take(number)),
            phone: self.phone.and_then(|given| faults.take(phone(Some(given)))),
            group: group.and_then(|group| faults.take(group)),
            work_unit: unit.and_then(|unit| faults.take(unit)),
            skills: self.skills.and_then(|given| faults.take(skills(given))),
            ..rest.clone()
        };
        faults.check()?;
        if change == Change::default() {
            return Err(Invalid::field("", "请至少填写一项要更正的内容"));
        }
        Ok(change)
    }
}

impl Change {
    /// The names of what is changed, for the history and the trail.
    pub fn fields(&self) -> Vec<&'static str> {
        let all = [
            ("name", self.name.is_some()),
            ("id_number", self.number.is_some()),
            ("phone", self.phone.is_some()),
            ("sex", self.sex.is_some()),
            ("born_on", self.born_on.is_some()),
            ("joined_on", self.joined_on.is_some()),
            ("standing", self.standing.is_some()),
            ("group", self.group.is_some()),
            ("rank", self.rank.is_some()),
            ("work_unit", self.work_unit.is_some()),
            ("skills", self.skills.is_some()),
            ("health", self.health.is_some()),
        ];
        all.into_iter().filter_map(|(name, there)| there.then_some(name)).collect()
    }
}

/// Why a change is not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unchanged {
    /// A rule of the register says no.
    Refused(Refused),
    /// A field contradicts another.
    Invalid(Invalid),
}

impl From<Refused> for Unchanged {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Invalid> for Unchanged {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl Row {
    /// # Errors
    /// It was removed.
    pub const fn standing_there(&self) -> Result<(), Refused> {
        if self.removed { Err(Refused::Removed) } else { Ok(()) }
    }

    /// Puts something right. A full number says sex and birth by itself.
    ///
    /// # Errors
    /// It was removed; another full number stands there; a date contradicts the number.
    pub fn change(&self, change: &Change, today: NaiveDate) -> Result<Self, Unchanged> {
        self.standing_there()?;
        if change.number.is_some() && self.has_number {
            return Err(Refused::NumberFixed.into());
        }
        let fixed = self.has_number.then_some(()).and_then(|()| self.sex.zip(self.born_on));
        let known = change.number.as_ref().map(read).or(fixed);
        let mut faults = contradictions(known, (change.sex, change.born_on));
        let (sex, born_on) = match known {
            Some((sex, born_on)) => (Some(sex), Some(born_on)),
            None => (change.sex.or(self.sex), change.born_on.or(self.born_on)),
        };
        let joined_on = change.joined_on.or(self.joined_on);
        faults.extend(dates(born_on, joined_on, today));
        if !faults.is_empty() {
            return Err(Invalid(faults).into());
        }
        Ok(Self {
            sex,
            born_on,
            joined_on,
            standing: change.standing.unwrap_or(self.standing),
            group: change.group.clone().unwrap_or_else(|| self.group.clone()),
            rank: change.rank.unwrap_or(self.rank),
            work_unit: change.work_unit.clone().unwrap_or_else(|| self.work_unit.clone()),
            skills: change.skills.clone().unwrap_or_else(|| self.skills.clone()),
            health: change.health.unwrap_or(self.health),
            has_number: self.has_number || change.number.is_some(),
            ..self.clone()
        })
    }

    /// Moves to another ledger.
    ///
    /// # Errors
    /// It was removed; it is there already; floating begins and ends by its own steps.
    pub fn relist(&self, ledger: Ledger) -> Result<Self, Refused> {
        self.standing_there()?;
        if self.ledger == Ledger::Floating || ledger == Ledger::Floating {
            return Err(Refused::FloatingByItself);
        }
        if self.ledger == ledger {
            return Err(Refused::SameLedger(ledger));
        }
        Ok(Self { ledger, ..self.clone() })
    }

    /// Begins to float.
    ///
    /// # Errors
    /// It was removed, or floats already.
    pub fn float(&self) -> Result<Self, Refused> {
        self.standing_there()?;
        if self.ledger == Ledger::Floating {
            return Err(Refused::AlreadyFloating);
        }
        Ok(Self { ledger: Ledger::Floating, ..self.clone() })
    }

    /// Floats no more, and stands in this ledger again.
    ///
    /// # Errors
    /// It was removed, or does not float.
    pub fn come_back(&self, ledger: Ledger) -> Result<Self, Refused> {
        self.standing_there()?;
        if self.ledger != Ledger::Floating {
            return Err(Refused::NotFloating);
        }
        if ledger == Ledger::Floating {
            return Err(Refused::FloatingByItself);
        }
        Ok(Self { ledger, ..self.clone() })
    }

    /// Goes over to another branch.
    #[must_use]
    pub fn transferred(&self, branch: NodeCode, group: Option<NodeCode>) -> Self {
        Self { branch: Some(branch), group, ..self.clone() }
    }
}

/// Takes somebody off the register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remove {
    /// Why.
    pub reason: RemovedAs,
    /// What there is to say of it.
    pub note: Option<String>,
}

impl Remove {
    /// # Errors
    /// The note is too long.
    pub fn parse(reason: RemovedAs, note: Option<&str>) -> Result<Self, Invalid> {
        Ok(Self { reason, note: text::optional("note", note, 200)? })
    }
}

#[cfg(test)]
mod tests;
