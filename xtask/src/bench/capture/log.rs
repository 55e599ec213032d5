//! Reading PostgreSQL's log, and what else its tools print.

/// A statement as it was executed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// With `$1`, `$2` … for the parameters.
    pub sql: String,
    /// The parameters as texts; none is null.
    pub parameters: Vec<Option<String>>,
}

impl Statement {
    /// Whether it is this word alone.
    pub fn is(&self, word: &str) -> bool {
        self.sql.trim().eq_ignore_ascii_case(word)
    }

    /// Whether the benchmark itself sent it.
    pub fn is_ours(&self) -> bool {
        self.sql.contains("pg_reload_conf") || self.sql.contains("alter system")
    }

    /// The statement with each parameter written into it.
    pub fn with(&self, literal: impl Fn(&str) -> String) -> String {
        let mut sql = String::new();
        let mut rest = self.sql.as_str();
        while let Some((before, after)) = rest.split_once('$') {
            let digits = after.bytes().take_while(u8::is_ascii_digit).count();
            let (number, behind) = after.split_at(digits);
            let parameter = number.parse::<usize>().ok().and_then(|n| n.checked_sub(1));
            let value = parameter.and_then(|n| self.parameters.get(n));
            sql.push_str(before);
            match value {
                Some(Some(text)) => sql.push_str(&literal(text)),
                Some(None) => sql.push_str("null"),
                None => sql.extend(["$", number]),
            }
            rest = behind;
        }
        sql.push_str(rest);
        sql
    }
}

/// The statements in a piece of the log, in their order.
pub fn statements(log: &str) -> Vec<Statement> {
    let mut found: Vec<Statement> = Vec::new();
    // A binding has its details as well, which are no news.
    let mut awaits_details = false;
    for entry in entries(log) {
        if let Some((_, logged)) = entry.split_once("LOG:  duration: ") {
            let sql = executed(logged);
            awaits_details = sql.is_some();
            found.extend(sql.map(|sql| Statement { sql: sql.to_owned(), parameters: Vec::new() }));
        } else if let Some((_, details)) = entry.split_once("DETAIL:  ")
            && let Some((_, given)) = details.split_once("arameters: ")
            && awaits_details
            && let Some(last) = found.last_mut()
        {
            last.parameters = read(given);
        }
    }
    found
}

/// `0.1 ms  execute sqlx_s_1: select …` or `0.1 ms  statement: BEGIN`; parsing and binding are
/// steps on the way.
fn executed(logged: &str) -> Option<&str> {
    let (_, what) = logged.split_once(" ms  ")?;
    let (kind, sql) = what.split_once(": ")?;
    (kind == "statement" || kind.starts_with("execute ")).then_some(sql)
}

/// An entry goes on in lines that begin with a tab.
fn entries(log: &str) -> Vec<String> {
    let mut entries: Vec<String> = Vec::new();
    for line in log.lines() {
        match (line.strip_prefix('\t'), entries.last_mut()) {
            (Some(more), Some(entry)) => entry.extend(["\n", more]),
            _ => entries.push(line.to_owned()),
        }
    }
    entries
}

/// `$1 = 'text', $2 = NULL`, with quotes doubled inside.
fn read(given: &str) -> Vec<Option<String>> {
    let mut parameters = Vec::new();
    let mut rest = given;
    while let Some((_, value)) = rest.split_once(" = ") {
        let Some(quoted) = value.strip_prefix('\'') else {
            parameters.push(None);
            rest = value;
            continue;
        };
        let mut text = String::new();
        let mut behind = quoted;
        while let Some((piece, after)) = behind.split_once('\'') {
            text.push_str(piece);
            match after.strip_prefix('\'') {
                Some(more) => {
                    text.push('\'');
                    behind = more;
                }
                None => {
                    behind = after;
                    break;
                }
            }
        }
        parameters.push(Some(text));
        rest = behind;
    }
    parameters
}

/// The ids in a text.
pub fn uuids(text: &str) -> Vec<&str> {
    const LENGTH: usize = 36;
    let is_id = |piece: &str| {
        piece.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    let starts = text.char_indices().map(|(at, _)| at);
    starts.filter_map(|at| text.get(at..at + LENGTH)).filter(|piece| is_id(piece)).collect()
}

/// When an id of version 7 was made, in milliseconds since 1970.
pub fn made_at(id: &str) -> Option<u64> {
    let version = id.as_bytes().get(14)?;
    let time = format!("{}{}", id.get(..8)?, id.get(9..13)?);
    if *version == b'7' { u64::from_str_radix(&time, 16).ok() } else { None }
}

/// The transactions per second that pgbench reports.
pub fn tps(said: &str) -> Option<f64> {
    let line = said.lines().find_map(|line| line.strip_prefix("tps = "))?;
    line.split(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "\
2026-11-24 13:00:00.123 UTC [9] LOG:  duration: 0.020 ms  statement: BEGIN
2026-11-24 13:00:00.124 UTC [9] LOG:  duration: 0.300 ms  parse sqlx_s_7: select $1
2026-11-24 13:00:00.124 UTC [9] LOG:  duration: 0.100 ms  bind sqlx_s_7: select $1
2026-11-24 13:00:00.124 UTC [9] DETAIL:  parameters: $1 = 'bound'
2026-11-24 13:00:00.125 UTC [9] LOG:  duration: 0.500 ms  execute sqlx_s_7: insert into t (a, b, c)
\t    values ($1, $2, $10)
2026-11-24 13:00:00.125 UTC [9] DETAIL:  parameters: $1 = 'it''s = $2, so', $2 = NULL, $3 = ''
2026-11-24 13:00:00.126 UTC [9] LOG:  duration: 0.100 ms  bind sqlx_s_8: select $1
2026-11-24 13:00:00.126 UTC [9] DETAIL:  parameters: $1 = 'bound'
2026-11-24 13:00:00.127 UTC [9] LOG:  duration: 0.020 ms  execute sqlx_s_8: select $1
2026-11-24 13:00:00.127 UTC [9] DETAIL:  parameters: $1 = 'bound'
";

    #[test]
    fn executed_statements_and_their_parameters_are_read() {
        let found = statements(LOG);
        assert_eq!(found.len(), 3);
        assert!(found[0].is("begin"));
        assert_eq!(found[1].sql, "insert into t (a, b, c)\n    values ($1, $2, $10)");
        let expected = [Some("it's = $2, so".to_owned()), None, Some(String::new())];
        assert_eq!(found[1].parameters, expected);
        let sql = found[1].with(|text| format!("<{text}>"));
        assert_eq!(sql, "insert into t (a, b, c)\n    values (<it's = $2, so>, null, $10)");
    }

    #[test]
    fn ids_are_found_and_dated() {
        let id = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071";
        assert_eq!(uuids(&format!("通知:{id}:1")), [id]);
        assert_eq!(uuids("019ab0c1-d2e3-7f00-8a1b"), Vec::<&str>::new());
        assert_eq!(made_at(id), Some(0x019a_b0c1_d2e3));
        assert_eq!(made_at("019ab0c1-d2e3-4f00-8a1b-2c3d4e5f6071"), None, "not of version 7");
    }

    #[test]
    fn pgbenchs_figure_is_read() {
        let said = "latency average = 5.9 ms\ntps = 5413.261 (without initial connection time)\n";
        assert_eq!(tps(said), Some(5413.261));
        assert_eq!(tps("nothing"), None);
    }
}
