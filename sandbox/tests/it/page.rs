//! The chat page: complete, from here alone, and alive in a real browser.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::Output;

use reqwest::multipart::Form;
use reqwest::multipart::Part;
use serde_json::json;
use tokio::process::Command;
use tokio::time::timeout;

use crate::support::PATIENCE;
use crate::support::Sim;

/// Browsers that will do, by name.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
];

/// All parts by address, found by following the references from `/` on.
async fn parts(sim: &Sim) -> BTreeMap<String, (String, String)> {
    let mut parts = BTreeMap::new();
    let mut open = vec!["/".to_owned()];
    while let Some(path) = open.pop() {
        if parts.contains_key(&path) {
            continue;
        }
        let response = sim.client.get(sim.url(&path)).send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        assert!(
            policy.starts_with("default-src 'none'; script-src 'self';"),
            "{path}: {policy}"
        );
        let kind = response.headers()["content-type"]
            .to_str()
            .unwrap()
            .to_owned();
        let text = response.text().await.unwrap();
        for (before, after) in [
            ("src=\"/web/", '"'),
            ("href=\"/web/", '"'),
            ("from './", '\''),
            ("import('./", '\''),
        ] {
            for piece in text.split(before).skip(1) {
                open.push(format!("/web/{}", piece.split(after).next().unwrap()));
            }
        }
        parts.insert(path, (kind, text));
    }
    parts
}

#[tokio::test]
async fn the_page_is_whole_and_comes_from_here_alone() {
    let sim = Sim::start().await;
    let parts = parts(&sim).await;
    let (kind, page) = &parts["/"];
    assert!(kind.starts_with("text/html") && page.starts_with("<!doctype html>"));
    for (path, (kind, text)) in &parts {
        let expected = match path.rsplit_once('.').map(|(_, extension)| extension) {
            Some("js") => "text/javascript",
            Some("css") => "text/css",
            Some("svg") => "image/svg+xml",
            _ => "text/html",
        };
        assert!(kind.starts_with(expected), "{path}: {kind}");
        for piece in text.split("://").skip(1) {
            // The name of SVG's markup is no address that anyone asks.
            let host = piece.chars().next().unwrap();
            assert!(
                !host.is_alphanumeric() || piece.starts_with("www.w3.org/2000/svg"),
                "{path} leads outside: {}",
                &piece[..20]
            );
        }
        for outside in ["=\"//", "url(//", "@import", "eval(", "document.write"] {
            assert!(!text.contains(outside), "{path} holds {outside}");
        }
    }
    // Whatever is in the folder is used, and the other way round.
    let folder = std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/web")).unwrap();
    let files: BTreeSet<String> = folder
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let used: BTreeSet<String> = parts
        .keys()
        .map(|path| {
            path.strip_prefix("/web/")
                .unwrap_or("index.html")
                .to_owned()
        })
        .collect();
    assert_eq!(used, files);
    let missing = sim
        .client
        .get(sim.url("/web/..%2f..%2fCargo.toml"))
        .send()
        .await
        .unwrap();
    assert_eq!(missing.status(), 404);
}

#[tokio::test]
async fn every_word_of_the_page_is_there_in_both_languages() {
    let sim = Sim::start().await;
    let parts = parts(&sim).await;
    let (_, texts) = &parts["/web/texts.js"];
    let (spanish, english) = texts.split_once("\n  en: {").unwrap();
    let keys = |block: &str| -> BTreeSet<String> {
        let block = block.split("\n  },").next().unwrap();
        let names = block.lines().filter_map(|line| line.strip_prefix("    "));
        names
            .flat_map(|line| line.split(", "))
            .filter_map(|item| item.split_once(": "))
            .map(|(key, _)| key.to_owned())
            .filter(|key| {
                key.bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
            })
            .collect()
    };
    let (spanish, english) = (
        keys(spanish.split_once("\n  es: {").unwrap().1),
        keys(english),
    );
    assert_eq!(spanish, english);
    assert!(spanish.len() > 100);
    for (path, (_, text)) in &parts {
        // Plain keys only; those put together, such as bot_…, are not looked for.
        for key in text
            .split("t('")
            .skip(1)
            .filter_map(|piece| piece.split_once('\'').map(|(key, _)| key))
        {
            let is_key = key
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            let called =
                text.contains(&format!(" t('{key}'")) || text.contains(&format!("(t('{key}'"));
            assert!(
                !is_key || !called || spanish.contains(key),
                "{path} uses {key}, which has no text"
            );
        }
    }
}

#[tokio::test]
async fn the_scripts_parse() {
    if Command::new("node")
        .arg("--version")
        .output()
        .await
        .is_err()
    {
        eprintln!(
            "SKIPPED: the page's scripts were NOT checked, since node is not installed. Remedy: `apt-get install nodejs`"
        );
        return;
    }
    let sim = Sim::start().await;
    let folder =
        PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("page-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    for (path, (kind, text)) in parts(&sim).await {
        if kind.starts_with("text/javascript") {
            // The ending tells node that it is a module.
            let file = folder.join(path.rsplit('/').next().unwrap().replace(".js", ".mjs"));
            std::fs::write(&file, text).unwrap();
            let output = Command::new("node")
                .arg("--check")
                .arg(&file)
                .output()
                .await
                .unwrap();
            assert!(
                output.status.success(),
                "{path}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

/// Runs a browser without a window; `None` where there is none.
async fn browse(url: &str, more: &[&str]) -> Option<Output> {
    let profile = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!(
        "chromium-{}-{}",
        std::process::id(),
        more.len()
    ));
    for browser in BROWSERS {
        let mut command = Command::new(browser);
        command.args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ]);
        command.args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ]);
        command.args([
            "--disable-dev-shm-usage",
            "--enable-logging=stderr",
            "--virtual-time-budget=10000",
        ]);
        command
            .arg(format!("--user-data-dir={}", profile.display()))
            .args(more)
            .arg(url)
            .kill_on_drop(true);
        if let Ok(running) = timeout(PATIENCE * 3, command.output())
            .await
            .expect("the browser hangs")
        {
            let _ = std::fs::remove_dir_all(&profile);
            return Some(running);
        }
    }
    eprintln!(
        "SKIPPED: the page was NOT tried in a browser, since none is installed. Remedy: `apt-get install chromium`"
    );
    None
}

#[tokio::test]
async fn a_browser_shows_the_chat() {
    let sim = Sim::with_ana().await;
    sim.post(
        "/sim/people",
        json!({"id": 1002, "first_name": "<i>Eva", "username": "eva"}),
    )
    .await;
    let markup = json!({"inline_keyboard": [[{"text": "Try <b>free</b>", "callback_data": "trial"}, {"text": "Copy", "copy_text": {"text": "x"}}]]});
    let text = "Hello <b>Ana</b> &lt;script&gt;alert(1)&lt;/script&gt; <code>ss://x</code>";
    sim.ok(
        "sendMessage",
        json!({"chat_id": 1001, "text": text, "parse_mode": "HTML", "reply_markup": markup}),
    )
    .await;
    let file = Part::bytes(b"[Interface]\n".to_vec()).file_name("wg<u>.conf");
    let form = Form::new()
        .text("chat_id", "1001")
        .text("caption", "your file")
        .part("document", file);
    sim.client
        .post(sim.method_url("sendDocument"))
        .multipart(form)
        .send()
        .await
        .unwrap();
    sim.ok("deleteMessage", json!({"chat_id": 1001, "message_id": 1}))
        .await;

    let url = sim.url("/?people=1001,1002,1000&lang=es&theme=dark&still=1");
    let Some(output) = browse(&url, &["--dump-dom"]).await else {
        return;
    };
    let page = String::from_utf8_lossy(&output.stdout);
    let log = String::from_utf8_lossy(&output.stderr);
    assert!(!log.contains(":CONSOLE"), "the page complains: {log}");
    for wanted in [
        "data-theme=\"dark\"",
        "data-ready=\"true\"",
        "Hello <b>Ana</b> &lt;script&gt;alert(1)&lt;/script&gt; <code",
        "Try &lt;b&gt;free&lt;/b&gt;",
        "wg&lt;u&gt;.conf",
        "your file",
        "&lt;i&gt;Eva",
        "data-person=\"1002\"",
        // Admin was not there and is one of those that the page knows.
        "data-person=\"1000\"",
        "Bot sin conexión",
        "INICIAR",
    ] {
        assert!(page.contains(wanted), "{wanted} is not shown in {page}");
    }
    assert_eq!(sim.get("/sim/people/1000").await["label"], "admin");
    assert!(
        !page.contains("data-id=\"1\""),
        "a deleted message is shown"
    );
}
