//! Acts on the secrets of systems that call with an id and a secret.
//!
//! A system has two files of secrets, and both count. A new secret takes the place of the older one, so that the system goes on
//! with the one it uses until its people have put the new one in; the next change replaces that one in turn. Which is older says
//! the time of the file's last change; a file whose secret was taken back is dated 1970, so that it is the next to be replaced.
//! The doors read a changed file again by themselves.

use std::fmt;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64_simd::URL_SAFE_NO_PAD;
use lienthong_contract::Text;
use ring::rand::{SecureRandom, SystemRandom};

use super::Act;
use super::desk::{Actor, Desk, Done, Fault, Plan};
use crate::config::System;
use crate::secrets;
use crate::store::console::Effect;

/// Bytes of a secret; it is told in base64url, 43 characters.
const BYTES: usize = 32;

macro_rules! texts {
    ($($name:ident $vi:literal / $en:literal)*) => { $(const $name: Text = Text { vi: $vi, en: $en };)* };
}

texts! {
    NO_SYSTEM "cấu hình không có hệ thống này" / "the configuration names no such system"
    ONE_FILE "hệ thống chỉ có một tệp mã bí mật: khai thêm second_secret_file trong cấu hình rồi khởi động lại trục" /
        "the system has one file of a secret only: add second_secret_file to the configuration and start the gateway again"
}

/// A new secret, on its way to whoever hands it over. It is shown once and written down nowhere else.
#[derive(Clone, PartialEq, Eq)]
pub struct Issued(String);

impl Issued {
    fn fresh() -> Result<Self, Fault> {
        let mut bytes = [0; BYTES];
        SystemRandom::new().fill(&mut bytes).map_err(|_| Fault::File("no randomness".to_owned()))?;
        Ok(Self(URL_SAFE_NO_PAD.encode_to_string(bytes)))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Issued {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issued(…)")
    }
}

/// When a file was changed last.
#[must_use]
pub fn changed_at(file: &Path) -> Option<SystemTime> {
    std::fs::metadata(file).and_then(|about| about.modified()).ok()
}

/// The file of the older secret; of two of one age the second.
fn older(system: &System) -> Result<PathBuf, Text> {
    let (first, second) = (&system.secret_file, system.second_secret_file.as_ref().ok_or(ONE_FILE)?);
    let first_is_older = changed_at(first) < changed_at(second);
    Ok(if first_is_older { first.clone() } else { second.clone() })
}

impl Desk {
    fn older_secret(&self, id: &str) -> Result<PathBuf, Text> {
        older(self.systems.iter().find(|system| system.id == id).ok_or(NO_SYSTEM)?)
    }

    /// What an act on this system's secrets would do.
    pub(super) fn plan_secret(&self, id: &str) -> Plan {
        Plan { but: self.older_secret(id).err(), of_trust: true, ..Plan::default() }
    }

    /// Does it. It is written down before: a secret that nobody answers for must not count.
    pub(super) async fn on_secret(&self, actor: &Actor, act: &Act, id: &str, reason: &str) -> Result<Done, Fault> {
        let file = self.older_secret(id).map_err(Fault::Cannot)?;
        let secret = Issued::fresh()?;
        self.record(actor, (act.kind(), id), Some(reason), Vec::new(), vec![Effect::Nothing]).await?;
        let (new, takes_back) = (secret.clone(), matches!(act, Act::DropSecret { .. }));
        let written = tokio::task::spawn_blocking(move || {
            secrets::change(&file, new.as_str())?;
            if takes_back { File::open(&file)?.set_modified(SystemTime::UNIX_EPOCH) } else { Ok(()) }
        });
        let written = written.await.map_err(|error| Fault::File(error.to_string()))?;
        written.map_err(|error| Fault::File(error.to_string()))?;
        // What takes the place of a secret that is taken back, nobody learns.
        let told = (!takes_back).then_some(secret);
        Ok(Done { changed: 1, secret: told, ..Done::default() })
    }
}
