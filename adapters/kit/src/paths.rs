//! Operations below configured paths, and what stands in a query.

/// The most fields of a query.
const MAX_FIELDS: usize = 64;

fn segments(path: &str) -> Vec<&str> {
    // Clients join their address and the operation as they stand: doubled slashes are usual.
    path.split('/').filter(|segment| !segment.is_empty()).collect()
}

/// What a path means below one of these.
pub fn operation<T>(bases: &[String], path: &str, named: impl Fn(&[&str]) -> Option<T>) -> Option<T> {
    let path = segments(path);
    bases.iter().find_map(|base| named(path.strip_prefix(segments(base).as_slice())?))
}

/// The fields of a query, decoded.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Query(Vec<(String, String)>);

impl Query {
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        let fields = text.unwrap_or_default().split('&').filter(|field| !field.is_empty()).take(MAX_FIELDS);
        Self(fields.map(|field| field.split_once('=').unwrap_or((field, ""))).map(pair).collect())
    }

    /// The value of this name, in any case; an empty one is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

fn pair((name, value): (&str, &str)) -> (String, String) {
    (decoded(name), decoded(value))
}

fn decoded(text: &str) -> String {
    let digit = |byte: Option<u8>| byte.and_then(|byte| u8::try_from(char::from(byte).to_digit(16)?).ok());
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = rest.next() {
        let mut ahead = rest.clone();
        match (byte, digit(ahead.next()), digit(ahead.next())) {
            (b'%', Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                rest = ahead;
            }
            (b'+', ..) => bytes.push(b' '),
            _ => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_found_below_any_path_and_nowhere_else() {
        let bases = ["/".to_owned(), "/lgsp/edoc/".to_owned()];
        let found = |path| operation(&bases, path, |rest| (rest == ["v1", "x"]).then_some(()));
        for path in ["/v1/x", "//v1//x/", "/lgsp/edoc/v1/x", "/lgsp//edoc/v1/x"] {
            assert!(found(path).is_some(), "{path}");
        }
        for path in ["/", "/x", "/lgsp/v1/x", "/v1/x/y", "/lgsp/edoc/x"] {
            assert!(found(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_query_is_decoded_once() {
        let query = Query::read(Some("a=2026%2F10%2F01&B=%C4%90+x&c&d=%2525&e=%zz&=f&a=second"));
        for (name, value) in [("a", "2026/10/01"), ("b", "Đ x"), ("d", "%25"), ("e", "%zz")] {
            assert_eq!(query.get(name), Some(value), "{name}");
        }
        assert_eq!((query.get("c"), query.get("g")), (None, None));
        assert_eq!(Query::read(None), Query::default());
    }
}
