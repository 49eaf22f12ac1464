//! Packets to recipients behind other security servers: one call for each of them.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use lienthong_contract::AgencyCode;
use lienthong_contract::outlet::{Body, Outcome, OutgoingPacket, Outlet, Taken, TurnedAway};
use lienthong_door_kit::outbound::{Ask, Caller, Failed, Load};

use crate::wire::{Said, read};

/// The longest answer that is read.
const MAX_ANSWER: usize = 1 << 20;
/// What stands for a recipient's or sender's code in a setting.
const CODE: &str = "{code}";

/// Reads the files that the way to the security server is made of.
///
/// # Errors
/// What cannot be used, for people.
pub type Make = Arc<dyn Fn() -> Result<Caller, String> + Send + Sync>;

/// How organisations are addressed. `{code}` stands for an agency's code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `/r1/CS/GOV/{code}/lienthong/lienthongvanban`: the service of a recipient.
    pub service: String,
    /// `CS/GOV/H37/lienthong`: who calls, for `X-Road-Client`.
    pub client: String,
    /// `CS:GOV:{code}:lienthong`: the sender's organisation, for `from`.
    pub organ: String,
}

/// The way to organisations behind security servers.
pub struct Consumer {
    make: Make,
    caller: RwLock<Arc<Caller>>,
    settings: Settings,
}

impl fmt::Debug for Consumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Consumer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl Consumer {
    /// `caller` is what `make` gives at first; it is asked again when files have changed.
    #[must_use]
    pub fn new(caller: Caller, make: Make, settings: Settings) -> Self {
        Self { make, caller: RwLock::new(Arc::new(caller)), settings }
    }

    async fn send_to(&self, packet: &OutgoingPacket, recipient: &AgencyCode) -> Result<Said, Failed> {
        let kind = if packet.is_status { "status" } else { "edocs" };
        let path = format!("{}/document/{kind}/new", self.settings.service.replace(CODE, recipient.as_str()));
        // Our name of the packet was drawn after its bytes were made, so they do not hold it.
        let boundary = format!("lienthong{}", packet.doc_id.to_string().replace('-', ""));
        let mut headers = vec![
            ("Content-Type".to_owned(), format!("multipart/form-data; boundary={boundary}")),
            ("Accept".to_owned(), "application/json".to_owned()),
            ("X-Road-Client".to_owned(), self.settings.client.clone()),
            ("from".to_owned(), self.settings.organ.replace(CODE, packet.from.as_str())),
        ];
        if packet.is_status {
            headers.push(("docId".to_owned(), packet.doc_id.to_string()));
        }
        let load = framed(packet, &boundary);
        let caller = Arc::clone(&self.caller.read().unwrap_or_else(PoisonError::into_inner));
        let answer = caller.call(Ask { method: "POST", path: &path, headers: &headers, load }).await?;
        let status = answer.status;
        let body = answer.whole(MAX_ANSWER).await.map_err(|error| Failed::Unknown(error.to_string()))?;
        Ok(read(status, &body, packet.again))
    }
}

/// The packet as the part `file` of a form.
fn framed(packet: &OutgoingPacket, boundary: &str) -> Load {
    let before = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{}.edxml\"\r\n\
         Content-Type: application/xml\r\n\r\n",
        packet.doc_id
    );
    let (before, behind) = (Bytes::from(before), Bytes::from(format!("\r\n--{boundary}--\r\n")));
    match &packet.body {
        Body::File(path) => Load::File { before, path: path.clone(), size: packet.size, behind },
        Body::Bytes(bytes) => {
            let mut whole = BytesMut::with_capacity(before.len() + bytes.len() + behind.len());
            [before, bytes.clone(), behind].iter().for_each(|piece| whole.extend_from_slice(piece));
            Load::Bytes(whole.freeze())
        }
    }
}

#[async_trait]
impl Outlet for Consumer {
    async fn send(&self, packet: OutgoingPacket) -> Outcome {
        let [one] = packet.recipients.as_slice() else {
            return Outcome::NotSent { why: format!("{} recipients for one call", packet.recipients.len()) };
        };
        let at = &one.recipient;
        match self.send_to(&packet, at).await {
            Ok(Said::Taken { doc_id, words }) => {
                // Without a name of its own it is known there by ours.
                let id = doc_id.unwrap_or_else(|| packet.doc_id.to_string());
                Outcome::Taken(Taken { id, sent: None, answer: Some(words) })
            }
            Ok(Said::Refused { code, words }) => {
                Outcome::Refused(TurnedAway { code, words, recipients: vec![at.clone()] })
            }
            Ok(Said::NoSuchService { words }) => Outcome::NotNow { why: format!("{at}: {words}") },
            Ok(Said::Nothing(why)) | Err(Failed::Unknown(why)) => Outcome::Unknown { why: format!("{at}: {why}") },
            // Our own security server.
            Err(Failed::NotSent(why)) => Outcome::NotSent { why },
        }
    }

    fn one_by_one(&self) -> bool {
        true
    }

    fn reload(&self) -> Result<(), String> {
        let caller = (self.make)()?;
        *self.caller.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(caller);
        Ok(())
    }
}
