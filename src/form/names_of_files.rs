//! Names under which attachments are put on a disk. What a packet calls its attachments is for people to read: it may
//! hold paths, names that a system keeps for itself, marks that make a name look like another, or the same name twice.

/// Characters of a name; some file systems take no more than 255 bytes, and Vietnamese letters take three.
const MAX_CHARS: usize = 80;
/// Characters of the end of a name that is kept when it is cut.
const MAX_END: usize = 10;

/// Names that Windows keeps for devices, whatever their end.
const DEVICES: &[&str] = &["con", "prn", "aux", "nul", "com", "lpt", "conin$", "conout$", "clock$"];

/// Gives each attachment a name of its own.
#[derive(Debug, Default)]
pub struct FileNames {
    taken: Vec<String>,
}

impl FileNames {
    /// Names that must not be given, because something else is called so.
    #[must_use]
    pub fn without(names: &[&str]) -> Self {
        Self { taken: names.iter().map(|name| name.to_lowercase()).collect() }
    }

    /// A safe name like this one; `end` is put behind a name that has none.
    pub fn name(&mut self, wanted: &str, end: &str) -> String {
        let plain = plain(wanted);
        let (stem, end) = match plain.rsplit_once('.') {
            Some((stem, own)) if !stem.is_empty() && own.chars().count() <= MAX_END => {
                (stem.to_owned(), own.to_owned())
            }
            _ => (plain.clone(), end.to_owned()),
        };
        let stem: String = stem.chars().take(MAX_CHARS).collect();
        let stem = stem.trim_end_matches(['.', ' ']);
        let device = stem.to_lowercase();
        let device =
            device.split('.').next().unwrap_or_default().trim_end_matches(|c: char| c.is_ascii_digit() || c == ' ');
        let stem = match stem {
            "" => "tep-dinh-kem".to_owned(),
            stem if DEVICES.contains(&device) => format!("_{stem}"),
            stem => stem.to_owned(),
        };
        let named = |number: usize| {
            let number = if number == 1 { String::new() } else { format!(" ({number})") };
            if end.is_empty() { format!("{stem}{number}") } else { format!("{stem}{number}.{end}") }
        };
        let free = (1..).map(named).find(|name| !self.taken.contains(&name.to_lowercase())).unwrap_or_default();
        self.taken.push(free.to_lowercase());
        free
    }
}

/// The last step of a path without what no system takes in a name, or what shows a name as another.
fn plain(wanted: &str) -> String {
    let last = wanted.rsplit(['/', '\\']).find(|step| !step.trim().is_empty()).unwrap_or_default();
    let kept = |c: char| {
        // Marks that change the direction of writing, and letters of no width.
        let unseen =
            matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}');
        !c.is_control() && !unseen
    };
    let shown = last.chars().filter(|c| kept(*c));
    let shown: String =
        shown.map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c }).collect();
    shown.trim().trim_start_matches('.').trim_end_matches(['.', ' ']).trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_never_leads_out_of_its_folder_nor_stands_for_another() {
        let safe = |wanted: &str| FileNames::without(&["form.json"]).name(wanted, "pdf");
        for (wanted, name) in [
            ("Công văn số 12.pdf", "Công văn số 12.pdf"),
            ("../../etc/passwd", "passwd.pdf"),
            ("C:\\Windows\\system.ini", "system.ini"),
            ("..", "tep-dinh-kem.pdf"),
            ("", "tep-dinh-kem.pdf"),
            ("/", "tep-dinh-kem.pdf"),
            (".bashrc", "bashrc.pdf"),
            ("NUL.txt", "_NUL.txt"),
            ("com1", "_com1.pdf"),
            ("Form.JSON", "Form (2).JSON"),
            ("a\u{202E}fdp.exe", "afdp.exe"),
            ("a\nb\u{0}c.pdf", "abc.pdf"),
            ("x:y?.pdf. ", "x_y_.pdf"),
            ("a.b/", "a.b"),
        ] {
            assert_eq!(safe(wanted), name, "{wanted:?}");
        }
        let long = safe(&format!("{}.pdf", "đ".repeat(500)));
        assert!(long.len() <= 255 && long.ends_with("đ.pdf"), "{long}");
    }

    #[test]
    fn the_same_name_is_given_once_whatever_its_capitals() {
        let mut names = FileNames::default();
        assert_eq!(names.name("a.pdf", ""), "a.pdf");
        assert_eq!(names.name("A.PDF", ""), "A (2).PDF");
        assert_eq!(names.name("a.pdf", ""), "a (3).pdf");
    }
}
