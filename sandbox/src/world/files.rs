//! Uploaded files.

use std::collections::HashMap;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Mutex;

use axum::body::Bytes;
use serde::Deserialize;
use serde::Serialize;

use super::lock;
use super::message::FileRef;

/// The largest document a bot may upload.
pub const MAX_UPLOAD_BYTES: usize = 50 * 1024 * 1024;
/// The largest photo a bot may upload.
pub const MAX_PHOTO_BYTES: usize = 10 * 1024 * 1024;
/// The largest file a bot may download.
pub const MAX_DOWNLOAD_BYTES: usize = 20 * 1024 * 1024;
/// So much is kept in memory; the oldest files go first.
const KEPT_BYTES: usize = 512 * 1024 * 1024;

/// A file and where the bot downloads it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct StoredFile {
    /// As messages show it.
    pub file: FileRef,
    /// `file_path` of getFile.
    pub path: String,
    /// The content; saved apart.
    #[serde(skip)]
    pub bytes: Bytes,
}

#[derive(Debug, Default)]
struct Inner {
    by_id: HashMap<String, Arc<StoredFile>>,
    by_path: HashMap<String, String>,
    order: VecDeque<String>,
    bytes: usize,
    next: u64,
}

/// All files.
#[derive(Debug, Default)]
pub struct Files {
    inner: Mutex<Inner>,
}

impl Files {
    /// Stores a file.
    pub fn add(
        &self,
        is_photo: bool,
        file_name: &str,
        mime: &str,
        size: (u32, u32),
        bytes: Bytes,
    ) -> FileRef {
        let mut inner = lock(&self.inner);
        let number = inner.next;
        let (prefix, folder) = if is_photo {
            ("AgAC", "photos")
        } else {
            ("BQAC", "documents")
        };
        let extension = file_name
            .rsplit_once('.')
            .map_or("", |(_, extension)| extension);
        let plain = !extension.is_empty() && extension.chars().all(|c| c.is_ascii_alphanumeric());
        let suffix = if plain {
            format!(".{extension}")
        } else {
            String::new()
        };
        let file = FileRef {
            file_id: format!(
                "{prefix}Agsandbox{:012x}{number:08x}",
                crate::clock::real_ms()
            ),
            unique_id: format!("AQsandbox{number:08x}"),
            file_name: file_name.to_owned(),
            mime: mime.to_owned(),
            size: bytes.len(),
            width: size.0,
            height: size.1,
        };
        let path = format!("{folder}/file_{number}{suffix}");
        inner.insert(StoredFile {
            file: file.clone(),
            path,
            bytes,
        });
        file
    }

    /// Puts a saved file back.
    pub fn restore(&self, file: StoredFile) {
        lock(&self.inner).insert(file);
    }

    /// By `file_id`.
    pub fn get(&self, id: &str) -> Option<Arc<StoredFile>> {
        lock(&self.inner).by_id.get(id).cloned()
    }

    /// By `file_path`.
    pub fn at(&self, path: &str) -> Option<Arc<StoredFile>> {
        let inner = lock(&self.inner);
        inner.by_id.get(inner.by_path.get(path)?).cloned()
    }

    /// All, oldest first.
    pub fn all(&self) -> Vec<Arc<StoredFile>> {
        let inner = lock(&self.inner);
        inner
            .order
            .iter()
            .filter_map(|id| inner.by_id.get(id).cloned())
            .collect()
    }

    /// How many.
    pub fn count(&self) -> usize {
        lock(&self.inner).by_id.len()
    }

    /// Forgets all.
    pub fn clear(&self) {
        let mut inner = lock(&self.inner);
        let next = inner.next;
        *inner = Inner {
            next,
            ..Inner::default()
        };
    }
}

impl Inner {
    fn insert(&mut self, file: StoredFile) {
        self.next += 1;
        self.bytes += file.bytes.len();
        self.order.push_back(file.file.file_id.clone());
        self.by_path
            .insert(file.path.clone(), file.file.file_id.clone());
        self.by_id.insert(file.file.file_id.clone(), Arc::new(file));
        while self.bytes > KEPT_BYTES
            && let Some(oldest) = self.order.pop_front()
        {
            if let Some(file) = self.by_id.remove(&oldest) {
                self.bytes -= file.bytes.len();
                self.by_path.remove(&file.path);
            }
        }
    }
}

/// Content type by the name of a file.
pub fn mime_of(file_name: &str) -> &'static str {
    let extension = file_name
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    match extension.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "txt" | "log" => "text/plain",
        "json" => "application/json",
        "csv" => "text/csv",
        "html" => "text/html",
        "pdf" => "application/pdf",
        "zip" => "application/zip",
        _ => "application/octet-stream",
    }
}

/// Width and height of a PNG or JPEG picture.
pub fn picture_size(bytes: &[u8]) -> Option<(u32, u32)> {
    let be32 = |at: usize| -> Option<u32> {
        Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
    };
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") {
        return be32(16).zip(be32(20));
    }
    if !bytes.starts_with(&[0xff, 0xd8]) {
        return None;
    }
    let be16 = |at: usize| -> Option<u16> {
        Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
    };
    let mut at = 2;
    while *bytes.get(at)? == 0xff {
        let marker = *bytes.get(at + 1)?;
        let is_frame = (0xc0..=0xcf).contains(&marker) && !matches!(marker, 0xc4 | 0xc8 | 0xcc);
        if is_frame {
            return Some((u32::from(be16(at + 7)?), u32::from(be16(at + 5)?)));
        }
        at += 2 + usize::from(be16(at + 2)?);
    }
    None
}
