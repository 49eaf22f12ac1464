//! The real binary, run as a process: its answers as scripts read them.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::DEADLINE;

/// What the caller of the tests may have set for commands of his own.
const SETTINGS: [&str; 4] = ["LIENTHONG_GATEWAY", "LIENTHONG_AS", "LIENTHONG_CERTS", "LIENTHONG_TRUST"];

/// The binary with no settings of the caller's own.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lienthong"));
    SETTINGS.iter().for_each(|name| {
        command.env_remove(name);
    });
    command
}

/// What the binary says to these arguments.
pub fn lienthong(args: &[&str]) -> Output {
    program().args(args).output().unwrap()
}

/// The exit code and the one JSON object on standard output.
pub fn json(args: &[&str]) -> (i32, Value) {
    let output = lienthong(args);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let value = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}\n{stderr}"));
    (output.status.code().unwrap(), value)
}

/// Asks again and again until the answer is the one waited for.
pub fn answered(what: &str, mut ask: impl FnMut() -> Value, good: impl Fn(&Value) -> bool) -> Value {
    let end = Instant::now() + DEADLINE;
    loop {
        let answer = ask();
        if good(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "{what}: {answer:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A path as an argument.
pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Whether an answer lists items like this one.
pub fn items(page: &Value) -> &[Value] {
    page["items"].as_array().unwrap()
}
