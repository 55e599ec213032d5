//! Vouchers on paper (代办兑换券) over HTTP: a community officer redeems for somebody without a phone and
//! prints a page.

use actix_web::{
    HttpResponse, get, post,
    web::{Data, Json},
};
use domain::{
    id::{OfferId, RedemptionId},
    org::NodeCode,
    page::Page,
    party::Identity,
    personal::Phone,
    redemption::Checked,
    refusal::{Basic, Invalid},
    text, time,
};
use infra::postgres::{
    offer,
    redemption::read::voucher::{self as read, VoucherView},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{asking, drawn};
use crate::{
    app::{
        idempotent::Once,
        redemption::{
            Ticket,
            voucher::{self as vouchers, Holder, Issue, Printed},
        },
    },
    error::Error,
    http::{
        extract::{
            Addressed, Body, Caller, Empty, IdempotencyKey, On, Paging, RequestMeta, Target,
            caller::needs::IssueVoucher, kept,
        },
        printed::{self, escaped},
    },
    state::State,
};

routes![issue, list, print, revoke];

/// 党员名册上的本人
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoucherMemberBody {
    /// 姓名
    #[schema(example = "演示党员1")]
    pub name: String,
    /// 身份证号码后六位
    #[schema(example = "100001")]
    pub id_number_last6: String,
}

/// 本人：党员身份或电话，二者填一项
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VoucherHolderBody {
    /// 账号绑定的手机号，或党员名册上登记的电话（可以是家里的）
    #[schema(example = "13800001234")]
    pub phone: Option<String>,
    /// 党员姓名和身份证号码后六位
    pub party_member: Option<VoucherMemberBody>,
}

impl VoucherHolderBody {
    /// # Errors
    /// Neither or both; a telephone, a name or a number that cannot be one.
    pub fn parse(&self) -> Result<Holder, Invalid> {
        match (&self.phone, &self.party_member) {
            (Some(phone), None) => Ok(Holder::Phone(Phone::parse("holder.phone", phone)?)),
            (None, Some(member)) => {
                let field = "holder.party_member";
                Identity::parse(field, &member.name, &member.id_number_last6).map(Holder::Member)
            }
            _ => Err(Invalid::field("holder", "电话和党员身份填一项，并且只填一项")),
        }
    }
}

/// 代办兑换券
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IssueVoucherBody {
    /// 为谁办理
    pub holder: VoucherHolderBody,
    /// 怎样核对本人；本人必须在场
    pub checked: Checked,
    /// 由哪个社区办理；在几个社区工作的必填
    #[schema(example = "140213066004")]
    pub community_code: Option<String>,
}

/// What a key is compared with.
#[derive(Serialize)]
struct Command {
    offer: OfferId,
    holder: String,
    checked: Checked,
    community: Option<NodeCode>,
}

/// 代办兑换券
///
/// 社区工作者为没有手机、当面在场的本人用其积分兑换；核对证件后办理，本人会收到通知。随后打印（`/vouchers/{id}/print`）
/// 才有兑换码。已在别的社区报到的，由那个社区办理。默认 7 天有效，不超过优惠的截止时间。
#[utoipa::path(
    operation_id = "redemption.issue_voucher", tag = "redemption",
    params(IdempotencyKey),
    request_body(content = IssueVoucherBody, example = json!({
        "holder": {"party_member": {"name": "演示党员1", "id_number_last6": "100001"}},
        "checked": "id_card"
    })),
    responses((status = 201, description = "已办理；重复提交同一个键得到同样的答复", body = Ticket)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "voucher_holder_unknown", "voucher_for_oneself", "offer_sold_out", "points_insufficient",
        "redemption_limit_reached", "offer_ended", "ledger_blocked", "merchant_suspended",
        "offer_not_published", "offer_not_yet", "offer_not_today", "offer_audience", "offer_age",
        "offer_period_limit"
    ]))),
)]
#[post("/offers/{id}/vouchers")]
async fn issue(
    caller: Caller<IssueVoucher>,
    target: Target<OfferId>,
    state: Data<State>,
    meta: RequestMeta,
    key: Result<IdempotencyKey, Error>,
    body: Body<IssueVoucherBody>,
) -> Result<HttpResponse, Error> {
    let Target(id) = target;
    // A missing offer is missing, whatever else is wrong.
    let read = key.and_then(|IdempotencyKey(key)| {
        let body = body.read()?;
        let holder = body.holder.parse()?;
        let community = body.community_code.as_deref();
        let community =
            community.map(|code| NodeCode::parse("community_code", code)).transpose()?;
        Ok((key, Issue { offer: id, holder, checked: body.checked, community }))
    });
    let (key, issue) = match read {
        Ok(read) => read,
        Err(error) => {
            let mut conn = state.db.acquire().await?;
            offer::read::find(&mut conn, id).await?.ok_or(Basic::NotFound)?;
            return Err(error);
        }
    };
    let command = Command {
        offer: id,
        holder: issue.holder.digest(&state.crypto),
        checked: issue.checked,
        community: issue.community.clone(),
    };
    let account = Some(caller.actor.account);
    let operation = "redemption.issue_voucher";
    let once = Once::new(&state.crypto, account, operation, key.clone(), &command)?;
    let by = asking(&caller, meta);
    let answer = vouchers::issue(&state, by, once, key, issue).await?;
    Ok(kept(answer))
}

/// 本社区代办的兑换券
///
/// 新的在前；不含兑换码。
#[utoipa::path(
    operation_id = "redemption.vouchers", tag = "redemption", params(Paging),
    responses((status = 200, description = "一页兑换券", body = Page<VoucherView>)),
    security(("bearer" = [])),
)]
#[get("/vouchers")]
async fn list(
    caller: Caller<IssueVoucher>,
    state: Data<State>,
    Paging(page): Paging,
) -> Result<Json<Page<VoucherView>>, Error> {
    let mut conn = state.db.acquire().await?;
    let rows = read::list(&mut conn, &caller.scope(), None, page).await?;
    Ok(Json(Page::of(rows, page.limit, VoucherView::cursor)))
}

/// 打印兑换券
///
/// 一个可以直接打印的网页，有二维码和八位数字码。每次打印都是新的码，以前打印的随即失效；每次打印都留痕。
#[utoipa::path(
    operation_id = "redemption.print_voucher", tag = "redemption",
    request_body(content = Empty, example = json!({})),
    responses((status = 200, description = "网页", body = String, content_type = "text/html")),
    security(("bearer" = [])),
    extensions(("x-problems" = json!([
        "redemption_already_verified", "redemption_ended", "redemption_suspended"
    ]))),
)]
#[post("/vouchers/{id}/print")]
async fn print(
    on: On<IssueVoucher, RedemptionId>,
    body: Body<Empty>,
) -> Result<HttpResponse, Error> {
    on.read(body, Ok).await?;
    let by = asking(&on.caller, on.meta.clone());
    let voucher = vouchers::print(&on.state, by, on.id).await?;
    Ok(printed::answer(page(&voucher)?))
}

/// The page: everything in one file, and nothing of whom it is for.
fn page(voucher: &Printed) -> Result<String, Error> {
    let Printed { shown, code, digits, print: nth } = voucher;
    let picture = drawn(code)?;
    // An image inside a page has no declaration of its own.
    let picture = picture.split_once("?>").map_or(picture.as_str(), |(_, image)| image);
    let digits = digits.as_deref().and_then(|digits| digits.split_at_checked(4));
    let digits = digits.map_or_else(String::new, |(one, two)| format!("{one} {two}"));
    let (title, merchant) = (escaped(&shown.title), escaped(&shown.merchant_name));
    let until = escaped(&time::written(shown.expires_at));
    let points = shown.points;
    let id = shown.id;
    Ok(format!(
        "<!doctype html><html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>兑换券</title><style>\
         @page{{size:A5;margin:12mm}}body{{font:16pt/1.5 sans-serif;text-align:center}}\
         h1{{font-size:22pt;margin:0}}.digits{{font:bold 30pt monospace;letter-spacing:2pt}}\
         .note{{font-size:11pt;color:#333}}svg{{width:62mm;height:62mm}}</style></head><body>\
         <h1>{title}</h1><p>{merchant}</p>{picture}<p class=\"digits\">{digits}</p>\
         <p>{points} 积分 · {until} 前有效</p>\
         <p class=\"note\">请把二维码给店员扫，扫不了时报八位数字。只能用一次；这是第 {nth} 次打印，以前打印的已经失效。\
         丢失请到社区作废或重新打印。</p><p class=\"note\">编号 {id}</p></body></html>"
    ))
}

/// 作废兑换券
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RevokeVoucherBody {
    /// 原因，2–200 个字；本人会看到
    #[schema(example = "本人丢失，暂时不需要")]
    pub reason: String,
}

/// 作废兑换券
///
/// 没有核销的随时可以作废，积分和份数马上退回。
#[utoipa::path(
    operation_id = "redemption.revoke_voucher", tag = "redemption",
    request_body(content = RevokeVoucherBody, example = json!({"reason": "本人丢失，暂时不需要"})),
    responses((status = 200, description = "已作废", body = Ticket)),
    security(("bearer" = [])),
    extensions(("x-problems" = json!(["redemption_already_verified", "redemption_ended"]))),
)]
#[post("/vouchers/{id}/revoke")]
async fn revoke(
    on: On<IssueVoucher, RedemptionId>,
    body: Body<RevokeVoucherBody>,
) -> Result<HttpResponse, Error> {
    let reason = on
        .read(body, |body| text::line("reason", &body.reason, 2, 200).map_err(Invalid::from))
        .await?;
    vouchers::revoke(&on.state, asking(&on.caller, on.meta.clone()), on.id, reason).await?;
    on.shown().await
}

impl Addressed for On<IssueVoucher, RedemptionId> {
    /// A voucher of a community that is not the officer's is missing.
    async fn visible(&self) -> Result<(), Error> {
        vouchers::known(&self.state, &self.caller.actor, self.id).await.map(drop)
    }

    async fn shown(&self) -> Result<HttpResponse, Error> {
        let ticket = vouchers::known(&self.state, &self.caller.actor, self.id).await?;
        Ok(HttpResponse::Ok().json(ticket))
    }
}
