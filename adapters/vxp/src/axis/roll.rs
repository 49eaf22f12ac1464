//! The agencies as the axis lists them: the whole list each time, for the protocol has no other; what of it is new is found out
//! by the gateway.

use std::collections::HashMap;

use lienthong_contract::AgencyCode;
use lienthong_contract::outlet::{Inside, OutsideAgency, Rolled};

use super::Parts;
use super::attend::Round;
use crate::wire::client::{Call, Said};
use crate::wire::rows::{Agency, MAX_ROWS, Rows, Text, read};

/// Looks what the list says now.
pub async fn round(axis: &Parts, inside: &Inside) -> Round {
    match look(axis, inside).await {
        Ok(()) => Round::Finished,
        Err(why) => Round::BrokeOff(why),
    }
}

async fn look(axis: &Parts, inside: &Inside) -> Result<(), String> {
    let Some(account) = axis.accounts().into_iter().next() else { return Ok(()) };
    let units = axis.ask_again_for(&account, Call::Units, read).await?;
    // Old servers have the other list alone.
    let said = if units.is_ok() { units } else { axis.ask_again_for(&account, Call::Agencies, read).await? };
    let agencies = agencies(said)?;
    let outlet = &inside.outlet;
    match inside.roll.list(outlet, agencies).await {
        Ok(Rolled::Kept { changed: 0 }) => {}
        Ok(Rolled::Kept { changed }) => {
            tracing::info!(%outlet, changed, "the list of agencies of a system outside has changed")
        }
        Ok(Rolled::Doubtful { before, now }) => {
            tracing::error!(%outlet, before, now, "the list of agencies of a system outside has hardly any left; the one before stays");
        }
        Err(refusal) => return Err(format!("{:?}", refusal.cause)),
    }
    Ok(())
}

/// The agencies of an answer. One whose code cannot be one is left out.
fn agencies(said: Said<Rows<Agency>>) -> Result<Vec<OutsideAgency>, String> {
    if !said.is_ok() {
        return Err(format!("getAgenciesList: {} {}", said.code, said.description));
    }
    let rows = match said.data {
        Rows::Some(rows) => rows,
        Rows::None => return Err("data is missing or of another kind".to_owned()),
        Rows::TooMany => return Err(format!("the list of agencies has more than {MAX_ROWS} rows")),
    };
    let code = |text: &Text| -> Option<AgencyCode> { text.0.as_deref()?.parse().ok() };
    // A parent is told by its id, which need not be its code.
    let by_id: HashMap<String, AgencyCode> =
        rows.iter().filter_map(|row| Some((row.id.0.clone()?, code(&row.code)?))).collect();
    let agency = |row: Agency| {
        let own = code(&row.code)?;
        let is = |text: &Text, words: &[&str]| text.0.as_deref().is_some_and(|text| words.contains(&text));
        if is(&row.is_agency, &["false"]) {
            return None;
        }
        let parent = row.pid.0.and_then(|id| by_id.get(&id).cloned().or_else(|| id.parse().ok()));
        let old_code = code(&row.old_code).or_else(|| code(&row.code102)).filter(|old| *old != own);
        Some(OutsideAgency {
            old_code,
            name: row.name.0.unwrap_or_else(|| own.to_string()),
            parent: parent.filter(|parent| *parent != own),
            mail: row.mail.0,
            closed: is(&row.deleted, &["true", "1"]),
            code: own,
        })
    };
    Ok(rows.into_iter().filter_map(agency).collect())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn both_lists_are_read_and_a_parent_is_found_by_its_id() {
        let rows = |rows: &str| {
            let answer = format!(r#"{{"status":"OK","ErrorCode":"0","ErrorDesc":"","DocId":"","data":[{rows}]}}"#);
            agencies(read(200, answer.as_bytes()).unwrap())
        };
        let listed = rows(
            r#"{"id":7,"pid":"","code":"G09","name":" Bộ thí dụ ","mail":"","version":3,"deleted":false,"isAgency":true},
               {"id":8,"pid":7,"code":"G09.01","name":"Cục thí dụ","mail":"a@example.vn","deleted":true,"isAgency":true},
               {"id":9,"pid":7,"code":"G09.02","name":"Phòng","isAgency":false},
               {"id":"10","pid":"G09","code":"G09.03","name":"","oldCode":"000.00.03.G09"},
               {"id":11,"code":"???"},{"id":12,"code":null}"#,
        );
        let code = |text: &str| text.parse().unwrap();
        let agency = |own: &str, name: &str| OutsideAgency {
            code: code(own),
            old_code: None,
            name: name.to_owned(),
            parent: None,
            mail: None,
            closed: false,
        };
        let parent = Some(code("G09"));
        let expected = [
            agency("G09", "Bộ thí dụ"),
            OutsideAgency {
                parent: parent.clone(),
                mail: Some("a@example.vn".to_owned()),
                closed: true,
                ..agency("G09.01", "Cục thí dụ")
            },
            OutsideAgency { parent, old_code: Some(code("000.00.03.G09")), ..agency("G09.03", "G09.03") },
        ];
        assert_eq!(listed.unwrap(), expected);
        assert_eq!(rows(""), Ok(Vec::new()));
        let refused = br#"{"status":"FAIL","ErrorCode":"10","ErrorDesc":"x","DocId":"","data":[]}"#;
        assert!(agencies(read(200, refused).unwrap()).is_err());
        let none = br#"{"status":"OK","ErrorCode":"0","ErrorDesc":"x","DocId":"","data":""}"#;
        assert!(agencies(read(200, none).unwrap()).is_err());
    }
}
