//! What outgoing connections need from the system while a program runs.

use rustix::thread::CapabilitySet;

use super::address::Address;
use super::resolve::Endpoint;
use crate::process::sandbox::Needs;

/// Only a process with a capability may bind a port up to this one.
const RESERVED_PORTS: u16 = 1023;

/// The needs of connections to these targets, made from `bind` if that is given.
#[must_use]
pub(crate) fn needs(targets: &[Address], bind: Option<&Endpoint>) -> Needs {
    let mut needs = Needs {
        connects_to: targets.iter().filter_map(port).collect(),
        connects_from: Some(Vec::new()),
        makes_sockets_in: Vec::new(),
        connects_to_abstract: targets.iter().any(|target| matches!(target, Address::Abstract(_))),
        capabilities: CapabilitySet::empty(),
    };
    if targets.iter().any(|target| matches!(target, Address::Unix(_))) {
        // Root may connect to another user's socket without permission on it.
        needs.capabilities |= CapabilitySet::DAC_OVERRIDE;
    }
    match bind {
        Some(Endpoint::Tcp(address)) => {
            needs.connects_from = Some(vec![address.port()]);
            if (1..=RESERVED_PORTS).contains(&address.port()) {
                needs.capabilities |= CapabilitySet::NET_BIND_SERVICE;
            }
        }
        Some(Endpoint::Unix(path)) => {
            needs.makes_sockets_in = path.parent().map(ToOwned::to_owned).into_iter().collect();
            needs.capabilities |= CapabilitySet::DAC_OVERRIDE;
        }
        Some(Endpoint::Abstract(_)) | None => {}
    }
    needs
}

/// The TCP port of a target, if it has one. `Some(None)` if it is not fixed: the port
/// of a service name may change.
#[allow(clippy::option_option, reason = "it is collected into an Option<Vec<u16>>")]
fn port(target: &Address) -> Option<Option<u16>> {
    match target {
        Address::Unix(_) | Address::Abstract(_) => None,
        Address::Literal(address) => Some(Some(address.port())),
        Address::Name { port, .. } => Some(port.parse().ok()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn only_the_ports_of_the_target_are_needed() {
        let ports = |targets: &[&str]| {
            let targets: Vec<_> = targets.iter().map(|target| target.parse().unwrap()).collect();
            needs(&targets, None).connects_to
        };
        assert_eq!(ports(&["[::1]:80"]), Some(vec![80]));
        assert_eq!(ports(&["example.net:80", "[::1]:81"]), Some(vec![80, 81]));
        assert_eq!(ports(&["[::1]:80", "example.net:http"]), None);
        assert_eq!(ports(&["/run/socket", "@socket"]), Some(vec![]));
    }

    #[test]
    fn capabilities_are_rarely_needed() {
        let needed = |target: &str, bind: Option<&str>| {
            let bind = bind.map(|address| Endpoint::Tcp(address.parse().unwrap()));
            needs(&[target.parse().unwrap()], bind.as_ref()).capabilities
        };
        for bind in [None, Some("127.0.0.1:0"), Some("127.0.0.1:1024")] {
            assert_eq!(needed("[::1]:80", bind), CapabilitySet::empty());
        }
        let reserved = needed("[::1]:80", Some("127.0.0.1:1023"));
        assert_eq!(reserved, CapabilitySet::NET_BIND_SERVICE);
        assert_eq!(needed("/run/socket", None), CapabilitySet::DAC_OVERRIDE);
        assert_eq!(needed("@socket", None), CapabilitySet::empty());
    }
}
