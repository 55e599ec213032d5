//! The working calendar as the process holds it: the one in force, and those it replaced.

use std::sync::{Arc, OnceLock};

use domain::calendar::WorkingCalendar;

/// The calendar in force. A later one is hung behind it, and the earlier stay where they are until
/// the process ends: whoever reckons by one goes on undisturbed, without a lock and without a
/// count. There is one for each import, which comes once or twice a year.
#[derive(Debug, Clone)]
pub struct Calendars(Arc<Link>);

#[derive(Debug)]
struct Link {
    /// As `infra::postgres::calendar::stamp` names it; 0 before the tables were read.
    stamp: i64,
    calendar: WorkingCalendar,
    next: OnceLock<Box<Link>>,
}

impl Link {
    fn new(stamp: i64, calendar: WorkingCalendar) -> Self {
        Self { stamp, calendar, next: OnceLock::new() }
    }
}

impl Calendars {
    /// Begins with a calendar that any of the tables' replaces.
    pub fn new(calendar: WorkingCalendar) -> Self {
        Self(Arc::new(Link::new(0, calendar)))
    }

    /// The calendar in force.
    pub fn current(&self) -> &WorkingCalendar {
        &self.last().calendar
    }

    /// Which one that is.
    pub fn stamp(&self) -> i64 {
        self.last().stamp
    }

    /// Puts a later calendar in force; one that is not later is dropped.
    pub fn replace(&self, stamp: i64, calendar: WorkingCalendar) {
        let mut link = Box::new(Link::new(stamp, calendar));
        loop {
            let last = self.last();
            if last.stamp >= stamp {
                return;
            }
            match last.next.set(link) {
                Ok(()) => return,
                Err(back) => link = back,
            }
        }
    }

    fn last(&self) -> &Link {
        let mut link = &*self.0;
        while let Some(next) = link.next.get() {
            link = next;
        }
        link
    }
}

#[cfg(test)]
mod tests {
    use domain::calendar::WorkingHours;

    use super::*;

    #[test]
    fn the_latest_is_in_force_and_the_earlier_stay() {
        let calendars = Calendars::new(WorkingCalendar::embedded());
        let first = calendars.current();
        let none = WorkingCalendar::of(&[], WorkingHours::default());
        calendars.clone().replace(5, none.clone());
        calendars.replace(4, WorkingCalendar::embedded());
        assert_eq!((calendars.stamp(), calendars.current()), (5, &none));
        assert_eq!(first, &WorkingCalendar::embedded());
    }

    #[test]
    fn replacing_at_once_ends_with_the_latest() {
        let calendars = Calendars::new(WorkingCalendar::embedded());
        std::thread::scope(|threads| {
            for stamp in 1..=16 {
                let calendars = &calendars;
                threads.spawn(move || calendars.replace(stamp, WorkingCalendar::embedded()));
            }
        });
        assert_eq!(calendars.stamp(), 16);
    }
}
