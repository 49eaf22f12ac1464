//! Names every mistake of a configuration that cannot be read as a whole, each with its key.
//!
//! Reading stops at the first mistake, so each key is judged by itself instead: it is put into a configuration that
//! holds nothing but what is required, and read there.

use std::collections::HashMap;

use config::{File, FileFormat, Source, Value, ValueKind};

use super::{Config, Mistake};

/// The least that can be read: every required key, and one of each table that may come several times.
const LEAST: &str = r#"
[hop]
name = "a"
data = "a"
key = "a"
certificate = "a"
[trust]
roots = []
[directory]
file = "a"
[api]
listen = "127.0.0.1:1"
certificate = "a"
key = "a"
client_roots = []
[[broker]]
name = "a"
[[link]]
peer = "a"
[[outlet]]
name = "b"
adapter = "a"
[[system]]
id = "a"
secret_file = "a"
agencies = []
[vxp]
listen = "127.0.0.1:1"
[lgsp]
listen = "127.0.0.1:1"
[bkav]
listen = "127.0.0.1:1"
[xroad]
outlet = "b"
system = "a"
listen = "127.0.0.1:1"
[[webhook]]
name = "a"
agencies = []
url = "a"
secret_file = "a"
roots = []
[[news_queue]]
name = "a"
agencies = []
broker = "a"
[preview]
listen = "127.0.0.1:1"
[alerts]
[canary]
agency = "H37"
key = "a"
certificate = "a"
[statutory]
[statistics]
[delivery]
[retention]
[ledger]
[schemas]
[log]
"#;

type Table = HashMap<String, Value>;

/// All mistakes of single keys.
pub(super) fn mistakes(read: &config::Config) -> Vec<Mistake> {
    let Ok(least) = File::from_str(LEAST, FileFormat::Toml).collect() else { return Vec::new() };
    let Ok(given) = read.collect() else { return Vec::new() };
    let least: Table = least.into_iter().collect();
    let given: Table = given.into_iter().collect();
    let mut found = Vec::new();
    for (section, value) in &given {
        let whole = |value: Value| fault(&least, section, Some(value));
        match (&value.kind, least.get(section).map(|known| &known.kind)) {
            (ValueKind::Table(table), Some(ValueKind::Table(known))) => {
                judge(table, known, section, &|table| whole(ValueKind::Table(table).into()), &mut found);
            }
            (ValueKind::Array(elements), Some(ValueKind::Array(known))) => {
                let Some(ValueKind::Table(known)) = known.first().map(|known| &known.kind) else { continue };
                for (index, element) in elements.iter().enumerate() {
                    let name = format!("{section}[{index}]");
                    let one = |element: Value| whole(ValueKind::Array(vec![element]).into());
                    match &element.kind {
                        ValueKind::Table(table) => {
                            judge(table, known, &name, &|table| one(ValueKind::Table(table).into()), &mut found);
                        }
                        _ => found.extend(one(element.clone()).map(|fault| unusable(&name, &fault))),
                    }
                }
            }
            _ => found.extend(whole(value.clone()).map(|fault| unusable(section, &fault))),
        }
    }
    let left_out = least.keys().filter(|section| !given.contains_key(*section));
    found.extend(left_out.filter(|section| fault(&least, section, None).is_some()).map(|section| missing(section)));
    found.sort_by(|one, other| one.key.cmp(&other.key));
    found
}

/// Judges the keys of one table; `read` tells what is wrong with a table of this kind.
fn judge(
    table: &config::Map<String, Value>,
    known: &config::Map<String, Value>,
    name: &str,
    read: &dyn Fn(config::Map<String, Value>) -> Option<String>,
    found: &mut Vec<Mistake>,
) {
    for (key, value) in table {
        let mut candidate = known.clone();
        candidate.insert(key.clone(), value.clone());
        found.extend(read(candidate).map(|fault| unusable(&format!("{name}.{key}"), &fault)));
    }
    for key in known.keys().filter(|key| !table.contains_key(*key)) {
        let mut candidate = known.clone();
        candidate.remove(key);
        found.extend(read(candidate).map(|_| missing(&format!("{name}.{key}"))));
    }
}

/// What is wrong with the least configuration once this section is replaced or left out.
fn fault(least: &Table, section: &str, value: Option<Value>) -> Option<String> {
    let mut candidate: config::Map<String, Value> = least.clone().into_iter().collect();
    match value {
        Some(value) => candidate.insert(section.to_owned(), value),
        None => candidate.remove(section),
    };
    let candidate = Value::new(None, ValueKind::Table(candidate));
    candidate.try_deserialize::<Config>().err().map(|error| error.to_string())
}

fn unusable(key: &str, fault: &str) -> Mistake {
    Mistake {
        key: key.to_owned(), vi: format!("không dùng được: {fault}"), en: format!("cannot be used: {fault}")
    }
}

fn missing(key: &str) -> Mistake {
    Mistake {
        key: key.to_owned(),
        vi: "còn thiếu, bắt buộc phải có".to_owned(),
        en: "is missing and needed".to_owned(),
    }
}
