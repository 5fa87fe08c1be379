//! What Outline's installer says about the server that it made.

use serde::Deserialize;

/// What leads to a server: printed by the installer at its end, and left on the server in `/opt/outline/access.txt`.
#[derive(Deserialize)]
pub struct Installed {
    /// `https://host:port/prefix`; the prefix is a secret.
    #[serde(rename = "apiUrl")]
    pub api_url: String,
    /// SHA-256 of its certificate, as it stands there.
    #[serde(rename = "certSha256")]
    pub cert_sha256: String,
}

impl Installed {
    /// The line that the installer prints, also with words around it, or the lines `apiUrl:…` and `certSha256:…` of the file
    /// that it leaves on the server. `None` for anything else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        if let Some((start, end)) = text.find('{').zip(text.rfind('}')) {
            return serde_json::from_str(text.get(start..=end)?).ok();
        }
        let of = |key: &str| {
            let mut lines = text.lines().map(str::trim);
            lines.find_map(|line| Some(line.strip_prefix(key)?.strip_prefix(':')?.trim().to_owned()))
        };
        Some(Self { api_url: of("apiUrl")?, cert_sha256: of("certSha256")? })
    }
}

#[cfg(test)]
mod tests;
