//! Chromium without a window, driven by its DevTools protocol over our own WebSocket: a page is opened, looked at by
//! scripts in it, typed into and photographed.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hijack::ws::{self, Dial, Message, WebSocket};
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::peer::find;
use crate::process::{Folder, Running};

/// Starts Chromium without a window, at `url`, with a new profile in `folder`; `None` if it is missing here.
///
/// # Panics
///
/// If it does not start, or if it is missing and `CI=true`.
#[must_use]
pub fn start(folder: &Folder, url: &str) -> Option<Running> {
    let mut command = Command::new(find("HIJACK_CHROMIUM", "chromium")?);
    // Root is allowed no sandbox, and containers have little shared memory; no service of Google's is asked.
    command.args([
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
    ]);
    command.args(["--disable-background-networking", "--disable-component-update", "--disable-sync"]);
    command.arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost");
    command.arg(format!("--user-data-dir={}", folder.path().join(PROFILE).display()));
    command.args(["--remote-debugging-port=0", url]);
    Some(Running::start(&command, folder, None).expect("Chromium is started"))
}

/// The profile, in the folder of a run.
const PROFILE: &str = "profile";

/// One Chromium with one page.
#[derive(Debug)]
pub struct Browser {
    socket: WebSocket,
    session: String,
    calls: u64,
    problems: Vec<String>,
    running: Running,
    _folder: Folder,
}

impl Browser {
    /// Starts it, with an empty page; `None` if it is missing here.
    ///
    /// # Panics
    /// If it does not start, or if it is missing and `CI=true`.
    pub async fn start() -> Option<Self> {
        let folder = Folder::new("browser").expect("a folder is made");
        let running = start(&folder, "about:blank")?;
        let profile = folder.path().join(PROFILE);
        let url = where_it_listens(&profile.join("DevToolsActivePort"), &running).await;
        let dial = Dial::to(&url).expect("an address").configure(|config| {
            config.limits.message_len = MOST_ANSWER;
            config.limits.frame_len = MOST_ANSWER;
        });
        let socket = ws::dial_config(&dial).await.expect("Chromium's WebSocket opens");
        let mut browser =
            Self { socket, session: String::new(), calls: 0, problems: Vec::new(), running, _folder: folder };
        browser.attach().await;
        Some(browser)
    }

    async fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({ "url": "about:blank" })).await;
        let attach = json!({ "targetId": target["targetId"], "flatten": true });
        let session = self.call("Target.attachToTarget", attach).await;
        session["sessionId"].as_str().expect("a session").clone_into(&mut self.session);
        for domain in ["Page.enable", "Runtime.enable", "Log.enable"] {
            self.call(domain, json!({})).await;
        }
    }

    /// Goes to `url`.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub async fn open(&mut self, url: &str) {
        let went = self.call("Page.navigate", json!({ "url": url })).await;
        assert!(went.get("errorText").is_none(), "{url}: {went}");
    }

    /// What a script in the page gives, or the promise it gives.
    ///
    /// # Panics
    /// If it throws.
    pub async fn eval(&mut self, script: &str) -> Value {
        self.try_eval(script).await.unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    async fn try_eval(&mut self, script: &str) -> Result<Value, String> {
        let parameters =
            json!({ "expression": script, "awaitPromise": true, "returnByValue": true, "userGesture": true });
        let answer = self.try_call("Runtime.evaluate", parameters).await?;
        match answer.get("exceptionDetails") {
            Some(thrown) => Err(thrown["exception"]["description"].to_string()),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Waits until an expression in the page holds, also across pages.
    ///
    /// # Panics
    /// If it does not hold within 30 s, with what the page shows.
    pub async fn until(&mut self, condition: &str) {
        let script = format!(
            "new Promise((done) => {{ const end = performance.now() + 1000;
               const look = () => {{ let so = false; try {{ so = !!({condition}); }} catch {{}}
                 if (so || performance.now() > end) done(so); else setTimeout(look, 10); }};
               look(); }})"
        );
        let end = Instant::now() + PATIENCE;
        // A page that is left takes its script with it.
        while self.try_eval(&script).await != Ok(Value::Bool(true)) {
            if Instant::now() > end {
                let shown = self.try_eval("document.body.innerText").await;
                panic!("never so: {condition}\npage: {shown:?}\nproblems: {:?}", self.problems);
            }
        }
    }

    /// Puts text where the focus is, after whatever is marked there.
    pub async fn type_into(&mut self, selector: &str, text: &str) {
        self.eval(&format!(
            "{{ const it = document.querySelector({}); it.focus(); it.select(); }}",
            json!(selector)
        ))
        .await;
        if text.is_empty() {
            self.press("Backspace", 8).await;
        } else {
            self.call("Input.insertText", json!({ "text": text })).await;
        }
    }

    /// Presses a key and lets it go.
    pub async fn press(&mut self, key: &str, code: u32) {
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code });
            if key == "Enter" && kind == "keyDown" {
                // Without its character it neither presses a button nor sends a form.
                event["text"] = json!("\r");
            }
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Clicks on what a selector finds first.
    pub async fn click(&mut self, selector: &str) {
        self.eval(&format!("document.querySelector({}).click()", json!(selector))).await;
    }

    /// Chooses one of a select's values.
    pub async fn choose(&mut self, selector: &str, value: &str) {
        let script = format!(
            "{{ const it = document.querySelector({}); it.value = {}; it.dispatchEvent(new Event('change')); }}",
            json!(selector),
            json!(value)
        );
        self.eval(&script).await;
    }

    /// Has the page be so wide and so high, in light or dark.
    pub async fn resize(&mut self, width: u32, height: u32, is_dark: bool) {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.call("Emulation.setDeviceMetricsOverride", size).await;
        let scheme = if is_dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.call("Emulation.setEmulatedMedia", media).await;
        // Two frames: one for the new size, one with it.
        self.eval("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(0))))")
            .await;
    }

    /// Photographs the page.
    ///
    /// # Panics
    /// If the file cannot be written.
    pub async fn photograph(&mut self, file: &Path) {
        let picture = self.call("Page.captureScreenshot", json!({ "format": "png" })).await;
        let bytes = STANDARD.decode(picture["data"].as_str().unwrap_or_default()).expect("base64");
        fs::write(file, bytes).expect("the picture is written");
    }

    /// Megabytes of the page's values that are in use.
    pub async fn heap_mb(&mut self) -> f64 {
        self.call("HeapProfiler.collectGarbage", json!({})).await;
        let usage = self.call("Runtime.getHeapUsage", json!({})).await;
        usage["usedSize"].as_f64().unwrap_or(f64::NAN) / 1e6
    }

    /// What can be used on the page, and has no name for those who do not see it: roles of the accessibility tree.
    pub async fn nameless(&mut self) -> Vec<String> {
        let tree = self.call("Accessibility.getFullAXTree", json!({})).await;
        let nodes = tree["nodes"].as_array().cloned().unwrap_or_default();
        let usable = nodes.iter().filter(|node| {
            node["ignored"] == false && {
                let role = node["role"]["value"].as_str().unwrap_or_default();
                USABLE.contains(&role)
            }
        });
        let nameless =
            usable.filter(|node| node["name"]["value"].as_str().unwrap_or_default().trim().is_empty());
        nameless.map(ToString::to_string).collect()
    }

    /// Ends it in order, so that its profile can be removed, and gives what the page threw, and what the browser refused
    /// it or complained of.
    pub async fn close(mut self) -> Vec<String> {
        self.session.clear();
        // It may be gone before it answers.
        let _ = self.socket.send(json!({ "id": 0, "method": "Browser.close" }).to_string()).await;
        let end = async { while let Ok(Some(_)) = self.socket.recv().await {} };
        let _ = timeout(PATIENCE, end).await;
        std::mem::take(&mut self.problems)
    }

    async fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.try_call(method, parameters).await.unwrap_or_else(|error| panic!("{method}: {error}"))
    }

    async fn try_call(&mut self, method: &str, parameters: Value) -> Result<Value, String> {
        self.calls += 1;
        let id = self.calls;
        let mut call = json!({ "id": id, "method": method, "params": parameters });
        if !self.session.is_empty() {
            call["sessionId"] = json!(self.session);
        }
        self.socket.send(call.to_string()).await.expect("Chromium takes a call");
        let answer = timeout(PATIENCE, self.answer(id)).await;
        let mut answer = answer.unwrap_or_else(|_| panic!("{method}: no answer\n{}", self.running.log()));
        match answer.get("error") {
            Some(error) => Err(error.to_string()),
            None => Ok(answer["result"].take()),
        }
    }

    async fn answer(&mut self, id: u64) -> Value {
        loop {
            let message = self.socket.recv().await.expect("Chromium lives");
            let Some(Message::Text(text)) = message else { panic!("Chromium went: {}", self.running.log()) };
            let said: Value = serde_json::from_str(&text).expect("JSON");
            if said["id"] == id {
                return said;
            }
            self.note(&said);
        }
    }

    fn note(&mut self, said: &Value) {
        let problem = match said["method"].as_str() {
            Some("Runtime.exceptionThrown") => said["params"]["exceptionDetails"].to_string(),
            // Refused requests are a part of the tests; advice is for others.
            Some("Log.entryAdded") => match &said["params"]["entry"] {
                entry if entry["source"] == "network" || entry["level"] == "verbose" => return,
                entry => entry.to_string(),
            },
            _ => return,
        };
        self.problems.push(problem);
    }
}

/// Chromium writes its port and path to a file, as soon as it listens.
async fn where_it_listens(file: &Path, running: &Running) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let written = fs::read_to_string(file).unwrap_or_default();
        if let Some((port, path)) = written.split_once('\n').filter(|(_, path)| path.contains("browser/")) {
            return format!("ws://127.0.0.1:{port}{}", path.trim());
        }
        assert!(Instant::now() < end, "Chromium does not listen: {}", running.log());
        sleep(Duration::from_millis(10)).await;
    }
}

/// Roles of what is pressed, chosen or typed into.
const USABLE: [&str; 9] =
    ["button", "link", "textbox", "searchbox", "checkbox", "combobox", "ComboBoxSelect", "tab", "grid"];

/// For a machine that has much else to do.
const PATIENCE: Duration = Duration::from_secs(30);

/// Bytes of an answer: a photograph has some.
const MOST_ANSWER: u64 = 64 << 20;
