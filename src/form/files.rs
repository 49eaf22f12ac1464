//! The files that a form names.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::{Component, Path, PathBuf};

use lienthong_contract::digest::Hasher;
use lienthong_contract::{Digest, Finding, Kind};

use super::{Form, findings};
use crate::edxml::Located;
use crate::edxml::model::Packet;

/// Bytes read at a time.
const BUFFER: usize = 64 << 10;

/// The content of each attachment, opened in the order of the form, or every mistake in naming them.
///
/// A form comes from anywhere, and what it names is sent away: only files below its own folder count.
///
/// # Errors
/// The mistakes.
pub fn open(form: &Form, folder: &Path, given: &[PathBuf]) -> Result<Vec<BufReader<File>>, Vec<Finding>> {
    let (mut opened, mut mistakes) = (Vec::new(), Vec::new());
    let own = form.attached.len().saturating_sub(given.len());
    for (at, one) in form.attached.iter().enumerate() {
        let key = format!("attachments[{at}].file");
        let said = one.file.as_ref().map(|file| file.value.as_str()).unwrap_or_default();
        let path = match given.get(at.wrapping_sub(own)).filter(|_| at >= own) {
            Some(path) => path.clone(),
            None if said.is_empty() => {
                mistakes.push(Finding::of(&findings::MISSING).element(key));
                continue;
            }
            None if !is_below(said) => {
                mistakes.push(Finding::of(&findings::FILE_OUTSIDE).element(key).found(said));
                continue;
            }
            None => folder.join(said),
        };
        match open_one(&path, one.sha256.as_ref().map(|digest| digest.value.as_str())) {
            Ok(Ok(file)) => opened.push(file),
            Ok(Err(kind)) => mistakes.push(Finding::of(kind).element(key).found(path.display().to_string())),
            Err(error) => {
                let found = format!("{}: {error}", path.display());
                mistakes.push(Finding::of(&findings::FILE_UNREADABLE).element(key).found(found));
            }
        }
    }
    if mistakes.is_empty() { Ok(opened) } else { Err(mistakes) }
}

type Opened = Result<BufReader<File>, &'static Kind>;

fn open_one(path: &Path, expected: Option<&str>) -> io::Result<Opened> {
    let open = || Ok::<_, io::Error>(BufReader::with_capacity(BUFFER, File::open(path)?));
    let file = open()?;
    let about = file.get_ref().metadata()?;
    if !about.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a file"));
    }
    if about.len() == 0 {
        return Ok(Err(&findings::FILE_EMPTY));
    }
    if let Some(expected) = expected
        && expected.parse().ok() != Some(digest(&mut open()?)?)
    {
        return Ok(Err(&findings::FILE_CHANGED));
    }
    Ok(Ok(file))
}

fn digest(file: &mut impl Read) -> io::Result<Digest> {
    let mut hasher = Hasher::default();
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// A relative path that never leads upwards.
fn is_below(path: &str) -> bool {
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
    plain && !path.contains('\\') && !path.contains(':')
}

impl Form {
    /// Puts files behind the form's own attachments, as if it had named them.
    pub fn attach(&mut self, given: &[PathBuf]) {
        let Packet::Document(_) = self.packet else { return };
        for path in given {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let file = Some(Located::made(name)).filter(|name| !name.value.is_empty());
            self.attached.push(super::Attached { file, ..Default::default() });
        }
    }
}
