//! A provider of OpenID Connect for one client: discovery, keys, the page to sign in at (whoever is asked for there is let
//! in), the exchange of a code. Its tokens can be made wrong in every way that a true provider's are not.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use lienthong_contract::Clock;
use ring::digest::{SHA256, digest};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use serde_json::{Value, json};

pub const CLIENT: &str = "trục tỉnh";
pub const SECRET: &str = "một bí mật: 100% + dấu";

/// Who is signed in there now.
#[derive(Debug, Clone)]
pub struct Person {
    pub subject: String,
    pub name: String,
}

/// How a token is spoiled.
pub type Spoil = fn(&mut Value, &mut Value);

struct State {
    person: Person,
    key: EcdsaKeyPair,
    kid: u32,
    /// Signs with a key that is not shown.
    foreign: bool,
    spoil: Spoil,
    refuses: bool,
    /// What was asked with each code.
    codes: HashMap<String, HashMap<String, String>>,
    /// How often the keys were asked for.
    keys_asked: u32,
}

/// Runs until the test ends.
pub struct Provider {
    pub address: SocketAddr,
    pub issuer: String,
    state: Arc<Mutex<State>>,
}

fn key() -> EcdsaKeyPair {
    let random = SystemRandom::new();
    let stored = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, stored.as_ref(), &random).unwrap()
}

impl Provider {
    /// Under this name of the machine.
    pub fn start(name: &str, clock: Arc<dyn Clock>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let person = Person { subject: "1".to_owned(), name: "nobody".to_owned() };
        let state = State {
            person,
            key: key(),
            kid: 1,
            foreign: false,
            spoil: |_, _| {},
            refuses: false,
            codes: HashMap::new(),
            keys_asked: 0,
        };
        let state = Arc::new(Mutex::new(state));
        let base = format!("http://{name}:{}/tinh", address.port());
        let issuer = base.clone();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (state, clock, base) = (Arc::clone(&shared), Arc::clone(&clock), base.clone());
                std::thread::spawn(move || while serve(&stream, &base, &state, clock.as_ref()).is_some() {});
            }
        });
        Self { address, issuer, state }
    }

    pub fn signs_in(&self, subject: &str, name: &str) {
        self.state.lock().unwrap().person = Person { subject: subject.to_owned(), name: name.to_owned() };
    }

    /// From now on its tokens are spoiled so.
    pub fn spoils(&self, spoil: Spoil) {
        self.state.lock().unwrap().spoil = spoil;
    }

    pub fn signs_with_a_foreign_key(&self, foreign: bool) {
        self.state.lock().unwrap().foreign = foreign;
    }

    pub fn refuses(&self, refuses: bool) {
        self.state.lock().unwrap().refuses = refuses;
    }

    pub fn changes_its_key(&self) {
        let mut state = self.state.lock().unwrap();
        state.key = key();
        state.kid += 1;
    }

    pub fn keys_asked(&self) -> u32 {
        self.state.lock().unwrap().keys_asked
    }
}

fn fields(text: &str) -> HashMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

fn serve(mut stream: &TcpStream, base: &str, state: &Mutex<State>, clock: &dyn Clock) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.to_ascii_lowercase(), value.to_owned());
    }
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut state = state.lock().unwrap();
    let (status, more, answer) = match (method.as_str(), path) {
        ("GET", "/tinh/.well-known/openid-configuration") => {
            let said = json!({
                "issuer": base, "authorization_endpoint": format!("{base}/vao?theme=1"),
                "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys"),
                "response_types_supported": ["code"],
            });
            (200, String::new(), said.to_string())
        }
        ("GET", "/tinh/keys") => {
            state.keys_asked += 1;
            let point = state.key.public_key().as_ref();
            let encoded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode_to_string(bytes);
            let (kid, x, y) = (state.kid.to_string(), encoded(&point[1..33]), encoded(&point[33..]));
            let own = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "kid": kid, "x": x, "y": y });
            (200, String::new(), json!({ "keys": [{ "kty": "oct", "k": "AA" }, own] }).to_string())
        }
        ("GET", path) if path.starts_with("/tinh/v") => {
            let asked = fields(query);
            let sent = if state.refuses {
                vec![("error", "access_denied".to_owned())]
            } else {
                let code = format!("mã {}", state.codes.len());
                state.codes.insert(code.clone(), asked.clone());
                vec![("code", code), ("iss", base.to_owned())]
            };
            let mut back = form_urlencoded::Serializer::new(String::new());
            back.extend_pairs(sent).append_pair("state", &asked["state"]);
            let to = format!("{}?{}", asked["redirect_uri"], back.finish());
            // A person is asked; a test's visitor is no person.
            match headers.get("accept").is_some_and(|accept| accept.contains("text/html")) {
                true => {
                    let to = to.replace('&', "&amp;");
                    let page = format!("<!doctype html><title>x</title><p>Cổng của tỉnh<p><a href=\"{to}\">Đồng ý</a>");
                    (200, "content-type: text/html; charset=utf-8\r\n".to_owned(), page)
                }
                false => (303, format!("location: {to}\r\n"), String::new()),
            }
        }
        ("POST", "/tinh/token") => {
            match exchange(&mut state, &headers, &fields(&String::from_utf8(body).ok()?), base, clock) {
                Some(token) => (200, String::new(), json!({ "id_token": token, "token_type": "Bearer" }).to_string()),
                None => (400, String::new(), json!({ "error": "invalid_grant" }).to_string()),
            }
        }
        _ => (404, String::new(), String::new()),
    };
    drop(state);
    let head = format!("HTTP/1.1 {status} X\r\n{more}content-length: {}\r\n\r\n", answer.len());
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(answer.as_bytes()).ok()
}

/// RFC 6749 §4.1.3 with RFC 7636 §4.6, and the client's secret by HTTP Basic.
fn exchange(
    state: &mut State,
    headers: &HashMap<String, String>,
    sent: &HashMap<String, String>,
    base: &str,
    clock: &dyn Clock,
) -> Option<String> {
    let basic = headers.get("authorization")?.strip_prefix("Basic ")?;
    let basic = String::from_utf8(STANDARD.decode_to_vec(basic).ok()?).ok()?;
    let (client, secret) = basic.split_once(':')?;
    let plain = |text: &str| form_urlencoded::parse(text.as_bytes()).next().unwrap().0.into_owned();
    let asked = state.codes.remove(sent.get("code")?)?;
    let challenge = URL_SAFE_NO_PAD.encode_to_string(digest(&SHA256, sent.get("code_verifier")?.as_bytes()));
    let right = plain(client) == CLIENT
        && plain(secret) == SECRET
        && asked.get("client_id")? == CLIENT
        && asked.get("code_challenge_method")? == "S256"
        && *asked.get("code_challenge")? == challenge
        && asked.get("redirect_uri")? == sent.get("redirect_uri")?
        && asked.get("scope")?.split(' ').any(|one| one == "openid")
        && sent.get("grant_type")? == "authorization_code";
    if !right {
        return None;
    }
    let now = clock.now().as_seconds();
    let mut header = json!({ "alg": "ES256", "kid": state.kid.to_string(), "typ": "JWT" });
    let mut claims = json!({
        "iss": base, "aud": CLIENT, "sub": state.person.subject, "preferred_username": state.person.name,
        "nonce": asked.get("nonce")?, "iat": now, "exp": now + 300,
    });
    (state.spoil)(&mut header, &mut claims);
    let encoded = |value: &Value| URL_SAFE_NO_PAD.encode_to_string(value.to_string());
    let signed = format!("{}.{}", encoded(&header), encoded(&claims));
    let foreign = state.foreign.then(key);
    let key = foreign.as_ref().unwrap_or(&state.key);
    let signature = key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
    Some(format!("{signed}.{}", URL_SAFE_NO_PAD.encode_to_string(signature)))
}
