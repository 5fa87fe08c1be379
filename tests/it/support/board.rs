//! What the board shows.

use serde_json::Value;

const BOARD: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/grafana/dashboards/usipipo.json");

/// Title and query of everything on the board, with this window for its rates.
pub(crate) fn queries(window: &str) -> Vec<(String, String)> {
    let board: Value = serde_json::from_str(&std::fs::read_to_string(BOARD).unwrap()).unwrap();
    let mut found = Vec::new();
    let mut panels: Vec<&Value> = board["panels"].as_array().unwrap().iter().collect();
    while let Some(panel) = panels.pop() {
        panels.extend(panel["panels"].as_array().into_iter().flatten());
        for target in panel["targets"].as_array().into_iter().flatten() {
            let query = target["expr"].as_str().unwrap().replace("$__rate_interval", window);
            found.push((panel["title"].as_str().unwrap_or_default().to_owned(), query));
        }
    }
    found
}

/// The queries of one panel.
pub(crate) fn panel(title: &str, window: &str) -> Vec<String> {
    let of_panel = |(of, query): (String, String)| (of == title).then_some(query);
    let found: Vec<String> = queries(window).into_iter().filter_map(of_panel).collect();
    assert!(!found.is_empty(), "the board has no panel {title}");
    found
}
