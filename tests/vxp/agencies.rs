//! The lists of agencies, and registrations that wait for an administrator.

use std::fs;

use serde_json::{Value, json};

use super::sdk::Sdk;
use super::support::eventually;
use super::support::program::{json as answered, lienthong, text};
use super::town::Town;

fn keys(row: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

fn row<'a>(answer: &'a Value, code: &str) -> Option<&'a Value> {
    answer["data"].as_array().unwrap().iter().find(|row| row["code"] == code)
}

/// A list, once the first one is written.
async fn list(sdk: &mut Sdk, operation: &str, parameters: &[(&str, &str)]) -> Value {
    eventually(operation, async || {
        let answer = sdk.call(operation, parameters).await.json();
        (answer["ErrorCode"] == "0").then_some(answer)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agencies_are_listed_in_the_three_forms_of_the_sdk_and_say_what_changed() {
    let town = Town::start().await;
    let mut one = town.sdk("H37.90");
    let all = list(&mut one, "getAgenciesList", &[]).await;
    let department = row(&all, "H37.90").unwrap();
    assert_eq!(keys(department), ["code", "id", "mail", "name", "oldCode", "pid"]);
    assert_eq!((&department["id"], &department["oldCode"]), (&"H37.90".into(), &"000.00.90.H37".into()));
    assert_eq!((&department["pid"], &department["mail"]), (&"H37".into(), &"".into()));
    assert!(!department["name"].as_str().unwrap().is_ascii(), "{department}");

    let first = list(&mut one, "getAgenciesListQD20", &[("level", "1")]).await;
    assert_eq!(keys(&first["data"][0]), ["code", "code102", "id", "mail", "name"]);
    assert!(row(&first, "H37").is_some() && row(&first, "H37.90").is_none());
    let second = list(&mut one, "getAgenciesListQD20", &[("level", "2")]).await;
    assert!(row(&second, "H37").is_none());
    assert_eq!(row(&second, "H37.90").unwrap()["code102"], "000.00.90.H37");
    assert_eq!(one.call("getAgenciesListQD20", &[("level", "0")]).await.code(), "10");

    let units = list(&mut one, "getSynchronizeUnit", &[]).await;
    let unit = row(&units, "H37.90").unwrap();
    let expected = ["centerCode", "code", "deleted", "id", "isAgency", "mail", "modifyDate", "name", "pid", "version"];
    assert_eq!(keys(unit), expected);
    assert_eq!(
        (&unit["version"], &unit["deleted"], &unit["isAgency"], &unit["centerCode"]),
        (&json!(1), &json!(false), &json!(true), &json!("H37"))
    );
    assert_eq!(unit["modifyDate"].as_str().unwrap().len(), 19);
    // What is out of force is in the list of changes alone.
    let closed: Vec<&str> = units["data"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|unit| unit["deleted"] == true)
        .map(|unit| unit["code"].as_str().unwrap())
        .collect();
    assert!(!closed.is_empty() && closed.iter().all(|code| row(&all, code).is_none()), "{closed:?}");

    // One is renamed: it alone has another number.
    let file = town.manifest.directory_file();
    let directory = fs::read_to_string(&file).unwrap();
    let name = department["name"].as_str().unwrap();
    assert!(directory.contains(name));
    fs::write(&file, directory.replacen(name, "Sở Tên mới", 1)).unwrap();
    let units = eventually("the new name", async || {
        let units = one.call("getSynchronizeUnit", &[]).await.json();
        (row(&units, "H37.90").unwrap()["name"] == "Sở Tên mới").then_some(units)
    })
    .await;
    let second: Vec<&Value> = units["data"].as_array().unwrap().iter().filter(|unit| unit["version"] == 2).collect();
    assert_eq!(second.iter().map(|unit| &unit["code"]).collect::<Vec<_>>(), ["H37.90"]);
    town.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_registration_takes_effect_when_an_administrator_accepts_it_and_not_before() {
    let town = Town::start().await;
    let mut one = town.sdk("H37.90");
    let config = town.file("province-a");
    let place = ["admin", "registrations", "--json", "--config", text(&config)];
    let admin = |more: &[&str]| answered(&[&place, more].concat());
    let wish = r#"{"id":"","pcode":"H37","code":"H37.90.07","name":"Phòng \"Thí dụ\"","mail":"thidu@example.vn","mobile":"","fax":""}"#;
    let asked = one.post("registerAgency", wish.as_bytes()).await.json();
    assert_eq!((&asked["ErrorCode"], &asked["DocId"]), (&"0".into(), &"".into()));
    assert!(asked["ErrorDesc"].as_str().unwrap().contains("cho quan tri vien duyet"), "{asked}");
    assert_eq!(one.post("registerAgency", wish.as_bytes()).await.json(), asked, "the same again");
    // Overheard, and sent with another body: it waits beside the first.
    let evil = wish.replace("thidu@", "ke-gian@");
    assert_eq!(one.post("registerAgency", evil.as_bytes()).await.code(), "0");
    for bad in ["{}", "", "[]"] {
        assert_eq!(one.post("registerAgency", bad.as_bytes()).await.code(), "10", "{bad:?}");
    }
    let letter = town.letter("H37.90", &["H37.91"], 1);
    let from = |code: &str| format!("Don vi gui {code} khong dung voi ma da dang ky: H37.90");
    let send = async |sdk: &mut Sdk| sdk.send("H37.90.07", "edoc", &letter.bytes, &[]).await.json();
    assert_eq!(send(&mut one).await["ErrorDesc"], from("H37.90.07"));

    let (code, list) = admin(&[]);
    let list = list["registrations"].as_array().unwrap();
    assert_eq!((code, list.len()), (0, 2), "{list:?}");
    assert_eq!(
        (&list[0]["system"], &list[0]["code"], &list[0]["details"]["mail"], &list[0]["address"]),
        (&"H37.90".into(), &"H37.90.07".into(), &"thidu@example.vn".into(), &"127.0.0.1".into())
    );
    assert_eq!((&list[0]["in_directory"], &list[0]["spoken_for_by"]), (&Value::Null, &json!([])));
    let shown = lienthong(&place.iter().copied().filter(|word| *word != "--json").collect::<Vec<_>>());
    assert!(String::from_utf8(shown.stdout).unwrap().contains("ke-gian@example.vn"));

    assert_eq!(admin(&["--reject", "2", "--reason", "Không đúng địa chỉ thư"]).0, 0);
    let told = admin(&["--accept", "1", "--reason", "Công văn 12/TD-VP"]);
    assert_eq!(told, (0, json!({"id": 1, "decided": true, "accepted": true, "entered_into_directory": true})));
    assert_eq!(admin(&["--accept", "1"]).0, 1, "it does not wait any more");
    assert_eq!(admin(&["--reject", "9"]).0, 1);
    eventually("the agency is the system's", async || {
        // Its own agency signs nothing for another; that the sender is known now is seen by what is found next.
        let answer = send(&mut one).await;
        (answer["ErrorDesc"] != from("H37.90.07")).then_some(())
    })
    .await;
    let agencies = eventually("the agency is listed", async || {
        let list = one.call("getAgenciesList", &[]).await.json();
        row(&list, "H37.90.07").is_some().then_some(list)
    })
    .await;
    let listed = row(&agencies, "H37.90.07").unwrap();
    assert_eq!(
        (&listed["name"], &listed["mail"], &listed["pid"]),
        (&"Phòng \"Thí dụ\"".into(), &"thidu@example.vn".into(), &"H37".into())
    );
    // It can be written to, and reads what comes.
    let letter = town.letter("H37.91", &["H37.90.07"], 2);
    let sent = town.sdk("H37.91").send("H37.91", "edoc", &letter.bytes, &[]).await.json();
    assert_eq!(sent["ErrorCode"], "0", "{sent}");
    assert_eq!(one.list("edoc").await.last().unwrap()["to"], "H37.90.07");
    let again = one.post("registerAgency", wish.as_bytes()).await.json();
    assert!(again["ErrorCode"] == "0" && again["ErrorDesc"] == "Don vi nay da duoc dang ky cho he thong", "{again}");

    // Withdrawn again; not by another system, nor what is nobody's.
    let withdraw = async |sdk: &mut Sdk, code: &str| sdk.call("deleteAgency", &[("AgencyCode", code)]).await.json();
    let mut two = town.sdk("H37.91");
    let (foreign, unknown) = (withdraw(&mut two, "H37.90.07").await, withdraw(&mut two, "H37.90.99").await);
    assert_eq!((&foreign["ErrorCode"], &unknown["ErrorCode"]), (&"19".into(), &"19".into()));
    assert_eq!(foreign["ErrorDesc"].as_str().unwrap().replace(".07", ".99"), unknown["ErrorDesc"]);
    assert_eq!(withdraw(&mut two, "").await["ErrorCode"], "10");
    assert_eq!(withdraw(&mut one, "H37.90.07").await["ErrorCode"], "0");
    assert_eq!(one.list("edoc").await.len(), 1, "nothing happens before it is accepted");
    assert_eq!(admin(&["--accept", "3"]).1["entered_into_directory"], false);
    eventually("its mailbox is no longer the system's", async || one.list("edoc").await.is_empty().then_some(())).await;
    let (_, all) = admin(&["--all"]);
    let states: Vec<&str> =
        all["registrations"].as_array().unwrap().iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["accepted", "rejected", "accepted"]);
    town.stop().await;
}
