use super::*;

fn networks(texts: &[&str]) -> Vec<IpNetwork> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn addresses_that_are_right_are_left_alone() {
    let current = networks(&["10.77.0.1/18", "fd77::1/112", "fe80::1/64"]);
    let wanted = networks(&["10.77.0.1/18", "fd77::1/112"]);
    assert_eq!(difference(&current, &wanted), (Vec::new(), Vec::new()));
}

#[test]
fn another_prefix_length_is_another_address() {
    let (missing, stale) = difference(&networks(&["10.77.0.1/18", "10.9.0.1/24"]), &networks(&["10.77.0.1/20"]));
    assert_eq!(missing, networks(&["10.77.0.1/20"]));
    assert_eq!(stale, networks(&["10.77.0.1/18", "10.9.0.1/24"]));
}

#[test]
fn the_loopback_interface_is_found_with_its_address() {
    let link = find("lo").unwrap().unwrap();
    assert!(link.mtu > 0);
    if link.up {
        assert!(addresses(link.index).unwrap().contains(&"127.0.0.1/8".parse().unwrap()));
    }
    assert!(exists("lo").unwrap());
    assert!(!exists("no-such-link").unwrap());
}

#[test]
fn a_missing_privilege_says_how_to_get_it() {
    let error = refusal("giving an address", &io::Error::from(io::ErrorKind::PermissionDenied));
    assert!(matches!(&error, DriverError::Unsupported(text) if text.contains("CAP_NET_ADMIN")), "{error}");
}
