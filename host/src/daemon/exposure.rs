//! Whether the plain side of a pipe can be seen from other hosts.

use crate::guest::Side;
use crate::net::resolve::Endpoint;

/// What to warn of, if bytes leave this host, or come in, unencrypted. A
/// client's plain side is its source, a server's its target.
pub(crate) fn of_plain_side(side: Side, source: &Endpoint, targets: &[Endpoint]) -> Option<String> {
    match side {
        Side::Client if leaves_host(source) => Some(format!(
            "The plain side listens on {source}, which other hosts can reach: anyone who can \
             connect there can use the pipe, and nothing is encrypted on the way there (use a \
             loopback address or a Unix socket)"
        )),
        Side::Server => targets.iter().find(|target| leaves_host(target)).map(|target| {
            format!(
                "The plain side connects to {target}, which is another host: nothing is encrypted \
                 on the way there"
            )
        }),
        Side::Client => None,
    }
}

/// Why `--strict` does not let a pipe listen there: it would serve anyone with our
/// key.
pub(super) fn refused_by_strict(side: Side, source: &Endpoint) -> Option<String> {
    (side == Side::Client && leaves_host(source)).then(|| {
        format!(
            "--strict: the plain side would listen on {source}, where anyone who can connect can \
             use the pipe: use a loopback address or a Unix socket"
        )
    })
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
        assert!(refused_by_strict(Side::Client, &there).is_some());
        assert!(refused_by_strict(Side::Client, &here).is_none());
        assert!(refused_by_strict(Side::Server, &there).is_none());
        assert!(warned(Side::Server, &here, &[&here, &there]));
        assert!(!warned(Side::Server, &there, &[&here, &tcp("[::1]:1")]));
        assert!(!warned(Side::Server, &there, &[&tcp("[::ffff:127.0.0.1]:1")]));
        assert!(!warned(Side::Server, &there, &[&Endpoint::Unix("/run/socket".into())]));
    }

    fn tcp(address: &str) -> Endpoint {
        Endpoint::Tcp(address.parse().unwrap())
    }
}
