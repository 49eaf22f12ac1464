//! A sandbox as an integrator runs it: started, called, stopped.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use lienthong::clock::SystemClock;
use lienthong_contract::Clock;
use lienthong_contract::system::Secret;
use lienthong_vxp::wire::client::{AFTER_FILE, Call, HashForm, Said, Unclear, read};
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use crate::support::house;
use crate::support::program::{lienthong, program, text};

/// The running command; ended with the test.
struct Running {
    process: Child,
    out: BufReader<ChildStdout>,
}

impl Running {
    fn start(args: &[&str]) -> Self {
        let fixed = ["sandbox", "--listen", "127.0.0.1:0"];
        let mut process = program().args(fixed).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let out = BufReader::new(process.stdout.take().unwrap());
        Self { process, out }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.out.read_line(&mut line).unwrap();
        line
    }

    /// Ctrl-C; what it said then.
    fn interrupted(mut self) -> (i32, String) {
        let asked = Command::new("kill").args(["-s", "INT", &self.process.id().to_string()]).status();
        assert!(asked.unwrap().success());
        let mut rest = String::new();
        self.out.read_to_string(&mut rest).unwrap();
        (self.process.wait().unwrap().code().unwrap(), rest)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What an answer says; none when the connection is closed without one.
type Answered = Option<Result<Said, Unclear>>;

/// One call, as software of a system makes it.
fn call(address: &str, (id, secret): (&str, &str), call: Call<'_>, body: &[u8]) -> Answered {
    let request = call.request(id, &Secret::new(secret.as_bytes()), SystemClock.now());
    let body = request.body.unwrap_or(body);
    let mut tcp = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    let mut head = format!("{} /XrdAdapter/adapter{} HTTP/1.1\r\nHost: localhost\r\n", request.method, request.path);
    request.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
    head.push_str(&format!("Content-Length: {}\r\nConnection: close\r\n\r\n", body.len()));
    let mut answer = Vec::new();
    // Whoever hangs up need not have taken everything.
    let _ = tcp.write_all(&[head.as_bytes(), body].concat());
    let _ = tcp.read_to_end(&mut answer);
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    Some(read(std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap(), &answer[end..]))
}

fn sent(address: &str, system: (&str, &str), file: &[u8]) -> Answered {
    let hash = HashForm::Unpadded.write(digest(&SHA256, file).as_ref());
    let send = Call::Send { from: "H37.90", kind: "edoc", to: &[], hash_file: &hash };
    call(address, system, send, &[file, AFTER_FILE].concat())
}

fn secret(file: &Value) -> String {
    std::fs::read_to_string(file.as_str().unwrap()).unwrap().trim().to_owned()
}

#[test]
fn a_sandbox_is_started_called_with_what_it_told_and_stopped_with_a_tally() {
    let mut running = Running::start(&["--json", "--nulls", "100"]);
    let told: Value = serde_json::from_str(&running.line()).unwrap();
    let address = told["address"].as_str().unwrap();
    let [province, ministry] = told["systems"].as_array().unwrap().as_slice() else { panic!("{told:#}") };
    assert_eq!((&province["id"], &ministry["id"]), (&json!("sandbox.tinh"), &json!("sandbox.bo")));
    let letter = std::fs::read(told["letter"].as_str().unwrap()).unwrap();
    let one = secret(&province["secret_file"]);
    assert_eq!(sent(address, ("sandbox.tinh", &one), &letter), Some(Err(Unclear::Without("status"))));
    let (code, end) = running.interrupted();
    let tally = &serde_json::from_str::<Value>(&end).unwrap()["tally"];
    assert_eq!((code, &tally["requests"], &tally["nulls"], &tally["passed"]), (0, &json!(1), &json!(1), &json!(0)));
    // The folder was a temporary one.
    assert!(!Path::new(told["data"].as_str().unwrap()).exists());
}

#[test]
fn a_sandbox_with_systems_of_ones_own_keeps_its_data_and_speaks_to_people() {
    let folder = tempfile::tempdir().unwrap();
    let (data, own) = (folder.path().join("data"), folder.path().join("own: secret"));
    std::fs::write(&own, "secret of my own\n").unwrap();
    let system = format!("my system={}:H37.90,H99.01", text(&own));
    let letter = house::letter(&["H99.01"], 7, "Về việc thử nghiệm", 2048);
    let mine = ("my system", "secret of my own");
    let mut names = Vec::new();
    for outage in ["1..1", "2..3"] {
        let mut running =
            Running::start(&["--data", text(&data), "--system", &system, "--outage", outage, "--seed", "1"]);
        let first = running.line();
        let address = first.split_whitespace().find(|word| word.starts_with("http://")).unwrap();
        let said: Vec<Said> = (0..3).filter_map(|_| sent(address, mine, &letter)?.ok()).collect();
        names.extend(said.iter().map(|said| said.doc_id.clone()));
        let list = call(address, mine, Call::Received { kind: "edoc" }, b"").unwrap().unwrap();
        assert_eq!(list.rows().unwrap().len(), 1, "{list:?}");
        let (code, rest) = running.interrupted();
        assert_eq!(code, 0);
        let outages = if outage == "1..1" { 1 } else { 2 };
        for words in [
            "my system  cơ quan — agencies: H37.90, H99.01",
            &format!("Lỗi cố ý — faults: outage {outage} (seed 1)"),
            "secret=(nội dung tệp khóa — the text of the secret file)",
            "the data stays",
            &format!("4 yêu cầu, {outages} gặp lỗi cố ý — 4 requests, {outages} met a fault"),
            &format!("{}  passed   chuyển nguyên vẹn", 4 - outages),
        ] {
            assert!(rest.contains(words), "{words}\n{rest}");
        }
        assert!(!rest.contains("secret of my own"), "{rest}");
    }
    assert_eq!(names.len(), 3);
    assert!(names.iter().all(|name| *name == names[0]), "one document in both runs: {names:?}");
}

#[test]
fn faults_and_systems_that_cannot_be_meant_are_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    for (args, words) in [
        (
            &["--lost", "60", "--html", "41"][..],
            "vượt quá 100 phần trăm — the percentages add up to more than 100: 101",
        ),
        (&["--nulls", "101"], "nulls phải từ 0 đến 100 phần trăm"),
        (&["--outage", "9..3"], "9..3 phải tăng dần"),
        (&["--outage", "9"], "cần dạng TỪ..ĐẾN — must be FROM..TO"),
        (&["--system", "one=file"], "must be ID=SECRET_FILE:CODE,CODE"),
        (&["--system", "one=file:H37.90,?"], "?"),
    ] {
        let output = lienthong(&[&["sandbox", "--data", text(&data)], args].concat());
        let told = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{told}");
        assert!(told.contains(words), "{args:?}: {told}");
    }
    assert!(!data.exists());
}
