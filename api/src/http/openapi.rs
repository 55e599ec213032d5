//! The OpenAPI file, built from the code. Handlers document what is theirs; what follows from
//! their shape (a token, an `{id}`, a body, a header) is added here by rule.

use std::{collections::BTreeMap, sync::LazyLock};

use serde_json::{Value, json};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        Components, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref,
        RefOr, ResponseBuilder, Server,
        example::{Example, ExampleBuilder},
        extensions::Extensions,
        path::{Operation, Parameter, ParameterIn, PathItem},
        security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme},
        tag::TagBuilder,
    },
};

use super::{
    BASE,
    problem::{
        Problem,
        codes::{self, Code},
    },
};

pub mod lint;

/// The name of the extension that lists an operation's problem codes.
pub const PROBLEMS: &str = "x-problems";

static DOCUMENT: LazyLock<OpenApi> = LazyLock::new(build);

const TAGS: &[(&str, &str)] = &[
    ("identity", "身份：登录、刷新、退出、本人"),
    ("privacy", "个人信息：导出、更正、注销、告知与同意"),
    ("grant", "授权：角色的申请、批准、收回，账号的角色"),
    ("invitation", "外勤：邀请、接受、解除网格员和物业人员，接受商户邀请"),
    ("org", "组织：区划、部门、网格"),
    ("duty", "事项清单：查阅、导入导出、建议单位、对下一版的建议"),
    ("complaint", "诉求：提交、受理、派单、回访、评价"),
    ("track", "凭编号和查询码办理，不需要登录"),
    ("screening", "内容核验：居民所写的能不能向公众显示"),
    ("wechat", "微信消息推送的地址"),
    ("routing", "派单路由：派单建议、规则、所在网格"),
    ("task", "任务：签收、联系、到场、答复、退单、延期"),
    ("consultation", "会商：邀请单位、陈述意见、提级、裁定"),
    ("enforcement", "执法：执法事项清单、执法证、执法行为"),
    ("final_reply", "最终答复：提出、签署、确认、撤销、依据它答复"),
    ("template", "答复模板：建立、修改、停用、试填"),
    ("attachment", "附件：上传照片和语音、查看、隐藏"),
    ("note", "内部备注：区中心和在办单位之间，反映人看不到"),
    ("follow_up", "回访：待电话回访的诉求、领取"),
    ("evaluation", "短链评价：不需要登录，凭链接评价答复"),
    ("whistle", "吹哨：吹哨、审核、评哨、销哨"),
    ("supervision", "督办：立件、书面答复、挂牌、批示、值班表"),
    ("registration", "双报到：党员报到、社区签署、变更与年度结果"),
    ("pairing", "包联：县级领导干部包联社区、小区，接手和解决的事项"),
    ("work_unit", "工作单位：结对社区、单位报到、回执与反馈"),
    ("party", "党员名册：四本台账、五色管理、转接、流动、导入导出、党组织"),
    ("request", "点单：居民点单、社区下单、党员和居民接单"),
    ("service", "双服务：岗位、认领、签到、时长、年度结果"),
    ("household", "困难家庭：登记、包联、走访"),
    ("score", "积分管理手册：五个入口、认定、季度结算、公示、锁定"),
    ("notification", "通知：收件箱"),
    ("live", "实时推送：队列和通知的变化"),
    ("delivery", "对外发送：订阅、偏好、发到微信的消息"),
    ("job", "后台作业：查看和重新执行失败作业"),
    ("view", "常用筛选：保存列表的筛选条件"),
    ("export", "导出：把列表导出为表格文件"),
    ("calendar", "工作日历：放假安排、导入、时限重算"),
    ("deadline", "时限：试算"),
    ("rates", "三率：响应率、解决率、满意率"),
    ("bulletin", "通报：冻结的月份、发布、打印"),
    ("points", "积分：余额、明细、对账"),
    ("merchant", "商户：入驻、店铺、店员、暂停合作、月结算单"),
    ("offer", "优惠：列表、起草、审核、份数、预算"),
    ("redemption", "兑换：兑换、取消、核销、撤销、退回、当日核销、代办兑换券"),
    ("fairness", "公平核查：异常提示、核查、申诉"),
    ("feedback", "对应用的意见：提意见、答复、每月件数"),
    ("announcement", "公告：起草、审核、发布、撤下"),
    ("guide", "办事指南：查找、推荐、起草、审核、导入、有用没用"),
    ("audit", "审计：查找记录、审计链的末端"),
];

/// The whole document; built once.
pub fn document() -> &'static OpenApi {
    &DOCUMENT
}

fn build() -> OpenApi {
    let info = InfoBuilder::new()
        .title("智享平城")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(
            "平城区“智享平城”接口：接诉即办、吹哨报到、双报到与积分。时间为 RFC 3339；出错一律是 \
             application/problem+json，程序看 code，给人看 detail。",
        ))
        .license(Some(
            LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
        ))
        .build();
    let tags = TAGS
        .iter()
        .map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
    let mut document = OpenApiBuilder::new()
        .info(info)
        .servers(Some([Server::new("/")]))
        .tags(Some(tags.collect::<Vec<_>>()))
        .components(Some(components()))
        .build();
    for word in super::words() {
        document.merge(OpenApi::default().nest(BASE, (word.openapi)()));
    }
    let codes: BTreeMap<&str, Code> =
        codes::all().into_iter().map(|code| (code.code, code)).collect();
    for (path, item) in &mut document.paths.paths {
        for (_, operation) in operations_mut(item) {
            complete(path, operation, &codes);
        }
    }
    document
}

fn components() -> Components {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("JWT")
        .description(Some("登录得到的 access_token"))
        .build();
    let mut components = Components::new();
    components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
    let mut schemas =
        vec![(Problem::name().into_owned(), <Problem as utoipa::PartialSchema>::schema())];
    Problem::schemas(&mut schemas);
    components.schemas.extend(schemas);
    let examples = codes::all().into_iter();
    components.examples.extend(examples.map(|code| (code.code.to_owned(), example(&code).into())));
    components
}

/// The operations of a path with their methods.
pub fn operations(item: &PathItem) -> Vec<(&'static str, &Operation)> {
    [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_ref().map(|operation| (method, operation)))
    .collect()
}

fn operations_mut(item: &mut PathItem) -> Vec<(&'static str, &mut Operation)> {
    [
        ("GET", &mut item.get),
        ("POST", &mut item.post),
        ("PUT", &mut item.put),
        ("PATCH", &mut item.patch),
        ("DELETE", &mut item.delete),
    ]
    .into_iter()
    .filter_map(|(method, operation)| operation.as_mut().map(|operation| (method, operation)))
    .collect()
}

/// Whether an operation works without a token.
pub fn is_public(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|security| {
        security.is_empty() || security.contains(&SecurityRequirement::default())
    })
}

/// Whether an operation names a parameter.
pub fn has_parameter(operation: &Operation, place: &ParameterIn, name: &str) -> bool {
    let all = operation.parameters.iter().flatten();
    all.filter_map(inline).any(|one| one.parameter_in == *place && one.name == name)
}

/// A parameter that stands in the operation itself.
pub fn inline(parameter: &RefOr<Parameter>) -> Option<&Parameter> {
    match parameter {
        RefOr::T(parameter) => Some(parameter),
        RefOr::Ref(_) => None,
    }
}

/// Whether an operation takes a JSON body.
pub fn has_json_body(operation: &Operation) -> bool {
    matches!(&operation.request_body, Some(RefOr::T(body)) if body.content.contains_key("application/json"))
}

/// The codes that an operation answers with: those that follow from its shape, then its own.
fn problems(path: &str, operation: &Operation) -> Vec<String> {
    let query = operation
        .parameters
        .iter()
        .flatten()
        .filter_map(inline)
        .any(|one| one.parameter_in == ParameterIn::Query);
    let body = has_json_body(operation);
    let header = |name| has_parameter(operation, &ParameterIn::Header, name);
    let (public, key, version) =
        (is_public(operation), header("Idempotency-Key"), header("If-Match"));
    let by_rule: [(bool, &[&str]); 9] = [
        (body, &["malformed_json", "body_too_large", "unsupported_media_type"]),
        (key, &["idempotency_key_required", "idempotency_key_reused"]),
        (version, &["malformed_if_match", "version_mismatch"]),
        (!public, &["unauthenticated", "forbidden", "network_not_allowed"]),
        (path.contains("{id}"), &["not_found"]),
        (body || query, &["invalid_field"]),
        (public, &["rate_limited"]),
        (true, &["internal"]),
        (true, &["unavailable"]),
    ];
    let own = operation.extensions.as_ref().and_then(|all| all.get(PROBLEMS));
    let own = own.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    let mut codes: Vec<String> = Vec::new();
    let ruled = by_rule.into_iter().filter(|(applies, _)| *applies).flat_map(|(_, codes)| codes);
    for code in ruled.copied().chain(own) {
        if !codes.iter().any(|known| known == code) {
            codes.push(code.to_owned());
        }
    }
    codes
}

/// Adds what follows from the operation's shape: the `{id}` parameter, its problem codes, and a
/// described response for each status that they lead to.
fn complete(path: &str, operation: &mut Operation, known: &BTreeMap<&str, Code>) {
    if path.contains("{id}") && !has_parameter(operation, &ParameterIn::Path, "id") {
        operation.parameters.get_or_insert_default().splice(0..0, identifier());
    }
    let codes = problems(path, operation);
    let mut by_status: BTreeMap<u16, Vec<&Code>> = BTreeMap::new();
    for code in codes.iter().filter_map(|code| known.get(code.as_str())) {
        by_status.entry(code.status).or_default().push(code);
    }
    for (status, codes) in by_status {
        operation.responses.responses.insert(status.to_string(), response(status, &codes).into());
    }
    let listed = Extensions::builder().add(PROBLEMS, json!(codes)).build();
    operation.extensions.get_or_insert_default().merge(listed);
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(dead_code, reason = "only the documentation of {id} is derived from it")]
struct Identifier {
    /// 编号（UUID）
    #[param(example = "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071")]
    id: uuid::Uuid,
}

fn identifier() -> impl Iterator<Item = RefOr<Parameter>> {
    Identifier::into_params(|| Some(ParameterIn::Path)).into_iter().map(RefOr::T)
}

fn response(status: u16, codes: &[&Code]) -> ResponseBuilder {
    let title = title(status);
    let names: Vec<String> = codes.iter().map(|code| format!("`{}`", code.code)).collect();
    let schema = Ref::from_schema_name(Problem::name());
    let examples = codes.iter().map(|code| {
        let place = format!("#/components/examples/{}", code.code);
        (code.code, RefOr::<Example>::Ref(Ref::new(place)))
    });
    let content = ContentBuilder::new().schema(Some(schema)).examples_from_iter(examples).build();
    ResponseBuilder::new()
        .description(format!("{title}：{}", names.join("、")))
        .content(super::problem::MEDIA_TYPE, content)
}

fn title(status: u16) -> &'static str {
    actix_web::http::StatusCode::from_u16(status).map_or("", super::problem::title)
}

fn example(code: &Code) -> ExampleBuilder {
    ExampleBuilder::new().summary(&*code.detail).value(Some(json!({
        "type": format!("urn:zhixiang:problem:{}", code.code),
        "title": title(code.status),
        "status": code.status,
        "code": code.code,
        "detail": code.detail,
        "request_id": "019ab0c1-d2e3-7f00-8a1b-2c3d4e5f6071",
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::extract::{IdempotencyKey, IfMatch, Paging};

    #[test]
    fn every_operation_is_complete() {
        let faults = lint::lint(document());
        assert!(faults.is_empty(), "{}", faults.join("\n"));
    }

    #[test]
    fn headers_and_pages_document_themselves() {
        let names = |parameters: Vec<Parameter>| -> Vec<String> {
            parameters.into_iter().map(|parameter| parameter.name).collect()
        };
        assert_eq!(names(IfMatch::into_params(|| None)), ["If-Match"]);
        assert_eq!(names(IdempotencyKey::into_params(|| None)), ["Idempotency-Key"]);
        assert_eq!(names(Paging::into_params(|| None)), ["cursor", "limit"]);
    }
}
