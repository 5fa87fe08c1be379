//! A real client and a real tunnel.
