//! The house, held to its own rules (docs/ARCHITECTURE.md) by reading the sources: who may know
//! whom, what stands where, and that one word names the same file on every floor.
//!
//! Every exception is a row with its reason; a row that nothing needs any more fails as well.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::support::operations;

mod words;

use words::WORDS;

/// The floors, from the rules up, and where their words stand.
const FLOORS: [(char, &str); 5] = [
    ('d', "domain/src"),
    ('i', "infra/src/postgres"),
    ('a', "api/src/app"),
    ('h', "api/src/http"),
    ('t', "tests/it"),
];

/// Files of a floor that are no words but what its words share.
const SHARED: &[(char, &[&str])] = &[
    (
        'd',
        &[
            "code",
            "decision",
            "edition",
            "id",
            "lib",
            "page",
            "personal",
            "refusal",
            "scope",
            "sheet",
            "testing",
            "text",
            "time",
            "transitions",
        ],
    ),
    ('i', &[]),
    ('a', &["case"]),
    ('h', &["docs", "envelope", "extract", "openapi", "operations", "printed", "problem"]),
    (
        't',
        &[
            "architecture",
            "badinput",
            "docs",
            "main",
            "migrations",
            "openapi",
            "ops",
            "permissions",
            "search",
            "story",
            "support",
            "year",
        ],
    ),
];

/// Operations whose word is part of another word's file.
const HOUSED: &[(&str, &str, &str)] =
    &[("account", "identity", "an account is managed by the desk that also knows its log-ins")];

/// Files longer than [`LONGEST`] lines.
const LONG: &[(&str, &str)] = &[
    ("domain/src/identity.rs", "the one table of what each role may do"),
    (
        "api/src/http/problem/codes.rs",
        "the one list of every problem code, with an example of each",
    ),
    ("tests/it/permissions/rows.rs", "the one table of who may do each operation"),
];
/// Lines that a file has at most.
const LONGEST: usize = 600;

/// Calls from HTTP into a store outside its `read` module: none of them changes anything but one.
const STORE_CALLS: &[(&str, &str, &str)] = &[
    ("api/src/http/complaint.rs", "event::timeline", "a read, guarded by the scope it takes"),
    ("api/src/http/complaint/sheet.rs", "event::timeline", "a read, guarded by the scope it takes"),
    ("api/src/http/whistle.rs", "event::timeline", "a read, guarded by the scope it takes"),
    (
        "api/src/http/task/exclusion.rs",
        "complaint::exclusion::list",
        "a read, guarded by the scope it takes",
    ),
    ("api/src/http/notification.rs", "notification::list", "a read, guarded by the scope it takes"),
    ("api/src/http/notification.rs", "notification::unread", "a read of the caller's own count"),
    ("api/src/http/job.rs", "job::dead", "a read for the administrator's desk"),
    ("api/src/http/calendar.rs", "calendar::versions", "a read: the calendar belongs to nobody"),
    ("api/src/http/calendar.rs", "calendar::warned", "a read: the calendar belongs to nobody"),
    ("api/src/http/routing.rs", "routing::rules", "a read: the rules belong to nobody"),
    ("api/src/http/operations.rs", "job::backlog", "a read for the figures"),
    (
        "api/src/http/complaint/view.rs",
        "audit::append",
        "the one write: who sees a number unmasked leaves a record in the reading itself",
    ),
];

/// Statuses named outside `http/problem.rs`. A success status is a handler's own, documented on
/// it; a refusal's status follows from its kind alone.
const SUCCESSES: &[&str] = &[
    "HttpResponse::Ok",
    "HttpResponse::Created",
    "HttpResponse::Accepted",
    "HttpResponse::NoContent",
    "HttpResponse::NotModified",
    "StatusCode::OK",
    "StatusCode::CREATED",
    "StatusCode::ACCEPTED",
    "StatusCode::NO_CONTENT",
];
const STATUSES: &[(&str, &str, &str)] = &[
    (
        "api/src/http/extract/idempotency_key.rs",
        "StatusCode::from_u16",
        "the status of a kept first answer",
    ),
    (
        "api/src/http/extract/idempotency_key.rs",
        "HttpResponse::build",
        "the status of a kept first answer",
    ),
    ("api/src/http/operations.rs", "HttpResponse::build", "503, by `problem::status`"),
    ("api/src/http/operations.rs", "HttpResponse::new", "204 when no figures are collected"),
];

/// Where the offset is written out for a person to read.
const OFFSET_EXAMPLES: &[(&str, &str)] = &[
    ("api/src/http/extract/reason.rs", "an example in a refusal"),
    ("api/src/http/deadline.rs", "an example in the documentation and in a refusal"),
    ("xtask/src/tour/complaint.rs", "what the tour asks for"),
];

/// A source file without its comments and its unit tests.
struct Source {
    /// From the root of the checkout, such as `api/src/app.rs`.
    path: String,
    /// The code.
    code: String,
    /// How long the file is as it stands.
    lines: usize,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").canonicalize().unwrap()
}

/// The sources below a folder, in order.
fn sources(folder: &str) -> Vec<Source> {
    let root = root();
    let mut found = Vec::new();
    let mut folders = vec![root.join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                found.push(Source { code: code(&text), lines: text.lines().count(), path });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    assert!(!found.is_empty(), "{folder} has no sources");
    found
}

/// What is compiled into the product: no comments, nothing from the tests' module on.
fn code(text: &str) -> String {
    let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = product.lines().filter(|line| !line.trim_start().starts_with("//"));
    lines.collect::<Vec<_>>().join("\n")
}

/// Unit tests in files of their own, and what they share.
fn is_test(source: &Source) -> bool {
    source.path.ends_with("/tests.rs")
        || source.path.contains("/tests/")
        || source.path == "domain/src/testing.rs"
}

fn product(folders: &[&str]) -> Vec<Source> {
    let all = folders.iter().flat_map(|folder| sources(folder));
    all.filter(|source| !is_test(source)).collect()
}

/// The identifiers and paths in code, such as `HttpResponse::Ok` or `event::timeline`.
fn paths(code: &str) -> impl Iterator<Item = &str> {
    code.split(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
        .filter(|path| !path.is_empty())
}

/// Fails with every entry: `what` it is and where.
#[track_caller]
fn none(what: &str, found: &[String]) {
    assert!(found.is_empty(), "{what}:\n  {}", found.join("\n  "));
}

#[test]
fn the_rules_know_no_machine() {
    let manifest = fs::read_to_string(root().join("domain/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    let dependencies = dependencies.split("\n[").next().unwrap();
    let allowed = ["chrono", "serde", "serde_json", "sqlx", "thiserror", "utoipa", "uuid"];
    let names = dependencies.lines().filter_map(|line| line.split(['.', ' ', '=']).next());
    let strange: Vec<String> = names
        .filter(|name| !name.is_empty() && !allowed.contains(name))
        .map(str::to_owned)
        .collect();
    none("domain depends on", &strange);

    let machines = ["tokio", "actix_web", "reqwest", "redis", "infra", "api", "async", "await"];
    let found: Vec<String> = product(&["domain/src"])
        .iter()
        .flat_map(|source| {
            let named = paths(&source.code).filter_map(|path| path.split("::").next());
            let named = named.filter(|first| machines.contains(first));
            named.map(|machine| format!("{}: {machine}", source.path)).collect::<Vec<_>>()
        })
        .collect();
    none("domain knows a machine", &found);
}

#[test]
fn floors_look_down_only() {
    let found: Vec<String> = [
        ("infra/src", &["api", "actix_web"][..]),
        ("api/src/app", &["actix_web", "crate::http", "crate::jobs::runner"]),
        ("api/src/jobs", &["actix_web", "crate::http"]),
    ]
    .into_iter()
    .flat_map(|(floor, above)| product(&[floor]).into_iter().map(move |source| (source, above)))
    .flat_map(|(source, above)| {
        let begins = |path: &str| {
            above.iter().any(|word| path == *word || path.starts_with(&format!("{word}::")))
        };
        let paths: Vec<&str> = paths(&source.code).filter(|path| begins(path)).collect();
        paths.into_iter().map(|path| format!("{}: {path}", source.path)).collect::<Vec<_>>()
    })
    .collect();
    none("a floor looks up", &found);
}

#[test]
fn sql_stands_in_infra_alone() {
    let found: Vec<String> = product(&["domain/src", "api/src", "xtask/src"])
        .into_iter()
        .filter(|source| {
            paths(&source.code).any(|path| {
                path.starts_with("sqlx::query")
                    || path.starts_with("sqlx::raw_sql")
                    || ["query", "query_as", "query_scalar"].contains(&path)
                        && source.code.contains(&format!("{path}!("))
            })
        })
        .map(|source| source.path)
        .collect();
    none("SQL outside infra", &found);
}

#[test]
fn only_use_cases_begin_and_commit() {
    let found: Vec<String> = product(&["api/src", "infra/src"])
        .into_iter()
        .filter(|source| source.path != "api/src/app.rs")
        .flat_map(|source| {
            let calls = [
                ".begin().await",
                "Transaction::begin",
                "Connection::begin",
                "begin_with(",
                ".commit().await",
                ".rollback().await",
            ];
            let here = calls.into_iter().filter(|call| source.code.contains(call));
            here.map(|call| format!("{}: {call}", source.path)).collect::<Vec<_>>()
        })
        .collect();
    none("a transaction outside app::transact", &found);
    let app = product(&["api/src"]).into_iter().find(|source| source.path == "api/src/app.rs");
    assert!(app.unwrap().code.contains(".begin().await"), "what this test looks for has moved");
}

#[test]
fn refusals_get_their_status_in_one_place() {
    let mut needed = BTreeSet::new();
    let mut found = Vec::new();
    for source in product(&["api/src"]) {
        if source.path.starts_with("api/src/http/problem") {
            continue;
        }
        for path in paths(&source.code) {
            let status = path.starts_with("StatusCode::") || path.starts_with("HttpResponse::");
            if !status || SUCCESSES.contains(&path) {
                continue;
            }
            match STATUSES.iter().find(|(file, name, _)| *file == source.path && *name == path) {
                Some((file, name, _)) => drop(needed.insert((*file, *name))),
                None => found.push(format!("{}: {path}", source.path)),
            }
        }
    }
    none("a status outside http/problem.rs", &found);
    let stale: Vec<String> = STATUSES
        .iter()
        .filter(|(file, name, _)| !needed.contains(&(*file, *name)))
        .map(|(file, name, _)| format!("{file}: {name}"))
        .collect();
    none("exceptions that nothing needs", &stale);
}

#[test]
fn the_offset_stands_in_domain_time_alone() {
    let reckons = ["FixedOffset", "28800", "28_800", "8 * 3600", "hours(8)", "Asia/Shanghai"];
    let mut found = Vec::new();
    for source in product(&["domain/src", "infra/src", "api/src", "xtask/src"]) {
        if source.path == "domain/src/time.rs" {
            continue;
        }
        let reckoned = reckons.iter().find(|sign| source.code.contains(**sign));
        let shown = source.code.contains("+08:00")
            && !OFFSET_EXAMPLES.iter().any(|(file, _)| *file == source.path);
        if let Some(sign) = reckoned.copied().or(shown.then_some("+08:00")) {
            found.push(format!("{}: {sign}", source.path));
        }
    }
    none("the offset outside domain::time", &found);
}

/// What `use infra::postgres::{…}` brings in: (its name here, its path below `infra::postgres`).
fn stores(code: &str) -> Vec<(String, String)> {
    let mut names = Vec::new();
    for import in code.split("use infra::").skip(1) {
        let tree = import.split(';').next().unwrap_or_default();
        let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
        spread("", &tree, &mut names);
    }
    let of_postgres = names.into_iter().filter_map(|path| {
        let below = path.strip_prefix("postgres::")?.to_owned();
        let (path, name) = match below.split_once(" as ") {
            Some((path, name)) => (path.to_owned(), name.to_owned()),
            None => (below.clone(), below.rsplit("::").next()?.to_owned()),
        };
        Some((name, path))
    });
    of_postgres.collect()
}

/// Spreads a `use` tree into its paths; `self` is the path above it.
fn spread(above: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((head, rest)) = tree.split_once('{') else {
        let path = format!("{above}{tree}");
        let path = path.strip_suffix("::self").unwrap_or(&path);
        return paths.push(path.replace("::self as ", " as "));
    };
    let above = format!("{above}{head}");
    let (mut depth, mut branch) = (0_u32, String::new());
    for c in rest.strip_suffix('}').unwrap_or(rest).chars() {
        depth += u32::from(c == '{');
        depth -= u32::from(c == '}');
        if c == ',' && depth == 0 {
            spread(&above, &std::mem::take(&mut branch), paths);
        } else {
            branch.push(c);
        }
    }
    if !branch.trim().is_empty() {
        spread(&above, &branch, paths);
    }
}

#[test]
fn http_changes_nothing_by_itself() {
    let mut needed = BTreeSet::new();
    let mut found = Vec::new();
    for source in product(&["api/src/http"]) {
        let stores = stores(&source.code);
        let full = |path: &str| {
            let path = path.strip_prefix("infra::postgres::").map_or_else(
                || {
                    let (first, rest) = path.split_once("::")?;
                    let (_, below) = stores.iter().find(|(name, _)| name == first)?;
                    Some(format!("{below}::{rest}"))
                },
                |below| Some(below.to_owned()),
            )?;
            let called = path.rsplit("::").next()?;
            let function = called.starts_with(|c: char| c.is_ascii_lowercase())
                && !path.split("::").any(|part| part.starts_with(|c: char| c.is_ascii_uppercase()));
            function.then_some(path)
        };
        for call in source.code.split('(').filter_map(|before| paths(before).last()) {
            let Some(path) = full(call) else { continue };
            if path.contains("::read::") {
                continue;
            }
            match STORE_CALLS.iter().find(|(file, name, _)| *file == source.path && path == *name) {
                Some((file, name, _)) => drop(needed.insert((*file, *name))),
                None => found.push(format!("{}: {path}", source.path)),
            }
        }
    }
    none("HTTP calls a store outside its `read` module", &found);
    let stale: Vec<String> = STORE_CALLS
        .iter()
        .filter(|(file, name, _)| !needed.contains(&(*file, *name)))
        .map(|(file, name, _)| format!("{file}: {name}"))
        .collect();
    none("exceptions that nothing needs", &stale);
}

#[test]
fn the_reader_of_imports_reads_imports() {
    let code = "use infra::{ postgres::{ audit::{self, Origin}, identity::{ self as store, \
                session as sessions, }, }, random, };\nuse infra::postgres::rates;";
    let names: Vec<(String, String)> = stores(code);
    let expected = [
        ("audit", "audit"),
        ("Origin", "audit::Origin"),
        ("store", "identity"),
        ("sessions", "identity::session"),
        ("rates", "rates"),
    ];
    let expected = expected.map(|(name, path)| (name.to_owned(), path.to_owned()));
    assert_eq!(names, expected);
}

#[test]
fn files_stay_short() {
    let mut long = Vec::new();
    for source in ["domain", "infra", "api", "tests", "xtask"].iter().flat_map(|part| sources(part))
    {
        if source.lines > LONGEST {
            long.push((source.path, source.lines));
        }
    }
    let unlisted = long.iter().filter(|(path, _)| !LONG.iter().any(|(file, _)| file == path));
    let unlisted: Vec<String> =
        unlisted.map(|(path, lines)| format!("{path}: {lines} lines")).collect();
    none("files too long", &unlisted);
    let stale = LONG.iter().filter(|(file, _)| !long.iter().any(|(path, _)| path == file));
    let stale: Vec<String> = stale.map(|(file, _)| (*file).to_owned()).collect();
    none("files that became short", &stale);
}

#[test]
fn one_word_names_the_same_file_on_every_floor() {
    for (letter, folder) in FLOORS {
        let there: BTreeSet<String> = fs::read_dir(root().join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        let words = WORDS.iter().filter(|(_, floors)| floors.contains(letter));
        let shared = SHARED.iter().filter(|(floor, _)| *floor == letter);
        let wanted: BTreeSet<String> = words
            .map(|(word, _)| *word)
            .chain(shared.flat_map(|(_, names)| names.iter().copied()))
            .map(str::to_owned)
            .collect();
        let missing: Vec<_> = wanted.difference(&there).collect();
        let strange: Vec<_> = there.difference(&wanted).collect();
        assert!(missing.is_empty(), "{folder} lacks {missing:?}");
        assert!(strange.is_empty(), "{folder} has {strange:?}, which are no rows of WORDS");
    }
}

#[test]
fn a_module_is_a_file_beside_its_folder() {
    let all = ["domain", "infra", "api", "tests", "xtask"].iter().flat_map(|part| sources(part));
    let found: Vec<String> =
        all.map(|source| source.path).filter(|path| path.ends_with("/mod.rs")).collect();
    none("mod.rs", &found);
}

#[test]
fn every_operation_stands_in_the_file_of_its_word() {
    let http = product(&["api/src/http"]);
    let mut lost = Vec::new();
    for operation in operations() {
        let (word, verb) = operation.id.split_once('.').expect("operationIds are word.verb");
        assert!(!word.is_empty() && !verb.is_empty(), "{}", operation.id);
        let house = HOUSED.iter().find(|(guest, ..)| *guest == word).map_or(word, |(_, of, _)| of);
        let (file, folder) = (format!("api/src/http/{house}.rs"), format!("api/src/http/{house}/"));
        let written = format!("operation_id = \"{}\"", operation.id);
        let found = http.iter().any(|source| {
            (source.path == file || source.path.starts_with(&folder))
                && source.code.contains(&written)
        });
        if !found {
            lost.push(operation.id.clone());
        }
    }
    none("operations outside the file of their word", &lost);
}

/// The OpenAPI file has one namespace: of two types of one name the later would silently describe
/// both. `#[schema(as = …)]` tells them apart; `codes!` does so by itself.
#[test]
fn no_two_schemas_share_a_name() {
    let mut names = BTreeSet::new();
    let mut twice = Vec::new();
    for source in product(&["domain/src", "infra/src", "api/src"]) {
        let mut schema = None;
        for line in source.code.lines().map(str::trim) {
            if line.starts_with("#[derive(") {
                schema = line.contains("ToSchema").then_some(None);
            } else if let Some(given) = line.strip_prefix("#[schema(as = ") {
                let given = given.split([',', ')']).next().unwrap().to_owned();
                schema = schema.map(|_| Some(given));
            } else if let Some(declared) = declared(line)
                && let Some(given) = schema.take()
            {
                let name = given.unwrap_or_else(|| declared.to_owned());
                if !names.insert(name.clone()) {
                    twice.push(format!("{}: {name}", source.path));
                }
            }
        }
    }
    assert!(names.len() > 80, "what this test reads has moved: {names:?}");
    none("schemas of one name", &twice);
}

/// The name of the type that a line declares.
fn declared(line: &str) -> Option<&str> {
    let words = line.strip_prefix("pub ").unwrap_or(line);
    let named = words.strip_prefix("struct ").or_else(|| words.strip_prefix("enum "))?;
    named.split([' ', '<', '(', ';']).next()
}
