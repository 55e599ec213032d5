//! The chain: nothing is sealed too early, every kind of tampering is found, and a month that was
//! kept long enough goes on record.

use api::{app::audit, jobs::schedule::Schedule};
use domain::{
    audit::chain::{Finding, Tampering},
    time::Month,
};
use infra::postgres::audit::{AuditEntry, Origin, append, chain as blocks};
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::{Folder, actions, seal, seal_once, search};
use crate::support::{App, at};

/// Entries in each of the blocks that [`sealed`] makes.
const EACH: usize = 4;

/// Four blocks of four entries each, with their heads outside.
async fn sealed(folder: &Folder) -> App {
    let app = folder.app().await;
    // What the seed left is a block of its own.
    seal(&app).await;
    for _ in 0..4 {
        for n in 0..EACH {
            write(&app, app.db().acquire().await.unwrap().as_mut(), &format!("one-{n}")).await;
        }
        seal(&app).await;
    }
    app
}

async fn write(app: &App, conn: &mut PgConnection, object_id: &str) {
    let origin = Origin::default();
    let entry = AuditEntry::new("test.write", "test", "", &origin).with(json!({"n": 1}));
    let entry = AuditEntry { object_id: object_id.to_owned(), ..entry };
    append(conn, &entry, app.now()).await.unwrap();
}

async fn verify(app: &App) -> Vec<Finding> {
    audit::verify(app.state(), &[]).await.unwrap().findings
}

/// What a superuser with the triggers off does to the database.
async fn tamper(app: &App, sql: &str) {
    let sql = format!("begin; set local session_replication_role = replica; {sql}; commit");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(app.db()).await.unwrap();
}

/// The ids and places of a block's entries.
async fn entries(app: &App, no: i64) -> Vec<(uuid::Uuid, i64)> {
    sqlx::query_as(
        "select e.id, e.seq from audit_block b, unnest(b.ids) with ordinality as listed (id, place)
         join audit_entry e using (id) where b.no = $1 order by place",
    )
    .bind(no)
    .fetch_all(app.db())
    .await
    .unwrap()
}

fn seen(found: &[Finding]) -> Vec<(Tampering, i64, Option<uuid::Uuid>)> {
    found.iter().map(|one| (one.kind, one.block, one.entry.map(|id| id.0))).collect()
}

#[tokio::test]
async fn every_kind_of_tampering_is_found_with_its_block_and_row() {
    let folder = Folder::make();
    let app = sealed(&folder).await;
    let report = audit::verify(app.state(), &[]).await.unwrap();
    assert_eq!((report.findings.len(), report.end.unsealed), (0, 0), "{report:?}");
    let last = report.blocks;
    assert_eq!(
        (report.heads, i64::try_from(folder.heads().len())),
        (last.try_into().unwrap(), Ok(last))
    );
    let no = last - 2;
    let listed = entries(&app, no).await;
    assert_eq!(listed.len(), EACH);
    let [(first, _), (second, seq), (third, other), ..] = listed[..] else { unreachable!() };
    tamper(
        &app,
        "create table kept as table audit_entry; create table blocks as table audit_block",
    )
    .await;
    let restore = "delete from audit_entry; insert into audit_entry select * from kept;
        delete from audit_block; insert into audit_block select * from blocks";

    // Delete, edit, reorder, insert.
    let swap = format!(
        "update audit_entry set seq = case seq when {seq} then {other} else {seq} end
         where seq in ({seq}, {other})"
    );
    let forged = "00000000-0000-7000-8000-000000000001";
    let insert = format!(
        "insert into audit_entry (id, seq, at, action, object, object_id)
         select '{forged}', {seq}, at, action, object, object_id from kept where seq = {seq}"
    );
    for (sql, wanted) in [
        (
            format!("delete from audit_entry where id = '{second}'"),
            vec![(Tampering::Deleted, no, Some(second))],
        ),
        (
            format!("update audit_entry set object_id = 'another' where id = '{second}'"),
            vec![(Tampering::Edited, no, Some(second))],
        ),
        (
            format!("update audit_entry set data = '{{\"n\": 2}}' where id = '{first}'"),
            vec![(Tampering::Edited, no, Some(first))],
        ),
        (
            swap,
            vec![(Tampering::Reordered, no, Some(third)), (Tampering::Reordered, no, Some(second))],
        ),
        (insert, vec![(Tampering::Inserted, no, Some(forged.parse().unwrap()))]),
    ] {
        tamper(&app, &sql).await;
        let found = verify(&app).await;
        assert_eq!(seen(&found), wanted, "{sql}");
        assert!(found[0].to_string().contains(&format!("区块 {no}")), "{}", found[0]);
        tamper(&app, restore).await;
        assert_eq!(verify(&app).await, []);
    }

    // Truncation: the end of the chain with its entries, as if it had never been.
    let cut = format!(
        "delete from audit_entry where seq > (select to_seq from audit_block where no = {0});
         delete from audit_block where no > {0}",
        last - 2
    );
    tamper(&app, &cut).await;
    assert_eq!(
        seen(&verify(&app).await),
        [(Tampering::Truncated, last - 1, None), (Tampering::Truncated, last, None)]
    );
    tamper(&app, restore).await;
    tamper(&app, "truncate audit_entry").await;
    let found = verify(&app).await;
    assert!(found.len() >= 4 * EACH && found.iter().all(|one| one.kind == Tampering::Deleted));
    tamper(&app, restore).await;
    tamper(&app, &format!("delete from audit_block where no = {no}")).await;
    assert_eq!(seen(&verify(&app).await), [(Tampering::Truncated, no, None)]);
    tamper(&app, restore).await;
    assert_eq!(verify(&app).await, []);

    // Without heads outside nothing tells that an end is missing: that is what they are for.
    std::fs::remove_file(folder.0.join("audit-heads.log")).unwrap();
    tamper(&app, &cut).await;
    assert_eq!(verify(&app).await, []);
}

/// Whoever rewrites the whole chain so that it hashes well again is betrayed by the heads outside.
#[tokio::test]
async fn a_chain_that_was_computed_anew_differs_from_its_heads() {
    let folder = Folder::make();
    let app = sealed(&folder).await;
    let last = audit::ends(app.state()).await.unwrap().head.unwrap().no;
    let (id, _) = entries(&app, last).await[0];
    let before = last - 1;
    tamper(&app, &format!("update audit_entry set object_id = 'x' where id = '{id}'")).await;
    let mut conn = app.db().acquire().await.unwrap();
    let mut chain = blocks::blocks(&mut conn, before, 10).await.unwrap();
    let block = &mut chain[0];
    let place = block.to_seq - i64::try_from(EACH).unwrap();
    let standing = blocks::standing(&mut conn, place, block.to_seq).await.unwrap();
    block.entries = standing.iter().map(|one| (one.id, one.digest)).collect();
    assert_eq!(block.entries.len(), EACH);
    block.hash = blocks::hash(block);
    drop(conn);
    let digests: String =
        block.entries.iter().flat_map(|(_, digest)| digest).map(|b| format!("{b:02x}")).collect();
    let hash: String = block.hash.iter().map(|b| format!("{b:02x}")).collect();
    tamper(
        &app,
        &format!(
            "update audit_block set digests = '\\x{digests}', hash = '\\x{hash}' where no = {last}"
        ),
    )
    .await;
    assert_eq!(seen(&verify(&app).await), [(Tampering::Resealed, last, None)]);
    // The job notices as well: it writes no head that does not follow from the last one.
    let lines = folder.heads();
    write(&app, app.db().acquire().await.unwrap().as_mut(), "after").await;
    seal(&app).await;
    assert_eq!(folder.heads(), lines);
    // A copy from another machine says the same.
    let copy = folder.0.join("copy");
    std::fs::write(&copy, lines.join("\n")).unwrap();
    let report = audit::verify(app.state(), &[copy]).await.unwrap();
    assert_eq!(seen(&report.findings), [(Tampering::Resealed, last, None)]);
    // And a head that was changed is no head any more.
    std::fs::write(folder.0.join("audit-heads.log"), lines.join("\n").replace(' ', "_")).unwrap();
    assert!(verify(&app).await.iter().any(|one| one.kind == Tampering::Heads));
}

/// Entries commit in another order than they were written in: a block waits for what is under way.
#[tokio::test]
async fn a_sealed_block_never_gains_a_row() {
    let folder = Folder::make();
    let app = sealed(&folder).await;
    let mut slow = app.db().acquire().await.unwrap().detach();
    let mut tx = slow.begin().await.unwrap();
    write(&app, &mut tx, "slow").await;
    write(&app, app.db().acquire().await.unwrap().as_mut(), "quick").await;
    for _ in 0..5 {
        seal_once(&app).await;
    }
    let end = audit::ends(app.state()).await.unwrap();
    assert_eq!(end.unsealed, 1, "what was committed waits for what was written before it");
    tx.commit().await.unwrap();
    seal(&app).await;
    let one = |found: Vec<serde_json::Value>| {
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    };
    let quick = one(search(&app, "object=test&object_id=quick").await);
    let slow = one(search(&app, "object=test&object_id=slow").await);
    assert!(slow["seq"].as_i64() < quick["seq"].as_i64());
    assert!(slow["block"].as_i64() <= quick["block"].as_i64() && !slow["block"].is_null());
    assert_eq!(verify(&app).await, []);
}

#[tokio::test]
async fn the_chore_seals_and_writes_the_heads_outside() {
    let folder = Folder::make();
    let app = folder.app().await;
    write(&app, app.db().acquire().await.unwrap().as_mut(), "one").await;
    let mut schedule = Schedule::default();
    // Other databases of the server hold sealing up while their transactions last.
    for _ in 0..100 {
        app.advance(chrono::TimeDelta::minutes(1));
        schedule.enqueue_due(app.state(), true).await;
        app.drain().await;
        if !folder.heads().is_empty() {
            break;
        }
    }
    let heads = folder.heads();
    let chain = app.as_("auditor").get("/audit/chain").await.expect(200);
    let hash = chain["hash"].as_str().unwrap();
    assert!(heads[0].starts_with("1 "), "{heads:?}");
    // What the chores themselves left may be in blocks whose heads come with the next run.
    let newest = chain["block"].as_i64() == i64::try_from(heads.len()).ok();
    assert!(!newest || heads.last().unwrap().ends_with(hash), "{heads:?} {chain}");
    assert_eq!(verify(&app).await, []);
    // This month's table and those of the next two.
    for month in ["2026_11", "2026_12", "2027_01"] {
        let table = format!("pg_class where relname = 'audit_entry_{month}'");
        assert_eq!(app.count(&table).await, 1, "{month}");
    }
}

#[tokio::test]
async fn a_month_goes_after_a_year_on_record_and_the_chain_still_verifies() {
    let folder = Folder::make();
    let app = sealed(&folder).await;
    let month = Month::parse("2026-11").unwrap();
    let out = folder.0.join("2026-11.jsonl");
    let refused = |code: &'static str| {
        move |error: api::error::Error| {
            assert_eq!(error.code(), Some(code), "{error}");
            error.to_string()
        }
    };
    app.set_clock(at("2027-11-30T15:59:59Z"));
    let early = audit::drop_month(app.state(), month, &out).await.map_err(refused("invalid_field"));
    assert!(early.unwrap_err().contains("12 个月"));
    app.set_clock(at("2027-12-01T00:00:00Z"));
    let none = Month::parse("2026-10").unwrap();
    let none = audit::drop_month(app.state(), none, &out).await.map_err(refused("invalid_field"));
    assert!(none.unwrap_err().contains("没有 2026-10"));

    // What was tampered with is evidence, and stays.
    let before = app.count("audit_entry where action <> 'session.open'").await;
    tamper(&app, "create table kept as table audit_entry").await;
    let (id, _) = entries(&app, 3).await[0];
    tamper(&app, &format!("delete from audit_entry where id = '{id}'")).await;
    let found = audit::drop_month(app.state(), month, &out).await.map_err(refused("invalid_field"));
    assert!(found.unwrap_err().contains("记录被删除"));
    tamper(&app, "delete from audit_entry; insert into audit_entry select * from kept").await;
    assert!(!out.exists());

    let count = audit::drop_month(app.state(), month, &out).await.unwrap();
    assert_eq!(count, before, "all of it was of one month");
    let lines = std::fs::read_to_string(&out).unwrap();
    assert_eq!(i64::try_from(lines.lines().count()), Ok(count));
    let first: serde_json::Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert!(first["seq"].is_number() && first["action"].is_string(), "{first}");
    seal(&app).await;
    let report = audit::verify(app.state(), &[]).await.unwrap();
    assert_eq!(report.findings, []);
    let dropped = search(&app, "object=audit_month").await;
    assert_eq!(actions(&dropped), ["audit.drop_month"]);
    assert_eq!(dropped[0]["object_id"], "2026-11");
    assert_eq!(dropped[0]["data"], json!({"entries": count}));
    // Dropped once; and what is dropped without a record is missed.
    let again = audit::drop_month(app.state(), month, &out).await.map_err(refused("invalid_field"));
    assert!(again.unwrap_err().contains("没有 2026-11"));
    tamper(&app, "delete from audit_entry where action = 'audit.drop_month'").await;
    assert!(verify(&app).await.len() > 4 * EACH);
}
