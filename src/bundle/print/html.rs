//! The sheet as one HTML file: no script, nothing fetched, every text escaped.

use std::fmt::Write;

use super::{Answer, Block, Code, sheet};

const STYLE: &str = "\
body{font:15px/1.45 'DejaVu Sans',Arial,sans-serif;color:#111;max-width:60em;margin:2em auto;padding:0 1em}\
h1{font-size:1.5em;margin:0}h2{font-size:1.1em;margin:1.6em 0 .4em}.en{color:#555}\
.verdict{border:2px solid;padding:.6em 1em;margin:1em 0;font-size:1.15em}.good{border-color:#176b2c}.bad{border-color:#a11}\
dl{display:grid;grid-template-columns:max-content 1fr;gap:.2em 1em}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}\
table{border-collapse:collapse;width:100%}td{border-top:1px solid #ccc;padding:.35em .6em .35em 0;vertical-align:top}\
td:first-child{white-space:nowrap}.more{color:#555;font-size:.87em;overflow-wrap:anywhere}\
.codes{display:flex;gap:3em;flex-wrap:wrap;margin-top:2em}figure{margin:0;max-width:20em}figcaption{font-size:.8em;overflow-wrap:anywhere}\
@media print{body{margin:0;max-width:none}tr,figure{break-inside:avoid}}";

/// The answer as a page.
#[must_use]
pub fn html(answer: &Answer) -> String {
    let mut out = String::from("<!doctype html>\n<html lang=\"vi\">\n<head>\n<meta charset=\"utf-8\">\n");
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'";
    let _ = writeln!(out, "<meta http-equiv=\"Content-Security-Policy\" content=\"{policy}\">");
    let _ = writeln!(out, "<meta name=\"viewport\" content=\"width=device-width\">");
    let _ = writeln!(
        out,
        "<title>Chứng minh văn bản — proof of a document</title>\n<style>{STYLE}</style>\n</head>\n<body>"
    );
    let mut open = None;
    for block in sheet(answer) {
        // Facts stand in one list, rows in one table.
        let (tag, close) = match block {
            Block::Fact(..) => (Some("<dl>"), "</dl>"),
            Block::Row { .. } => (Some("<table>"), "</table>"),
            _ => (None, ""),
        };
        if open.map(|(tag, _)| tag) != tag {
            if let Some((_, close)) = open.take() {
                let _ = writeln!(out, "{close}");
            }
            if let Some(tag) = tag {
                let _ = writeln!(out, "{tag}");
                open = Some((tag, close));
            }
        }
        put(&mut out, &block);
    }
    if let Some((_, close)) = open {
        let _ = writeln!(out, "{close}");
    }
    out.push_str("</body>\n</html>\n");
    out
}

fn put(out: &mut String, block: &Block) {
    let _ = match block {
        Block::Title { vi, en } => writeln!(out, "<h1>{}</h1>\n<p class=\"en\">{}</p>", safe(vi), safe(en)),
        Block::Verdict { good, vi, en } => {
            let class = if *good { "good" } else { "bad" };
            let (vi, en) = (safe(vi), safe(en));
            writeln!(out, "<p class=\"verdict {class}\"><strong>{vi}</strong><br><span class=\"en\">{en}</span></p>")
        }
        Block::Heading(text) => writeln!(out, "<h2>{}</h2>", safe(text)),
        Block::Fact(label, fact) => writeln!(out, "<dt>{}</dt><dd>{}</dd>", safe(label), safe(fact)),
        Block::Row { time, hop, vi, en, more } => {
            let (time, hop, vi, en) = (safe(time), safe(hop), safe(vi), safe(en));
            let more: String = more.iter().map(|more| format!("<div class=\"more\">{}</div>", safe(more))).collect();
            writeln!(out, "<tr><td>{time}</td><td>{hop}</td><td>{vi} <span class=\"en\">— {en}</span>{more}</td></tr>")
        }
        Block::Note(text) => writeln!(out, "<p>{}</p>", safe(text)),
        Block::Codes(codes) => {
            let codes: String = codes.iter().map(figure).collect();
            writeln!(out, "<div class=\"codes\">{codes}</div>")
        }
    };
}

fn figure(code: &Code) -> String {
    // Four modules of quiet zone on each side (ISO/IEC 18004).
    let side = code.side + 8;
    let path: String = code
        .runs()
        .into_iter()
        .map(|(column, row, length)| format!("M{} {}h{length}v1h-{length}z", column + 4, row + 4))
        .collect();
    format!(
        "<figure><svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" width=\"180\" height=\"180\" \
         role=\"img\" aria-label=\"{label}\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\"{path}\" \
         fill=\"#000\"/></svg><figcaption>{label}<br>{text}</figcaption></figure>",
        label = safe(code.label),
        text = safe(&code.text),
    )
}

/// Text as HTML shows it, in an element or in a quoted attribute. Control characters have no place in HTML.
fn safe(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            letter if letter.is_control() => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
