//! What a file is that holds no key as it is wanted here, and the command that makes one of it.

use std::path::Path;

/// What the file is, in both languages, and the command; none where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Advice {
    pub vi: &'static str,
    pub en: &'static str,
    pub command: Option<String>,
}

impl std::fmt::Display for Advice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} — {}", self.vi, self.en)?;
        match &self.command {
            Some(command) => write!(f, "; chuyển bằng — to convert it: {command}"),
            None => Ok(()),
        }
    }
}

/// Recognises the usual ones; nothing of the content is repeated.
#[must_use]
pub fn recognise(file: &Path, bytes: &[u8]) -> Option<Advice> {
    let name = quoted(file);
    let text = String::from_utf8_lossy(bytes);
    let labels: Vec<&str> = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("-----BEGIN ")?.strip_suffix("-----"))
        .take(20)
        .collect();
    let has = |label: &str| labels.contains(&label);
    let convert =
        |extra: &str| Some(format!("openssl pkey {extra}-in {name} -out {}", quoted(&beside(file, "pkcs8.pem"))));
    let told = |vi, en, command| Some(Advice { vi, en, command });
    if has("RSA PRIVATE KEY") {
        return told("khóa RSA dạng PKCS#1", "an RSA key in the form PKCS#1", convert(""));
    }
    if has("EC PRIVATE KEY") {
        return told("khóa EC dạng SEC1", "an EC key in the form SEC1", convert(""));
    }
    if has("ENCRYPTED PRIVATE KEY") {
        return told("khóa có mật khẩu", "a key under a password", convert(""));
    }
    if has("OPENSSH PRIVATE KEY") {
        let command = format!("ssh-keygen -p -m PKCS8 -f {name}");
        return told("khóa của OpenSSH", "a key of OpenSSH", Some(command));
    }
    if has("PRIVATE KEY") {
        return None;
    }
    if has("CERTIFICATE") {
        return told(
            "chứng thư, không phải khóa: hai tệp bị đổi chỗ, hoặc thiếu tệp khóa",
            "a certificate, no key: the two files are exchanged, or the file of the key is another",
            None,
        );
    }
    if has("PUBLIC KEY") || has("RSA PUBLIC KEY") {
        return told(
            "chỉ có khóa công khai; cần khóa riêng đi cùng chứng thư",
            "only the public key; the private key of the certificate is needed",
            None,
        );
    }
    of_der(file, &name, bytes, convert)
}

/// ASN.1 in bytes: told apart by how it begins.
fn of_der(file: &Path, name: &str, bytes: &[u8], convert: impl Fn(&str) -> Option<String>) -> Option<Advice> {
    let [0x30, length, rest @ ..] = bytes else { return None };
    // A long length says in how many more bytes it stands.
    let more = if *length & 0x80 == 0 { 0 } else { usize::from(length & 0x7f) };
    match rest.get(more..)? {
        // Version 3: a PFX (RFC 7292).
        [0x02, 0x01, 0x03, ..] => Some(Advice {
            vi: "tệp PKCS#12 (.p12, .pfx) gồm khóa và chứng thư",
            en: "a PKCS#12 file (.p12, .pfx) with key and certificate",
            command: Some(format!(
                "openssl pkcs12 -in {name} -nocerts -nodes -out {}; openssl pkcs12 -in {name} -nokeys -out {}",
                quoted(&beside(file, "key.pem")),
                quoted(&beside(file, "chain.pem")),
            )),
        }),
        [0x02, 0x01, 0x00 | 0x01, ..] => Some(Advice {
            vi: "khóa dạng nhị phân (DER)",
            en: "a key in bytes (DER)",
            command: convert("-inform DER "),
        }),
        [0x30, ..] => Some(Advice {
            vi: "chứng thư hoặc khóa có mật khẩu ở dạng nhị phân (DER)",
            en: "a certificate, or a key under a password, in bytes (DER)",
            command: convert("-inform DER "),
        }),
        _ => None,
    }
}

fn beside(file: &Path, ending: &str) -> std::path::PathBuf {
    file.with_extension(ending)
}

/// As a shell takes it.
fn quoted(file: &Path) -> String {
    let text = file.display().to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', "'\\''")) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::process::{Command, Stdio};

    use super::*;
    use crate::pki::tests::example;
    use crate::signing::load_signer;

    fn run(command: &str) {
        let status = Command::new("sh").arg("-c").arg(command).stdin(Stdio::null()).stderr(Stdio::null()).status();
        assert!(status.unwrap().success(), "{command}");
    }

    #[test]
    fn a_key_in_another_form_is_recognised_and_the_command_told_makes_it_usable() {
        let (example, folder) = (example(), tempfile::Builder::new().prefix("khóa số ").tempdir().unwrap());
        let files = example.manifest.agency("H37.90").unwrap();
        let (key, chain) = (files.sign_key.display(), files.sign_chain.display());
        let at = |name: &str| folder.path().join(name);
        for (name, make, word, password) in [
            ("sec1.pem", format!("openssl pkey -traditional -in {key} -out"), "SEC1", None),
            ("der.key", format!("openssl pkey -in {key} -outform DER -out"), "DER", None),
            (
                "under.pem",
                format!("openssl pkcs8 -topk8 -in {key} -passout pass:thidu -out"),
                "mật khẩu",
                Some("-passin pass:thidu"),
            ),
            (
                "store.p12",
                format!("openssl pkcs12 -export -inkey {key} -in {chain} -passout pass:thidu -out"),
                "PKCS#12",
                Some("-passin pass:thidu"),
            ),
        ] {
            let file = at(name);
            run(&format!("{make} {}", quoted(&file)));
            let error = load_signer(&file, &files.sign_chain).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains(&file.display().to_string()), "{error}");
            let command = recognise(&file, &std::fs::read(&file).unwrap()).unwrap().command.unwrap();
            assert!(error.ends_with(&command), "{error}");
            // Nobody is here to be asked for the password.
            let typed =
                password.map_or_else(|| command.clone(), |given| command.replace(" -in ", &format!(" {given} -in ")));
            run(&typed);
            let made = if name == "store.p12" { at("store.key.pem") } else { file.with_extension("pkcs8.pem") };
            load_signer(&made, &files.sign_chain).unwrap();
        }
        let rsa = at("rsa.pem");
        run(&format!("openssl genrsa -traditional -out {} 2048", quoted(&rsa)));
        assert!(load_signer(&rsa, &files.sign_chain).unwrap_err().to_string().contains("PKCS#1"));
        let exchanged = load_signer(&files.sign_chain, &files.sign_chain).unwrap_err().to_string();
        assert!(exchanged.contains("hai tệp bị đổi chỗ"), "{exchanged}");
        let missing = load_signer(&at("none.pem"), &files.sign_chain).unwrap_err().to_string();
        assert!(missing.contains("none.pem"), "{missing}");
        assert_eq!(recognise(Path::new("a"), b"something else"), None);
    }
}
