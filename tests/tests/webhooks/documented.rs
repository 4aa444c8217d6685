//! The code that `docs/webhooks.md` gives to integrators, run as it stands there.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use consilium_kernel::{Clock, SystemClock};
use reqwest::header::HeaderMap;
use serde_json::{Map, Value};
use standardwebhooks::Webhook;

const DOCS: &str = include_str!("../../../docs/webhooks.md");
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &str = r#"{"type":"ping","data":{"text":"ü"}}"#;

/// The one block of code in this language.
fn snippet(language: &str) -> &'static str {
    let (_, rest) = DOCS.split_once(&format!("```{language}\n")).expect("a snippet");
    rest.split_once("```").expect("its end").0
}

/// Signed now, or `age` seconds ago, by the standard's own library.
fn headers(age: i64) -> [(&'static str, String); 3] {
    let at = SystemClock.now().as_second() - age;
    let signature = Webhook::new(SECRET).unwrap().sign("evt-1", at, BODY.as_bytes()).unwrap();
    let signatures = format!("v1,AAAA {signature} v1,BBBB");
    [("webhook-id", "evt-1".into()), ("webhook-timestamp", at.to_string()), ("webhook-signature", signatures)]
}

/// The same as an object of JSON, which Python and JavaScript read too.
fn as_json(age: i64) -> Value {
    headers(age).into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect::<Map<_, _>>().into()
}

/// What is tried: age, body, and whether it must pass.
const CASES: [(i64, &str, bool); 4] =
    [(0, BODY, true), (240, BODY, true), (0, r#"{"type":"pong"}"#, false), (600, BODY, false)];

fn runs(program: &str, arguments: &[&str], source: &str) -> bool {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap_or_else(|error| panic!("{program}: {error}; scripts/setup-tests installs it"));
    child.stdin.take().unwrap().write_all(source.as_bytes()).unwrap();
    child.wait().unwrap().success()
}

#[test]
fn the_python_code_verifies() {
    for (age, body, passes) in CASES {
        let headers = as_json(age);
        let call = format!("verify({SECRET:?}, {headers}, {body:?}.encode())\n");
        assert_eq!(runs("python3", &["-"], &format!("{}\n{call}", snippet("python"))), passes, "{age} {body}");
    }
}

#[test]
fn the_node_code_verifies() {
    for (age, body, passes) in CASES {
        let headers = as_json(age);
        let call = format!("verify({SECRET:?}, {headers}, Buffer.from({}));\n", serde_json::json!(body));
        assert_eq!(runs("node", &["-"], &format!("{}\n{call}", snippet("js"))), passes, "{age} {body}");
    }
}

#[test]
fn the_rust_code_verifies() {
    for (age, body, passes) in CASES {
        let mut map = HeaderMap::new();
        for (name, value) in headers(age) {
            map.insert(name, value.parse().unwrap());
        }
        assert_eq!(rust::verify(SECRET, &map, body.as_bytes()).is_ok(), passes, "{age} {body}");
    }
    let here = include_str!("rust_snippet.rs").split_once("\n\n").unwrap().1;
    assert_eq!(here.replace("pub fn", "fn").trim(), snippet("rust").trim(), "the same as in the docs");
}

#[path = "rust_snippet.rs"]
mod rust;
