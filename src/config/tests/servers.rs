//! Servers of keys.

use super::*;

const HASH: &str = "0F1E2D3C4B5A69788796A5B4C3D2E1F00F1E2D3C4B5A69788796A5B4C3D2E1F0";

fn outline() -> String {
    format!("[[nodes]]\ndriver = 'outline'\napi_url = 'https://192.0.2.1:9/sesame'\ncert_sha256 = '{HASH}'\n")
}

fn telemt() -> &'static str {
    "[[nodes]]\ndriver = 'telemt'\napi_url = 'http://127.0.0.1:9091'\nauth_header = 'sesame'\nhost = '192.0.2.2'\nport = 443\n"
}

#[test]
fn servers_of_keys_need_little() {
    let settings = inspect(&outline()).unwrap().settings;
    assert!(settings.nodes.is_empty(), "no WireGuard server comes by itself when others are named");
    let [node] = settings.key_nodes.as_slice() else { panic!("one node") };
    assert_eq!((node.host.as_deref(), node.port, node.capacity), (None, None, 1_000));
    assert!(matches!(&node.server, KeyServer::Outline { cert_sha256, .. } if cert_sha256.to_string() == HASH));
    let settings = inspect(telemt()).unwrap().settings;
    let [node] = settings.key_nodes.as_slice() else { panic!("one node") };
    assert_eq!((node.host.as_deref(), node.port, node.capacity), (Some("192.0.2.2"), Some(443), 500));
    let KeyServer::Telemt { auth_header, domain, .. } = &node.server else { panic!("telemt") };
    assert_eq!((auth_header.as_ref().unwrap().expose_secret(), domain), ("sesame", &None));
}

#[test]
fn the_installers_line_is_taken_as_it_is() {
    let line = format!(r#"{{"apiUrl":"https://192.0.2.1:9/sesame","certSha256":"{HASH}"}}"#);
    let around = around()
        .with("USIPIPO_NODES__0__DRIVER", "outline")
        .with("USIPIPO_NODES__0__ACCESS", &line)
        .with("USIPIPO_NODES__0__COUNTRY", "DE")
        .with("USIPIPO_NODES__0__PORT", "8443");
    let loaded = load_text("", Needs::Inspection, &around).unwrap();
    let node = &loaded.settings.key_nodes[0];
    assert_eq!(node.server.api_url().expose_secret(), "https://192.0.2.1:9/sesame");
    assert_eq!((node.country.as_str(), node.port), ("DE", Some(8443)));
}

#[test]
fn the_file_that_the_installer_leaves_is_taken_as_it_is() {
    let lines = format!("certSha256:{HASH}\napiUrl:https://192.0.2.1:9/sesame\n");
    let text = format!("[[nodes]]\ndriver = 'outline'\naccess = '''\n{lines}'''\n");
    let loaded = inspect(&text).unwrap();
    let KeyServer::Outline { api_url, cert_sha256 } = &loaded.settings.key_nodes[0].server else { panic!("Outline") };
    assert_eq!((api_url.expose_secret(), cert_sha256.to_string().as_str()), ("https://192.0.2.1:9/sesame", HASH));
    let around = around().with("USIPIPO_NODES__0__DRIVER", "outline").with("USIPIPO_NODES__0__ACCESS", &lines);
    let loaded = load_text("", Needs::Inspection, &around).unwrap();
    assert_eq!(loaded.settings.key_nodes[0].server.api_url().expose_secret(), api_url.expose_secret());
    assert!(!render(&loaded).contains("sesame"));
}

#[test]
fn what_leads_to_a_server_is_a_secret() {
    let wireguard = "[[nodes]]\nname = 'w'\n";
    let text = format!("{}name = 'o'\n{}name = 't'\n{wireguard}", outline(), telemt());
    let loaded = inspect(&text).unwrap();
    for shown in [render(&loaded), format!("{loaded:?}")] {
        assert!(!shown.contains("sesame") && !shown.contains("9091"), "{shown}");
    }
    for wrong in [
        "[[nodes]]\ndriver = 'outline'\naccess = '{\"apiUrl\":\"sesame\"}'\n".to_owned(),
        "[[nodes]]\ndriver = 'outline'\naccess = 'sesame'\n".to_owned(),
        outline().replace("https", "http"),
        outline().replace(HASH, "sesame"),
        telemt().replace("http://", "sesame://"),
    ] {
        let error = inspect(&wrong).unwrap_err();
        assert!(!error.to_string().contains("sesame") && !format!("{error:?}").contains("sesame"), "{error}");
        assert_eq!(error.problems().len(), 1, "{error}");
    }
}

#[test]
fn mistakes_with_servers_of_keys_are_told_by_key() {
    for (text, key, part) in [
        ("[[nodes]]\ndriver = 'outline'\n".to_owned(), "nodes[0].api_url", "how to reach"),
        (outline().replace("cert_sha256", "#"), "nodes[0].cert_sha256", "is missing"),
        (format!("{}access = 'x'\n", outline()), "nodes[0].access", "together with"),
        (format!("{}mtu = 1420\n", outline()), "nodes[0].mtu", "has no mtu"),
        (format!("{}domain = 'a.b'\n", outline()), "nodes[0].domain", "has no domain"),
        (format!("{}capacity = 1001\n", outline()), "nodes[0].capacity", "out of range"),
        (format!("{}country = 'de'\n", outline()), "nodes[0].country", "capital"),
        (format!("{}host = 'a b'\n", outline()), "nodes[0].host", "could connect"),
        (
            format!("{}[[nodes.pools]]\npurpose = 'trial'\nv4 = '10.0.0.0/24'\n", outline()),
            "nodes[0].pools",
            "addresses",
        ),
        (telemt().replace("port = 443", ""), "nodes[0].port", "listens"),
        (telemt().replace("host = '192.0.2.2'", ""), "nodes[0].host", "connect"),
        (format!("{}domain = 'a b'\n", telemt()), "nodes[0].domain", "web site"),
        ("[[nodes]]\ncapacity = 5\n".to_owned(), "nodes[0].capacity", "set driver to outline or telemt"),
        (format!("{0}name = 'a'\n{0}name = 'b'\n", telemt()), "nodes[1].api_url", "the same server"),
        (format!("{}name = 'a'\n{}name = 'a'\n", telemt(), outline()), "nodes[1].name", "has the name a too"),
    ] {
        let error = inspect(&text).unwrap_err();
        assert_eq!(keys_of(&error), [key], "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn an_unencrypted_way_to_another_machine_is_worth_a_warning() {
    assert!(inspect(telemt()).unwrap().warnings.is_empty());
    let away = telemt().replace("127.0.0.1", "192.0.2.9");
    assert_eq!(inspect(&away).unwrap().warnings.len(), 1);
}
