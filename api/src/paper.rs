//! Papers (PDF) that people print and file: a title, sentences, one table, a closing. They are set
//! in a Chinese font that is found on the machine and embedded, so that they look the same
//! everywhere.

use std::{path::Path, sync::Arc};

use domain::refusal::{Kind, Refusal};
use krilla::{
    Document,
    geom::{PathBuilder, Point},
    metadata::Metadata,
    page::PageSettings,
    paint::Stroke,
    surface::Surface,
    text::{Font, TextDirection},
};

use crate::{config::Pdf, error::Error};

/// Where distributions put a font with Chinese characters, and which face of the file is the
/// simplified one. `fonts-noto-cjk` is the first.
const KNOWN: [(&str, u32); 4] = [
    ("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc", 2),
    ("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc", 0),
    ("/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf", 0),
];

/// A4 upright, in points.
const PAGE: (f32, f32) = (595.0, 842.0);
const MARGIN: f32 = 48.0;
const TITLE: f32 = 18.0;
const TEXT: f32 = 10.5;
/// From one line to the next.
const LINE: f32 = 17.0;
/// Lines of a row that a page holds below a header of two lines.
const WHOLE: usize = 38;

/// Why there is no paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The machine has no Chinese font, or not where it was said to be.
    #[error(
        "服务器上没有找到中文字体，暂时不能生成 PDF，可以先下载表格（format=xlsx）；请系统管理员安装 fonts-noto-cjk，或在 pdf.font 写明字体文件"
    )]
    FontMissing,
}

impl Refusal for Refused {
    fn code(&self) -> &'static str {
        "pdf_font_missing"
    }

    fn kind(&self) -> Kind {
        Kind::Unavailable
    }
}

/// What a paper says.
#[derive(Debug, Clone, PartialEq)]
pub struct Paper {
    /// Its title, centred.
    pub title: String,
    /// Sentences below the title.
    pub opening: Vec<String>,
    /// The columns of the table, each with its share of the width.
    pub columns: Vec<(&'static str, f32)>,
    /// The rows of the table.
    pub rows: Vec<Vec<String>>,
    /// Sentences below the table.
    pub closing: Vec<String>,
}

/// The font that papers are set in.
///
/// # Errors
/// There is none.
pub fn font(config: &Pdf) -> Result<Font, Refused> {
    let read = |path: &str, face: u32| {
        let bytes = std::fs::read(Path::new(path)).ok()?;
        Font::new(Arc::new(bytes).into(), face)
    };
    let found = match config.font.as_str() {
        "" => KNOWN.iter().find_map(|(path, face)| read(path, *face)),
        path => read(path, config.face),
    };
    found.ok_or(Refused::FontMissing)
}

/// The paper as a PDF. It takes time and memory: run it apart from the tasks that serve.
///
/// # Errors
/// The font cannot be embedded.
pub fn pdf(paper: &Paper, font: &Font) -> Result<Vec<u8>, Error> {
    let mut document = Document::new();
    document.set_metadata(Metadata::new().title(paper.title.clone()).language("zh-CN".to_owned()));
    let pages = pages(paper);
    let count = pages.len();
    for (number, lines) in (1..).zip(&pages) {
        let (width, height) = PAGE;
        let settings = PageSettings::from_wh(width, height).unwrap_or_default();
        let mut page = document.start_page_with(settings);
        let mut surface = page.surface();
        for line in lines {
            line.draw(&mut surface, font);
        }
        let foot = format!("第 {number} 页，共 {count} 页");
        let at = Point::from_xy((width - width_of(&foot, TEXT)) / 2.0, height - MARGIN / 2.0);
        surface.draw_text(at, font.clone(), TEXT, &foot, false, TextDirection::LeftToRight);
        surface.finish();
        page.finish();
    }
    document.finish().map_err(|fault| Error::Internal(format!("{fault:?}").into()))
}

/// A line of text, or of a table, at its height on the page.
enum Line {
    Text { x: f32, y: f32, size: f32, text: String },
    Rule { y: f32 },
}

impl Line {
    fn draw(&self, surface: &mut Surface<'_>, font: &Font) {
        match self {
            Self::Text { x, y, size, text } => {
                let at = Point::from_xy(*x, *y);
                let direction = TextDirection::LeftToRight;
                surface.draw_text(at, font.clone(), *size, text, false, direction);
            }
            Self::Rule { y } => {
                let mut path = PathBuilder::new();
                path.move_to(MARGIN, *y);
                path.line_to(PAGE.0 - MARGIN, *y);
                if let Some(path) = path.finish() {
                    surface.set_stroke(Some(Stroke { width: 0.5, ..Stroke::default() }));
                    surface.draw_path(&path);
                    surface.set_stroke(None);
                }
            }
        }
    }
}

/// Lays a paper out.
struct Layout {
    pages: Vec<Vec<Line>>,
    y: f32,
}

impl Layout {
    /// Room for so many lines, on this page or the next; whether it is the next.
    fn room(&mut self, lines: f32) -> bool {
        let over = self.y + lines * LINE > PAGE.1 - MARGIN;
        if over {
            self.pages.push(Vec::new());
            self.y = MARGIN + LINE;
        }
        over
    }

    fn put(&mut self, line: Line) {
        if let Some(page) = self.pages.last_mut() {
            page.push(line);
        }
    }

    fn sentences(&mut self, sentences: &[String]) {
        for sentence in sentences {
            for text in wrapped(sentence, PAGE.0 - 2.0 * MARGIN, TEXT) {
                self.room(1.0);
                self.put(Line::Text { x: MARGIN, y: self.y, size: TEXT, text });
                self.y += LINE;
            }
        }
    }

    /// One row of the table, as high as its highest cell. It stays whole where a page can hold it,
    /// and below the header where it goes over to the next.
    fn row(&mut self, columns: &[(&'static str, f32)], cells: &[String], header: &[String]) {
        let all: f32 = columns.iter().map(|(_, share)| share).sum();
        let width = |share: f32| (PAGE.0 - 2.0 * MARGIN) * share / all;
        let mut x = MARGIN;
        let mut set = Vec::new();
        for ((_, share), cell) in columns.iter().zip(cells) {
            set.push((x + 3.0, wrapped(cell, width(*share) - 6.0, TEXT)));
            x += width(*share);
        }
        let highest = set.iter().map(|(_, lines)| lines.len()).max().unwrap_or_default();
        let mut whole = 0.0;
        (0..highest.min(WHOLE)).for_each(|_| whole += 1.0);
        self.room_below(whole, columns, header);
        for line in 0..highest {
            self.room_below(1.0, columns, header);
            for (x, lines) in &set {
                if let Some(text) = lines.get(line) {
                    self.put(Line::Text { x: *x, y: self.y, size: TEXT, text: text.clone() });
                }
            }
            self.y += LINE;
        }
        self.put(Line::Rule { y: self.y - LINE + 5.0 });
    }

    /// Room for so many lines of the table; the header stands at the top of each page.
    fn room_below(&mut self, lines: f32, columns: &[(&'static str, f32)], header: &[String]) {
        if self.room(lines) && !header.is_empty() {
            self.row(columns, header, &[]);
        }
    }
}

fn pages(paper: &Paper) -> Vec<Vec<Line>> {
    let mut layout = Layout { pages: vec![Vec::new()], y: MARGIN + TITLE };
    for text in wrapped(&paper.title, PAGE.0 - 2.0 * MARGIN, TITLE) {
        let x = (PAGE.0 - width_of(&text, TITLE)) / 2.0;
        layout.put(Line::Text { x, y: layout.y, size: TITLE, text });
        layout.y += 1.5 * TITLE;
    }
    layout.y += LINE / 2.0;
    layout.sentences(&paper.opening);
    layout.y += LINE / 2.0;
    let header: Vec<String> = paper.columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    layout.room(2.0);
    layout.row(&paper.columns, &header, &[]);
    for row in &paper.rows {
        layout.row(&paper.columns, row, &header);
    }
    layout.y += LINE / 2.0;
    layout.sentences(&paper.closing);
    layout.pages
}

/// How wide a character is set at most, as a part of the size: half for ASCII, whole for Chinese.
fn share(c: char) -> f32 {
    if c.is_ascii() { 0.58 } else { 1.0 }
}

fn width_of(text: &str, size: f32) -> f32 {
    text.chars().map(share).sum::<f32>() * size
}

/// Cuts a text into lines no wider than `width`; an empty text is one empty line.
fn wrapped(text: &str, width: f32, size: f32) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut used = 0.0;
    for c in text.chars() {
        let wide = share(c) * size;
        if used + wide > width && used > 0.0 {
            lines.push(String::new());
            used = 0.0;
        }
        if let Some(line) = lines.last_mut() {
            line.push(c);
        }
        used += wide;
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paper(rows: usize) -> Paper {
        Paper {
            title: "区教育局党员 2026 年度社区服务证明".to_owned(),
            opening: vec!["现将贵单位党员参加社区服务的情况反馈如下。".to_owned()],
            columns: vec![("姓名", 1.0), ("社区", 2.0), ("结论", 3.0)],
            rows: vec![
                vec!["演示党员1".into(), "文兴社区".into(), "还差 1 次、7.5 小时".into()];
                rows
            ],
            closing: vec!["以上据各社区确认的服务记录生成。".to_owned()],
        }
    }

    #[test]
    fn a_long_table_goes_over_pages_and_loses_no_row() {
        for (rows, least) in [(0, 1), (10, 1), (100, 2), (500, 10)] {
            let pages = pages(&paper(rows));
            assert!(pages.len() >= least, "{rows} rows on {} pages", pages.len());
            let texts = pages.iter().flatten().filter_map(|line| match line {
                Line::Text { text, y, .. } => {
                    assert!(*y < PAGE.1 - MARGIN / 2.0, "{text} stands below the page");
                    Some(text.as_str())
                }
                Line::Rule { .. } => None,
            });
            assert_eq!(texts.filter(|text| *text == "演示党员1").count(), rows);
        }
    }

    /// The texts of a page, in order, none of which stands outside it.
    fn texts(page: &[Line]) -> Vec<&str> {
        let mut found = Vec::new();
        for line in page {
            if let Line::Text { x, y, size, text } = line {
                assert!(*y <= PAGE.1 - MARGIN, "{text} stands below the page at {y}");
                let right = x + width_of(text, *size);
                assert!(*x >= MARGIN && right <= PAGE.0 - MARGIN + 1.0, "{text} is {x} to {right}");
                found.push(text.as_str());
            }
        }
        found
    }

    #[test]
    fn a_high_row_stays_on_its_page_and_a_long_title_on_several_lines() {
        let cell = |length: usize| "字".repeat(length);
        for high in [30, 300, 3_000] {
            let mut paper = paper(30);
            paper.title = "某某街道某某社区党委所属党支部在职党员年度社区服务证明".repeat(3);
            paper.rows.insert(20, vec!["高".to_owned(), cell(high), "完".to_owned()]);
            let pages = pages(&paper);
            let all: Vec<Vec<&str>> = pages.iter().map(|page| texts(page)).collect();
            let set = all.concat();
            let written: usize =
                set.iter().filter(|text| text.starts_with('字')).map(|t| t.chars().count()).sum();
            assert_eq!(written, high, "no character is lost");
            assert!(set.iter().filter(|text| text.contains("党支部")).count() >= 2);
            // The header stands at the top of each page that the table goes over to.
            for page in all.iter().skip(1).filter(|page| page.len() > 3) {
                assert_eq!(page[..3], ["姓名", "社区", "结论"]);
            }
        }
    }

    #[test]
    fn lines_are_cut_where_they_are_full() {
        assert_eq!(wrapped("文兴社区居民", 30.0, 10.0), ["文兴社", "区居民"]);
        assert_eq!(wrapped("", 30.0, 10.0), [""]);
        assert_eq!(wrapped("文", 1.0, 10.0), ["文"], "a column too narrow for a character");
    }

    #[test]
    fn without_a_font_there_is_no_paper() {
        let config = Pdf { font: "/no/such/font.ttf".to_owned(), face: 0 };
        assert_eq!(font(&config).err(), Some(Refused::FontMissing));
    }

    #[test]
    fn a_paper_embeds_its_font() {
        let Ok(font) = font(&Pdf { font: String::new(), face: 0 }) else {
            eprintln!("SKIPPED: no Chinese font on this machine (apt-get install fonts-noto-cjk)");
            return;
        };
        let bytes = pdf(&paper(100), &font).unwrap();
        assert!(bytes.starts_with(b"%PDF-"));
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains("FontFile"), "the font is in the file");
    }
}
