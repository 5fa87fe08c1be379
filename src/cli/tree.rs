//! `usipipo tree`

use crate::admin;
use crate::config::{Needs, Surroundings, load};
use clap::Args;
use std::fmt::Write as _;
use std::path::Path;
use usipipo_actors::supervision::{ChildState, TreeNode};

#[derive(Debug, Args)]
pub(super) struct TreeArgs {
    /// As JSON, for programs
    #[arg(long)]
    json: bool,
    /// Start one actor anew, named by its path below the root, such as duty/outbox
    #[arg(long, value_name = "PATH", conflicts_with = "json")]
    restart: Option<String>,
}

pub(super) fn run(args: &TreeArgs, config: Option<&Path>) -> anyhow::Result<()> {
    let loaded = load(config, Needs::Inspection, &Surroundings::of_process())?;
    if let Some(path) = &args.restart {
        let answer = super::runtime()?.block_on(admin::ask_restart(&loaded.settings.data_dir, path))?;
        anyhow::ensure!(
            answer.killed,
            "there is no actor {path}; `usipipo tree` shows them, a path has slashes: duty/outbox"
        );
        return super::print(&format!("{path} is started anew; `usipipo tree` shows it\n"));
    }
    let answer = super::runtime()?.block_on(admin::ask_tree(&loaded.settings.data_dir))?;
    if args.json {
        return super::print(&format!("{}\n", serde_json::to_string_pretty(&answer)?));
    }
    super::print(&draw(&answer))
}

fn draw(answer: &admin::TreeAnswer) -> String {
    let mut rows = Vec::new();
    lines(&answer.tree, "", "", &mut rows);
    let widest = rows.iter().map(|(name, ..)| name.chars().count()).max().unwrap_or(0);
    let mut text =
        format!("{}\n{:<widest$}  {:<9} {:>8} {:>6}  last cause\n", answer.role, "actor", "state", "restarts", "queue");
    for (name, node) in rows {
        let Some(node) = node else {
            let _ = writeln!(text, "{name}");
            continue;
        };
        let queue = node.queue.map_or_else(|| "-".to_owned(), |depth| depth.to_string());
        let cause = node.last_cause.as_deref().unwrap_or("");
        let line = format!("{name:<widest$}  {:<9} {:>8} {queue:>6}  {cause}", state(node.state), node.restarts);
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn lines<'a>(node: &'a TreeNode, lead: &str, below: &str, rows: &mut Vec<(String, Option<&'a TreeNode>)>) {
    rows.push((format!("{lead}{}", node.name), Some(node)));
    let count = node.children.len();
    for (index, child) in node.children.iter().enumerate() {
        let last = index + 1 == count && node.more.is_empty();
        let (branch, trunk) = if last { ("└─ ", "   ") } else { ("├─ ", "│  ") };
        lines(child, &format!("{below}{branch}"), &format!("{below}{trunk}"), rows);
    }
    if !node.more.is_empty() {
        let parts: Vec<String> = node.more.iter().map(|(state, count)| format!("{count} {state}")).collect();
        rows.push((format!("{below}└─ {}", parts.join(", ")), None));
    }
}

const fn state(state: ChildState) -> &'static str {
    match state {
        ChildState::Starting => "starting",
        ChildState::Running => "running",
        ChildState::Waiting => "waiting",
        ChildState::Resting => "resting",
        ChildState::Stopping => "stopping",
    }
}

#[cfg(test)]
mod tests;
