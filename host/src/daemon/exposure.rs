//! Whether the plain side of a pipe can be seen from other hosts.

use crate::guest::Side;
use crate::net::resolve::Endpoint;

/// What to warn of, if bytes leave this host, or come in, unencrypted. A
/// client's plain side is its source, a server's its target.
pub(super) fn of_plain_side(side: Side, source: &Endpoint, targets: &[Endpoint]) -> Option<String> {
    match side {
        Side::Client if leaves_host(source) => Some(format!(
            "The plain side listens on {source}, beyond this host: whoever can connect there \
             gets into the pipe, and nothing is encrypted on the way there"
        )),
        Side::Server => targets.iter().find(|target| leaves_host(target)).map(|target| {
            format!(
                "The plain side goes to {target}, beyond this host: \
                 nothing is encrypted on the way there"
            )
        }),
        Side::Client => None,
    }
}

fn leaves_host(endpoint: &Endpoint) -> bool {
    match endpoint {
        Endpoint::Tcp(address) => !address.ip().to_canonical().is_loopback(),
        Endpoint::Unix(_) | Endpoint::Abstract(_) => false,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn only_the_plain_side_matters_and_only_beyond_loopback() {
        let (here, there) = (tcp("127.0.0.1:1"), tcp("192.0.2.1:1"));
        let warned = |side, source: &Endpoint, targets: &[&Endpoint]| {
            let targets: Vec<_> = targets.iter().map(|&target| target.clone()).collect();
            of_plain_side(side, source, &targets).is_some()
        };
        assert!(warned(Side::Client, &there, &[&here]));
        assert!(warned(Side::Client, &tcp("0.0.0.0:1"), &[&here]));
        assert!(!warned(Side::Client, &here, &[&there]));
        assert!(warned(Side::Server, &here, &[&here, &there]));
        assert!(!warned(Side::Server, &there, &[&here, &tcp("[::1]:1")]));
        assert!(!warned(Side::Server, &there, &[&tcp("[::ffff:127.0.0.1]:1")]));
        assert!(!warned(Side::Server, &there, &[&Endpoint::Unix("/run/socket".into())]));
    }

    fn tcp(address: &str) -> Endpoint {
        Endpoint::Tcp(address.parse().unwrap())
    }
}
