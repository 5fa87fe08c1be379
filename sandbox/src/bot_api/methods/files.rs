//! Downloading.

use serde_json::json;

use super::Call;
use crate::bot_api::error::ApiError;
use crate::bot_api::result;
use crate::world::files::MAX_DOWNLOAD_BYTES;

/// `getFile`
pub fn get_file(call: &Call<'_>) -> Result<Vec<u8>, ApiError> {
    let id = call.arguments.text("file_id").unwrap_or_default();
    if id.is_empty() {
        return Err(ApiError::bad("file_id not specified"));
    }
    let stored = call
        .world
        .files
        .get(id)
        .ok_or_else(|| ApiError::bad("invalid file_id"))?;
    if stored.bytes.len() > MAX_DOWNLOAD_BYTES {
        return Err(ApiError::bad("file is too big"));
    }
    result(
        &json!({"file_id": stored.file.file_id, "file_unique_id": stored.file.unique_id,
        "file_size": stored.file.size, "file_path": stored.path}),
    )
}
