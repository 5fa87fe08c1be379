use super::schema::KEYS;
use super::*;

mod offers;
mod servers;

const SAMPLE: &str = include_str!("../../usipipo.sample.toml");

fn around() -> Surroundings {
    Surroundings {
        variables: Vec::new(),
        directory: PathBuf::from("/somewhere"),
        root: true,
        home: Some(PathBuf::from("/root")),
        address: Some(IpAddr::from([203, 0, 113, 7])),
    }
}

fn load_text(text: &str, needs: Needs, around: &Surroundings) -> Result<Loaded, ConfigError> {
    let mut given = Given::default();
    given.read_text(Path::new("usipipo.toml"), text)?;
    finish(given, Some(PathBuf::from("usipipo.toml")), needs, around)
}

fn inspect(text: &str) -> Result<Loaded, ConfigError> {
    load_text(text, Needs::Inspection, &around())
}

fn keys_of(error: &ConfigError) -> Vec<&str> {
    error.problems().iter().map(|problem| problem.key.as_str()).collect()
}

#[test]
fn the_sample_holds_the_defaults() {
    let sample = inspect(SAMPLE).unwrap().settings;
    let defaults = inspect("").unwrap().settings;
    assert_eq!(format!("{sample:?}"), format!("{defaults:?}"));
}

#[test]
fn the_sample_explains_every_key_and_its_commented_lines_are_right() {
    let all: String = SAMPLE
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if rest.starts_with("[[") => rest,
            Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase()) && rest.contains(" = ") => rest,
            _ => line,
        })
        .fold(String::new(), |text, line| text + line + "\n");
    let loaded = load_text(&all, Needs::Bot, &around()).unwrap();
    let mut given = Given::default();
    given.read_text(Path::new("sample"), &all).unwrap();
    for key in KEYS {
        let found = given.values.keys().any(|path| schema::find(path).is_some_and(|known| known.path == key.path));
        assert!(found, "usipipo.sample.toml does not mention {}", key.path);
    }
    assert_eq!(loaded.settings.nodes[0].endpoint, "vpn.example.org:51820");
    let names: Vec<&str> = loaded.settings.key_nodes.iter().map(|node| node.name.as_str()).collect();
    assert_eq!(names, ["outline-1", "outline-2", "telemt-1"]);
    assert_eq!(loaded.settings.plans.len(), 2);
}

#[test]
fn the_sample_explains_each_setting_above_it() {
    let lines: Vec<&str> = SAMPLE.lines().collect();
    let is_setting = |line: &str| {
        let line = line.trim_start_matches('#');
        line.starts_with(|c: char| c.is_ascii_lowercase()) && line.contains(" = ")
    };
    let mut explained = std::collections::BTreeSet::new();
    for (above, line) in lines.iter().zip(&lines[1..]) {
        let name = line.trim_start_matches('#').split(" = ").next().unwrap_or_default().to_owned();
        if is_setting(line) && !explained.contains(&name) {
            assert!(above.starts_with("# "), "nothing explains {line:?}");
            explained.insert(name);
        }
    }
}

#[test]
fn all_errors_come_at_once_with_key_and_remedy() {
    let text = r#"
        colour = "red"
        [telegram]
        tokn = "1:a"
        mode = "webhook"
        [http]
        listen = "somewhere"
        [trial]
        days = 0
        [locale]
        tz = "Mars/Olympus"
    "#;
    let error = load_text(text, Needs::Bot, &around()).unwrap_err();
    let mut keys = keys_of(&error);
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "colour",
            "http.listen",
            "locale.tz",
            "telegram.token",
            "telegram.tokn",
            "telegram.webhook_secret",
            "telegram.webhook_url",
            "trial.days",
        ]
    );
    let shown = error.to_string();
    assert!(shown.starts_with("8 settings are wrong:"), "{shown}");
    assert!(shown.contains("did you mean telegram.token?"), "{shown}");
    for problem in error.problems() {
        assert!(!problem.remedy.is_empty());
    }
}

#[test]
fn without_a_token_the_error_says_where_to_get_one() {
    let shown = load_text("", Needs::Bot, &around()).unwrap_err().to_string();
    assert!(
        shown.contains("@BotFather") && shown.contains("usipipo demo") && shown.contains("USIPIPO_TELEGRAM__TOKEN")
    );
    assert!(inspect("").unwrap().settings.telegram.token.is_none());
}

#[test]
fn the_environment_wins_over_the_file() {
    let around = around()
        .with("USIPIPO_TELEGRAM__TOKEN", "7:fromenv")
        .with("USIPIPO_ADMINS__SUPERADMINS", "9007199254740993, 5")
        .with("USIPIPO_TELEGRAM__LIMITS__LIFT", "true")
        .with("USIPIPO_TELEGRAM__API_URL", "http://127.0.0.1:8081/")
        .with("USIPIPO_DATA_DIR", "data")
        .with("USIPIPO_NODES__0__MODE", "config-only")
        .with("USIPIPO_TEST_SOMETHING", "is not ours");
    let text = "[telegram]\ntoken = '5:fromfile'\n[admins]\nsuperadmins = [1]\n";
    let loaded = load_text(text, Needs::Bot, &around).unwrap();
    let settings = &loaded.settings;
    assert_eq!(settings.telegram.token.as_ref().unwrap().expose_secret(), "7:fromenv");
    assert_eq!(settings.superadmins, [9_007_199_254_740_993, 5]);
    assert!(settings.telegram.limits.lift);
    assert_eq!(settings.telegram.api_url, "http://127.0.0.1:8081");
    assert_eq!(settings.data_dir, Path::new("/somewhere/data"));
    assert_eq!(settings.nodes[0].mode, NodeMode::ConfigOnly);
    let shown = loaded.shown.iter().find(|shown| shown.key == "admins.superadmins").unwrap();
    assert_eq!(shown.origin, Origin::Environment("USIPIPO_ADMINS__SUPERADMINS".to_owned()));
}

#[test]
fn mistakes_in_the_environment_are_reported_by_key() {
    let around = around()
        .with("USIPIPO_HTTP__LISTN", "127.0.0.1:1")
        .with("USIPIPO_TRIAL__DAYS", "seven")
        .with("USIPIPO_ADMINS__ADMINS", "me,you");
    let error = load_text("", Needs::Inspection, &around).unwrap_err();
    let shown = error.to_string();
    assert_eq!(keys_of(&error).len(), 3, "{shown}");
    assert!(shown.contains("http.listn (from USIPIPO_HTTP__LISTN)"), "{shown}");
    assert!(shown.contains("\"seven\" is not a whole number"), "{shown}");
}

#[test]
fn secrets_are_never_shown() {
    let text = "[telegram]\ntoken = '5:sesame'\nwebhook_secret = 'se same'\n[database]\nurl = 'mysql://u:sesame@h/d'\n";
    let error = inspect(text).unwrap_err();
    assert_eq!(error.problems().len(), 2);
    assert!(!error.to_string().contains("same'") && !format!("{error:?}").contains("sesame"));
    let good = "[telegram]\ntoken = '5:sesame'\n[database]\nurl = 'postgres://u:sesame@h/d'\n";
    let loaded = inspect(good).unwrap();
    let text = render(&loaded);
    assert!(!text.contains("sesame") && text.contains("<set, not shown>"), "{text}");
    assert!(!format!("{loaded:?}").contains("sesame"));
    let broken = inspect("[telegram]\ntoken = sesame\n").unwrap_err();
    assert!(!broken.to_string().contains("sesame"), "{broken}");
    assert!(broken.to_string().contains("line 2"), "{broken}");
}

#[test]
fn what_is_shown_can_be_read_again() {
    let text = render(&inspect(SAMPLE).unwrap());
    let again = inspect(&text).unwrap();
    assert_eq!(format!("{:?}", again.settings), format!("{:?}", inspect("").unwrap().settings));
    assert!(
        text.contains("[[nodes.pools]]") && text.contains("# usipipo.toml") && text.contains("# default"),
        "{text}"
    );
}

#[test]
fn a_local_node_without_any_section() {
    let settings = inspect("").unwrap().settings;
    let [node] = settings.nodes.as_slice() else { panic!("one node") };
    assert_eq!((node.name.as_str(), node.interface.as_str(), node.listen_port), ("local", "wg-usipipo", 51820));
    assert_eq!(node.endpoint, "203.0.113.7:51820");
    assert_eq!(node.pools.len(), 2);
    assert!(node.pools.iter().all(|pool| pool.v4.is_some() && pool.v6.is_some()));
    let nowhere = Surroundings { address: None, ..around() };
    let loaded = load_text("", Needs::Inspection, &nowhere).unwrap();
    assert_eq!(loaded.settings.nodes[0].endpoint, "127.0.0.1:51820");
    assert_eq!(loaded.warnings.len(), 1);
}

#[test]
fn nodes_must_not_get_in_each_others_way() {
    let text = r#"
        [[nodes]]
        name = "one"
        [[nodes.pools]]
        purpose = "trial"
        v4 = "10.1.0.0/16"
        [[nodes]]
        name = "one"
        [[nodes.pools]]
        purpose = "paid"
        v4 = "10.1.128.0/20"
    "#;
    let error = inspect(text).unwrap_err();
    let keys = keys_of(&error);
    for key in ["nodes[1].name", "nodes[1].interface", "nodes[1].listen_port", "nodes[1].pools[0].v4"] {
        assert!(keys.contains(&key), "{key} is missing in {keys:?}");
    }
}

#[test]
fn prefixes_are_checked() {
    let with = |v4: &str, v6: &str| {
        inspect(&format!("[[nodes]]\n[[nodes.pools]]\npurpose = 'trial'\nv4 = '{v4}'\nv6 = '{v6}'\n"))
    };
    assert!(with("10.0.0.0/24", "fd00::/64").is_ok());
    for (v4, v6, part) in [
        ("10.0.0.5/24", "fd00::/64", "write \"10.0.0.0/24\""),
        ("10.0.0.0/30", "fd00::/64", "/8 to /29"),
        ("10.0.0.0", "fd00::/64", "no address prefix"),
        ("10.0.0.0/24", "fd00::/127", "/48 to /125"),
        ("fd00::/64", "fd01::/64", "no address prefix"),
    ] {
        let shown = with(v4, v6).unwrap_err().to_string();
        assert!(shown.contains(part), "{v4} {v6}: {shown}");
    }
    let none = inspect("[[nodes]]\n[[nodes.pools]]\npurpose = 'paid'\n").unwrap_err();
    assert!(none.to_string().contains("no addresses"));
}

#[test]
fn endpoints_in_every_form() {
    let of = |text: &str| inspect(&format!("[[nodes]]\nlisten_port = 5000\nendpoint = '{text}'\n"));
    for (given, wanted) in [
        ("vpn.example.org", "vpn.example.org:5000"),
        ("vpn.example.org:443", "vpn.example.org:443"),
        ("203.0.113.1", "203.0.113.1:5000"),
        ("2001:db8::1", "[2001:db8::1]:5000"),
        ("[2001:db8::1]", "[2001:db8::1]:5000"),
        ("[2001:db8::1]:7", "[2001:db8::1]:7"),
    ] {
        assert_eq!(of(given).unwrap().settings.nodes[0].endpoint, wanted);
    }
    for wrong in ["vpn example", "host:0", "host:99999", "http://host", ":5"] {
        assert!(of(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn webhook_mode_needs_https_and_a_secret() {
    let of = |url: &str| {
        inspect(&format!("[telegram]\nmode = 'webhook'\nwebhook_url = '{url}'\nwebhook_secret = 'abc_DEF-123'\n"))
    };
    assert!(of("https://bot.example.org/t").is_ok());
    assert!(of("http://127.0.0.1:8080/t").is_ok());
    assert!(of("http://bot.example.org/t").is_err());
    assert!(of("ftp://bot.example.org/t").is_err());
}

#[test]
fn limits_stay_with_the_real_telegram() {
    assert!(inspect("[telegram.limits]\nlift = true\n").is_err());
    assert!(inspect("[telegram]\napi_url = 'http://127.0.0.1:1'\n[telegram.limits]\nlift = true\n").is_ok());
}

#[test]
fn missing_files_are_named() {
    let error = load(Some(Path::new("nowhere.toml")), Needs::Inspection, &around()).unwrap_err();
    assert!(error.to_string().contains("/somewhere/nowhere.toml"), "{error}");
    assert!(load(None, Needs::Inspection, &around()).unwrap().file.is_none());
}
