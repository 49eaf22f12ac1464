//! A list of agencies or of documents, read row by row: what a row holds beside the fields that count is passed over, and a list of too many
//! rows is given up at the first of them. So the memory it takes is a small multiple of the answer's size, whatever it holds.

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::client::{Said, Unclear, code};

/// The most rows of a list that is believed: the country has some hundred thousand agencies, and a list of documents takes
/// as much when nobody has acknowledged any for long.
pub const MAX_ROWS: usize = 300_000;
/// The longest text that is kept, in characters.
const MAX_TEXT: usize = 500;

/// One document of `getReceivedEdocList`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Letter {
    #[serde(rename = "docId")]
    pub doc_id: Text,
    pub from: Text,
    pub to: Text,
    pub created_time: Text,
    pub status: Text,
}

/// One agency, in the names of either list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Agency {
    pub id: Text,
    pub pid: Text,
    pub code: Text,
    #[serde(rename = "oldCode")]
    pub old_code: Text,
    pub code102: Text,
    pub name: Text,
    pub mail: Text,
    pub deleted: Text,
    #[serde(rename = "isAgency")]
    pub is_agency: Text,
}

/// What stands in the place of the list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Rows<R> {
    /// Something else, which is not an empty list.
    #[default]
    None,
    TooMany,
    /// What is no object is left out.
    Some(Vec<R>),
}

/// A text, a number or a truth as text without what surrounds it; nothing where it is empty, or something else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub Option<String>);

impl Text {
    /// Empty where there is none.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or_default()
    }
}

/// Reads an answer with a list in it.
///
/// # Errors
/// [`Unclear`].
pub fn read<R: DeserializeOwned>(status: u16, body: &[u8]) -> Result<Said<Rows<R>>, Unclear> {
    #[derive(Deserialize)]
    #[serde(bound = "R: DeserializeOwned")]
    struct Whole<R> {
        #[serde(default)]
        status: Text,
        #[serde(rename = "ErrorCode", default)]
        code: Text,
        #[serde(rename = "ErrorDesc", default)]
        description: Text,
        #[serde(default)]
        data: Rows<R>,
    }
    if !matches!(status, 200 | 201) {
        return Err(Unclear::Status(status));
    }
    let body = body.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(body);
    let whole: Whole<R> = serde_json::from_slice(body).map_err(|_| Unclear::NotJson)?;
    let status = whole.status.0.ok_or(Unclear::Without("status"))?;
    let code = code(&status, &whole.code.0.ok_or(Unclear::Without("ErrorCode"))?)?;
    let description = whole.description.0.unwrap_or_default();
    Ok(Said { code, description, doc_id: String::new(), data: whole.data, count: None })
}

/// Reads whatever kind of value stands there, and makes nothing of the kinds that it does not know.
struct Any<T>(PhantomData<T>);

/// What can be made of a value.
trait Known: Sized + Default {
    fn of_text(_: &str) -> Self {
        Self::default()
    }

    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn of_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        while object.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

impl<'de, T: Known> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        Ok(T::of_text(text))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<T, E> {
        Ok(T::of_text(if truth { "true" } else { "false" }))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
        Ok(T::of_text(&number.to_string()))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
        Ok(T::of_text(&number.to_string()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<T, E> {
        Ok(T::of_text(&number.to_string()))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        Ok(T::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<T, A::Error> {
        T::of_list(list)
    }

    fn visit_map<A: MapAccess<'de>>(self, object: A) -> Result<T, A::Error> {
        T::of_object(object)
    }
}

impl Known for Text {
    fn of_text(text: &str) -> Self {
        let kept: String = text.trim().chars().filter(|c| !c.is_control()).take(MAX_TEXT).collect();
        Self(Some(kept).filter(|kept| !kept.is_empty()))
    }
}

/// An element of a list.
struct Element<R>(Option<R>);

impl<R> Default for Element<R> {
    fn default() -> Self {
        Self(None)
    }
}

impl<R: DeserializeOwned> Known for Element<R> {
    fn of_object<'de, A: MapAccess<'de>>(object: A) -> Result<Self, A::Error> {
        R::deserialize(MapAccessDeserializer::new(object)).map(Some).map(Self)
    }
}

impl<R: DeserializeOwned> Known for Rows<R> {
    fn of_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let (mut rows, mut count) = (Vec::new(), 0_usize);
        while let Some(Element(row)) = list.next_element()? {
            count = count.saturating_add(1);
            if count > MAX_ROWS {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                return Ok(Self::TooMany);
            }
            rows.extend(row);
        }
        Ok(Self::Some(rows))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any(PhantomData))
    }
}

impl<'de, R: DeserializeOwned> Deserialize<'de> for Element<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any(PhantomData))
    }
}

impl<'de, R: DeserializeOwned> Deserialize<'de> for Rows<R> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    type Said = super::Said<Rows<Agency>>;

    fn read(status: u16, body: &[u8]) -> Result<Said, Unclear> {
        super::read(status, body)
    }

    fn answer(data: &str) -> Vec<u8> {
        format!(r#"{{"status":"OK","ErrorCode":0,"ErrorDesc":"","DocId":null,"data":{data},"more":[[{{}}]]}}"#).into()
    }

    #[test]
    fn a_row_is_read_whatever_kinds_of_values_it_holds() {
        let rows = answer(
            r#"[{"id":7,"pid":null,"code":" H37 ","name":{"a":[1]},"mail":[2],"deleted":true,"isAgency":false,"x":{"y":[]}}, 7, "z", null, [[]]]"#,
        );
        let Rows::Some(rows) = read(200, &rows).unwrap().data else { panic!("rows") };
        let text = |text: &str| Text(Some(text.to_owned()));
        let expected = Agency {
            id: text("7"),
            code: text("H37"),
            deleted: text("true"),
            is_agency: text("false"),
            ..Agency::default()
        };
        assert_eq!(rows, [expected]);
    }

    #[test]
    fn a_letters_name_may_be_a_number() {
        let rows = answer(r#"[{"docId":17,"status":"initial","from":{"a":1}}]"#);
        let Rows::Some(rows) = super::read::<Letter>(200, &rows).unwrap().data else { panic!("rows") };
        let told: Vec<[&str; 3]> =
            rows.iter().map(|row| [&row.doc_id, &row.status, &row.from].map(Text::as_str)).collect();
        assert_eq!(told, [["17", "initial", ""]]);
    }

    #[test]
    fn something_else_is_no_empty_list() {
        for data in ["\"\"", "null", "{}", "7"] {
            assert_eq!(read(200, &answer(data)).unwrap().data, Rows::None, "{data}");
        }
        assert_eq!(read(200, &answer("[]")).unwrap().data, Rows::Some(Vec::new()));
        assert_eq!(read(502, &answer("[]")), Err(Unclear::Status(502)));
        assert_eq!(read(200, b"<html/>"), Err(Unclear::NotJson));
        assert!(read(200, br#"{"status":null,"ErrorCode":"0","data":[]}"#).is_err());
        assert!(read(200, br#"{"status":"FAIL","ErrorCode":"0","data":[]}"#).is_err());
    }

    #[test]
    fn too_many_rows_are_given_up() {
        let rows = |count: usize| answer(&format!("[{}{{}}]", "{},".repeat(count - 1)));
        assert!(matches!(read(200, &rows(MAX_ROWS)).unwrap().data, Rows::Some(rows) if rows.len() == MAX_ROWS));
        assert_eq!(read(200, &rows(MAX_ROWS + 1)).unwrap().data, Rows::TooMany);
    }
}
