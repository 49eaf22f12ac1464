//! What a gateway would say of a packet that nobody hands in: behind `lienthong check`, `lienthong wrap` and the page
//! `/check`.
//!
//! The judgement is the intake's own ([`crate::intake::look`]); only what there is nothing to hold the packet against
//! (no directory, no roots) is left out, and that is said. The packet is read in a stream and nothing of it is kept.

mod damaged;
pub mod findings;
pub mod page;

use std::fs::File;
use std::io::{self, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lienthong_contract::{AgencyCode, Finding, Instant};
use lienthong_schemas::{Catalogue, ValidatorPool};
use serde::Serialize;

use crate::directory::{Directory, Snapshot};
use crate::edxml::findings::EMPTY_ATTACHMENT;
use crate::edxml::{Limits, Split, SplitError, split};
use crate::intake::findings::SIGNATURE_REQUIRED;
use crate::intake::{Against, Bearer, Seen, look, look_at_words};
use crate::mend::{self, Mend};
use crate::receipts::Fact;
use crate::rules::findings::{SECRECY_MARK, SENDER_UNKNOWN};
use crate::rules::schema::{Schemas, Strictness};
use crate::rules::{Side, not_judged, secrecy};
use crate::trust::TrustStore;

/// Whether a code that the directory does not list may be somebody's whom another gateway knows.
pub type MayBeElsewhere = Arc<dyn Fn(&Snapshot, &AgencyCode) -> bool + Send + Sync>;

/// What packets are held against.
pub struct Judge {
    /// None: nobody is looked up, and that is said.
    pub directory: Option<Arc<Directory>>,
    /// None: every code that the directory does not list is refused.
    pub elsewhere: Option<MayBeElsewhere>,
    /// None: the signer's certificate is not checked, and that is said.
    pub signers: Option<Arc<TrustStore>>,
    pub schemas: Arc<ValidatorPool>,
    pub strictness: Strictness,
    pub forward_to_successor: bool,
    pub limits: Limits,
}

impl std::fmt::Debug for Judge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Judge").field("strictness", &self.strictness).finish_non_exhaustive()
    }
}

/// The answer, as `check --json` and the page print it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub verdict: &'static str,
    pub findings: Vec<Finding>,
}

/// A packet that was mended: what was done, and what a gateway would say of it now.
#[derive(Debug, Clone, Serialize)]
pub struct Corrected {
    /// It was signed, and must be signed again.
    pub sign_again: bool,
    pub mends: Vec<Mend>,
    pub verdict: &'static str,
    pub findings: Vec<Finding>,
}

impl Report {
    /// The verdict that these findings are.
    #[must_use]
    pub fn of(findings: Vec<Finding>) -> Self {
        let refused = findings.iter().any(Finding::refuses);
        Self { verdict: if refused { "refuse" } else { "accept" }, findings }
    }

    #[must_use]
    pub fn accepted(&self) -> bool {
        self.verdict == "accept"
    }
}

impl Judge {
    /// With nothing but the schemas that are built in.
    ///
    /// # Errors
    /// They cannot be compiled.
    pub fn plain(strictness: Strictness) -> Result<Self, lienthong_schemas::Error> {
        Ok(Self::with(Arc::new(ValidatorPool::new(Arc::new(Catalogue::builtin()?))), strictness))
    }

    /// With nothing but these schemas.
    #[must_use]
    pub fn with(schemas: Arc<ValidatorPool>, strictness: Strictness) -> Self {
        Self {
            directory: None,
            elsewhere: None,
            signers: None,
            schemas,
            strictness,
            forward_to_successor: true,
            limits: Limits::default(),
        }
    }

    /// What a gateway would say of the packet in a file.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn judge(&self, file: &mut File, now: Instant) -> io::Result<Report> {
        file.seek(SeekFrom::Start(0))?;
        let findings = match split(&*file, &self.limits) {
            Ok(split) => self.judge_split(&split, file, now)?,
            Err(SplitError::Refused(findings)) => self.read_on(file, findings, now),
            Err(SplitError::Io(error)) => return Err(error),
        };
        let mut report = Report::of(findings);
        if report.accepted() {
            // A gateway may refuse it all the same.
            report.findings.push(Finding::of(&findings::NOT_LOOKED_AT));
        }
        Ok(report)
    }

    /// Writes the packet in a file with its mechanical faults mended, and says what a gateway would say of that; none,
    /// and nothing written, when there is nothing to mend.
    ///
    /// # Errors
    /// Reading or writing fails.
    pub fn correct(&self, file: &mut File, out: &mut File, now: Instant) -> io::Result<Option<Corrected>> {
        file.seek(SeekFrom::Start(0))?;
        let split = match split(&*file, &self.limits) {
            Ok(split) => split,
            Err(SplitError::Refused(_)) => return Ok(None),
            Err(SplitError::Io(error)) => return Err(error),
        };
        // What bears a secrecy mark is not made sendable, nor written anywhere.
        if secrecy::guard(&split.skeleton, &mut Vec::new()) {
            return Ok(None);
        }
        let Some(mended) = mend::mend(&split) else { return Ok(None) };
        mended.write(file, &split, &mut *out)?;
        out.seek(SeekFrom::Start(0))?;
        let again = match self::split(&*out, &self.limits) {
            Ok(again) => again,
            Err(SplitError::Refused(_)) => return Err(io::Error::other("a mended packet cannot be read")),
            Err(SplitError::Io(error)) => return Err(error),
        };
        // One whose element had another name is a content only now.
        let mut now_there = again.bodies.iter().map(|body| body.digest);
        if !split.bodies.iter().all(|body| now_there.any(|digest| digest == body.digest)) {
            return Err(io::Error::other("a mended packet has other contents"));
        }
        let Report { verdict, findings } = Report::of(self.judge_split(&again, out, now)?);
        Ok(Some(Corrected { sign_again: mended.sign_again, mends: mended.mends, verdict, findings }))
    }

    /// The same for a packet that was split.
    ///
    /// # Errors
    /// Its bodies cannot be read.
    pub fn judge_split(
        &self,
        split: &Split,
        bodies: &mut dyn crate::trust::xmldsig::Bodies,
        now: Instant,
    ) -> io::Result<Vec<Finding>> {
        self.against(|against| {
            let mut seen = look(against, split, bodies, &Bearer::Preview, now)?;
            self.tell_what_was_left_out(&mut seen);
            Ok(seen.findings)
        })
    }

    fn against<T>(&self, judge: impl FnOnce(&Against<'_>) -> T) -> T {
        let snapshot = self.directory.as_ref().map(|directory| directory.snapshot()).unwrap_or_default();
        // With a directory, a recipient that it does not know is refused; without one nobody is looked up.
        let routable = |code: &AgencyCode| match &self.elsewhere {
            Some(elsewhere) => elsewhere(&snapshot, code),
            None => self.directory.is_none(),
        };
        judge(&Against {
            directory: &snapshot,
            routable: &routable,
            signers: self.signers.clone(),
            schemas: Some(Schemas { pool: &self.schemas, strictness: self.strictness }),
            forward_to_successor: self.forward_to_successor,
        })
    }

    /// What else can be said of a packet whose bytes are at fault.
    fn read_on(&self, file: &File, mut findings: Vec<Finding>, now: Instant) -> Vec<Finding> {
        let Some(split) = damaged::without_contents(file, &findings, &self.limits) else {
            findings.push(not_judged(&Side::ALL));
            return findings;
        };
        let mut more = self.against(|against| look_at_words(against, &split, now));
        // They are empty because they were blanked.
        more.retain(|finding| finding.code != EMPTY_ATTACHMENT.code);
        if self.directory.is_none() {
            more.retain(|finding| finding.code != SENDER_UNKNOWN.code);
        }
        // What a packet with a secrecy mark says is told nowhere.
        if more.iter().any(|finding| finding.code == SECRECY_MARK.code) {
            secrecy::redact(&mut findings);
        }
        findings.extend(more);
        findings
    }

    fn tell_what_was_left_out(&self, seen: &mut Seen) {
        if self.directory.is_none() {
            seen.findings.retain(|finding| finding.code != SENDER_UNKNOWN.code);
            // Whether this sender has to sign stands in the directory.
            let of_policy = seen.findings.iter_mut().filter(|finding| finding.code == SIGNATURE_REQUIRED.code);
            of_policy.for_each(|finding| {
                let unknown = Finding::of(&findings::PERHAPS_REQUIRED);
                *finding = Finding { element: finding.element.take(), ..unknown };
            });
            seen.findings.push(Finding::of(&findings::NO_DIRECTORY));
        }
        if seen.packet.is_none() {
            return;
        }
        let kind = match seen.checks.packet_signature {
            Fact::Valid => &findings::SIGNATURE_VALID,
            Fact::Pending if self.signers.is_none() => &findings::NO_ROOTS,
            Fact::Pending => &findings::SIGNATURE_VALID,
            Fact::Absent if self.directory.is_none() => return,
            Fact::Absent => &findings::SIGNATURE_ABSENT,
            Fact::Invalid | Fact::Placeholder | Fact::NotChecked => return,
        };
        let mut note = Finding::of(kind).element("edXMLHeader/Signature");
        if let Some(certificate) = seen.checks.signed_by {
            note = note.found(certificate.to_string());
        }
        seen.findings.push(note);
    }
}

/// Opens what a preview at the command line is told to use.
///
/// # Errors
/// The first file that cannot be used.
pub fn open(
    directory: Option<&Path>,
    schemas: Option<&Path>,
    strictness: Strictness,
    (roots, intermediates, crls): (&[PathBuf], &[PathBuf], &[PathBuf]),
) -> Result<Judge, OpenError> {
    let catalogue = match schemas {
        Some(folder) => Catalogue::with_folder(folder)?,
        None => Catalogue::builtin()?,
    };
    let signers = (!roots.is_empty())
        .then(|| TrustStore::from_pem_files(roots, intermediates, crls).map(Arc::new))
        .transpose()?;
    Ok(Judge {
        directory: directory.map(Directory::open).transpose()?.map(Arc::new),
        signers,
        ..Judge::with(Arc::new(ValidatorPool::new(Arc::new(catalogue))), strictness)
    })
}

/// What a packet should be held against cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    #[error(transparent)]
    Schemas(#[from] lienthong_schemas::Error),
    #[error(transparent)]
    Directory(#[from] crate::directory::Error),
    #[error(transparent)]
    Trust(#[from] crate::trust::Error),
}
