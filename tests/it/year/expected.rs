//! What the year has to come to, written down by hand. Points are whole points, money is fen.
//!
//! # What happens, in numbers
//!
//! One hour of service is one point, at most 8 a service and a day; from 1 July 2025 on care for the
//! elderly counts half as much again, and visits wait five working days in public notice.
//!
//! | day | what | who | hours | points each |
//! |---|---|---|---|---|
//! | 11 Jan | 清洁家园, one Saturday of a series | 1, 2, 3, 7, 8 (4 did not come; 5 called off late, 6 in time) | 2 | 2 |
//! | 11, 13, 14 Feb | three visits in one week | 10 | – | 1 + 1 + 0: two a week |
//! | 5 Mar | 学雷锋日 | 1–28 | 6 | 6 |
//! | 23 Apr | a resident's request, 1 h put right to 2 h | 9 | 2 | 1 − 1 + 2 |
//! | 14 Jun | 环境整治 | 1–25 | 6 | 6 |
//! | 14 Jun | 晚间巡逻, the same day | 21–25 | 3 | 2: the day had two left |
//! | 20 Sep | 全日值守 | 1–20 | 10 | 8: the most that a service gives |
//! | 15 Oct | a visit, in public notice until 22 Oct | 10 | – | 1 |
//! | 16, 17 Aug | hours of another platform, brought in October | 21: 5, 22: 2 | 5, 2 | none |
//! | 22 Nov | 助老 | 1–15 | 2 | 3: half as much again |
//!
//! So who came to everything has 4 services and 6 + 6 + 10 + 2 = 24 hours, and 6 + 6 + 8 + 3 = 23 points.

/// A member's year.
pub struct Year {
    pub n: u32,
    pub services: i64,
    pub hours: f64,
    /// What the statement of account comes to, for each of [`KINDS`].
    pub moved: [i64; 6],
    /// What is left on 31 December 2025: the sum of the above. It runs out on 31 December 2026.
    pub left: i64,
    pub result: &'static str,
}

/// The kinds of movement: earned, adjusted, given away or received, redeemed, taken back (or returned
/// by a merchant), set off.
pub const KINDS: [&str; 6] = ["earn", "adjust", "donate", "redeem", "reverse", "offset"];

const DONE: &str = "已达到一年的要求";
const FREE: &str = "不作要求";

const fn row(
    n: u32,
    services: i64,
    hours: f64,
    moved: [i64; 6],
    left: i64,
    result: &'static str,
) -> Year {
    Year { n, services, hours, moved, left, result }
}

/// The members' year.
///
/// - 1–15 came to all four days (24 hours, 23 points). 1, 2, 3, 7 and 8 served on 11 January as well
///   (+ 2 hours, + 2 points), 9 for the resident (+ 2 hours; 1, taken back, then 2).
/// - 16–20 stayed away on 22 November: 3 services, 22 hours, 6 + 6 + 8 = 20 points; one service is missing.
/// - 21–25 came on 5 March and 14 June, there twice: 3 services, 15 hours, 6 + 6 + 2 = 14 points.
///   21 has 5 hours of another platform (20 hours, 4 services: done), 22 has 2 (17 hours, 4 services).
/// - 26–28 came on 5 March alone. 29 is of a rank, 30 on a ledger, of which nothing is required.
///
/// What they did with the points: 1 had lunch three times (− 6). 2 had lunch once (− 2), once it was undone
/// (− 2 + 2). 3 cancelled and 5 let expire: no movement. 7 had breakfast twice (− 2). 8 had breakfast
/// once, and got it back (− 1 + 1). 10 visited three times (+ 3) and gave 3 to the household. 11 was given 20
/// that had been forgotten. 13 had lunch twice (− 4) and lost the 6 of 5 March: 2 were still there and were
/// taken (− 2), 4 were owed and set off against the next award (− 4). 15 gave 10 to the community. 16 had lunch
/// with a voucher on paper (− 2). 17 and 18 got their codes back when the shop was suspended, 17 had
/// breakfast later (− 1).
#[rustfmt::skip]
pub const YEARS: [Year; 30] = [
    // who, services, hours, what moved in the order of KINDS, what is left, the year in words
    row(1, 5, 26.0, [25, 0, 0, -6, 0, 0], 19, DONE),
    row(2, 5, 26.0, [25, 0, 0, -4, 2, 0], 23, DONE),
    row(3, 5, 26.0, [25, 0, 0, 0, 0, 0], 25, DONE),
    row(4, 4, 24.0, [23, 0, 0, 0, 0, 0], 23, DONE),
    row(5, 4, 24.0, [23, 0, 0, 0, 0, 0], 23, DONE),
    row(6, 4, 24.0, [23, 0, 0, 0, 0, 0], 23, DONE),
    row(7, 5, 26.0, [25, 0, 0, -2, 0, 0], 23, DONE),
    row(8, 5, 26.0, [25, 0, 0, -1, 1, 0], 25, DONE),
    row(9, 5, 26.0, [26, 0, 0, 0, -1, 0], 25, DONE),
    row(10, 4, 24.0, [26, 0, -3, 0, 0, 0], 23, DONE),
    row(11, 4, 24.0, [23, 20, 0, 0, 0, 0], 43, DONE),
    row(12, 4, 24.0, [23, 0, 0, 0, 0, 0], 23, DONE),
    row(13, 4, 24.0, [23, 0, 0, -4, -2, -4], 13, DONE),
    row(14, 4, 24.0, [23, 0, 0, 0, 0, 0], 23, DONE),
    row(15, 4, 24.0, [23, 0, -10, 0, 0, 0], 13, DONE),
    row(16, 3, 22.0, [20, 0, 0, -2, 0, 0], 18, "还差 1 次"),
    row(17, 3, 22.0, [20, 0, 0, -1, 0, 0], 19, "还差 1 次"),
    row(18, 3, 22.0, [20, 0, 0, 0, 0, 0], 20, "还差 1 次"),
    row(19, 3, 22.0, [20, 0, 0, 0, 0, 0], 20, "还差 1 次"),
    row(20, 3, 22.0, [20, 0, 0, 0, 0, 0], 20, "还差 1 次"),
    row(21, 4, 20.0, [14, 0, 0, 0, 0, 0], 14, DONE),
    row(22, 4, 17.0, [14, 0, 0, 0, 0, 0], 14, "还差 3 小时"),
    row(23, 3, 15.0, [14, 0, 0, 0, 0, 0], 14, "还差 1 次、5 小时"),
    row(24, 3, 15.0, [14, 0, 0, 0, 0, 0], 14, "还差 1 次、5 小时"),
    row(25, 3, 15.0, [14, 0, 0, 0, 0, 0], 14, "还差 1 次、5 小时"),
    row(26, 1, 6.0, [6, 0, 0, 0, 0, 0], 6, "还差 3 次、14 小时"),
    row(27, 1, 6.0, [6, 0, 0, 0, 0, 0], 6, "还差 3 次、14 小时"),
    row(28, 1, 6.0, [6, 0, 0, 0, 0, 0], 6, "还差 3 次、14 小时"),
    row(29, 0, 0.0, [0, 0, 0, 0, 0, 0], 0, FREE),
    row(30, 0, 0.0, [0, 0, 0, 0, 0, 0], 0, FREE),
];

/// Who is reminded in September: all of whom anything is required, since the long days are still to come.
pub const REMINDED_IN_SEPTEMBER: std::ops::RangeInclusive<u32> = 1..=28;

/// Who has done everything by 10 November, and is reminded no more: whoever served on 11 January or for
/// the resident beside the three long days (4 services, 24 hours), and 21 with the other platform's hours.
pub const DONE_BY_NOVEMBER: [u32; 7] = [1, 2, 3, 7, 8, 9, 21];

/// The household: 3 from member 10, 6 from the community, one lunch.
pub const HOUSEHOLD: [(&str, i64); 2] = [("donate", 3 + 6), ("redeem", -2)];
/// What the household has left.
pub const HOUSEHOLD_LEFT: i64 = 7;
/// The community: 10 from member 15, 6 passed on.
pub const COMMUNITY_LEFT: i64 = 4;

/// The trial balance on 31 December 2025, 23:00. The demo district's 20 members brought 200 points each from
/// 2024, which are still there in that hour.
///
/// Issued: awards of 549 (1–15: 361, 16–20: 100, 21–25: 70, 26–28: 18), less the 1 of member 9
/// and the 6 of member 13 that went back to where they came from: 542; with the 4,000 of 2024: 4,542.
/// Held by people: the members' 532, the household's 7 and the 4,000. 532 is 347 (1–15) + 97 (16–20) + 70
/// (21–25) + 18 (26–28). Adjustments are the other side of the 20 of member 11.
///
/// 4,542 = 4,539 (people) + 4 (community) + 19 (merchants) − 20 (adjustments).
pub const ISSUED: i64 = 4_542;
pub const PEOPLE: i64 = 4_539;
pub const ADJUSTED: i64 = -20;
/// What the merchants' accounts come to. 文兴示范商户: the lunches of 2 points that stand, 4 on 10 March, 1 on
/// 25 June, 2 on 25 November, 1 on 20 December: 8 × 2 = 16. The breakfast shop: 3 on 10 April less 1 that was
/// refunded, 1 on 10 October: 3 × 1 = 3.
pub const MERCHANTS: [(&str, i64); 2] = [("wenxing", 16), ("breakfast", 3)];

/// A merchant's month as its statement has it.
pub struct Settlement {
    pub period: &'static str,
    pub merchant: &'static str,
    /// Codes verified, and those of them or of earlier months taken back.
    pub redemptions: i64,
    pub refunds: i64,
    pub points: i64,
    /// What is to be paid: a lunch is 800, a breakfast 500.
    pub fen: i64,
    /// What people paid at the till themselves: 300 for a lunch, 100 for a breakfast.
    pub cash_fen: i64,
}

const fn month(
    period: &'static str,
    merchant: &'static str,
    [redemptions, refunds]: [i64; 2],
    points: i64,
    fen: i64,
    cash_fen: i64,
) -> Settlement {
    Settlement { period, merchant, redemptions, refunds, points, fen, cash_fen }
}

/// Every statement of the year, and no other.
///
/// - March: five lunches verified (1, 2 twice, 13 twice), the first of member 2's undone: four stand.
///   4 × 2 points, 4 × 8.00 yuan, 4 × 3.00 yuan at the till.
/// - April: the shop disputed a line of March and is paid 2.50 yuan more. Three breakfasts.
/// - May: one of April's breakfasts goes back.
/// - September: the two codes of the suspended shop were never verified: no statement.
pub const SETTLEMENTS: [Settlement; 8] = [
    month("2025-03", "wenxing", [5, 1], 8, 3_200, 1_200),
    month("2025-04", "breakfast", [3, 0], 3, 1_500, 300),
    month("2025-04", "wenxing", [0, 0], 0, 250, 0),
    month("2025-05", "breakfast", [0, 1], -1, -500, -100),
    month("2025-06", "wenxing", [1, 0], 2, 800, 300),
    month("2025-10", "breakfast", [1, 0], 1, 500, 100),
    month("2025-11", "wenxing", [2, 0], 4, 1_600, 600),
    month("2025-12", "wenxing", [1, 0], 2, 800, 300),
];

/// A quarter, the last day of its public notice, and the points of members with entries.
type Quarter = (&'static str, &'static str, &'static [(u32, i64)]);

/// The score book of 文兴苑小区党支部: the quarter, when its public notice ends, and the members with entries.
///
/// - First quarter: a meeting is 2 points for 1, 2, 3 and 4; a service that 5 declared 2; 3 for the household
///   that 6 saw 2 look after; 2 for a service of 3's that a resident suggests. The 10 of 4's honour
///   were last year's: struck by an objection. The notice began on 1 April; Qingming (4 to 6
///   April) does not count: 2, 3, 7, 8, 9 April.
/// - Second quarter: a meeting for 1 and 2; the 2 of 1's first quarter are taken back: 2 − 2 = 0.
///   Notice from 1 July: 2, 3, 4, 7, 8 July.
/// - Third quarter: a service for 1 to 5; 6 stayed away without a reason: − 2. Notice from 9 October:
///   10, 11 (a Saturday that is worked), 13, 14, 15 October.
/// - Fourth quarter: an honour for 1, a meeting for 1, 2 and 3: 10 + 2. Notice from 5 January: 6, 7, 8, 9,
///   12 January.
pub const SCORES: [Quarter; 4] = [
    ("2025Q1", "2025-04-09", &[(1, 2), (2, 5), (3, 4), (4, 2), (5, 2)]),
    ("2025Q2", "2025-07-08", &[(1, 0), (2, 2)]),
    ("2025Q3", "2025-10-15", &[(1, 2), (2, 2), (3, 2), (4, 2), (5, 2), (6, -2)]),
    ("2025Q4", "2026-01-12", &[(1, 12), (2, 2), (3, 2)]),
];

/// Each unit's certificate of the year: its members and how many of them miss something. Beside the story's
/// members each unit has some of the demo district's ten registered ones, who did nothing in 2025:
/// 区教育局 four (1, 4, 7, 10), the others three each.
///
/// - 区教育局: 1–10 are all done: 10 + 4, 0 + 4.
/// - 区住房和城乡建设局: 11–20, of whom 16–20 are not: 10 + 3, 5 + 3.
/// - 区市场监督管理局: 21–30, of whom 22–28 are not: 10 + 3, 7 + 3.
pub const CERTIFICATES: [(&str, i64, i64); 3] =
    [("education", 14, 4), ("housing", 13, 8), ("market-supervision", 13, 10)];
