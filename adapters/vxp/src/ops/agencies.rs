//! The lists of agencies, in the three forms that the SDK knows. They may have more than a hundred thousand rows, and
//! clients read them whole: a page at a time passes through. What goes wrong before the first page is an answer; what
//! goes wrong later breaks the connection, so that nobody takes half a list for the whole.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;
use lienthong_contract::AgencyCode;
use lienthong_contract::catalogue::ListedAgency;
use lienthong_door_kit::outward::{self, piece};
use serde::Serialize;

use super::{refused, said};
use crate::door::{Caller, Door, Reply, Said};
use crate::wire::answer::code::INVALID;
use crate::wire::answer::{Answer, MEDIA_TYPE, array};
use crate::wire::stamp::shown;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// All in force.
    All,
    /// Those in force whose code has this many groups; all when left out.
    Level(Option<usize>),
    /// All that ever were, each with its last change.
    Changes,
}

#[derive(Serialize)]
struct Plain<'a> {
    id: &'a str,
    pid: &'a str,
    code: &'a str,
    name: &'a str,
    mail: &'a str,
    #[serde(rename = "oldCode")]
    old_code: &'a str,
}

#[derive(Serialize)]
struct Qd20<'a> {
    id: &'a str,
    code: &'a str,
    name: &'a str,
    mail: &'a str,
    code102: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Unit<'a> {
    id: &'a str,
    pid: &'a str,
    code: &'a str,
    name: &'a str,
    mail: &'a str,
    version: u32,
    center_code: &'a str,
    deleted: bool,
    modify_date: String,
    is_agency: bool,
}

fn level(code: &AgencyCode) -> usize {
    code.to_new_form().as_str().split('.').count()
}

/// The old spelling: the directory's, or the code itself where that is all there is.
fn old(agency: &ListedAgency) -> &str {
    let own = agency.code.is_old_form().then_some(&agency.code);
    agency.old_code.as_ref().or(own).map(AgencyCode::as_str).unwrap_or_default()
}

impl Form {
    /// The rows of a page, without the brackets around them.
    fn rows(self, page: &[ListedAgency]) -> Bytes {
        let parent = |agency: &'_ ListedAgency| agency.parent.as_ref().map(ToString::to_string).unwrap_or_default();
        let in_force = page.iter().filter(|agency| !agency.closed);
        let list = match self {
            Self::All => {
                let rows: Vec<(String, &ListedAgency)> = in_force.map(|agency| (parent(agency), agency)).collect();
                let rows = rows.iter().map(|(pid, agency)| Plain {
                    id: agency.code.as_str(),
                    pid,
                    code: agency.code.as_str(),
                    name: &agency.name,
                    mail: agency.mail.as_deref().unwrap_or_default(),
                    old_code: old(agency),
                });
                array(&rows.collect::<Vec<_>>())
            }
            Self::Level(sought) => {
                let rows = in_force.filter(|agency| sought.is_none_or(|sought| level(&agency.code) == sought));
                let rows = rows.map(|agency| Qd20 {
                    id: agency.code.as_str(),
                    code: agency.code.as_str(),
                    name: &agency.name,
                    mail: agency.mail.as_deref().unwrap_or_default(),
                    code102: old(agency),
                });
                array(&rows.collect::<Vec<_>>())
            }
            Self::Changes => {
                let ends = |agency: &ListedAgency| (parent(agency), agency.code.to_new_form());
                let rows: Vec<_> = page.iter().map(|agency| (ends(agency), agency)).collect();
                let rows = rows.iter().map(|((pid, new), agency)| Unit {
                    id: agency.code.as_str(),
                    pid,
                    code: agency.code.as_str(),
                    name: &agency.name,
                    mail: agency.mail.as_deref().unwrap_or_default(),
                    version: agency.version,
                    center_code: new.as_str().split('.').next().unwrap_or_default(),
                    deleted: agency.closed,
                    modify_date: shown(agency.modified_at),
                    is_agency: true,
                });
                array(&rows.collect::<Vec<_>>())
            }
        };
        list.slice(1..list.len().saturating_sub(1).max(1))
    }
}

/// `getAgenciesListQD20`.
pub async fn by_level(door: &Arc<Door>, caller: &Caller) -> Reply {
    match caller.parameters.get("level").map(|level| level.trim().parse::<usize>()) {
        None => list(door, Form::Level(None)).await,
        Some(Ok(sought)) if (1..=16).contains(&sought) => list(door, Form::Level(Some(sought))).await,
        Some(_) => said(Answer::fail(INVALID, "level phai la cap cua ma, thi du 1")),
    }
}

/// `getAgenciesList`, `getSynchronizeUnit`.
pub async fn list(door: &Arc<Door>, form: Form) -> Reply {
    let rows = match outward::agencies(Arc::clone(&door.doors.catalogue), move |page| form.rows(page)).await {
        Ok(rows) => rows,
        Err(refusal) => return said(refused(&refusal)),
    };
    let body = outward::streamed(piece(Answer::ok().head() + "[").chain(rows).chain(piece("]}")));
    Reply { system: None, doc_id: None, code: 0, content: Said::Stream(body, MEDIA_TYPE, None) }
}
