//! How things are told: findings to people, objects to programs, refusals to both.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use lienthong_contract::{Digest, Finding, HopName, Severity};
use lienthong_schemas::words::field_name;
use serde::Serialize;

use super::{Outcome, Verdict};
use crate::client::ClientError;

/// Prints one line for people on standard output. That nobody reads on (`… | head`) is no fault.
macro_rules! say {
    ($($words:tt)*) => { $crate::cli::show::line(format_args!($($words)*)) };
}
pub(crate) use say;

/// What [`say!`] does.
pub fn line(words: fmt::Arguments<'_>) {
    if let Err(error) = writeln!(io::stdout().lock(), "{words}")
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        eprintln!("lienthong: {error}");
    }
}

/// Prints one JSON object on standard output.
pub fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    writeln!(out)?;
    Ok(())
}

/// This program as a shell would start it: it need not lie on the search path.
pub fn this_program() -> String {
    for_shell(&std::env::current_exe().unwrap_or_else(|_| PathBuf::from("lienthong")))
}

/// A path as a word of a command that can be copied.
pub fn for_shell(path: &Path) -> String {
    let word = path.display().to_string();
    let plain = |character: char| character.is_alphanumeric() || "/._-+,:@%".contains(character);
    if word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}

/// Prints whose word it is that a receipt repeats: a system outside the network, its name of the document and its words; and
/// what it was sent, when that were other bytes than the packet's.
pub fn outside(system: &HopName, word: (Option<&str>, Option<&str>), sent: Option<Digest>) {
    outside_lines(system, word, sent).iter().for_each(|line| say!("        {line}"));
}

fn outside_lines(system: &HopName, (id, words): (Option<&str>, Option<&str>), sent: Option<Digest>) -> Vec<String> {
    let words = words.map(|words| format!(": {words}")).unwrap_or_default();
    let told = format!("hệ thống ngoài — system outside: {system} · {}{words}", id.unwrap_or("–"));
    let sent = sent.map(|sent| format!("đã gửi dạng ghi lại — sent as other bytes: {sent}"));
    std::iter::once(told).chain(sent).collect()
}

/// Prints findings, the refusing ones first: Vietnamese, and English beneath.
pub fn findings(findings: &[Finding]) {
    let mut ordered: Vec<&Finding> = findings.iter().collect();
    ordered.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    for finding in ordered {
        say!("{}", told(finding));
    }
}

/// One finding as a person reads it.
pub fn told(finding: &Finding) -> String {
    let (mark, word) = match finding.severity {
        Severity::Refuse => ("✗", "TỪ CHỐI"),
        Severity::Warning => ("!", "cảnh báo"),
        Severity::Note => ("·", "ghi chú"),
    };
    let mut place = String::new();
    if let Some(line) = finding.line {
        place.push_str(&format!("  dòng {line}, cột {}", finding.column.unwrap_or(1)));
    }
    if let Some(element) = &finding.element {
        place.push_str(&format!("  {element}"));
        // Titles of the schema and the reader name the field themselves.
        if let Some(name) = field_name(element).filter(|name| !finding.title_vi.contains(name)) {
            place.push_str(&format!(" ({name})"));
        }
    }
    let mut lines = vec![format!("{mark} {} {word}{place}", finding.code)];
    lines.push(format!("    {}", finding.title_vi));
    let quoted = |text: &Option<String>, word: &str| {
        let text = text.as_deref().map(|text| if text.is_empty() { "(trống — empty)" } else { text })?;
        Some(format!("    {word}: {text}"))
    };
    lines.extend(quoted(&finding.found, "nhận được — found"));
    lines.extend(quoted(&finding.expected, "cần — expected"));
    lines.push(format!("    → {}", finding.fix_vi));
    lines.push(format!("    {}", finding.title_en));
    lines.push(format!("    → {}", finding.fix_en));
    lines.extend(quoted(&finding.clause, "căn cứ — clause"));
    lines.join("\n")
}

/// A call that gave no answer: a refusal is the gateway's answer no, anything else an error.
pub fn refused(error: ClientError, as_json: bool) -> Outcome {
    let Some(problem) = error.problem() else { return Err(error.into()) };
    if as_json {
        json(problem)?;
    } else {
        say!("TỪ CHỐI ({}): {} — REFUSED: {}", problem.status, problem.title, problem.title_en);
        if problem.findings.is_empty() {
            say!("    {}\n    {}", problem.detail, problem.detail_en);
        }
        findings(&problem.findings);
    }
    Ok(Verdict::No)
}

/// Bytes for people.
pub fn size(bytes: u64) -> String {
    indicatif::HumanBytes(bytes).to_string()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    #[test]
    fn what_was_sent_outside_is_told_only_where_it_was_something_else() {
        let (system, sent) = ("axis".parse().unwrap(), Digest::of(b"other bytes"));
        let told = outside_lines(&system, (Some("7"), Some("0 Thanh cong")), Some(sent));
        assert_eq!(told[0], "hệ thống ngoài — system outside: axis · 7: 0 Thanh cong");
        assert_eq!(told[1], format!("đã gửi dạng ghi lại — sent as other bytes: {sent}"));
        assert_eq!(outside_lines(&system, (None, None), None), ["hệ thống ngoài — system outside: axis · –"]);
    }
}
