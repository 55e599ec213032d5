//! Checks of what people write and send (内容安全): a text is judged at once, a picture or voice
//! later, by a push.

use domain::personal::OpenId;
use serde::{Deserialize, Serialize};

use super::{Failure, Interface, WeChat, call::Fault};

/// The longest text of one check, in characters.
const PIECE: usize = 2500;
/// So many characters stand in both of two neighbours, so that no word is cut where nobody sees it.
const SHARED: usize = 20;
/// What is checked stands in a forum-like place: 3 in WeChat's list of scenes.
const SCENE: u8 = 3;
/// The version of the interfaces.
const VERSION: u8 = 2;

/// What WeChat makes of something, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Suggestion {
    /// Nothing is wrong with it.
    Pass,
    /// A person should look.
    Review,
    /// It should not be shown.
    Risky,
}

/// A judgement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judgement {
    /// What to do.
    pub suggestion: Suggestion,
    /// Why, by WeChat's number (100 is nothing).
    pub label: i64,
}

/// What of a picture or voice is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Media {
    /// Something said.
    Audio,
    /// A picture.
    Image,
}

#[derive(Serialize)]
struct TextBody<'a> {
    version: u8,
    openid: &'a str,
    scene: u8,
    content: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
}

#[derive(Deserialize)]
struct TextAnswer {
    result: TextResult,
}

#[derive(Deserialize)]
struct TextResult {
    suggest: Suggestion,
    #[serde(default)]
    label: i64,
}

#[derive(Serialize)]
struct MediaBody<'a> {
    version: u8,
    openid: &'a str,
    scene: u8,
    media_url: &'a str,
    media_type: u8,
}

#[derive(Deserialize)]
struct MediaAnswer {
    trace_id: String,
}

/// A text in pieces that are short enough, each as long as it may be.
fn pieces(text: &str) -> Vec<String> {
    let letters: Vec<char> = text.chars().collect();
    let (mut pieces, mut rest) = (Vec::new(), letters.as_slice());
    while !rest.is_empty() {
        let piece = rest.get(..PIECE).unwrap_or(rest);
        pieces.push(piece.iter().collect());
        rest =
            if piece.len() == rest.len() { &[] } else { rest.get(PIECE - SHARED..).unwrap_or(&[]) };
    }
    pieces
}

/// Has a text judged that `by` wrote: piece by piece, and the worst counts. The title goes with the
/// first piece. Nothing more is asked once a piece is risky.
///
/// # Errors
/// See [`Failure`]; 61010 where the person was not active in the last two hours.
pub async fn text(
    wechat: &WeChat,
    by: &OpenId,
    title: Option<&str>,
    content: &str,
) -> Result<Judgement, Failure> {
    let mut worst = Judgement { suggestion: Suggestion::Pass, label: 100 };
    for (place, piece) in pieces(content).iter().enumerate() {
        let title = title.filter(|_| place == 0);
        let body =
            TextBody { version: VERSION, openid: by.plain(), scene: SCENE, content: piece, title };
        let TextAnswer { result } = wechat.ask(Interface::TextCheck, &body).await?;
        if result.suggest > worst.suggestion {
            worst = Judgement { suggestion: result.suggest, label: result.label };
        }
        if worst.suggestion == Suggestion::Risky {
            break;
        }
    }
    Ok(worst)
}

/// Asks for a picture or voice at `url` to be judged; the answer is pushed within 30 minutes, with
/// the trace id that this gives.
///
/// # Errors
/// See [`Failure`].
pub async fn media(
    wechat: &WeChat,
    by: &OpenId,
    url: &str,
    media: Media,
) -> Result<String, Failure> {
    let media_type = match media {
        Media::Audio => 1,
        Media::Image => 2,
    };
    let body = MediaBody {
        version: VERSION,
        openid: by.plain(),
        scene: SCENE,
        media_url: url,
        media_type,
    };
    let MediaAnswer { trace_id } = wechat.ask(Interface::MediaCheck, &body).await?;
    if trace_id.is_empty() || trace_id.len() > 128 {
        return Err(Failure::Unavailable(Fault::Unreadable));
    }
    Ok(trace_id)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{method, path},
    };

    use super::*;
    use crate::wechat::{
        Advice, Errcode,
        testing::{answers, asked, client, json_of, refusal, server},
    };

    const TEXT: &str = "/wxa/msg_sec_check";
    const MEDIA: &str = "/wxa/media_check_async";

    fn by() -> OpenId {
        OpenId::trusted("oX1".to_owned())
    }

    fn judged(suggest: &str, label: i64) -> Value {
        json!({"errcode": 0, "errmsg": "ok", "trace_id": "t", "detail": [],
            "result": {"suggest": suggest, "label": label}})
    }

    #[test]
    fn pieces_are_as_long_as_they_may_be_and_no_word_is_cut() {
        for (count, expected) in [(0, 0), (1, 1), (2500, 1), (2501, 2), (4980, 2), (4981, 3)] {
            let text: String = ('一'..).take(count).collect();
            let parts = pieces(&text);
            assert_eq!(parts.len(), expected, "{count}");
            assert!(parts.iter().all(|part| part.chars().count() <= PIECE));
            let mut whole = parts.first().cloned().unwrap_or_default();
            whole.extend(parts.iter().skip(1).flat_map(|part| part.chars().skip(SHARED)));
            assert_eq!(whole, text, "{count}");
        }
        for before in 2480..2510 {
            let text = format!("{}不许写的词{}", "字".repeat(before), "字".repeat(100));
            assert!(pieces(&text).iter().any(|part| part.contains("不许写的词")), "{before}");
        }
    }

    /// A server that answers by what the piece holds.
    async fn by_content() -> MockServer {
        let server = server().await;
        Mock::given(method("POST"))
            .and(path(TEXT))
            .respond_with(|request: &wiremock::Request| {
                let asked: Value = request.body_json().unwrap();
                let content = asked["content"].as_str().unwrap();
                assert!(content.chars().count() <= 2500);
                json_of(&match content {
                    text if text.contains('险') => judged("risky", 20006),
                    text if text.contains('疑') => judged("review", 20001),
                    _ => judged("pass", 100),
                })
            })
            .mount(&server)
            .await;
        server
    }

    #[tokio::test]
    async fn the_worst_piece_counts_and_a_risky_one_ends_it() {
        use Suggestion::{Pass, Review, Risky};
        let filler = "字".repeat(2500);
        for (text, suggestion, label, calls) in [
            ("路灯坏了".to_owned(), Pass, 100, 1),
            (format!("{filler}疑{filler}"), Review, 20001, 3),
            (format!("{filler}疑{filler}险"), Risky, 20006, 3),
            (format!("险{filler}{filler}"), Risky, 20006, 1),
        ] {
            let server = by_content().await;
            let wechat = client(&server.uri());
            let judgement = super::text(&wechat, &by(), Some("题目"), &text).await.unwrap();
            assert_eq!(judgement, Judgement { suggestion, label });
            let asked = asked(&server, TEXT).await;
            assert_eq!(asked.len(), calls);
            assert_eq!((&asked[0]["title"], &asked[0]["openid"]), (&json!("题目"), &json!("oX1")));
            assert_eq!((&asked[0]["version"], &asked[0]["scene"]), (&json!(2), &json!(3)));
            assert!(asked.iter().skip(1).all(|body| body.get("title").is_none()));
        }
    }

    #[tokio::test]
    async fn a_check_that_cannot_run_says_so() {
        let unreadable = Failure::Unavailable(Fault::Unreadable);
        for (answer, expected, advice) in [
            (refusal(61010), Failure::Said(Errcode::NotActive), Advice::Person),
            (refusal(45009), Failure::Said(Errcode::Quota), Advice::Person),
            (refusal(45011), Failure::Said(Errcode::TooOften), Advice::Later),
            (json_of(&judged("unheard-of", 1)), unreadable, Advice::Later),
            (json_of(&json!({"errcode": 0})), unreadable, Advice::Later),
            (
                ResponseTemplate::new(200).set_body_string("<html>维护中</html>"),
                unreadable,
                Advice::Later,
            ),
        ] {
            let server = server().await;
            answers(&server, TEXT, "token-1", answer).await;
            let wechat = client(&server.uri());
            let failure = super::text(&wechat, &by(), None, "字").await.unwrap_err();
            assert_eq!((failure, failure.advice()), (expected, advice));
        }
    }

    #[tokio::test]
    async fn media_are_asked_for_and_traced() {
        for (kind, number) in [(Media::Audio, 1), (Media::Image, 2)] {
            let server = server().await;
            answers(&server, MEDIA, "token-1", json_of(&json!({"errcode": 0, "trace_id": "t-1"})))
                .await;
            let wechat = client(&server.uri());
            let url = "https://example.org/a.jpg";
            assert_eq!(media(&wechat, &by(), url, kind).await.unwrap(), "t-1");
            let body = json!({"version": 2, "openid": "oX1", "scene": 3, "media_url": url,
                "media_type": number});
            assert_eq!(asked(&server, MEDIA).await, [body]);
        }
        for answer in [json!({"errcode": 0}), json!({"errcode": 0, "trace_id": ""})] {
            let server = server().await;
            answers(&server, MEDIA, "token-1", json_of(&answer)).await;
            let asked = media(&client(&server.uri()), &by(), "https://e", Media::Image).await;
            assert_eq!(asked.unwrap_err(), Failure::Unavailable(Fault::Unreadable));
        }
    }
}
