//! Glewlwyd (Debian package): a provider that others use, set up over its own interface for one client and one person.

use std::fmt::Write as _;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{eventually, folder};

/// Where the package keeps what its database begins with, an administrator with a known password among it.
const BEGINS: &str = "/usr/share/dbconfig-common/data/glewlwyd/install/sqlite3";
/// As whom the console is known there: it takes name and secret as they stand in HTTP Basic, though RFC 6749 §2.3.1 has them
/// encoded first. Of such letters both are the same.
pub const CLIENT: &str = "truc-tinh-a";
pub const SECRET: &str = "mot-bi-mat-thi-du";
const PASSWORD: &str = "một mật khẩu ở nơi khác";

/// It ends with the test.
pub struct Glewlwyd {
    child: Child,
    pub address: SocketAddr,
    _folder: TempDir,
}

impl Drop for Glewlwyd {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Glewlwyd {
    /// Its tokens are signed with RSA (RS256); somebody of this name may sign in.
    pub async fn start(back: &str, name: &str) -> Self {
        let folder = folder();
        let database = folder.path().join("database");
        let begins = fs::File::open(BEGINS).expect("glewlwyd is installed");
        let filled = Command::new("sqlite3").arg(&database).stdin(begins).stdout(Stdio::null()).status().unwrap();
        assert!(filled.success(), "its database is filled");
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let mut text = format!(
            "port={}\nbind_address=\"127.0.0.1\"\nexternal_url=\"http://{address}\"\nlogin_url=\"login.html\"\n\
             api_prefix=\"api\"\nlog_mode=\"file\"\nlog_level=\"WARNING\"\nlog_file=\"{}\"\n\
             session_key=\"S\"\nhash_algorithm=\"SHA512\"\nadmin_scope=\"g_admin\"\nprofile_scope=\"g_profile\"\n\
             database = {{ type = \"sqlite3\"; path = \"{}\"; }};\n",
            address.port(),
            folder.path().join("log").display(),
            database.display(),
        );
        for kind in ["user", "client", "user_auth_scheme", "plugin"] {
            let place = if kind == "user_auth_scheme" { "scheme" } else { kind };
            writeln!(text, "{kind}_module_path=\"/usr/lib/glewlwyd/{place}\"").unwrap();
        }
        let file = folder.path().join("glewlwyd.conf");
        fs::write(&file, text).unwrap();
        let child = Command::new("glewlwyd")
            .arg(format!("--config-file={}", file.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("glewlwyd is installed");
        let own = Self { child, address, _folder: folder };
        eventually("glewlwyd is up", async || TcpStream::connect(address).await.ok()).await;
        own.set_up(back, name).await;
        own
    }

    pub fn issuer(&self) -> String {
        format!("http://{}/api/oidc", self.address)
    }

    async fn set_up(&self, back: &str, name: &str) {
        let admin = self.session("admin", "password").await;
        let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let plugin = json!({ "module": "oidc", "name": "oidc", "display_name": "OIDC", "parameters": {
            "iss": self.issuer(), "jwt-type": "ecdsa", "jwt-key-size": "256",
            "key": key.serialize_pem(), "cert": key.public_key_pem(),
            "access-token-duration": 3600, "refresh-token-duration": 3600, "code-duration": 600, "refresh-token-rolling": false,
            "allow-non-oidc": false, "auth-type-code-enabled": true, "auth-type-token-enabled": false,
            "auth-type-id-token-enabled": true, "auth-type-none-enabled": false, "auth-type-password-enabled": false,
            "auth-type-client-enabled": false, "auth-type-device-enabled": false, "auth-type-refresh-enabled": false,
            "pkce-allowed": true, "pkce-method-plain-allowed": false, "pkce-required": true,
            "subject-type": "public", "jwks-show": true, "request-parameter-allow": false,
            "claims": [{ "name": "preferred_username", "user-property": "username", "type": "string", "mandatory": true }],
            "name-claim": "no", "email-claim": "no", "scope-claim": "no", "address-claim": { "type": "no" },
        }});
        let client = json!({ "client_id": CLIENT, "name": CLIENT, "confidential": true, "client_secret": SECRET, "enabled": true,
            "scope": [], "redirect_uri": [back], "authorization_type": ["code", "id_token"],
            "token_endpoint_auth_method": ["client_secret_basic"] });
        let person =
            json!({ "username": name, "name": name, "password": PASSWORD, "enabled": true, "scope": ["openid"] });
        for (path, body) in [("mod/plugin/", plugin), ("client/", client), ("user/", person)] {
            self.call("POST", path, &admin, &body).await;
        }
    }

    /// Signs in there; gives the cookie.
    async fn session(&self, name: &str, password: &str) -> String {
        let head = self.call("POST", "auth/", "", &json!({ "username": name, "password": password })).await;
        let cookie = header(&head, "set-cookie").expect(&head);
        cookie.split(';').next().unwrap().to_owned()
    }

    /// Where the browser of somebody who signs in and agrees is sent to from this page.
    pub async fn agrees(&self, name: &str, there: &str) -> String {
        let cookie = self.session(name, PASSWORD).await;
        self.call("PUT", &format!("auth/grant/{CLIENT}"), &cookie, &json!({ "scope": "openid" })).await;
        let target = there.strip_prefix(&format!("http://{}", self.address)).expect(there);
        let head = self.ask(&format!("GET {target}&g_continue HTTP/1.1"), &cookie, "").await;
        header(&head, "location").expect(&head)
    }

    async fn call(&self, method: &str, path: &str, cookie: &str, body: &Value) -> String {
        let head = self.ask(&format!("{method} /api/{path} HTTP/1.1"), cookie, &body.to_string()).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{method} {path}: {head}");
        head
    }

    async fn ask(&self, line: &str, cookie: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let length = body.len();
        let ask = format!(
            "{line}\r\nhost: {}\r\ncookie: {cookie}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}",
            self.address
        );
        stream.write_all(ask.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        String::from_utf8_lossy(&answer).into_owned()
    }
}

fn header(answer: &str, name: &str) -> Option<String> {
    let head = answer.lines().take_while(|line| !line.is_empty());
    let mut pairs = head.filter_map(|line| line.split_once(": "));
    pairs.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.to_owned())
}
