//! PostgreSQL's own limit: pgbench with the very statements that the product sends for one request,
//! taken from PostgreSQL's log. So the two cannot drift apart.

mod log;

use std::fs;
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::sleep;

use super::cases::{self, Case, Cases};
use super::load;
use super::prepare;
use crate::failure::{Context, Failure, Result};
use crate::process;
use crate::services::{Services, postgres::Postgres};
use log::Statement;

/// A changed setting reaches every session, and the last line the log.
const SETTLE: Duration = Duration::from_millis(300);
/// A greeting's statements are in the log, and its session is still known to Redis.
const GREETED: Duration = Duration::from_millis(100);
/// What numbers the transactions of one run: unlike in all its clients.
const NUMBER: &str = "\\set n :n + 1\n\\set i :client_id + 64 * :n\n";

/// A text in a captured parameter that differs from transaction to transaction, and the SQL that
/// makes another one.
struct Varying {
    text: String,
    sql: String,
}

/// The script for pgbench that does what the product does for one request of `case`.
///
/// # Errors
/// The request is refused, or its statements are not found in the log.
pub async fn script(
    base_url: &str,
    services: &Services,
    postgres: &Postgres,
    cases: &Cases,
    case: Case,
) -> Result<String> {
    let set = |setting: &str| {
        let change = format!("alter system {setting}");
        postgres.psql(super::DATABASE, &["-c", &change, "-c", "select pg_reload_conf()"])
    };
    set("set log_min_duration_statement = 0")?;
    sleep(SETTLE).await;
    let n = cases.captured(case);
    load::once(base_url, &cases.greeting(case, n)).await?;
    sleep(GREETED).await;
    let path = services.home.log("postgres")?;
    let before = fs::metadata(&path)?.len();
    let since = millis_now();
    load::once(base_url, &cases.request(case, n)).await?;
    sleep(SETTLE).await;
    set("reset log_min_duration_statement")?;
    let text = fs::read(&path).context(|| path.display().to_string())?;
    let new = text.get(usize::try_from(before)?..).unwrap_or_default();
    let statements = of_case(case, log::statements(&String::from_utf8_lossy(new)))?;
    Ok(written(case, &statements, &varying(cases, case, n, &statements, since)))
}

/// Those of the transaction; of a request that only reads, all of them.
fn of_case(case: Case, all: Vec<Statement>) -> Result<Vec<Statement>> {
    let all = all.into_iter();
    let found: Vec<Statement> = if case.only_reads() {
        all.filter(|statement| !statement.is_ours()).collect()
    } else {
        let mut open = all.skip_while(|statement| !statement.is("begin"));
        let mut found: Vec<Statement> = Vec::new();
        for statement in open.by_ref() {
            let ends = statement.is("commit");
            found.push(statement);
            if ends {
                break;
            }
        }
        found
    };
    if found.iter().any(|statement| !statement.parameters.is_empty()) {
        return Ok(found);
    }
    Err(Failure::new(format!("PostgreSQL 的日志里没有“{}”的语句", case.name())))
}

/// What must not be the same twice: ids made for this request, the case that it is about, its key.
fn varying(
    cases: &Cases,
    case: Case,
    n: u64,
    statements: &[Statement],
    since: u64,
) -> Vec<Varying> {
    let copy = |space: &str| uuid(space, &format!("1 + :i % {}", cases.data().cases));
    let mut found = match case {
        Case::List | Case::Offers => vec![],
        Case::Points => vec![Varying { text: cases.buyer(n).1.to_owned(), sql: member(cases) }],
        Case::Read => {
            let text = prepare::complaint_id(1 + n % cases.data().cases);
            vec![Varying { text, sql: copy("8000") }]
        }
        Case::Submit => {
            let sql = "'bench-pg-' || :i::bigint".to_owned();
            vec![Varying { text: cases::submit_key(n), sql }]
        }
        Case::Acknowledge => vec![
            Varying { text: prepare::complaint_id(cases.data().spare), sql: copy("8000") },
            Varying { text: prepare::task_id(cases.data().spare), sql: copy("9000") },
        ],
        Case::Redeem => redeemed(cases, n, statements),
    };
    let given = statements.iter().flat_map(|statement| statement.parameters.iter().flatten());
    for id in given.flat_map(|text| log::uuids(text)) {
        if log::made_at(id) >= Some(since) && found.iter().all(|known| known.text != id) {
            let sql = uuid(&format!("{}{:03x}", space(case), found.len()), ":i");
            found.push(Varying { text: id.to_owned(), sql });
        }
    }
    found
}

/// Another member each time.
fn member(cases: &Cases) -> String {
    uuid("8001", &format!("1 + :i % {}", cases.data().copies))
}

/// Another member each time, whose lot has the member's id; another key, and another code.
fn redeemed(cases: &Cases, n: u64, statements: &[Statement]) -> Vec<Varying> {
    let mut found = vec![
        Varying { text: cases.buyer(n).1.to_owned(), sql: member(cases) },
        Varying { text: cases::redeem_key(n), sql: "'bench-pg-redeem-' || :i::bigint".to_owned() },
    ];
    let hold = statements.iter().find(|statement| statement.sql.contains("insert into hold"));
    let given = hold.iter().flat_map(|statement| statement.parameters.iter().flatten());
    // The code's index is unique; its sealed copy may be anybody's.
    let code = given.clone().filter_map(|text| text.strip_prefix("\\x")).next();
    found.extend(code.map(|hex| Varying { text: hex.to_owned(), sql: "md5((:i)::text)".into() }));
    // And so is that of the digits, of which several are offered.
    let lists = given.filter_map(|text| text.strip_prefix('{')?.strip_suffix('}'));
    let digits = lists.flat_map(|list| list.split(',')).filter_map(|one| {
        one.trim_matches('"')
            .trim_start_matches('\\')
            .strip_prefix('x')
            .filter(|hex| hex.len() == 64)
    });
    found.extend((1..).zip(digits).map(|(nth, hex)| Varying {
        text: hex.to_owned(),
        sql: format!("repeat(md5((4 * :i::bigint + {nth})::text), 2)"),
    }));
    found
}

/// Apart for each case, since they all fill the same tables.
const fn space(case: Case) -> char {
    match case {
        Case::List => 'a',
        Case::Read => 'b',
        Case::Submit => 'c',
        Case::Acknowledge => 'd',
        Case::Redeem => 'e',
        Case::Offers | Case::Points => 'f',
    }
}

/// The SQL of an id as a text; `space` keeps those of one kind apart from the others.
fn uuid(space: &str, number: &str) -> String {
    format!("'00000000-0000-7000-{space}-' || lpad(to_hex(({number})::bigint), 12, '0')")
}

fn written(case: Case, statements: &[Statement], varying: &[Varying]) -> String {
    let lines = statements.iter().map(|statement| {
        let sql = statement.with(|text| literal(text, varying));
        format!("{sql};\n")
    });
    format!("-- {}\n{NUMBER}{}", case.code(), lines.collect::<String>())
}

/// A parameter as SQL, with what varies made anew. What is made is a text, which PostgreSQL takes for
/// an id only where it is told to; a plain literal takes the type of its place by itself.
fn literal(text: &str, varying: &[Varying]) -> String {
    let quoted = format!("'{}'", text.replace('\'', "''"));
    let made = varying
        .iter()
        .fold(quoted, |sql, one| sql.replace(&one.text, &format!("' || {} || '", one.sql)));
    let is_id = |text: &str| log::uuids(text) == [text];
    let list = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let cast = match list {
        _ if !made.contains("' || ") => return made,
        Some(list) if list.split(',').all(is_id) => "::uuid[]",
        None if is_id(text) => "::uuid",
        None if text.starts_with("\\x") => "::bytea",
        _ => "",
    };
    format!("({made}){cast}")
}

/// Transactions per second of a script.
///
/// # Errors
/// pgbench fails; shows what it said.
pub async fn pgbench(
    services: &Services,
    postgres: &Postgres,
    script: &str,
    connections: usize,
    lasts: Duration,
) -> Result<f64> {
    let path = services.home.dir.join("run/pgbench.sql");
    fs::write(&path, script).context(|| format!("写入 {}", path.display()))?;
    let mut command = process::command(postgres.bin().join("pgbench"));
    command
        .args(["-n", "-M", "prepared", "-j", "2", "-D", "n=0", "-U", "postgres", "-p", "5432"])
        .arg("-c")
        .arg(connections.to_string())
        .arg("-T")
        .arg(lasts.as_secs().to_string())
        .arg("-h")
        .arg(&services.home.sockets)
        .arg("-f")
        .arg(&path)
        .arg(super::DATABASE)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    let output = command.output().await.context(|| "运行 pgbench".to_owned())?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    match log::tps(&said).filter(|_| output.status.success()) {
        Some(tps) => Ok(tps),
        None => {
            let errors = String::from_utf8_lossy(&output.stderr);
            // Every client says the same.
            let first: Vec<&str> = errors.lines().take(6).collect();
            Err(Failure::new(format!("pgbench 失败：{}\n\n{script}", first.join("\n"))))
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "compared with the time inside an id just made")]
fn millis_now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071";

    fn varying() -> Vec<Varying> {
        vec![Varying { text: ID.into(), sql: uuid("a000", ":i") }]
    }

    #[test]
    fn a_whole_id_and_one_inside_a_text_are_made_anew() {
        let made = "' || '00000000-0000-7000-a000-' || lpad(to_hex((:i)::bigint), 12, '0') || '";
        assert_eq!(literal(ID, &varying()), format!("('{made}')::uuid"));
        assert_eq!(literal(&format!("{{{ID}}}"), &varying()), format!("('{{{made}}}')::uuid[]"));
        let dedupe = literal(&format!("{{notify:{ID}:1}}"), &varying());
        assert_eq!(dedupe, format!("('{{notify:{made}:1}}')"));
        assert_eq!(literal("李'女士", &varying()), "'李''女士'");
        let code = vec![Varying { text: "00ff".into(), sql: "md5((:i)::text)".into() }];
        assert_eq!(literal("\\x00ff", &code), "('\\x' || md5((:i)::text) || '')::bytea");
    }

    #[test]
    fn a_script_holds_the_transaction_alone() {
        let statement = |text: &str, parameters: &[&str]| Statement {
            sql: text.into(),
            parameters: parameters.iter().map(|text| Some((*text).to_owned())).collect(),
        };
        let all = vec![
            statement("BEGIN", &[]),
            statement("insert into complaint (id) values ($1)", &[ID]),
            statement("COMMIT", &[]),
            statement("select 1 from complaint where id = $1", &[ID]),
        ];
        let found = of_case(Case::Submit, all).unwrap();
        assert_eq!(found.len(), 3);
        let script = written(Case::Submit, &found, &varying());
        assert!(script.contains("insert into complaint (id) values (('' || '0000"), "{script}");
    }
}
