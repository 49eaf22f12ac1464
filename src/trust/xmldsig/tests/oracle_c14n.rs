//! Canonical form against libxml2 (`xmllint`) on generated documents.

use std::collections::BTreeSet;
use std::fs;

use super::super::c14n::{Subset, canonicalize};
use super::super::document::{Document, Limits};
use super::super::{Canonicalization, NoBodies, Spliced};
use super::support::{Dice, run};

const DOCUMENTS: usize = 600;
/// Without `&`: libxml2 writes namespace names unescaped, against Canonical XML 2.3.
const NAMESPACES: [&str; 4] =
    ["http://a.example/", "urn:x:b", "http://c.example/?q=1;r=2", "http://www.mic.gov.vn/TBT/QCVN_102_2016"];
const PREFIXES: [&str; 4] = ["", "a", "b", "edXML"];

/// Writes one document twice: with comments, and without.
pub(super) struct Generator {
    pub(super) dice: Dice,
    pub(super) with: String,
    pub(super) without: String,
}

impl Generator {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
        (0..8).for_each(|_| {
            dice.roll(2);
        });
        Self { dice, with: String::new(), without: String::new() }
    }

    fn put(&mut self, text: &str) {
        self.with.push_str(text);
        self.without.push_str(text);
    }

    fn comment(&mut self) {
        // A line feed after the comment must not join a carriage return before it in the twin.
        if self.with.ends_with('\r') {
            self.put("\n");
        }
        self.with.push_str("<!-- ghi chú - > & ]]> -->");
    }

    fn misc(&mut self) {
        for _ in 0..self.dice.roll(3) {
            match self.dice.roll(3) {
                0 => self.comment(),
                1 => self.put("<?lệnh a='1'\r\n <&> ?>"),
                _ => self.put("\r\n \t"),
            }
        }
    }

    pub(super) fn document(&mut self, number: usize) {
        if self.dice.chance(2) {
            self.put("<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
        }
        self.misc();
        self.element(0, &[("", "")]);
        self.misc();
        self.put(&format!("\n<?end {number}?>"));
    }

    /// `scope` holds every prefix that is bound here, innermost last.
    pub(super) fn element(&mut self, depth: usize, scope: &[(&'static str, &'static str)]) {
        let mut scope = scope.to_vec();
        let mut declared = Vec::new();
        let lookup = |scope: &[(&'static str, &'static str)], prefix| {
            scope.iter().rev().find(|(p, _)| *p == prefix).map(|(_, uri)| *uri)
        };
        for prefix in PREFIXES {
            if self.dice.chance(3) {
                let empty = prefix.is_empty() && self.dice.chance(4);
                let uri = if empty { "" } else { NAMESPACES[self.dice.roll(NAMESPACES.len())] };
                declared.push((prefix, uri));
            }
        }
        scope.extend(&declared);
        let mut name = PREFIXES[self.dice.roll(PREFIXES.len())];
        if lookup(&scope, name).is_none() {
            name = "";
        }
        let local = self.dice.pick(&["To", "From", "Mục", "x-1", "_y"]);
        let tag = if name.is_empty() { local.to_owned() } else { format!("{name}:{local}") };
        let mut attributes: Vec<String> = Vec::new();
        for (prefix, uri) in &declared {
            let colon = if prefix.is_empty() { "" } else { ":" };
            attributes.push(format!("xmlns{colon}{prefix}=\"{uri}\""));
        }
        let mut taken = BTreeSet::new();
        for _ in 0..self.dice.roll(5) {
            let prefix = PREFIXES[self.dice.roll(PREFIXES.len())];
            let local = self.dice.pick(&["id", "version", "href", "tên", "z"]);
            let uri = if prefix.is_empty() { Some("") } else { lookup(&scope, prefix) };
            if let Some(uri) = uri
                && taken.insert((uri, local))
            {
                let value = self.value();
                let colon = if prefix.is_empty() { "" } else { ":" };
                attributes.push(format!("{prefix}{colon}{local}{value}"));
            }
        }
        if self.dice.chance(5) {
            attributes.push("xml:lang='vi'".to_owned());
        }
        if self.dice.chance(8) {
            attributes.push("xml:space = \"preserve\"".to_owned());
        }
        self.put(&format!("<{tag}"));
        while !attributes.is_empty() {
            let attribute = attributes.remove(self.dice.roll(attributes.len()));
            let space = self.dice.pick(&[" ", "\n", "\r\n\t", "  "]);
            self.put(&format!("{space}{attribute}"));
        }
        if self.dice.chance(6) {
            self.put(" />");
            return;
        }
        self.put(">");
        for _ in 0..self.dice.roll(7) {
            match self.dice.roll(10) {
                0..=3 if depth < 5 => self.element(depth + 1, &scope),
                4 => self.comment(),
                5 => self.put("<?xử-lý?>"),
                _ => self.text(),
            }
        }
        let end = self.dice.pick(&[">", " >", "\r\n>"]);
        self.put(&format!("</{tag}{end}"));
    }

    fn value(&mut self) -> String {
        let quote = self.dice.pick(&["'", "\""]);
        let mut value = String::new();
        for _ in 0..self.dice.roll(6) {
            let pieces = [
                "x", "&amp;", "&#10;", "&#xD;", "\t", "\n", "\r\n", "\r", "đ", "'", "\"", ">", "&lt;", "&quot;",
                "&#9;", "  ",
            ];
            let piece = self.dice.pick(&pieces);
            if piece != quote {
                value.push_str(piece);
            }
        }
        format!("={quote}{value}{quote}")
    }

    fn text(&mut self) {
        let pieces = [
            "abc",
            "Văn bản",
            "&lt;",
            "&amp;",
            "&gt;",
            ">",
            "\r\n",
            "\r",
            "\n",
            "&#13;",
            "&#x1F600;",
            "&apos;",
            "\"",
            "\t",
            "<![CDATA[ <&> \r\n ]]]]>",
            "<![CDATA[]]>",
            "&#xA;",
            "\u{301}",
            "\r&#10;",
            "]",
            " ",
        ];
        let piece = self.dice.pick(&pieces);
        self.put(piece);
    }
}

fn ours(text: &str, method: &Canonicalization) -> String {
    let input = Spliced::whole(text.as_bytes());
    let document = Document::parse(&input, &Limits::default()).unwrap_or_else(|p| panic!("{p}: {text:?}"));
    assert_eq!(document.namespace_fault, None, "{text}");
    let mut out = Vec::new();
    canonicalize(&document, Subset::DocumentWithout(None), method, &mut NoBodies, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn canonical_form_is_that_of_libxml2_on_generated_documents() {
    let directory = tempfile::tempdir().unwrap();
    let generated: Vec<Generator> = (0..DOCUMENTS)
        .map(|number| {
            let mut generator = Generator::new(number as u64 + 1);
            generator.document(number);
            fs::write(directory.path().join(format!("{number}.xml")), &generator.without).unwrap();
            generator
        })
        .collect();
    let names: Vec<String> = (0..DOCUMENTS).map(|number| format!("{number}.xml")).collect();
    for (flag, method) in
        [("--c14n", Canonicalization::Inclusive), ("--exc-c14n", Canonicalization::Exclusive { prefixes: Vec::new() })]
    {
        let args: Vec<&str> = [flag].into_iter().chain(names.iter().map(String::as_str)).collect();
        let (good, stdout, stderr) = run("xmllint", &args, directory.path());
        assert!(good, "{stderr}");
        let theirs = String::from_utf8(stdout).unwrap();
        let mut theirs = theirs.as_str();
        for (number, generator) in generated.iter().enumerate() {
            let mark = format!("\n<?end {number}?>");
            let end = theirs.find(&mark).unwrap_or_else(|| panic!("xmllint wrote no document {number}")) + mark.len();
            let (this, rest) = theirs.split_at(end);
            theirs = rest;
            assert_eq!(ours(&generator.without, &method), this, "document {number}: {:?}", generator.without);
            assert_eq!(ours(&generator.with, &method), this, "comments in document {number}: {:?}", generator.with);
        }
        assert_eq!(theirs, "", "xmllint wrote more than {DOCUMENTS} documents");
    }
}
