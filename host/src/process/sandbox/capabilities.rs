//! Capabilities.

use rustix::io;
use rustix::thread::{
    CapabilitySet, CapabilitySets, capabilities, capability_is_in_bounding_set,
    clear_ambient_capability_set, configure_capability_in_ambient_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::{Layer, words};

/// Ensures that no capability comes back with a program that is executed. Only a
/// process that may change capabilities can do this; for others, `no_new_privs` has to
/// suffice.
pub(super) fn leave_bounding_set(kept: CapabilitySet) {
    let all = (0..u64::BITS).map(|bit| CapabilitySet::from_bits_retain(1 << bit));
    for capability in all.take_while(|&one| capability_is_in_bounding_set(one).is_ok()) {
        if !kept.contains(capability) && capability_is_in_bounding_set(capability) == Ok(true) {
            let _ = remove_capability_from_bounding_set(capability);
        }
    }
}

/// Empties all sets of this thread, except for what is `kept`.
pub(super) fn give_up(kept: CapabilitySet) -> Layer {
    match reduce_to(kept) {
        Ok(left) if left.is_empty() => Ok("no capabilities".to_owned()),
        Ok(left) => Err(format!("giving up {}", names(left))),
        Err(error) => Err(format!("giving up capabilities ({})", words(error))),
    }
}

/// The remaining capabilities.
pub(super) fn reduce_to(kept: CapabilitySet) -> io::Result<CapabilitySet> {
    // Kernels before 4.3 have no such set.
    let _ = clear_ambient_capability_set();
    let now = capabilities(None)?;
    let kept = now.permitted & kept;
    let wanted =
        CapabilitySets { effective: kept, permitted: kept, inheritable: CapabilitySet::empty() };
    // Even dropping nothing is a system call that may be forbidden.
    if now != wanted {
        set_capabilities(None, wanted)?;
    }
    let now = capabilities(None)?;
    Ok(now.effective | now.permitted | now.inheritable)
}

/// Keeps the capabilities of this thread across the execution of a program.
pub(super) fn pass_on() -> io::Result<()> {
    let now = capabilities(None)?;
    set_capabilities(None, CapabilitySets { inheritable: now.permitted, ..now })?;
    for capability in now.permitted.iter() {
        configure_capability_in_ambient_set(capability, true)?;
    }
    Ok(())
}

fn names(capabilities: CapabilitySet) -> String {
    let names = capabilities.iter_names().map(|(name, _)| format!("CAP_{name}"));
    names.collect::<Vec<_>>().join(" and ")
}
