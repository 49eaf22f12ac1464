//! Secrets sealed from the command line, also when the key was lost meanwhile.

use std::os::unix::fs::PermissionsExt;

use lienthong::scene;

use crate::Desk;
use crate::support::program::{json, lienthong, text};

#[test]
fn secrets_are_sealed_before_the_first_start_and_a_lost_key_is_noticed() {
    let desk = Desk::with_quick_keys();
    let data = desk.folder.path().join("data");
    let mut config = scene::configuration(&desk.manifest, "province-a", &data, None).unwrap();
    let secret = desk.write("so.secret", "thi-du-khoa-webhook-2026");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o644)).unwrap();
    config.webhook.push(lienthong::config::Webhook {
        name: "so".to_owned(),
        agencies: vec!["H37.91".parse().unwrap()],
        url: "https://localhost:1/".to_owned(),
        secret_file: secret.clone(),
        second_secret_file: None,
        roots: config.trust.roots.clone(),
        certificate: None,
        key: None,
    });
    let file = desk.write("gateway.toml", toml::to_string(&config).unwrap());
    let remarks = || json(&["config", "check", "--config", text(&file), "--json"]).1["remarks"].to_string();
    let before = remarks();
    assert!(before.contains("chmod 600") && before.contains("644") && before.contains("so.secret"), "{before}");
    std::fs::set_permissions(&secret, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(!remarks().contains("chmod 600"));

    // No gateway has run yet: there is no folder for the key.
    let seal = || json(&["admin", "seal", "--config", text(&file), "--json"]);
    let (code, made) = seal();
    assert_eq!(
        (code, made["key_made"].as_bool(), made["sealed"].as_array().unwrap().len()),
        (0, Some(true), 1),
        "{made}"
    );
    let sealed = std::fs::read_to_string(&secret).unwrap();
    assert!(sealed.starts_with("lienthong-sealed 1 ") && !sealed.contains("thi-du-khoa"));
    let (code, again) = seal();
    assert_eq!((code, &again["sealed_before"]), (0, &1.into()), "{again}");

    // The key is lost: nothing is told to be well, and no new key hides it.
    let key = data.join("sealing.key");
    std::fs::remove_file(&key).unwrap();
    let said = lienthong(&["admin", "seal", "--config", text(&file)]);
    let words = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(2), "{words}");
    assert!(words.contains("so.secret") && words.contains("restore its key"), "{words}");
    // What the operating system says is said once.
    assert_eq!(words.matches("os error 2").count(), 1, "{words}");
    assert!(!key.exists() && std::fs::read_to_string(&secret).unwrap() == sealed);
}
