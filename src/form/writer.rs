//! A packet's model as a form.

use jiff::civil::Date;
use lienthong_contract::Instant;

use super::fields::{Key, Port};
use super::json::Node;
use crate::edxml::model::{Located, TextAt};

/// Gathers the members of one group; what is absent in the model is absent in the form.
#[derive(Debug, Default)]
pub struct Writer(pub Vec<(String, Node)>);

impl Writer {
    fn put(&mut self, key: Key, node: Option<Node>) {
        self.0.extend(node.map(|node| (key.0.to_owned(), node)));
    }

    fn inside<T>(slot: &mut T, fields: fn(&mut Self, &mut T)) -> Node {
        let mut inner = Self::default();
        fields(&mut inner, slot);
        Node::Object(inner.0)
    }
}

/// `2026-03-02T08:30:00+07:00`: a packet knows no smaller part of a second.
pub fn time(instant: Instant) -> String {
    instant.in_vietnam().strftime("%Y-%m-%dT%H:%M:%S%:z").to_string()
}

impl Port for Writer {
    fn text(&mut self, key: Key, slot: &mut Option<TextAt>) {
        self.put(key, slot.as_ref().map(|text| Node::Text(text.value.clone())));
    }

    fn number(&mut self, key: Key, slot: &mut Option<Located<i32>>) {
        self.put(key, slot.as_ref().map(|number| Node::Number(number.value.into())));
    }

    fn count(&mut self, key: Key, slot: &mut Option<Located<u32>>) {
        self.put(key, slot.as_ref().map(|number| Node::Number(number.value.into())));
    }

    fn flag(&mut self, key: Key, slot: &mut Option<Located<bool>>) {
        self.put(key, slot.as_ref().map(|flag| Node::Flag(flag.value)));
    }

    fn date(&mut self, key: Key, slot: &mut Option<Located<Date>>) {
        self.put(key, slot.as_ref().map(|date| Node::Text(date.value.to_string())));
    }

    fn time(&mut self, key: Key, slot: &mut Option<Located<Instant>>) {
        self.put(key, slot.as_ref().map(|instant| Node::Text(time(instant.value))));
    }

    fn texts(&mut self, key: Key, slot: &mut Vec<TextAt>) {
        let list: Vec<Node> = slot.iter().map(|text| Node::Text(text.value.clone())).collect();
        self.put(key, Some(Node::List(list)).filter(|_| !slot.is_empty()));
    }

    fn group<T: Default + PartialEq>(&mut self, key: Key, slot: &mut T, fields: fn(&mut Self, &mut T)) {
        if *slot != T::default() {
            self.put(key, Some(Self::inside(slot, fields)));
        }
    }

    fn option<T: Default>(&mut self, key: Key, slot: &mut Option<T>, fields: fn(&mut Self, &mut T)) {
        let node = slot.as_mut().map(|slot| Self::inside(slot, fields));
        self.put(key, node);
    }

    fn list<T: Default>(&mut self, key: Key, slot: &mut Vec<T>, fields: fn(&mut Self, &mut T)) {
        let list: Vec<Node> = slot.iter_mut().map(|slot| Self::inside(slot, fields)).collect();
        self.put(key, Some(Node::List(list)).filter(|_| !slot.is_empty()));
    }
}
