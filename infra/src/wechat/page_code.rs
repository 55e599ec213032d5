//! Page codes (小程序码): a picture that opens a page of the mini-program when it is scanned.

use serde::Serialize;

use super::{Failure, Interface, WeChat, call::Fault};

/// The widths that WeChat draws, in pixels.
const WIDTHS: std::ops::RangeInclusive<u16> = 280..=1280;
/// The longest scene, in characters.
const LONGEST: usize = 32;

/// What a code opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageCode<'a> {
    /// What the page is told: 1–32 letters, digits and `!#$&'()*+,/:;=?@-._~`.
    pub scene: &'a str,
    /// The page; none for the first one.
    pub page: Option<&'a str>,
    /// The picture's width in pixels, 280–1280.
    pub width: u16,
}

/// Why there is no picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoPicture {
    /// WeChat would refuse such a scene; it was not asked.
    #[error("the scene has 1–32 letters, digits or signs of WeChat's list")]
    Scene,
    /// WeChat gave none.
    #[error(transparent)]
    Failed(#[from] Failure),
}

#[derive(Serialize)]
struct Body<'a> {
    scene: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<&'a str>,
    env_version: &'static str,
    width: u16,
}

/// Whether WeChat takes a text as a scene.
fn fits(scene: &str) -> bool {
    let sign = |c: char| c.is_ascii_alphanumeric() || "!#$&'()*+,/:;=?@-._~".contains(c);
    (1..=LONGEST).contains(&scene.len()) && scene.chars().all(sign)
}

/// Draws a code: the bytes of a JPEG or PNG picture.
///
/// # Errors
/// See [`NoPicture`].
pub async fn draw(wechat: &WeChat, code: PageCode<'_>) -> Result<Vec<u8>, NoPicture> {
    if !fits(code.scene) {
        return Err(NoPicture::Scene);
    }
    let width = code.width.clamp(*WIDTHS.start(), *WIDTHS.end());
    let body = Body { scene: code.scene, page: code.page, env_version: "release", width };
    let bytes = wechat.ask_bytes(Interface::PageCode, None, &body).await?;
    let picture = [&[0xFF, 0xD8, 0xFF][..], b"\x89PNG"].iter().any(|head| bytes.starts_with(head));
    if picture { Ok(bytes) } else { Err(Failure::Unavailable(Fault::Unreadable).into()) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use wiremock::ResponseTemplate;

    use super::*;
    use crate::wechat::{
        Errcode,
        testing::{answers, asked, client, json_of, refusal, server},
    };

    const AT: &str = "/wxa/getwxacodeunlimit";
    const CODE: PageCode<'_> = PageCode { scene: "p=1&c=140213", page: None, width: 100 };

    #[tokio::test]
    async fn a_picture_comes_as_it_is() {
        for picture in [b"\xFF\xD8\xFF\xE0rest".to_vec(), b"\x89PNG\r\n\x1a\nrest".to_vec()] {
            let server = server().await;
            let template = ResponseTemplate::new(200).set_body_raw(picture.clone(), "image/jpeg");
            answers(&server, AT, "token-1", template).await;
            assert_eq!(draw(&client(&server.uri()), CODE).await.unwrap(), picture);
            let body = json!({"scene": "p=1&c=140213", "env_version": "release", "width": 280});
            assert_eq!(asked(&server, AT).await, [body]);
        }
    }

    #[tokio::test]
    async fn a_refusal_and_a_page_are_no_pictures() {
        let unreadable = Failure::Unavailable(Fault::Unreadable);
        for (answer, expected) in [
            (refusal(41030), Failure::Said(Errcode::SetUp(41030))),
            (refusal(45009), Failure::Said(Errcode::Quota)),
            (json_of(&json!({"errcode": 0})), unreadable),
            (ResponseTemplate::new(200).set_body_string("<html>"), unreadable),
        ] {
            let server = server().await;
            answers(&server, AT, "token-1", answer).await;
            let failure = draw(&client(&server.uri()), CODE).await.unwrap_err();
            assert_eq!(failure, NoPicture::Failed(expected));
        }
    }

    #[tokio::test]
    async fn a_scene_that_wechat_would_refuse_is_not_asked_for() {
        let server = server().await;
        let wechat = client(&server.uri());
        for scene in ["", &"a".repeat(33), "中文", "a b", "a%20", "a\"b"] {
            let code = PageCode { scene, ..CODE };
            assert_eq!(draw(&wechat, code).await.unwrap_err(), NoPicture::Scene, "{scene}");
        }
        assert!(server.received_requests().await.unwrap().is_empty());
    }
}
