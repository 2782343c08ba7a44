//! The portable component in hosts that are not ours. See `tests/`.
