//! The signed packet beside the file it was made from.
//!
//! Invariants: what is sent again is byte for byte what was sent before; it is sent only when it is the file as it is
//! now with something put in, so a changed file is signed anew. A packet stands under its name only when it is whole
//! and on disk.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use lienthong_contract::AgencyCode;

use crate::signing::{Error, sign_file};
use crate::trust::xmldsig::KeySigner;

/// A signed packet.
#[derive(Debug)]
pub struct Signed {
    pub path: PathBuf,
    /// It was signed for an earlier sending.
    pub before: bool,
    /// It stays where it is.
    pub kept: bool,
}

/// The signed packet of a file: the one of an earlier sending, otherwise a new one. `scratch` is where it is put when
/// nothing can be written beside the file.
///
/// # Errors
/// [`Error`] as [`sign_file`].
pub fn sign(file: &Path, agency: Option<&AgencyCode>, scratch: &Path, signer: &KeySigner) -> Result<Signed, Error> {
    let place = place(file, agency);
    if is_signed_form(file, &place)? {
        return Ok(Signed { path: place, before: true, kept: true });
    }
    let beside = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    let Ok(new) = tempfile::Builder::new().prefix(".lienthong-").suffix(".tmp").tempfile_in(beside) else {
        sign_file(file, scratch, signer)?;
        return Ok(Signed { path: scratch.to_owned(), before: false, kept: false });
    };
    let new = new.into_temp_path();
    sign_file(file, &new, signer)?;
    // Whoever may read the file may read it signed.
    std::fs::set_permissions(&new, std::fs::metadata(file)?.permissions())?;
    match new.persist_noclobber(&place) {
        Ok(()) => {}
        Err(taken) if taken.error.kind() == ErrorKind::AlreadyExists => {
            // Another run was first and may be sending: its signature is the one.
            if is_signed_form(file, &place)? {
                return Ok(Signed { path: place, before: true, kept: true });
            }
            taken.path.persist(&place).map_err(|error| error.error)?;
        }
        Err(failed) => return Err(failed.error.into()),
    }
    Ok(Signed { path: place, before: false, kept: true })
}

/// `van-ban.edxml` signed by `H37.90` is kept as `van-ban.H37.90.signed.edxml`.
pub fn place(file: &Path, agency: Option<&AgencyCode>) -> PathBuf {
    let is_packet = file.extension().is_some_and(|extension| extension == "edxml");
    let name = if is_packet { file.file_stem() } else { file.file_name() };
    let mut name = name.map_or_else(OsString::new, ToOwned::to_owned);
    if let Some(agency) = agency {
        // A colon names no file on every system.
        name.push(format!(".{}", agency.to_new_form().as_str().replace(':', "_")));
    }
    name.push(".signed.edxml");
    file.with_file_name(name)
}

/// True when `signed` is `original` with something put in somewhere. What was put in is for the gateway to judge.
fn is_signed_form(original: &Path, signed: &Path) -> io::Result<bool> {
    let (mut original, mut signed) = match File::open(signed) {
        Ok(signed) => (File::open(original)?, signed),
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    let (short, long) = (original.metadata()?.len(), signed.metadata()?.len());
    if long <= short {
        return Ok(false);
    }
    let head = common(&original, &signed)?;
    let rest = short.saturating_sub(head);
    original.seek(SeekFrom::Start(head))?;
    signed.seek(SeekFrom::Start(long - rest))?;
    Ok(common(&original, &signed)? == rest)
}

/// How many bytes two files have in common from where they stand.
fn common(a: &File, b: &File) -> io::Result<u64> {
    let (mut a, mut b) = (BufReader::with_capacity(128 << 10, a), BufReader::with_capacity(128 << 10, b));
    let mut same = 0;
    loop {
        let (here, there) = (a.fill_buf()?, b.fill_buf()?);
        let length = here.len().min(there.len());
        let alike = here.iter().zip(there).take_while(|(one, other)| one == other).count();
        same += alike as u64;
        if length == 0 || alike < length {
            return Ok(same);
        }
        a.consume(length);
        b.consume(length);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

    use jiff::civil::date;

    use super::*;
    use crate::edxml::model::Urgency;
    use crate::pki::tests::example;
    use crate::scene::{Letter, SENDER, example_pdf};
    use crate::signing::load_signer;

    fn packet(number: u32) -> Vec<u8> {
        let letter = Letter {
            from: SENDER,
            to: &["G09.90"],
            number,
            date: date(2026, 3, 2),
            subject: "Về việc gửi lại",
            urgency: Urgency::Normal,
            attachment: &example_pdf(300_000),
        };
        letter.packet().unwrap()
    }

    fn signer() -> KeySigner {
        let example = example();
        let files = example.manifest.agency(SENDER).unwrap();
        load_signer(&files.sign_key, &files.sign_chain).unwrap()
    }

    #[test]
    fn the_same_file_is_signed_once_and_a_changed_one_anew() {
        let folder = tempfile::tempdir().unwrap();
        let (file, scratch) = (folder.path().join("thu.edxml"), folder.path().join("scratch"));
        let code: AgencyCode = "000.00.90.H37".parse().unwrap();
        std::fs::write(&file, packet(1)).unwrap();
        let first = sign(&file, Some(&code), &scratch, &signer()).unwrap();
        assert_eq!(first.path, folder.path().join("thu.H37.90.signed.edxml"));
        assert!(first.kept && !first.before);
        let bytes = std::fs::read(&first.path).unwrap();
        let again = sign(&file, Some(&code), &scratch, &signer()).unwrap();
        assert!(again.before && again.path == first.path);
        assert_eq!(std::fs::read(&again.path).unwrap(), bytes);
        // The same document written once more, later, is still the same document.
        std::fs::write(&file, packet(1)).unwrap();
        assert!(sign(&file, Some(&code), &scratch, &signer()).unwrap().before);
        // Another document under the same name is another packet, and so is one that was cut short.
        std::fs::write(&file, packet(2)).unwrap();
        assert!(!sign(&file, Some(&code), &scratch, &signer()).unwrap().before);
        let whole = std::fs::read(&first.path).unwrap();
        assert_ne!(whole, bytes);
        std::fs::write(&first.path, &whole[..whole.len() - 1]).unwrap();
        assert!(!sign(&file, Some(&code), &scratch, &signer()).unwrap().before);
        // Nothing is left over, and the file itself is as it was.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
        assert_eq!(std::fs::read(&file).unwrap(), packet(2));
    }

    #[test]
    fn what_cannot_be_signed_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("thu.xml");
        std::fs::write(&file, "<edXML>").unwrap();
        assert!(matches!(sign(&file, None, &folder.path().join("scratch"), &signer()), Err(Error::Packet(_))));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(place(&file, None), folder.path().join("thu.xml.signed.edxml"));
    }
}
