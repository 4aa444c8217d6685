//! Real browsers: Chromium with a fake camera, obeying `tests/node/browser.mjs`.

use std::{path::Path, process::Stdio, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout},
};

use crate::node;

const CHROMIUM: &str = "/usr/bin/chromium";
/// A little more than the driver's own.
const PATIENCE: Duration = Duration::from_secs(90);

/// Browsers that end with this value.
pub struct Browsers {
    driver: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
}

impl Browsers {
    /// No browser yet.
    pub fn new() -> Self {
        assert!(Path::new(CHROMIUM).exists(), "{CHROMIUM} is missing: run scripts/setup-tests");
        let mut command = node::script("browser.mjs");
        let mut driver = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is missing: run scripts/setup-tests");
        let input = driver.stdin.take().expect("its input");
        let output = BufReader::new(driver.stdout.take().expect("its output")).lines();
        Self { driver, input, output }
    }

    /// Opens `url` in a browser of its own, which is started by `before` (such as `ip netns exec …`) and runs the
    /// script `init` before those of the page.
    pub async fn open(&mut self, page: &str, url: &str, before: &[&str], init: &str) {
        let command: Vec<&str> = before.iter().copied().chain([CHROMIUM]).collect();
        self.ask(json!({"do": "open", "page": page, "url": url, "command": command, "init": init})).await;
    }

    /// What an expression is in the page.
    pub async fn evaluate(&mut self, page: &str, script: &str) -> Value {
        self.ask(json!({"do": "evaluate", "page": page, "script": script})).await
    }

    /// Waits until an expression is true in the page; what it is.
    pub async fn until(&mut self, page: &str, script: &str) -> Value {
        self.ask(json!({"do": "until", "page": page, "script": script})).await
    }

    /// Writes into a field.
    pub async fn fill(&mut self, page: &str, selector: &str, text: &str) {
        self.ask(json!({"do": "fill", "page": page, "selector": selector, "text": text})).await;
    }

    /// Clicks on what can be seen.
    pub async fn click(&mut self, page: &str, selector: &str) {
        self.ask(json!({"do": "click", "page": page, "selector": selector})).await;
    }

    /// Keeps a picture of the page.
    pub async fn screenshot(&mut self, page: &str, path: &Path) {
        self.ask(json!({"do": "screenshot", "page": page, "path": path})).await;
    }

    async fn ask(&mut self, command: Value) -> Value {
        match self.try_ask(&command).await {
            Ok(value) => value,
            Err(error) => {
                let told = self.try_ask(&json!({"do": "told", "page": command["page"]})).await;
                panic!("{command:#}: {error}\nthe page's console: {told:#?}")
            }
        }
    }

    async fn try_ask(&mut self, command: &Value) -> Result<Value, String> {
        self.input.write_all(format!("{command}\n").as_bytes()).await.expect("the driver runs");
        let line = tokio::time::timeout(PATIENCE, self.output.next_line()).await.expect("an answer in time");
        let line = line.expect("text").unwrap_or_else(|| panic!("the driver ended: {:?}", self.driver.try_wait()));
        let mut answer: Value = serde_json::from_str(&line).expect("JSON");
        match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["ok"].take()),
        }
    }
}

impl Default for Browsers {
    fn default() -> Self {
        Self::new()
    }
}
