//! Which source wins, and how mistakes are told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::pki::tests::example;

const ME: &str = "config::tests::the_environment_comes_before_the_file_and_a_flag_before_both";

/// A folder with a good configuration; what it names lies beside it.
fn written(change: impl FnOnce(String) -> String) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let example = example();
    let manifest = &example.manifest;
    let (hop, ca) = (manifest.hop("province-a").unwrap(), manifest.ca());
    for (name, source) in [
        ("hop.key", &hop.receipts_key),
        ("hop.pem", &hop.receipts_chain),
        ("tls.key", &hop.tls_key),
        ("tls.pem", &hop.tls_chain),
        ("root.pem", &ca.root),
        ("agencies.toml", &manifest.directory_file()),
    ] {
        std::fs::copy(source, folder.path().join(name)).unwrap();
    }
    let text = r#"
        [hop]
        name = "province-a"
        data = "data"
        key = "hop.key"
        certificate = "hop.pem"
        [trust]
        roots = ["root.pem"]
        [directory]
        file = "agencies.toml"
        [api]
        listen = "127.0.0.1:8443"
        certificate = "tls.pem"
        key = "tls.key"
        client_roots = ["root.pem"]
        [[broker]]
        name = "main"
        url = "amqp://user:top-secret@broker.example"
        [[link]]
        peer = "nation"
        broker = "main"
        default = true
        [log]
        level = "info"
    "#;
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, change(text.to_owned())).unwrap();
    (folder, file)
}

fn mistakes(file: &Path, overrides: &[&str]) -> Vec<Mistake> {
    let overrides: Vec<String> = overrides.iter().map(|&pair| pair.to_owned()).collect();
    Config::load(file, &overrides).expect_err("the configuration was taken").0
}

#[test]
fn paths_are_relative_to_the_files_folder() {
    let (folder, file) = written(|text| text);
    let config = Config::load(&file, &[]).unwrap();
    assert_eq!(config.hop.data, folder.path().join("data"));
    assert_eq!(config.trust.roots, [folder.path().join("root.pem")]);
    assert_eq!(config.directory.file, folder.path().join("agencies.toml"));
}

#[test]
fn the_environment_comes_before_the_file_and_a_flag_before_both() {
    // The environment of a process is everybody's, so this test runs itself in a process of its own.
    if let Ok(file) = std::env::var("LIENTHONG_TEST_CONFIG") {
        let config = Config::load(Path::new(&file), &["api.request_burst=77".to_owned()]).unwrap();
        assert_eq!((config.log.level.as_str(), config.api.request_burst), ("debug", 77));
        assert_eq!((config.delivery.window, config.api.requests_per_second), (33, 2000));
        return;
    }
    let (_folder, file) = written(|text| text);
    assert_eq!(Config::load(&file, &[]).unwrap().log.level, "info");
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", ME])
        .env("LIENTHONG_TEST_CONFIG", &file)
        .env("LIENTHONG__LOG__LEVEL", "debug")
        .env("LIENTHONG__DELIVERY__WINDOW", "33")
        .env("LIENTHONG__API__REQUEST_BURST", "55")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[test]
fn digits_stay_the_text_that_they_are() {
    let (_folder, file) = written(|text| text.replace("level = \"info\"", "level = \"0123\""));
    assert_eq!(Config::load(&file, &[]).unwrap().log.level, "0123");
    assert_eq!(Config::load(&file, &["log.level=00456".to_owned()]).unwrap().log.level, "00456");
}

#[test]
fn an_unknown_key_is_named() {
    for (line, name) in [("[api]\nlissten = 1", "lissten"), ("[apii]\nx = 1", "apii")] {
        let (_folder, file) = written(|text| text.replace("[api]", line));
        let found = mistakes(&file, &[]);
        assert!(found.iter().any(|mistake| mistake.to_string().contains(name)), "{found:?}");
    }
    let (_folder, file) = written(|text| text);
    let found = mistakes(&file, &["log.colour=red"]);
    assert!(found[0].to_string().contains("colour"), "{found:?}");
    assert_eq!(mistakes(&file, &["log.level"])[0].key, "log.level");
}

#[test]
fn two_listeners_on_one_place_are_told_by_both_keys() {
    let at = |listen: &str, console: &str| {
        let (_folder, file) = written(|text| {
            let text = text.replace("[log]", &format!("[console]\nlisten = \"{console}\"\nplain_http = false\n[log]"));
            assert!(text.contains("listen = \"127.0.0.1:0\"") || text.contains("[api]"));
            text
        });
        let set = [format!("api.listen={listen}")];
        match Config::load(&file, &set) {
            Ok(_) => Vec::new(),
            Err(mistakes) => mistakes.0.into_iter().map(|one| (one.key, one.en)).collect::<Vec<_>>(),
        }
    };
    for (api, console) in
        [("0.0.0.0:8443", "10.0.0.5:8443"), ("10.0.0.5:8443", "10.0.0.5:8443"), ("[::]:8443", "127.0.0.1:8443")]
    {
        let found = at(api, console);
        assert!(found.iter().any(|(key, en)| key == "console.listen" && en.contains("api.listen")), "{found:?}");
    }
    for (api, console) in
        [("127.0.0.1:0", "127.0.0.1:0"), ("10.0.0.5:8443", "10.0.0.6:8443"), ("0.0.0.0:1", "0.0.0.0:2")]
    {
        assert_eq!(at(api, console), [], "{api} {console}");
    }
}

#[test]
fn several_mistakes_are_told_at_once_each_with_its_key() {
    let (_folder, file) = written(|text| {
        text.replace("client_roots = [\"root.pem\"]", "client_roots = []\nmax_packet_mib = 0")
            .replace("key = \"hop.key\"", "key = \"nowhere.key\"")
            .replace("broker = \"main\"", "broker = \"other\"\nprefixes = [\"H49\", \"h37\", \"G\"]")
            .replace("peer = \"nation\"", "peer = \"province-a\"")
            .replace("[log]", "[delivery]\nacceptance_seconds = 99999999999\n[log]")
    });
    let found = mistakes(&file, &[]);
    let mut keys: Vec<&str> = found.iter().map(|mistake| mistake.key.as_str()).collect();
    keys.sort_unstable();
    let expected = [
        "api.client_roots",
        "api.max_packet_mib",
        "delivery.acceptance_seconds",
        "hop.key",
        "link[0].broker",
        "link[0].peer",
        "link[0].prefixes",
    ];
    assert_eq!(keys, expected, "{found:?}");
    assert!(found.iter().all(|mistake| !mistake.vi.is_empty() && !mistake.en.is_empty()));
}

#[test]
fn brokers_and_links_that_contradict_themselves_are_told() {
    let broker = "[[broker]]\nname = \"main\"\nurl = \"amqp://a\"\nurl_file = \"b\"\nca = \"root.pem\"\n[[link]]";
    let (_folder, file) = written(|text| text.replacen("[[link]]", broker, 1));
    let keys: Vec<String> = mistakes(&file, &[]).into_iter().map(|mistake| mistake.key).collect();
    assert_eq!(keys, ["broker[1].name", "broker[1].url", "broker[1].ca", "broker[1].url_file"]);
    let link = "[[link]]\npeer = \"nation\"\ndefault = true\n[log]";
    let (_folder, file) = written(|text| text.replace("[log]", link));
    let keys: Vec<String> = mistakes(&file, &[]).into_iter().map(|mistake| mistake.key).collect();
    assert_eq!(keys, ["link[1].peer", "link"]);
}

#[test]
fn outlets_that_contradict_other_routes_are_told() {
    let with = |text: &str| written(|base| base.replace("[log]", &format!("{text}\n[log]")));
    let good = "[[outlet]]\nname = \"axis\"\nadapter = \"a\"\nprefixes = [\"G\"]\nreport_days = 30\narriving = \"signed\"\nbytes = \"sdk\"";
    let (_folder, file) = with(good);
    let outlet = Config::load(&file, &[]).unwrap().outlet.remove(0);
    assert_eq!((outlet.report_days, outlet.arriving, outlet.default), (Some(30), Arriving::Signed, false));
    assert_eq!(outlet.bytes, SentBytes::Sdk);
    let twice = format!(
        "{good}\ndefault = true\n[[outlet]]\nname = \"nation\"\nadapter = \"a\"\nprefixes = [\"G\", \"g\"]\nreport_days = 0"
    );
    let (_folder, file) = with(&twice);
    let keys: Vec<String> = mistakes(&file, &[]).into_iter().map(|mistake| mistake.key).collect();
    let expected = ["outlet[1].name", "outlet[1].report_days", "outlet[1].prefixes", "outlet[1].prefixes", "outlet"];
    assert_eq!(keys, expected);
    let systems = [
        "id = \"one\"\nagencies = [\"H37.90\"]",
        "id = \" one\"",
        "id = \"one\"\nagencies = [\"000.00.90.H37\"]",
        "id = \"\"",
    ];
    let systems = systems.map(|system| format!("\n[[outlet.system]]\nsecret_file = \"hop.key\"\n{system}"));
    let (_folder, file) = with(&format!("{good}{}", systems.concat()));
    let keys: Vec<String> = mistakes(&file, &[]).into_iter().map(|mistake| mistake.key).collect();
    let of = |place: usize, name: &str| format!("outlet[0].system[{place}].{name}");
    assert_eq!(keys, [of(1, "id"), of(2, "id"), of(2, "agencies"), of(3, "id"), of(3, "agencies")]);
    let (_folder, file) = with("[[outlet]]\nname = \"province-a\"\nadapter = \"a\"\narriving = \"any\"");
    assert_eq!(mistakes(&file, &[])[0].key, "outlet[0].arriving");
    let (_folder, file) = with("[[outlet]]\nname = \"axis\"\nadapter = \"a\"\nbytes = \"SDK\"");
    assert_eq!(mistakes(&file, &[])[0].key, "outlet[0].bytes");
}

#[test]
fn a_secret_in_an_address_is_not_shown() {
    let (_folder, file) = written(|text| text);
    let config = Config::load(&file, &[]).unwrap();
    assert!(config.broker[0].url.as_ref().unwrap().contains("top-secret"));
    assert!(!format!("{config:?} {config:#?}").contains("top-secret"));
    let (_folder, file) = written(|text| text.replace("name = \"main\"", "name = \"main\"\npasswort = \"hush-hush\""));
    let shown = mistakes(&file, &[]).iter().map(ToString::to_string).collect::<String>();
    assert!(!shown.contains("top-secret") && !shown.contains("hush-hush"), "{shown}");
}

#[test]
fn whoever_cannot_be_told_is_named_with_its_key() {
    let news = r#"
        [[webhook]]
        name = "a"
        agencies = ["H37.91"]
        url = "https://localhost/news"
        secret_file = "hop.key"
        roots = ["root.pem"]
        [[news_queue]]
        name = "b"
        agencies = ["H37.91"]
        broker = "main"
        [log]"#;
    let (_folder, file) = written(|text| text.replace("[log]", news));
    assert_eq!(Config::load(&file, &[]).unwrap().news_queue[0].queue(&"h".parse().unwrap()), "news.h.b");
    let bad = r#"
        [[webhook]]
        name = "a"
        agencies = []
        url = "http://localhost/news"
        secret_file = "nowhere"
        roots = []
        certificate = "tls.pem"
        [[news_queue]]
        name = "a"
        agencies = ["H37.91"]
        broker = "other"
        queue = "packets.province-a"
        [[news_queue]]
        name = "c"
        agencies = ["H37.91"]
        broker = "main"
        [[news_queue]]
        name = "d"
        agencies = ["H37.91"]
        broker = "main"
        queue = "news.province-a.c"
        [log]"#;
    let (_folder, file) = written(|text| text.replace("[log]", bad));
    let mut keys: Vec<String> = mistakes(&file, &[]).into_iter().map(|mistake| mistake.key).collect();
    keys.sort_unstable();
    let expected = [
        "news_queue[0].broker",
        "news_queue[0].name",
        "news_queue[0].queue",
        "news_queue[2].queue",
        "webhook[0].agencies",
        "webhook[0].certificate",
        "webhook[0].roots",
        "webhook[0].secret_file",
        "webhook[0].url",
    ];
    assert_eq!(keys, expected);
}

#[test]
fn whoever_cannot_hear_of_alarms_is_named_with_its_key() {
    let good = r#"
        [alerts]
        group_seconds = 60
        [alerts.quiet]
        from = "18:00"
        to = "07:00"
        [alerts.mail]
        host = "mail.example.vn"
        from = "truc@example.vn"
        user = "truc"
        password_file = "hop.key"
        [[alerts.webhook]]
        name = "phong-chat"
        url = "https://localhost/bao-dong"
        secret_file = "hop.key"
        roots = ["root.pem"]
        [[alerts.route]]
        name = "truc-ban"
        kinds = ["destination-down", "books-unbalanced"]
        least = "serious"
        mail = ["truc-ban@example.vn"]
        webhook = ["phong-chat"]
        escalate_minutes = 30
        escalate_to = "lanh-dao"
        [[alerts.route]]
        name = "lanh-dao"
        mail = ["lanh-dao@example.vn"]
        [log]"#;
    let (_folder, file) = written(|text| text.replace("[log]", good));
    let config = Config::load(&file, &[]).unwrap();
    let rules = crate::gateway::alert_rules(&config.alerts, &config.statutory.terms().unwrap().calendar);
    assert_eq!((rules.routes.len(), rules.routes[1].only_escalated, rules.group), (2, true, 60_000));
    assert_eq!(config.secret_files().into_iter().filter(|file| file.ends_with("hop.key")).count(), 1);
    let again: Config = toml::from_str(&toml::to_string(&config).unwrap()).unwrap();
    assert_eq!(again.alerts.route[0].kinds, config.alerts.route[0].kinds);

    let bad = r#"
        [alerts]
        per_hour = 0
        [alerts.quiet]
        from = "18:00"
        to = "18:00"
        [alerts.mail]
        host = "mail.example.vn"
        security = "plain"
        from = "truc"
        user = "truc"
        [[alerts.webhook]]
        name = "a|b"
        url = "http://localhost/"
        secret_file = "nowhere"
        roots = []
        [[alerts.route]]
        name = "a"
        mail = ["not an address"]
        webhook = ["other"]
        escalate_to = "a"
        [[alerts.route]]
        name = "a"
        [log]"#;
    let (_folder, file) = written(|text| text.replace("[log]", bad));
    let mut keys: Vec<String> = mistakes(&file, &[]).into_iter().map(|mistake| mistake.key).collect();
    keys.sort_unstable();
    let expected = [
        "alerts.mail.from",
        "alerts.mail.security",
        "alerts.mail.user",
        "alerts.per_hour",
        "alerts.quiet.to",
        "alerts.route[0].escalate_to",
        "alerts.route[0].escalate_to",
        "alerts.route[0].mail",
        "alerts.route[0].webhook",
        "alerts.route[1].mail",
        "alerts.route[1].name",
        "alerts.webhook[0].name",
        "alerts.webhook[0].roots",
        "alerts.webhook[0].secret_file",
        "alerts.webhook[0].url",
    ];
    assert_eq!(keys, expected);
    let (_folder, file) = written(|text| text.replace("[log]", "[alerts]\nper_houre = 3\nper_hour = \"x\"\n[log]"));
    let keys: Vec<String> = mistakes(&file, &[]).into_iter().map(|mistake| mistake.key).collect();
    assert_eq!(keys, ["alerts.per_hour", "alerts.per_houre"]);
}

/// The keys of what is wrong with these tables.
fn keys(bad: &str) -> Vec<String> {
    let (_folder, file) = written(|text| text.replace("[log]", &format!("{bad}\n[log]")));
    let found = Config::load(&file, &[]).err().map_or_else(Vec::new, |found| found.0);
    let mut keys: Vec<String> = found.into_iter().map(|mistake| mistake.key).collect();
    keys.sort_unstable();
    keys
}

#[test]
fn what_is_wrong_with_the_clocks_and_with_what_goes_out_is_named_with_its_key() {
    let bad = r#"
        [statutory]
        calendar = "nowhere.toml"
        urgent_send_minutes = 0
        [statutory.hours]
        morning_to = "07:00"
        [statistics]
        public = true
        public_least = 1
        [statistics.feed]
        header = "cookie"
        token_file = "nowhere""#;
    let expected = [
        "statistics.feed",
        "statistics.feed.header",
        "statistics.feed.token_file",
        "statistics.public",
        "statistics.public_least",
        "statutory.calendar",
        "statutory.hours",
        "statutory.urgent_send_minutes",
    ];
    assert_eq!(keys(bad), expected);
    assert_eq!(
        keys("[statutory]\nurgent_minutes = 3\n[statistics]\npublic = \"often\""),
        ["statistics.public", "statutory.urgent_minutes"]
    );
}

#[test]
fn a_provider_of_sign_ins_is_reached_over_tls_and_its_files_are_read() {
    let good = "[console]\nlisten = \"127.0.0.1:0\"\n[console.oidc]\nissuer = \"https://cap.example/realms/a\"\nclient_id = \"truc\"\n\
                own_address = \"https://truc.example:8446\"\nroots = [\"root.pem\"]\nlabel = \"tài khoản\"\n";
    assert_eq!(keys(good), Vec::<String>::new());
    for (from, to, key) in [
        ("https://cap", "http://cap", "console.oidc.issuer"),
        ("realms/a", "realms/a?b=c", "console.oidc.issuer"),
        ("truc.example:8446", "truc.example:8446/console", "console.oidc.own_address"),
        ("https://truc", "truc", "console.oidc.own_address"),
        ("roots = [\"root.pem\"]", "roots = []", "console.oidc.roots"),
        ("\"truc\"", "\"\"", "console.oidc.client_id"),
        ("\"tài khoản\"", "\" \"", "console.oidc.label"),
    ] {
        assert_eq!(keys(&good.replace(from, to)), [key], "{to}");
    }
    let (folder, file) =
        written(|text| text.replace("[log]", &format!("{good}[log]").replace("root.pem", "provider.pem")));
    std::fs::write(folder.path().join("provider.pem"), "no certificate").unwrap();
    let config = Config::load(&file, &[]).unwrap();
    let oidc = config.console.as_ref().unwrap().oidc.as_ref().unwrap();
    assert!(oidc.roots[0].is_absolute(), "files are looked for beside the configuration");
    assert_eq!(oidc.back(), "https://truc.example:8446/sign-in/oidc/back");
    let clock = std::sync::Arc::new(crate::clock::SystemClock);
    let found = crate::gateway::rehearsal::mistakes(&config, clock);
    assert!(
        found.iter().any(|mistake| mistake.key == "console.oidc" && mistake.en.contains("provider.pem")),
        "{found:?}"
    );
}

#[test]
fn a_calendar_and_a_token_that_cannot_be_used_are_told_before_the_start() {
    let (folder, file) = written(|text| {
        let more = "[console]\nlisten = \"127.0.0.1:0\"\n[statutory]\ncalendar = \"lich.toml\"\n\
                    [statistics.feed]\ntoken_file = \"token\"\n[log]";
        text.replace("[log]", more)
    });
    let told = |calendar: &str, token: &str| {
        std::fs::write(folder.path().join("lich.toml"), calendar).unwrap();
        std::fs::write(folder.path().join("token"), token).unwrap();
        let config = Config::load(&file, &[]).unwrap();
        let clock = std::sync::Arc::new(crate::clock::SystemClock);
        let found = crate::gateway::rehearsal::mistakes(&config, clock);
        found.into_iter().map(|mistake| mistake.key).filter(|key| key.starts_with("stat")).collect::<Vec<_>>()
    };
    let good =
        "[[year]]\nyear = 2027\nknown = true\noff = [{ from = \"2027-02-04\", to = \"2027-02-10\", name = \"Tết\" }]";
    let token = "thi-du-ma-truy-cap-thong-ke";
    assert_eq!(told(good, token), Vec::<String>::new());
    assert_eq!(told(&good.replace("2027-02-10", "2026-02-10"), token), ["statutory.calendar"]);
    assert_eq!(told(good, "too short"), ["statistics.feed"]);
}
