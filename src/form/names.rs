//! Which key of the form an element of the packet belongs to, so that what a check says of the packet is told to whoever
//! filled in the form.

use jiff::civil::Date;
use lienthong_contract::Instant;

use super::fields::{self, Attached, Key, Port};
use crate::edxml::model::{Located, TextAt};

/// One field: `to[]/name`, and `MessageHeader/To/OrganName`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Name {
    pub key: String,
    pub element: String,
    /// Lengths of the element's path down to each list that the key goes through.
    pub lists: Vec<usize>,
}

/// Every field of a document's form, and of a status report's.
#[derive(Debug, Default)]
pub struct Names {
    pub all: Vec<Name>,
    inside: Name,
}

impl Names {
    #[must_use]
    pub fn of_document() -> Self {
        let mut names = Self::default();
        fields::document(&mut names, &mut super::blank_document(), &mut Vec::<Attached>::new());
        names
    }

    #[must_use]
    pub fn of_status() -> Self {
        let mut names = Self::default();
        fields::status(&mut names, &mut super::blank_status());
        names
    }

    /// The field of an element, or the nearest that says where to look: one below it, or the group it stands in.
    #[must_use]
    pub fn of_element(&self, element: &str) -> Option<&Name> {
        let exact = |path: &str| self.all.iter().find(|name| !name.element.is_empty() && name.element == path);
        let below = |path: &str| self.all.iter().find(|name| leads(&name.element, path));
        exact(element).or_else(|| below(element)).or_else(|| {
            let mut above = element;
            while let Some((parent, _)) = above.rsplit_once('/') {
                if let Some(name) = exact(parent) {
                    return Some(name);
                }
                above = parent;
            }
            None
        })
    }

    fn add(&mut self, key: Key, list: bool) -> Name {
        let Name { key: outer, element: above, lists } = &self.inside;
        let joined = |outer: &str, by: &str, inner: &str| match (outer, inner) {
            ("", inner) => inner.to_owned(),
            (outer, "") => outer.to_owned(),
            (outer, inner) => format!("{outer}{by}{inner}"),
        };
        let mut name =
            Name { key: joined(outer, ".", key.0), element: joined(above, "/", key.1), lists: lists.clone() };
        if list {
            name.lists.push(name.element.len());
        }
        // What stands for no element of its own is found by no element.
        let found = if key.1.is_empty() { String::new() } else { name.element.clone() };
        self.all.push(Name { element: found, ..name.clone() });
        name
    }

    fn below<T: Default>(&mut self, key: Key, list: bool, fields: fn(&mut Self, &mut T)) {
        let mut inside = self.add(key, list);
        if list {
            inside.key.push_str("[]");
        }
        let outside = std::mem::replace(&mut self.inside, inside);
        fields(self, &mut T::default());
        self.inside = outside;
    }
}

/// One path leads on to the other.
fn leads(long: &str, short: &str) -> bool {
    long.strip_prefix(short).is_some_and(|rest| rest.starts_with('/'))
}

impl Port for Names {
    fn text(&mut self, key: Key, _: &mut Option<TextAt>) {
        self.add(key, false);
    }
    fn number(&mut self, key: Key, _: &mut Option<Located<i32>>) {
        self.add(key, false);
    }
    fn count(&mut self, key: Key, _: &mut Option<Located<u32>>) {
        self.add(key, false);
    }
    fn flag(&mut self, key: Key, _: &mut Option<Located<bool>>) {
        self.add(key, false);
    }
    fn date(&mut self, key: Key, _: &mut Option<Located<Date>>) {
        self.add(key, false);
    }
    fn time(&mut self, key: Key, _: &mut Option<Located<Instant>>) {
        self.add(key, false);
    }
    fn texts(&mut self, key: Key, _: &mut Vec<TextAt>) {
        let name = self.add(key, true);
        if let Some(last) = self.all.last_mut() {
            last.key = format!("{}[]", name.key);
        }
    }
    fn group<T: Default + PartialEq>(&mut self, key: Key, _: &mut T, fields: fn(&mut Self, &mut T)) {
        self.below(key, false, fields);
    }
    fn option<T: Default>(&mut self, key: Key, _: &mut Option<T>, fields: fn(&mut Self, &mut T)) {
        self.below(key, false, fields);
    }
    fn list<T: Default>(&mut self, key: Key, _: &mut Vec<T>, fields: fn(&mut Self, &mut T)) {
        self.below(key, true, fields);
    }
}
