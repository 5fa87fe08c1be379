//! Reading numbers from bytes that somebody else sent.

/// The `N` bytes at this place, if there are so many.
pub(super) fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at.checked_add(N)?)?.try_into().ok()
}
