//! Devices in words (设备): what a person recognises a log-in by. A user agent is what the device says
//! of itself and proves nothing.

/// Programs, by a part of what they send; the first that fits counts, as many claim to be others.
const PROGRAMS: [(&str, &str); 12] = [
    ("miniprogram", "微信小程序"),
    ("micromessenger", "微信"),
    ("dingtalk", "钉钉"),
    ("edg", "Edge"),
    ("opr/", "Opera"),
    ("firefox/", "Firefox"),
    ("fxios/", "Firefox"),
    ("crios/", "Chrome"),
    ("chrome/", "Chrome"),
    ("safari/", "Safari"),
    ("curl/", "curl"),
    ("python", "Python"),
];

/// Systems, likewise.
const SYSTEMS: [(&str, &str); 9] = [
    ("iphone", "iPhone"),
    ("ipad", "iPad"),
    ("harmony", "HarmonyOS"),
    ("android", "Android"),
    ("windows", "Windows"),
    ("mac os x", "Mac"),
    ("macintosh", "Mac"),
    ("cros", "ChromeOS"),
    ("linux", "Linux"),
];

/// A device as a person knows it, such as `微信小程序 · iPhone`.
pub fn words(user_agent: Option<&str>) -> String {
    let lower = user_agent.unwrap_or_default().to_lowercase();
    let find = |table: &[(&str, &'static str)]| {
        table.iter().find(|(part, _)| lower.contains(part)).map(|(_, word)| *word)
    };
    match (find(&PROGRAMS), find(&SYSTEMS)) {
        (Some(program), Some(system)) => format!("{program} · {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => "未知设备".to_owned(),
    }
}

/// The neighbourhood of an address, as a person is shown it: the first three of four numbers, or the
/// first three groups of eight.
pub fn place(address: &str) -> Option<String> {
    match address.parse().ok()? {
        std::net::IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            Some(format!("{a}.{b}.{c}.*"))
        }
        std::net::IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            Some(format!("{a:x}:{b:x}:{c:x}::*"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_told_in_words() {
        for (user_agent, told) in [
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 \
                 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.49(0x18003137) \
                 NetType/WIFI Language/zh_CN miniProgram/wxdemo",
                "微信小程序 · iPhone",
            ),
            (
                "Mozilla/5.0 (Linux; Android 14; V2309A) AppleWebKit/537.36 Chrome/116.0.0.0 \
                 Mobile Safari/537.36 MicroMessenger/8.0.49",
                "微信 · Android",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) \
                 Chrome/126.0.0.0 Safari/537.36",
                "Chrome · Windows",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0.0.0 \
                 Safari/537.36 Edg/126.0.0.0",
                "Edge · Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 \
                 Version/17.5 Safari/605.1.15",
                "Safari · Mac",
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
                "Firefox · Linux",
            ),
            ("curl/8.5.0", "curl"),
            ("Mozilla/5.0 (Phone; OpenHarmony 5.0)", "HarmonyOS"),
            ("", "未知设备"),
            ("甲", "未知设备"),
        ] {
            assert_eq!(words(Some(user_agent)), told, "{user_agent}");
        }
        assert_eq!(words(None), "未知设备");
    }

    #[test]
    fn an_address_is_told_by_its_neighbourhood() {
        for (address, told) in [
            ("192.0.2.9", Some("192.0.2.*")),
            ("2001:db8:1:2::3", Some("2001:db8:1::*")),
            ("", None),
            ("somewhere", None),
        ] {
            assert_eq!(place(address).as_deref(), told, "{address}");
        }
    }
}
