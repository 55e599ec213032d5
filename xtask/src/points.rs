//! Points for the people of an experiment or a measurement, booked as the product books them, so
//! that the books still balance.

/// A thousand million points in one lot for every account of a person; the lot and its movement have
/// the account's id. Good for one time.
pub const ENRICH: &str = "
    with given as (
        select id as account, 1000000000::bigint as points from points_account where kind = 'user'
    ), moved as (
        insert into ledger_tx (id, kind, cause, source, at, counted_on, rule_version)
        select account, 'earn', 'enriched:' || account, 'service', now(), current_date, 'xtask'
        from given
    ), entries as (
        insert into ledger_entry (tx, seq, account, amount, at)
        select account, 1, issuance.id, -points, now()
        from given, points_account as issuance where issuance.kind = 'issuance'
        union all select account, 2, account, points, now() from given
    ), lots as (
        insert into point_lot (id, account, granted, remaining, expires_at)
        select account, account, points, points, now() + interval '1 year' from given
    )
    update points_account set posted = posted + points from given where id = account";
