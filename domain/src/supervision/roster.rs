//! The duty roster (值班表) of a unit: who can be reached, and by which phone, when something is
//! urgent and the office is closed.

use crate::{
    personal::{PersonName, Phone},
    refusal::{Faults, Invalid},
    time::Timestamp,
};

/// The longest roster that is handed in at once, in shifts.
const LONGEST: usize = 366;

/// A shift as it came.
#[derive(Debug, Clone, Copy)]
pub struct ShiftForm<'a> {
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Who is on duty.
    pub name: &'a str,
    /// The work phone.
    pub phone: &'a str,
}

/// One shift.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    /// From when.
    pub starts_at: Timestamp,
    /// Until when.
    pub ends_at: Timestamp,
    /// Who is on duty.
    pub name: PersonName,
    /// The work phone.
    pub phone: Phone,
}

/// A unit's whole roster, in the order of its shifts; no two overlap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster(pub Vec<Shift>);

impl Roster {
    /// # Errors
    /// Too many shifts; one that ends before it begins; two at once; a wrong name or number.
    pub fn parse(forms: &[ShiftForm<'_>]) -> Result<Self, Invalid> {
        let mut faults = Faults::default();
        if forms.len() > LONGEST {
            faults.add("shifts", format!("一次最多 {LONGEST} 班"));
        }
        let mut shifts = Vec::new();
        for (at, form) in forms.iter().enumerate() {
            if form.ends_at <= form.starts_at {
                faults.add(format!("shifts.{at}.ends_at"), "结束时间要在开始时间之后");
            }
            let name = faults.take(PersonName::parse(&format!("shifts.{at}.name"), form.name));
            let phone = faults.take(Phone::parse(&format!("shifts.{at}.phone"), form.phone));
            if let (Some(name), Some(phone)) = (name, phone) {
                let (starts_at, ends_at) = (form.starts_at, form.ends_at);
                shifts.push(Shift { starts_at, ends_at, name, phone });
            }
        }
        shifts.sort_by_key(|shift| shift.starts_at);
        let overlap = |pair: &[Shift]| matches!(pair, [a, b] if b.starts_at < a.ends_at);
        if shifts.windows(2).any(overlap) {
            faults.add("shifts", "同一时间只能排一班，请核对起止时间");
        }
        faults.check()?;
        Ok(Self(shifts))
    }
}
