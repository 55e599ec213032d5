//! The documents, held to the code: links lead somewhere, commands and configuration keys exist,
//! figures are named, and the tables made from the code are fresh.
//!
//! Rewrite the tables with: `UPDATE=1 cargo test -p tests docs::`

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use api::http::problem::codes;
use domain::{
    announcement, attachment, audit, complaint, consultation, delivery, duty, enforcement,
    evaluation::Satisfaction, event, export, fairness, feedback, final_reply, grant, guide,
    household, identity, import, live, merchant, offer, org, pairing, party, points, privacy,
    publication, rates, redemption, registration, request, score, screening, service, sla,
    supervision, task, template, view, whistle, work_unit,
};

use crate::support::{Operation, document, operations};

/// A document: where it stands, and its text.
struct Document {
    path: PathBuf,
    text: String,
}

impl Document {
    fn read(path: &str) -> Self {
        let path = root().join(path);
        let text = fs::read_to_string(&path).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        Self { path, text }
    }

    fn name(&self) -> String {
        self.path.strip_prefix(root()).unwrap().display().to_string()
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn documents() -> Vec<Document> {
    let mut found = Vec::new();
    for folder in ["", "docs", "docs/adr"] {
        for entry in fs::read_dir(root().join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "md") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Document { path, text });
            }
        }
    }
    assert!(found.len() >= 15, "where are the documents? {}", found.len());
    found
}

fn none(what: &str, found: &BTreeSet<String>) {
    let listed: Vec<&str> = found.iter().map(String::as_str).collect();
    assert!(found.is_empty(), "{what}:\n  {}", listed.join("\n  "));
}

/// What follows each `opening`, up to the first character that `belongs` refuses.
fn after<'t>(
    text: &'t str,
    opening: &'t str,
    belongs: fn(char) -> bool,
) -> impl Iterator<Item = &'t str> {
    text.split(opening)
        .skip(1)
        .map(move |rest| &rest[..rest.find(|c| !belongs(c)).unwrap_or(rest.len())])
}

/// What stands in a code span, such as `` `http.port` ``.
fn spans(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

#[test]
fn every_link_leads_somewhere() {
    let mut dead = BTreeSet::new();
    for document in documents() {
        for target in after(&document.text, "](", |c| c != ')') {
            let file = target.split('#').next().unwrap_or_default();
            let outside = target.contains("://") || target.starts_with("mailto:");
            if !outside && !file.is_empty() && !document.path.with_file_name(file).exists() {
                dead.insert(format!("{} → {target}", document.name()));
            }
        }
    }
    none("links to nothing", &dead);
}

/// ARCHITECTURE and ADDING-A-FEATURE name files; a file that moved takes its mention along.
#[test]
fn every_source_file_that_is_named_exists() {
    let mut missing = BTreeSet::new();
    for document in documents() {
        let ours = |span: &&str| {
            ["domain/", "infra/", "api/", "tests/", "xtask/", "config/", "docs/"]
                .iter()
                .any(|folder| span.starts_with(folder))
                && !span.contains(['<', '*', '{', '…', ' '])
        };
        for span in spans(&document.text).filter(ours) {
            let file = span.split(':').next().unwrap_or_default();
            if !root().join(file).exists() {
                missing.insert(format!("{}: {span}", document.name()));
            }
        }
    }
    none("files that are not there", &missing);
}

/// The subcommands that an enum of clap declares, as they are typed.
fn subcommands(file: &str, name: &str) -> BTreeSet<String> {
    let text = Document::read(file).text;
    let body = text.split(&format!("enum {name} {{")).nth(1).unwrap_or_else(|| panic!("{name}?"));
    let body = body.split("\n}").next().unwrap();
    let variants = body.lines().filter_map(|line| line.strip_prefix("    "));
    let named = variants.filter(|line| line.starts_with(|c: char| c.is_ascii_uppercase()));
    let word = |line: &str| line.split(|c: char| !c.is_ascii_alphanumeric()).next().map(kebab);
    let found: BTreeSet<String> = named.filter_map(word).collect();
    assert!(found.len() > 3, "what this test reads has moved: {found:?}");
    found
}

fn kebab(name: &str) -> String {
    let mut typed = String::new();
    for (place, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && place > 0 {
            typed.push('-');
        }
        typed.push(c.to_ascii_lowercase());
    }
    typed
}

#[test]
fn every_command_that_is_named_exists() {
    let mut admin = subcommands("api/src/cli/admin.rs", "Online");
    // It stands apart there, since it has no database yet.
    admin.insert("restore".to_owned());
    let programs = [
        ("cargo xtask ", subcommands("xtask/src/main.rs", "Task")),
        ("zhixiang ", subcommands("api/src/cli.rs", "Command")),
        ("zhixiang admin ", admin),
    ];
    let mut unknown = BTreeSet::new();
    for document in documents() {
        for (program, known) in &programs {
            // Only in code: "the zhixiang database" is a sentence, not a command.
            let code = spans_and_blocks(&document.text);
            let typed = after(&code, program, |c| c.is_ascii_lowercase() || c == '-');
            for word in typed.filter(|word| !word.is_empty() && !word.starts_with('-')) {
                if !known.contains(word) {
                    unknown.insert(format!("{}: {program}{word}", document.name()));
                }
            }
        }
    }
    none("commands that are not there", &unknown);
}

/// Code spans and the commands of code blocks, a line each.
fn spans_and_blocks(text: &str) -> String {
    let mut inside = false;
    let mut code = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            code.push_str(line.split('#').next().unwrap_or_default());
            code.push('\n');
        } else {
            spans(line).for_each(|span| code.push_str(&format!("{span}\n")));
        }
    }
    code
}

/// The keys of `config/default.toml`, and its sections without keys.
fn configured() -> BTreeSet<String> {
    let text = Document::read("config/default.toml").text;
    let mut section = String::new();
    let mut keys = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            section = format!("{name}.");
            keys.insert(name.to_owned());
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys.remove(section.trim_end_matches('.'));
            keys.insert(format!("{section}{key}"));
        }
    }
    keys
}

/// LEDGER tells the bookkeeper of each rule of the books, in its own words.
#[test]
fn the_table_of_the_books_rules_is_complete() {
    let text = Document::read("docs/LEDGER.md").text;
    let table = text.split("<!-- rules -->").nth(1).expect("the table of rules");
    let rows: Vec<&str> = table.lines().filter(|line| line.starts_with("| `")).collect();
    let wanted: Vec<String> = points::BookRule::ALL
        .iter()
        .map(|rule| format!("| `{rule}` | {} |", rule.label()))
        .collect();
    assert_eq!(rows, wanted);
}

/// OPERATIONS has one row for each key, which begins with it: ``| `http.port` | …``.
#[test]
fn the_table_of_configuration_is_complete() {
    let text = Document::read("docs/OPERATIONS.md").text;
    let table = text.split("<!-- configuration -->").nth(1).expect("the table of keys");
    let rows = table.lines().filter_map(|line| line.strip_prefix("| `"));
    let told: BTreeSet<String> =
        rows.filter_map(|row| row.split('`').next()).map(str::to_owned).collect();
    let configured = configured();
    none("keys without a row", &configured.difference(&told).cloned().collect());
    none("rows without a key", &told.difference(&configured).cloned().collect());
}

#[test]
fn every_variable_that_is_named_sets_a_key() {
    let variable =
        |key: &String| format!("ZHIXIANG__{}", key.replace('.', "__").to_ascii_uppercase());
    let known: BTreeSet<String> = configured().iter().map(variable).collect();
    let mut unknown = BTreeSet::new();
    for document in documents() {
        let named = after(&document.text, "ZHIXIANG__", |c| c.is_ascii_uppercase() || c == '_');
        for name in named.filter(|name| !name.is_empty()) {
            // `[sla]` has no keys of its own: its parts are those of `domain::sla::Rules`.
            let variable = format!("ZHIXIANG__{name}");
            if !known.contains(&variable) && !name.starts_with("SLA__") {
                unknown.insert(format!("{}: {variable}", document.name()));
            }
        }
    }
    none("variables that set nothing", &unknown);
}

#[test]
fn every_figure_is_explained() {
    let told = Document::read("docs/OPERATIONS.md").text;
    let told: BTreeSet<&str> = spans(&told).map(|span| span.split('{').next().unwrap()).collect();
    let sources = [
        "api/src/http/operations.rs",
        "api/src/http/envelope.rs",
        "api/src/jobs/timer.rs",
        "api/src/jobs/runner.rs",
    ];
    let mut figures = BTreeSet::new();
    for source in sources {
        let code = Document::read(source).text;
        for opening in ["counter!(\"", "gauge!(\"", "histogram!(\"", "gauge(\"", "&str = \""] {
            let named = after(&code, opening, |c| c.is_ascii_lowercase() || c == '_');
            figures.extend(named.filter(|name| name.len() > 3).map(str::to_owned));
        }
    }
    assert!(figures.len() >= 10, "what this test reads has moved: {figures:?}");
    none(
        "figures that docs/OPERATIONS.md does not explain",
        &figures.into_iter().filter(|name| !told.contains(name.as_str())).collect(),
    );
}

/// Compares the part of a document between two marks with what the code says, or writes it.
fn fresh(document: &str, mark: &str, made: &str) {
    let Document { path, text } = Document::read(document);
    let (from, to) =
        (format!("<!-- {mark}: made from the code -->\n"), format!("<!-- end of {mark} -->"));
    let start = text.find(&from).unwrap_or_else(|| panic!("{document}: no {from}")) + from.len();
    let end = start + text[start..].find(&to).unwrap_or_else(|| panic!("{document}: no {to}"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, format!("{}{made}{}", &text[..start], &text[end..])).unwrap();
    } else {
        assert!(
            &text[start..end] == made,
            "{document} is stale; rewrite it with: UPDATE=1 cargo test -p tests docs::"
        );
    }
}

/// The first code of each word, in the order of `codes::all`, with the word's heading.
const HEADINGS: &[(&str, &str)] = &[
    ("internal", "Every operation (通用)"),
    ("bad_credentials", "Identity (身份)"),
    ("grant_step_refused", "Grants (授权)"),
    ("invitation_invalid", "Invitations (外勤邀请)"),
    ("staff_account", "Own data (个人信息)"),
    ("complaint_step_refused", "Complaints (诉求)"),
    ("follow_up_taken", "Follow-up (回访)"),
    ("task_step_refused", "Tasks (任务)"),
    ("extension_not_for_emergency", "Extensions (延期)"),
    ("consultation_step_refused", "Consultations (会商)"),
    ("act_task_step_refused", "Enforcement (执法)"),
    ("final_reply_step_refused", "Final replies (最终答复)"),
    ("attachment_too_large", "Attachments (附件)"),
    ("note_missing", "Internal notes (内部备注)"),
    ("template_missing", "Reply templates (答复模板)"),
    ("screening_step_refused", "Screening (内容核验)"),
    ("delivery_step_refused", "Deliveries (对外发送)"),
    ("wechat_signature_wrong", "Pushes of WeChat (微信推送)"),
    ("whistle_step_refused", "Whistles (吹哨)"),
    ("supervision_step_refused", "Supervision (督办)"),
    ("registration_step_refused", "Registration (双报到)"),
    ("registration_change_step_refused", "Changes of registrations (报到变更)"),
    ("unit_registration_step_refused", "Work units (工作单位)"),
    ("matter_step_refused", "Paired cadres (包联)"),
    ("party_number_there", "Party register (党员名册)"),
    ("request_step_refused", "Requests (点单)"),
    ("claim_step_refused", "Service (双服务)"),
    ("pairing_step_refused", "Households (困难家庭)"),
    ("not_an_award", "Points (积分)"),
    ("application_step_refused", "Merchants (商户)"),
    ("settlement_step_refused", "Statements (结算单)"),
    ("offer_step_refused", "Offers (优惠)"),
    ("score_step_refused", "Score book (积分管理手册)"),
    ("offer_sold_out", "Redemptions (兑换)"),
    ("qr_expired", "At the till (到店核销)"),
    ("fairness_step_refused", "Fairness (公平核查)"),
    ("feedback_step_refused", "Opinions on the application (意见)"),
    ("stream_limit_reached", "Streams (实时推送)"),
    ("publication_step_refused", "Announcements and the guide (公告、办事指南)"),
    ("view_limit_reached", "Lists and exports (列表、导出)"),
    ("not_on_duty_list", "Duty lists (清单)"),
    ("routing_rule_exists", "Routing (派单路由)"),
    ("job_not_dead", "Jobs, calendar and bulletins (作业、日历、通报)"),
    ("sheet_encoding", "Sheets and PDF (表格、PDF)"),
];

#[test]
fn the_table_of_problem_codes_is_fresh() {
    let mut table = String::new();
    let mut headings = 0;
    for code in codes::all() {
        if let Some((_, heading)) = HEADINGS.iter().find(|(first, _)| *first == code.code) {
            headings += 1;
            table.push_str(&format!(
                "\n### {heading}\n\n| code | status | what the person reads (example) |\n|---|---|---|\n"
            ));
        }
        table.push_str(&format!("| `{}` | {} | {} |\n", code.code, code.status, code.detail));
    }
    assert_eq!(headings, HEADINGS.len(), "a word's first code is another now");
    table.push('\n');
    fresh("docs/API.md", "codes", &table);
}

#[test]
fn the_table_of_operations_is_fresh() {
    let mut table = String::new();
    for tag in document()["tags"].as_array().unwrap() {
        let (word, about) = (tag["name"].as_str().unwrap(), tag["description"].as_str().unwrap());
        table.push_str(&format!(
            "\n### {about} `{word}`\n\n| request | | operationId |\n|---|---|---|\n"
        ));
        for operation in operations().iter().filter(|it| it.json["tags"][0] == word) {
            let path = operation.path.strip_prefix("/api/v1").unwrap_or(&operation.path);
            // A line break would end the row; Chinese needs nothing in its place.
            let summary: String = operation.json["summary"].as_str().unwrap().lines().collect();
            table.push_str(&format!(
                "| `{} {path}` | {summary} | `{}` |\n",
                operation.method, operation.id
            ));
        }
    }
    assert!(operations().iter().all(|it| table.contains(&format!("| `{}` |", it.id))));
    table.push('\n');
    fresh("docs/API.md", "operations", &table);
}

#[test]
fn the_list_of_operations_with_a_key_is_fresh() {
    let keyed = |it: &&Operation| {
        let parameters = it.json["parameters"].as_array().into_iter().flatten();
        let mut keys = parameters.filter(|one| one["name"] == "Idempotency-Key");
        keys.any(|key| key["required"] == true)
    };
    let line = |it: &Operation| {
        let path = it.path.strip_prefix("/api/v1").unwrap_or(&it.path);
        format!("- `{} {path}`\n", it.method)
    };
    let lines: String = operations().iter().filter(keyed).map(line).collect();
    assert!(lines.contains("`POST /complaints`"), "what this test reads has moved");
    fresh("docs/API.md", "keyed", &format!("\n{lines}\n"));
}

macro_rules! vocabularies {
    ($($name:ty, $title:literal;)+) => {
        vec![$((
            $title,
            concat!("domain::", stringify!($name)),
            <$name>::ALL.iter().map(|it| (it.code(), it.label())).collect::<Vec<_>>(),
        )),+]
    };
}

#[test]
fn the_vocabularies_are_fresh() {
    let vocabularies = vocabularies![
        complaint::Status, "诉求状态";
        complaint::Kind, "诉求类型";
        complaint::Channel, "渠道";
        complaint::Ground, "不予受理理由";
        complaint::ClosedAs, "办结方式";
        complaint::Step, "诉求步骤";
        complaint::ExclusionGround, "剔除理由";
        complaint::Reason, "疑似重复的理由";
        attachment::Kind, "附件类型";
        attachment::MediaType, "附件格式";
        attachment::Place, "附件属于什么";
        attachment::Check, "附件核验情况";
        attachment::Step, "附件核验步骤";
        task::Status, "任务状态";
        task::Role, "承办角色";
        view::List, "列表";
        live::Topic, "实时推送的内容";
        export::Status, "导出状态";
        task::ContactChannel, "联系方式";
        task::ContactOutcome, "联系结果";
        task::Outcome, "答复结论";
        task::ReturnGround, "退单理由";
        task::Step, "任务步骤";
        task::Cause, "时间归因";
        consultation::Status, "会商状态";
        consultation::Level, "会商层级";
        consultation::Cause, "会商原因";
        consultation::Step, "会商步骤";
        delivery::Channel, "发送渠道";
        delivery::Template, "消息模板";
        delivery::Digest, "每日摘要";
        delivery::State, "发送状态";
        delivery::Step, "发送步骤";
        delivery::Reason, "未发送的原因";
        screening::State, "内容核验";
        screening::Step, "内容核验步骤";
        screening::Reason, "内容核验原因";
        final_reply::Status, "最终答复状态";
        final_reply::Step, "最终答复步骤";
        template::FieldKind, "模板项目";
        whistle::Status, "哨单状态";
        whistle::Kind, "哨单类型";
        whistle::Level, "哨单等级";
        whistle::Step, "哨单步骤";
        whistle::Alarm, "吹哨预警";
        supervision::Status, "督办状态";
        supervision::Level, "督办级别";
        supervision::Step, "督办步骤";
        registration::Status, "报到状态";
        registration::Finding, "与名册核对的结果";
        registration::Step, "报到步骤";
        registration::change::Kind, "报到变更";
        registration::change::Ground, "免除理由";
        registration::change::Status, "报到变更状态";
        registration::change::Step, "报到变更步骤";
        work_unit::Status, "单位报到状态";
        work_unit::Step, "单位报到步骤";
        work_unit::ReceiptCause, "报到回执";
        work_unit::ReportKind, "单位反馈";
        pairing::Status, "包联事项状态";
        pairing::Step, "包联事项步骤";
        service::year::Standing, "年度要求";
        party::Ledger, "台账";
        party::Rank, "职级";
        party::Standing, "党籍";
        party::Health, "健康状况";
        party::Sex, "性别";
        party::RemovedAs, "移出名册的原因";
        party::ChangeKind, "名册变动";
        party::colour::Group, "五色管理的组";
        party::colour::Colour, "五色";
        party::floating::Direction, "流动方向";
        party::transfer::Status, "转接状态";
        party::transfer::Step, "转接步骤";
        party::roll::Column, "名册表格的列";
        request::Status, "点单状态";
        request::Step, "点单步骤";
        service::Kind, "岗位类别";
        service::Status, "认领状态";
        service::Proof, "签到方式";
        service::Step, "认领步骤";
        household::Category, "困难类别";
        household::Status, "包联状态";
        household::VisitKind, "走访方式";
        household::Step, "包联步骤";
        service::hours::Column, "外部平台时长表格的列";
        score::Inlet, "积分管理手册的入口";
        score::Status, "积分管理手册记录状态";
        score::Step, "积分管理手册步骤";
        score::quarterly::Status, "季度结算状态";
        score::quarterly::Step, "季度结算步骤";
        service::Oddity, "签到疑点";
        service::dispute::Status, "异议状态";
        service::dispute::Step, "异议步骤";
        points::EntryKind, "积分种类";
        points::Source, "积分来源";
        points::Ground, "收回理由";
        points::ProposalStatus, "积分规则、人工调整的状态";
        points::ProposalStep, "积分规则、人工调整的步骤";
        points::NoticeStatus, "积分公示状态";
        points::NoticeStep, "积分公示步骤";
        merchant::Status, "入驻申请状态";
        merchant::Step, "入驻申请步骤";
        merchant::settlement::Status, "结算单状态";
        merchant::settlement::Step, "结算单步骤";
        merchant::settlement::LineKind, "结算单的行";
        offer::Category, "优惠种类";
        offer::Status, "优惠状态";
        offer::Step, "优惠步骤";
        offer::Audience, "优惠面向谁";
        offer::Payer, "优惠由谁付款";
        redemption::Status, "兑换状态";
        redemption::Step, "兑换步骤";
        redemption::Checked, "核对本人的方式";
        fairness::Kind, "公平核查种类";
        fairness::Status, "公平核查状态";
        fairness::Step, "公平核查步骤";
        feedback::Kind, "意见类别";
        feedback::Status, "意见状态";
        feedback::Step, "意见步骤";
        publication::Status, "公告、办事指南状态";
        publication::Step, "公告、办事指南步骤";
        announcement::Kind, "公告类别";
        announcement::Audience, "公告给谁看";
        guide::sheet::Column, "办事指南表格的列";
        audit::chain::Tampering, "审计链核验的发现";
        sla::Urgency, "紧急程度";
        sla::Mark, "时限环节";
        sla::TimerKind, "到点事项";
        event::EventKind, "办理记录";
        event::Visibility, "记录可见范围";
        identity::Role, "角色";
        identity::Means, "怎样登录";
        grant::Kind, "授权申请种类";
        grant::Status, "授权申请状态";
        grant::Step, "授权申请步骤";
        identity::SessionEnd, "登录结束原因";
        privacy::Hold, "注销等待的事项";
        privacy::Purpose, "告知与同意的事项";
        org::NodeKind, "组织节点";
        org::ManagementMode, "小区管理模式";
        duty::ListKind, "清单种类";
        duty::Duty, "清单职责";
        duty::edition::Column, "清单表格的列";
        duty::proposal::Status, "清单建议状态";
        enforcement::power::PowerKind, "执法事项来源";
        enforcement::power::Column, "执法事项表格的列";
        enforcement::ActKind, "执法行为";
        enforcement::ActStatus, "执法行为状态";
        enforcement::PartyKind, "相对人";
        enforcement::CertificateStatus, "执法证状态";
        rates::PeerGroup, "同类组";
        rates::Figure, "三率的件数";
        rates::CentreFigure, "区中心的件数";
        rates::CentreDuty, "区中心的时限";
        import::Field, "导入字段";
    ];
    let mut text = String::new();
    for (title, name, members) in vocabularies {
        text.push_str(&format!("\n### {title} `{name}`\n\n| 中文 | code |\n|---|---|\n"));
        for (code, label) in members {
            text.push_str(&format!("| {label} | `{code}` |\n"));
        }
    }
    let scale = (1..=5).rev().filter_map(|value| Satisfaction::try_from(value).ok());
    text.push_str(
        "\n### 满意度 `domain::evaluation::Satisfaction`\n\n| 中文 | code |\n|---|---|\n",
    );
    scale.for_each(|it| text.push_str(&format!("| {} | `{}` |\n", it.label(), it.value())));
    text.push('\n');
    fresh("docs/GLOSSARY.md", "vocabularies", &text);
}
