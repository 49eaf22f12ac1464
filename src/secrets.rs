//! Secrets in files: in the clear, or sealed, so that who sees a copy of the folder of the configuration sees no secret.
//!
//! A sealed file has two lines: `lienthong-sealed 1 <file of the key>`, and base64 of nonce, ciphertext and tag (AES-256-GCM,
//! RFC 5116). The key lies elsewhere, by default in the folder of the store, which only the gateway reads. Reading finds out by
//! itself which of both a file is, so nothing else in the gateway knows of it.
//!
//! Failure story: a file is sealed into another beside it, which then takes its place at once; whatever breaks off leaves the
//! file as it was. Without its key a sealed file cannot be read by anybody, and says so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};

use base64_simd::STANDARD;
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::rand::{SecureRandom, SystemRandom};

/// The first words of a sealed file.
const SEALED: &str = "lienthong-sealed 1 ";
/// What a sealed text is bound to.
const PURPOSE: &[u8] = b"lienthong sealed secret 1";
const KEY_BYTES: usize = 32;
/// Longest file, in bytes: a secret, and what sealing adds.
const MAX_FILE: u64 = 16 << 10;

fn fault(text: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, text.into())
}

fn text_of(file: &Path) -> io::Result<String> {
    let mut text = String::new();
    File::open(file)?.take(MAX_FILE.saturating_add(1)).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE { Err(fault("too long for a secret")) } else { Ok(text) }
}

/// Whether a file holds a sealed text.
///
/// # Errors
/// It cannot be read.
pub fn is_sealed(file: &Path) -> io::Result<bool> {
    Ok(text_of(file)?.starts_with(SEALED))
}

/// What a file holds, in the clear.
///
/// # Errors
/// It cannot be read, or was sealed with another key, or is not as it was sealed.
pub fn read(file: &Path) -> io::Result<String> {
    let text = text_of(file)?;
    let Some(rest) = text.strip_prefix(SEALED) else { return Ok(text) };
    let (key_file, sealed) = rest.split_once('\n').ok_or_else(|| fault("a sealed file has two lines"))?;
    let sealed = STANDARD.decode_to_vec(sealed.trim()).map_err(|_| fault("the sealed text is no base64"))?;
    let key = key(Path::new(key_file.trim()))?;
    let (nonce, rest) = sealed.split_at_checked(NONCE_LEN).ok_or_else(|| fault("the sealed text is cut off"))?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| fault("the sealed text is cut off"))?;
    let mut rest = rest.to_vec();
    let clear = key.open_in_place(nonce, Aad::from(PURPOSE), &mut rest);
    let clear = clear.map_err(|_| fault("it was sealed with another key, or was changed since"))?;
    String::from_utf8(clear.to_vec()).map_err(|_| fault("no text was sealed"))
}

fn key(file: &Path) -> io::Result<LessSafeKey> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("its key {}: {error}", file.display()));
    let text = text_of(file).map_err(named)?;
    let bytes = STANDARD.decode_to_vec(text.trim()).ok().filter(|bytes| bytes.len() == KEY_BYTES);
    let bytes = bytes.ok_or_else(|| named(fault("no key")))?;
    let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| named(fault("no key")))?;
    Ok(LessSafeKey::new(key))
}

/// Makes a key, for its owner alone to read. False when there is one.
///
/// # Errors
/// It cannot be made or written.
pub fn make_key(file: &Path) -> io::Result<bool> {
    let mut bytes = [0; KEY_BYTES];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("no randomness"))?;
    let mut made = match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Ok(made) => made,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    };
    // Whoever owns the folder reads the key: the gateway, also when an administrator makes it.
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        let owner = fs::metadata(folder)?;
        chown(file, Some(owner.uid()), Some(owner.gid()))?;
    }
    made.write_all(format!("{}\n", STANDARD.encode_to_string(bytes)).as_bytes())?;
    made.sync_all()?;
    sync_folder(file)?;
    Ok(true)
}

/// Seals what a file holds, in its place; owner and mode stay. False when it is sealed already.
///
/// # Errors
/// It cannot be read or written, or the key cannot be used; then it is as it was.
pub fn seal(file: &Path, key_file: &Path) -> io::Result<bool> {
    let text = text_of(file)?;
    if text.starts_with(SEALED) {
        return Ok(false);
    }
    replace(file, &sealed(text, key_file)?)?;
    Ok(true)
}

/// Puts another secret into a file, sealed with the same key when it was sealed; owner and mode stay.
///
/// # Errors
/// As [`seal`]; then the secret before is there still.
pub fn change(file: &Path, secret: &str) -> io::Result<()> {
    let (text, was) = (format!("{secret}\n"), text_of(file)?);
    let Some(rest) = was.strip_prefix(SEALED) else { return replace(file, &text) };
    let (key_file, _) = rest.split_once('\n').ok_or_else(|| fault("a sealed file has two lines"))?;
    replace(file, &sealed(text, Path::new(key_file.trim()))?)
}

fn sealed(text: String, key_file: &Path) -> io::Result<String> {
    let key_file = fs::canonicalize(key_file)?;
    let named =
        key_file.to_str().filter(|name| !name.contains('\n')).ok_or_else(|| fault("the key's path is no text"))?;
    let key = key(&key_file)?;
    let mut nonce = [0; NONCE_LEN];
    SystemRandom::new().fill(&mut nonce).map_err(|_| io::Error::other("no randomness"))?;
    let mut sealed = text.into_bytes();
    let of_nonce = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(of_nonce, Aad::from(PURPOSE), &mut sealed)
        .map_err(|_| fault("it cannot be sealed"))?;
    let sealed = STANDARD.encode_to_string([&nonce[..], &sealed].concat());
    Ok(format!("{SEALED}{named}\n{sealed}\n"))
}

/// Puts a text in the place of a file's, at once, with its owner and mode.
fn replace(file: &Path, text: &str) -> io::Result<()> {
    let was = fs::metadata(file)?;
    let mut beside = file.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    // What an earlier attempt left that broke off.
    let _ = fs::remove_file(&beside);
    let put = || {
        let mut new = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        // Whatever the mask of whoever seals it.
        new.set_permissions(fs::Permissions::from_mode(was.mode() & 0o777))?;
        chown(&beside, Some(was.uid()), Some(was.gid()))?;
        new.write_all(text.as_bytes())?;
        new.sync_all()?;
        fs::rename(&beside, file)?;
        sync_folder(file)
    };
    put().inspect_err(|error| {
        if error.kind() != io::ErrorKind::AlreadyExists {
            let _ = fs::remove_file(&beside);
        }
    })
}

fn sync_folder(file: &Path) -> io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_was_sealed_is_read_with_its_key_alone_and_not_after_a_change() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let (file, key_file) = (at("secret"), at("key"));
        fs::write(&file, "một bí mật\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read(&file).unwrap(), "một bí mật\n");
        assert!(seal(&file, &key_file).is_err() && !is_sealed(&file).unwrap(), "there is no key");
        assert!(make_key(&key_file).unwrap() && !make_key(&key_file).unwrap());
        assert_eq!(fs::metadata(&key_file).unwrap().mode() & 0o777, 0o600);
        assert!(seal(&file, &key_file).unwrap() && !seal(&file, &key_file).unwrap());
        let sealed = fs::read_to_string(&file).unwrap();
        assert!(sealed.starts_with(SEALED) && is_sealed(&file).unwrap());
        assert_eq!(
            (read(&file).unwrap().as_str(), fs::metadata(&file).unwrap().mode() & 0o777),
            ("một bí mật\n", 0o640)
        );
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing is left beside it");
        change(&file, "bí mật khác").unwrap();
        assert!(is_sealed(&file).unwrap() && fs::metadata(&file).unwrap().mode() & 0o777 == 0o640);
        assert_eq!(read(&file).unwrap(), "bí mật khác\n");
        fs::write(&file, &sealed).unwrap();
        fs::write(at("clear"), "a").unwrap();
        change(&at("clear"), "b").unwrap();
        assert_eq!(fs::read_to_string(at("clear")).unwrap(), "b\n");
        fs::remove_file(at("clear")).unwrap();
        assert!(change(&at("clear"), "b").is_err(), "there was none to be changed");
        // The same secret is another text each time.
        fs::write(at("other"), "một bí mật\n").unwrap();
        seal(&at("other"), &key_file).unwrap();
        assert_ne!(fs::read_to_string(at("other")).unwrap(), sealed);

        let line = sealed.lines().nth(1).unwrap();
        let bytes = STANDARD.decode_to_vec(line).unwrap();
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            *changed.get_mut(place).unwrap() ^= 1;
            fs::write(&file, sealed.replace(line, &STANDARD.encode_to_string(changed))).unwrap();
            assert!(read(&file).is_err(), "{place}");
        }
        for bad in [
            SEALED,
            &sealed[..60],
            &sealed.replace(line, ""),
            &sealed.replace(line, "AAAA"),
            &sealed.replace(line, "?"),
        ] {
            fs::write(&file, bad).unwrap();
            assert!(read(&file).is_err(), "{bad}");
        }
        fs::write(&file, &sealed).unwrap();
        fs::remove_file(&key_file).unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("key"));
        make_key(&key_file).unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("another key"));
        fs::write(&file, "x".repeat(17 << 10)).unwrap();
        assert!(read(&file).is_err());
    }
}
