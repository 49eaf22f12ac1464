//! What a document does to other documents: revoke (1), update (2), replace (3), answer.
//!
//! Where the target is named depends on the kind (QCVN 102:2016, practice of the axis): a revocation names it in
//! `ResponseFor` (some write `Bussiness/DocumentId`), an update in `Bussiness/DocumentId`, a replacement in
//! `ReplacementInfo`. In every other document `ResponseFor` names what it answers.

use lienthong_contract::AgencyCode;

use crate::edxml::Document;
use crate::edxml::model::{BusinessType, Change, ResponseFor, TextAt};

/// The most documents that one packet acts on. More are refused by [`super::judge`]; of replies the first count.
pub const MAX_ACTS: usize = 64;

/// What is done to the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ActKind {
    Revoke,
    Update,
    Replace,
    Reply,
}

impl ActKind {
    pub const ALL: [Self; 4] = [Self::Revoke, Self::Update, Self::Replace, Self::Reply];

    /// The word stored.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Reply => "reply",
        }
    }

    /// The element that names the target.
    #[must_use]
    pub const fn element(self) -> &'static str {
        match self {
            Self::Revoke | Self::Reply => "MessageHeader/ResponseFor",
            Self::Update => "TraceHeaderList/Bussiness/DocumentId",
            Self::Replace => "TraceHeaderList/Bussiness/ReplacementInfoList/ReplacementInfo/DocumentId",
        }
    }
}

/// One document acted on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub kind: ActKind,
    /// Who sent the target: the packet's own sender, or, of a reply, whom `ResponseFor` names.
    pub owner: Option<AgencyCode>,
    pub document_id: Option<String>,
    /// Number and notation, where the target is named by them.
    pub code: Option<String>,
    pub reason: Option<String>,
    /// Recipients that an update adds.
    pub added: Vec<AgencyCode>,
    /// Recipients that an update takes away.
    pub removed: Vec<AgencyCode>,
    /// Who got the document that is replaced, as the packet says.
    pub receivers: Vec<AgencyCode>,
}

/// What a document does to others. `key` reads a written code as the agency it means.
#[must_use]
pub fn acts_of(document: &Document, sender: &AgencyCode, key: &dyn Fn(&str) -> Option<AgencyCode>) -> Vec<Act> {
    let business = document.business.as_ref();
    let kind = match document.business_type() {
        BusinessType::Revoke => Some(ActKind::Revoke),
        BusinessType::Update => Some(ActKind::Update),
        BusinessType::Replace => Some(ActKind::Replace),
        BusinessType::New | BusinessType::Other(_) => None,
    };
    let text = |text: &Option<TextAt>| text.as_ref().map(|text| text.value.clone());
    let plain = |kind, owner, document_id, code| Act {
        kind,
        owner,
        document_id,
        code,
        reason: None,
        added: Vec::new(),
        removed: Vec::new(),
        receivers: Vec::new(),
    };
    let mut acts = Vec::new();
    if kind == Some(ActKind::Revoke) {
        let mut named: Vec<Act> = (document.response_for.iter())
            .map(|of| plain(ActKind::Revoke, Some(sender.clone()), text(&of.document_id), text(&of.code)))
            .collect();
        if !named.iter().any(Act::has_name) {
            let own = business.and_then(|business| text(&business.document_id));
            named = vec![plain(ActKind::Revoke, Some(sender.clone()), own, None)];
        }
        acts.append(&mut named);
    } else {
        let answered = |of: &ResponseFor| {
            let owner = of.organ_id.as_ref().and_then(|code| key(&code.value));
            plain(ActKind::Reply, owner, text(&of.document_id), text(&of.code))
        };
        acts.extend(document.response_for.iter().map(answered).filter(Act::has_name).take(MAX_ACTS));
    }
    if let Some(business) = business {
        let changed = business.update.iter().flat_map(|update| &update.receivers);
        let those = |change: Change| -> Vec<AgencyCode> {
            let is = |receiver: &&crate::edxml::model::ChangedReceiver| {
                receiver.change.as_ref().is_some_and(|told| told.value == change)
            };
            changed.clone().filter(is).filter_map(|receiver| key(&receiver.organ_id.value)).collect()
        };
        match kind {
            Some(ActKind::Update) => acts.push(Act {
                added: those(Change::Added),
                removed: those(Change::Removed),
                ..plain(ActKind::Update, Some(sender.clone()), text(&business.document_id), None)
            }),
            Some(ActKind::Replace) => acts.extend(business.replacements.iter().map(|info| Act {
                receivers: info.organ_ids.iter().filter_map(|code| key(&code.value)).collect(),
                ..plain(ActKind::Replace, Some(sender.clone()), text(&info.document_id), None)
            })),
            _ => {}
        }
    }
    let reason = business.and_then(|business| text(&business.reason));
    acts.retain(Act::has_name);
    // A revocation names its target once for each recipient.
    let mut once: Vec<Act> = Vec::with_capacity(acts.len().min(MAX_ACTS));
    for mut act in acts {
        let same = |other: &Act| {
            (other.kind, &other.owner, &other.document_id) == (act.kind, &act.owner, &act.document_id)
                && (act.document_id.is_some() || other.code == act.code)
        };
        if once.len() <= 2 * MAX_ACTS && !once.iter().any(same) {
            act.reason = reason.clone().filter(|_| act.kind != ActKind::Reply);
            once.push(act);
        }
    }
    once
}

impl Act {
    /// Made up for tests: it names its target, and nothing else.
    #[cfg(test)]
    pub(crate) fn of(kind: ActKind, owner: &str, name: &str) -> Self {
        Self {
            kind,
            owner: owner.parse().ok(),
            document_id: Some(name.to_owned()),
            code: None,
            reason: None,
            added: Vec::new(),
            removed: Vec::new(),
            receivers: Vec::new(),
        }
    }

    /// The target can be told apart from others.
    #[must_use]
    pub const fn has_name(&self) -> bool {
        self.document_id.is_some() || self.code.is_some()
    }

    /// Changes a document of the sender's own, which has to be known.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.kind != ActKind::Reply
    }

    /// The name by which a person knows the target.
    #[must_use]
    pub fn name(&self) -> &str {
        self.document_id.as_deref().or(self.code.as_deref()).unwrap_or_default()
    }

    /// True for a recipient that need not have got the target: an update adds it, or the packet that replaces says that
    /// others got the old one.
    #[must_use]
    pub fn is_new_to(&self, recipient: &AgencyCode) -> bool {
        match self.kind {
            ActKind::Update => self.added.contains(recipient),
            ActKind::Replace => !self.receivers.is_empty() && !self.receivers.contains(recipient),
            ActKind::Revoke | ActKind::Reply => false,
        }
    }
}
