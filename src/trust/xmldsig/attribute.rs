//! Start tags: the attributes and references in them, read strictly (XML 1.0, 3.1 and 3.3.3).

use std::borrow::Cow;

pub(super) fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t', '\n', '\r'])
}

pub(super) fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r'])
}

/// True for the characters that XML 1.0 allows in a document.
pub(super) const fn is_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

/// The character that a reference (the text between `&` and `;`) stands for. Without a DOCTYPE there are only
/// character references and the five predefined entities.
pub(super) fn resolve(name: &str) -> Option<char> {
    let number = |digits: &str, radix: u32| {
        // `from_str_radix` would take a sign.
        let all = !digits.is_empty() && digits.len() <= 10 && digits.chars().all(|c| c.is_digit(radix));
        let value = all.then(|| u32::from_str_radix(digits, radix).ok()).flatten()?;
        char::from_u32(value).filter(|c| is_char(*c))
    };
    match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => match name.strip_prefix("#x") {
            Some(hex) => number(hex, 16),
            None => number(name.strip_prefix('#')?, 10),
        },
    }
}

/// True for a name without a colon (NCName of Namespaces in XML 1.0).
pub(super) fn is_ncname(name: &str) -> bool {
    let start = |c: char| {
        c == '_'
            || c.is_ascii_alphabetic()
            || matches!(c, '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}' | '\u{370}'..='\u{37d}'
                | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}' | '\u{2c00}'..='\u{2fef}'
                | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
                | '\u{10000}'..='\u{effff}')
    };
    let more = |c: char| {
        start(c)
            || c.is_ascii_digit()
            || matches!(c, '-' | '.' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
    };
    let mut chars = name.chars();
    chars.next().is_some_and(start) && chars.all(more)
}

/// One attribute as it is written: name, and the raw text between the quotes.
pub(super) type RawAttribute<'a> = (&'a str, &'a str);

/// Splits the attributes of a start tag (what follows the element's name) and hands each to `each`.
/// Fails with what is wrong.
pub(super) fn split<'a>(
    mut rest: &'a str,
    mut each: impl FnMut(RawAttribute<'a>) -> Result<(), &'static str>,
) -> Result<(), &'static str> {
    loop {
        let trimmed = trim_start(rest);
        if trimmed.is_empty() {
            return Ok(());
        }
        if trimmed.len() == rest.len() {
            return Err("attributes are not separated by white space");
        }
        let (name, after) = trimmed.split_once('=').ok_or("an attribute has no value")?;
        let after = trim_start(after);
        let quote =
            after.chars().next().filter(|c| matches!(c, '"' | '\'')).ok_or("an attribute value has no quotes")?;
        let (value, after) =
            after.get(1..).and_then(|text| text.split_once(quote)).ok_or("an attribute value does not end")?;
        check_value(value)?;
        each((name.trim_end_matches([' ', '\t', '\n', '\r']), value))?;
        rest = after;
    }
}

fn check_value(value: &str) -> Result<(), &'static str> {
    if value.contains('<') {
        return Err("an attribute value contains the character <");
    }
    let mut rest = value;
    while let Some((_, after)) = rest.split_once('&') {
        let (name, after) = after.split_once(';').ok_or("a reference does not end with ;")?;
        resolve(name).ok_or("a reference to an undeclared entity or a forbidden character")?;
        rest = after;
    }
    Ok(())
}

/// The value after attribute-value normalisation (XML 1.0, 3.3.3, for CDATA attributes).
pub(super) fn normalized(raw: &str) -> Cow<'_, str> {
    if !raw.bytes().any(|b| matches!(b, b'&' | b'\t' | b'\n' | b'\r')) {
        return Cow::Borrowed(raw);
    }
    let mut out = String::with_capacity(raw.len());
    for_each_char(raw, |c| out.push(c));
    Cow::Owned(out)
}

/// Calls `each` with every character of the normalised value.
pub(super) fn for_each_char(raw: &str, mut each: impl FnMut(char)) {
    let mut rest = raw;
    while let Some(c) = rest.chars().next() {
        rest = rest.get(c.len_utf8()..).unwrap_or_default();
        match c {
            '&' => {
                let (name, after) = rest.split_once(';').unwrap_or((rest, ""));
                rest = after;
                // `split` has refused what cannot be resolved.
                each(resolve(name).unwrap_or('\u{fffd}'));
            }
            '\r' => {
                rest = rest.strip_prefix('\n').unwrap_or(rest);
                each(' ');
            }
            '\t' | '\n' => each(' '),
            other => each(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_references_that_xml_itself_defines_are_resolved() {
        assert_eq!(resolve("#xD"), Some('\r'));
        assert_eq!(resolve("#13"), Some('\r'));
        for bad in ["", "#", "#x", "#+13", "#x+D", "#XD", "#0", "#xFFFE", "#xD800", "nbsp", "LT", "#99999999999"] {
            assert_eq!(resolve(bad), None, "{bad}");
        }
    }

    #[test]
    fn attributes_are_split_strictly() {
        let split = |text| {
            let mut names = Vec::new();
            split(text, |(name, value)| {
                names.push((name, value));
                Ok(())
            })
            .map(|()| names)
        };
        assert_eq!(split(" a='1'\n b = \"2\" "), Ok(vec![("a", "1"), ("b", "2")]));
        for bad in [" a", " a=1", " a='1'b='2'", " a='1", " a='<'", " a='&'", " a='&x;'", "a='1'"] {
            assert!(split(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn line_ends_and_tabs_become_one_space_unless_written_as_references() {
        assert_eq!(normalized("a\r\nb\rc\td&#10;e&#13;&quot;"), "a b c d\ne\r\"");
    }
}
