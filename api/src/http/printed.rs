//! Pages to print (可打印网页): everything in one file, no scripts, and nothing that people wrote is
//! markup.

use actix_web::HttpResponse;

/// Text that may stand in a page.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

/// A table of escaped cells; without a row it says `none` instead.
pub fn table(columns: &[&str], rows: impl Iterator<Item = Vec<String>>, none: &str) -> String {
    let mut html = String::from("<table><thead><tr>");
    for column in columns {
        html.push_str(&format!("<th>{}</th>", escaped(column)));
    }
    html.push_str("</tr></thead><tbody>");
    let mut any = false;
    for row in rows {
        any = true;
        html.push_str("<tr>");
        for cell in row {
            html.push_str(&format!("<td>{}</td>", escaped(&cell)));
        }
        html.push_str("</tr>");
    }
    html.push_str("</tbody></table>");
    if any { html } else { format!("<p class=\"note\">{}</p>", escaped(none)) }
}

/// The answer: the page may load and run nothing, whatever slipped into it.
pub fn answer(html: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .insert_header(("content-security-policy", "default-src 'none'; style-src 'unsafe-inline'"))
        .body(html)
}
