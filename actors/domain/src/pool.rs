//! Address pools (to be filled).
