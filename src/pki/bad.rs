//! Certificates that must be refused, one folder a cause, all of them in the name of `H37.90`.

use std::path::{Path, PathBuf};

use lienthong_contract::Instant;
use rcgen::{ExtendedKeyUsagePurpose, KeyUsagePurpose, RevocationReason, SerialNumber};

use super::authority::{Issuer, Profile, Validity};
use super::keys::{self, SubjectKey};
use super::{AgencyFiles, BadFiles, Error, Manifest, Studio};

/// Whose certificates they pretend to be.
const VICTIM: &str = "H37.90";
const VICTIM_NAME: &str = "Sở Thí dụ Một";
/// Whose perfectly good certificates the case `other-agency` is.
const STRANGER: &str = "H49.90";
/// The root of the case `other-ca`, which no trust store holds.
const OTHER_ROOT: &str = "bad/other-ca/root.pem";
const HOUR_MILLIS: i64 = 60 * 60 * 1000;

/// An entry of the revocation list.
pub(super) struct Revoked {
    pub serial: SerialNumber,
    pub since: Instant,
    pub reason: RevocationReason,
}

/// The code of the finding that each of the two certificates must give; `None`: the path itself is good.
type Expected = (Option<&'static str>, Option<&'static str>);

/// Makes every case and returns what the revocation list has to name.
pub(super) fn make(studio: &Studio, sub: &Issuer, manifest: &mut Manifest) -> Result<Vec<Revoked>, Error> {
    let good = studio.good;
    let (past, future) = (Validity::past(studio.now), Validity::future(studio.now));
    let (other, impostor) = strangers(studio, &good)?;
    let client = || Profile::client(VICTIM_NAME, VICTIM);
    let signing = || Profile::signing(VICTIM_NAME, VICTIM);
    let mail = Profile { extended: vec![ExtendedKeyUsagePurpose::EmailProtection], ..client() };
    let both = |code| (Some(code), Some(code));

    let mut add = |name: &str, case: Case<'_>, (client_finding, sign_finding): Expected| {
        let (files, serials) = case.write(studio, name)?;
        manifest.bad.push(BadFiles::new(name, files, client_finding, sign_finding));
        Ok::<_, Error>(serials)
    };
    add("expired", Case::of(sub, client(), signing(), past), both("LT-TRU-0001"))?;
    add("not-yet-valid", Case::of(sub, client(), signing(), future), both("LT-TRU-0002"))?;
    add("other-ca", Case::of(&other, client(), signing(), good), both("LT-TRU-0003"))?;
    let revoked = add("revoked", Case::of(sub, client(), signing(), good), both("LT-TRU-0004"))?;
    let encipher = Case::of(sub, encipher_only(client()), encipher_only(signing()), good);
    add("wrong-key-usage", encipher, both("LT-TRU-0005"))?;
    add("not-for-transport", Case::of(sub, mail, signing(), good), (Some("LT-TRU-0006"), None))?;
    let weak = Case { weak: true, ..Case::of(sub, client(), signing(), good) };
    add("weak-key", weak, both("LT-TRU-0007"))?;
    add("impostor", Case::of(&impostor, client(), signing(), good), both("LT-TRU-0009"))?;

    studio.write(Path::new(OTHER_ROOT), other.pem().as_bytes(), false)?;
    manifest.ca.other_root = OTHER_ROOT.into();
    if let Some(stranger) = manifest.agencies.iter().find(|agency| agency.code == STRANGER).cloned() {
        manifest.bad.push(BadFiles::new("other-agency", stranger, None, None));
    }
    let since = studio.now.plus_millis(-HOUR_MILLIS);
    let entry = |serial| Revoked { serial, since, reason: RevocationReason::KeyCompromise };
    Ok(revoked.into_iter().map(entry).collect())
}

/// An authority nobody here trusts, and one that only bears the name of the trusted sub-authority.
fn strangers(studio: &Studio, good: &Validity) -> Result<(Issuer, Issuer), Error> {
    let other = Issuer::root("Some Other Example Root CA", good, &studio.random)?;
    let impostor = other.below(super::SUB_NAME, good, &studio.random)?;
    Ok((other, impostor))
}

fn encipher_only(profile: Profile) -> Profile {
    Profile { usages: vec![KeyUsagePurpose::KeyEncipherment], ..profile }
}

/// One case: who issues what with which validity.
struct Case<'a> {
    issuer: &'a Issuer,
    client: Profile,
    signing: Profile,
    validity: Validity,
    weak: bool,
}

impl<'a> Case<'a> {
    fn of(issuer: &'a Issuer, client: Profile, signing: Profile, validity: Validity) -> Self {
        Self { issuer, client, signing, validity, weak: false }
    }

    fn key(&self) -> Result<SubjectKey, Error> {
        if self.weak { keys::weak_rsa() } else { keys::p256() }
    }

    fn write(&self, studio: &Studio, name: &str) -> Result<(AgencyFiles, [SerialNumber; 2]), Error> {
        let folder = PathBuf::from("bad").join(name);
        let client = self.issuer.issue(&self.client, self.key()?, &self.validity, &studio.random)?;
        let signing = self.issuer.issue(&self.signing, self.key()?, &self.validity, &studio.random)?;
        let (client_chain, client_key) = studio.pair(&folder, "client", &client)?;
        let (sign_chain, sign_key) = studio.pair(&folder, "sign", &signing)?;
        let files = AgencyFiles { code: VICTIM.to_owned(), client_chain, client_key, sign_chain, sign_key };
        Ok((files, [client.serial, signing.serial]))
    }
}
