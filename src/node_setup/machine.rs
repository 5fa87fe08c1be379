//! What the plan has to know of this machine.

use super::Places;
use std::fs;
use std::path::Path;

/// Flags of a route in `/proc/net/ipv6_route`: a default route, and learned from a router's advertisement.
const RTF_DEFAULT: u32 = 0x0001_0000;
const RTF_ADDRCONF: u32 = 0x0004_0000;

/// Facts that were read; nothing is changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Machine {
    /// Interfaces whose default route of IPv6 comes from a router's advertisements and would be lost with forwarding on: the
    /// kernel ignores advertisements then, unless told otherwise.
    pub advertised: Vec<String>,
}

impl Machine {
    /// Looks at this one.
    #[must_use]
    pub fn look(places: &Places) -> Self {
        Self::of(&fs::read_to_string("/proc/net/ipv6_route").unwrap_or_default(), &places.proc_sys)
    }

    pub(super) fn of(routes: &str, proc_sys: &Path) -> Self {
        let mut advertised: Vec<String> = routes
            .lines()
            .filter_map(advertised_default)
            .filter(|interface| {
                let setting = proc_sys.join("net/ipv6/conf").join(interface).join("accept_ra");
                // 2, which is what we would set, works with forwarding.
                fs::read_to_string(setting).is_ok_and(|value| value.trim() == "1")
            })
            .map(str::to_owned)
            .collect();
        advertised.sort();
        advertised.dedup();
        Self { advertised }
    }
}

fn advertised_default(route: &str) -> Option<&str> {
    let fields: Vec<&str> = route.split_whitespace().collect();
    let [_, length, .., flags, interface] = fields.as_slice() else { return None };
    let flags = u32::from_str_radix(flags, 16).ok()?;
    (*length == "00" && flags & RTF_DEFAULT != 0 && flags & RTF_ADDRCONF != 0).then_some(interface)
}
