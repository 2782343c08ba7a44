//! The PROXY protocol, which tells where a connection that was passed on comes
//! from.

/// The forms of its header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProxyVersion {
    /// Text.
    V1,
    /// Binary.
    V2,
}
