//! The door by its bytes: requests as clients of the platform write them, on a socket, and the answers to the letter.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod double;

use double::{Behind, DOC_ID, Open};
use serde_json::{Value, json};

const AUTH: &str = "X-SystemId: H37.02\r\nX-SecretKey: demo-secret\r\n";

fn post(path: &str, head: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn get(path: &str, head: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{head}\r\n").into_bytes()
}

fn login(name: &str, password: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"username":"{name}","password":"{password}","applicationCode":"QLVB","otp":null,"twoFactorProvider":null,"typeObjs":[0,1]}}"#
    );
    post("/v1/auth/login?allow_anonymous=true", "Content-Type: application/json\r\n", &body)
}

/// The headers of every call after the login.
async fn headers(open: &Open) -> String {
    let (status, json) = open.json(&login("H37.02", "demo-secret")).await;
    assert_eq!(status, 200, "{json}");
    assert_eq!(json["token"], json["data"]["token"]);
    assert_eq!((&json["success"], &json["code"], &json["data"]["id"]), (&true.into(), &200.into(), &"H37.02".into()));
    format!("Authorization: Bearer {}\r\n{AUTH}", json["data"]["token"].as_str().unwrap())
}

const FORM: &str = "Content-Type: multipart/form-data; boundary=----WebKitB\r\n";

fn form(file: &str, kind: &str) -> String {
    format!(
        "------WebKitB\r\nContent-Disposition: form-data; name=\"edocFile\"; filename=\"45_CV-ĐTXD.edxml\"\r\n\
         Content-Type: application/xml\r\n\r\n{file}\r\n------WebKitB\r\n\
         Content-Disposition: form-data; name=\"messageType\"\r\n\r\n{kind}\r\n------WebKitB--\r\n"
    )
}

#[tokio::test]
async fn a_packet_comes_in_as_it_is_and_the_answer_is_the_union_of_all_forms() {
    let open = Open::with(Behind::default()).await;
    let auth = headers(&open).await;
    for file in ["<edXML/>", "<edXML/>\r\n", "<edXML>\r\n------WebKit\r\n</edXML>"] {
        let answer = open.ask(&post("/v1/sendEdoc", &format!("{auth}{FORM}"), &form(file, "edoc"))).await;
        let body = format!(
            r#"{{"success":true,"code":200,"message":"OK","docId":"{DOC_ID}","data":{{"docId":"{DOC_ID}","status":"OK","errorCode":"0","errorDesc":"Thanh cong"}}}}"#
        );
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\ncontent-type: application/json;charset=UTF-8\r\n"), "{answer}");
        assert!(answer.ends_with(&format!("\r\n\r\n{body}")), "{answer}");
        assert_eq!(open.asked(), [format!("system H37.02 as H37.02: {file}")]);
    }
    // Of several agencies the one that the packet names.
    let file = "<edXML:From><edXML:OrganId>000.00.05.H37</edXML:OrganId></edXML:From>";
    open.ask(&post("/lgsp/v1/sendEdoc", &format!("{auth}{FORM}"), &form(file, "edoc"))).await;
    assert_eq!(open.asked(), [format!("system H37.02 as H37.05: {file}")]);
}

#[tokio::test]
async fn what_is_refused_is_final_and_what_may_succeed_later_is_not() {
    let open = Open::with(Behind::default()).await;
    let auth = headers(&open).await;
    let whole = form("<edXML/>", "edoc");
    let other = form("<edXML/>", "letter");
    let cut = whole.replace("------WebKitB--\r\n", "");
    let none = whole.replace("edocFile", "file");
    for (body, error) in [(other.as_str(), "10"), (&cut, "10"), (&none, "10"), ("", "10")] {
        let (status, json) = open.json(&post("/v1/sendEdoc", &format!("{auth}{FORM}"), body)).await;
        assert_eq!((status, &json["success"], &json["code"]), (200, &false.into(), &400.into()), "{json}");
        assert_eq!((&json["data"]["errorCode"], &json["data"]["status"]), (&error.into(), &"FAIL".into()), "{json}");
        assert!(!json["errorDetail"][0]["exception"].as_str().unwrap().is_empty());
        assert_eq!(open.asked(), Vec::<String>::new(), "nothing was taken");
    }
    let refused = form("refuse me", "edoc");
    let (status, json) = open.json(&post("/v1/sendEdoc", &format!("{auth}{FORM}"), &refused)).await;
    assert_eq!((status, &json["data"]["errorCode"]), (200, &"22".into()), "{json}");
    let later = form("not now", "edoc");
    let (status, json) = open.json(&post("/v1/sendEdoc", &format!("{auth}{FORM}"), &later)).await;
    assert_eq!((status, &json["data"]["errorCode"]), (503, &"20".into()), "{json}");
    let (_, json) = open.json(&post("/v1/sendEdoc", &auth, "<edXML/>")).await;
    assert_eq!(json["data"]["errorCode"], "10", "no form: {json}");
    let (_, json) = open.json(&get("/v1/nothing", &auth)).await;
    assert_eq!(json["success"], false);
}

#[tokio::test]
async fn whoever_does_not_prove_himself_gets_one_and_the_same_401() {
    let open = Open::with(Behind::default()).await;
    let auth = headers(&open).await;
    let bearer = auth.lines().next().unwrap().to_owned() + "\r\n";
    let one = open.ask(&get("/v1/getEdoc?docId=x", "")).await;
    assert!(one.starts_with("HTTP/1.1 401 Unauthorized\r\n") && one.contains("licenseInfo:invalid"), "{one}");
    let without_date = |answer: &str| -> Vec<String> {
        answer.lines().filter(|line| !line.starts_with("date:")).map(str::to_owned).collect()
    };
    for head in [
        bearer.clone(),
        AUTH.to_owned(),
        format!("Authorization: Bearer x.y.z\r\n{AUTH}"),
        format!("Authorization: Basic x\r\n{AUTH}"),
        format!("{bearer}X-SystemId: H37.02\r\nX-SecretKey: wrong\r\n"),
        format!("{bearer}X-SystemId: H37.02\r\n"),
        format!("{bearer}X-SystemId: nobody\r\nX-SecretKey: demo-secret\r\n"),
        format!("{bearer}X-SystemId: H37.03\r\nX-SecretKey: demo-secret\r\n"),
    ] {
        let answer = open.ask(&get("/v1/getEdoc?docId=x", &head)).await;
        assert_eq!(without_date(&answer), without_date(&one), "{head}");
    }
    for request in
        [login("nobody", "demo-secret"), login("H37.02", "wrong"), login("", ""), login("H37.03", "demo-secret")]
    {
        assert_eq!(without_date(&open.ask(&request).await), without_date(&one));
    }
    open.behind.later(31 * 60);
    let answer = open.ask(&get("/v1/getEdoc?docId=x", &auth)).await;
    assert_eq!(without_date(&answer), without_date(&one), "a token counts for half an hour");
    assert_eq!(open.asked(), Vec::<String>::new());
    headers(&open).await;
}

#[tokio::test]
async fn lists_have_both_ends_of_their_window_and_failed_ones_stay_lists() {
    let open = Open::with(Behind::default()).await;
    let auth = headers(&open).await;
    for (from, to) in [
        ("2026%2F10%2F01", "2026%2F10%2F01"),
        ("2026-10-01", "2026-10-01"),
        ("01%2F10%2F2026%2000:00:00", "01/10/2026+23:59:59"),
    ] {
        for name in ["syncReceivedEdocList", "getReceivedEdocList"] {
            let path = format!("/v1/{name}?messageType=edoc&fromDate={from}&toDate={to}");
            let (status, json) = open.json(&get(&path, &auth)).await;
            assert_eq!((status, &json["code"], &json["count"]), (200, &200.into(), &1.into()), "{json}");
            let row = json!({"docId": DOC_ID, "from": "H37.03", "to": "H37.02", "status": "processing",
                "statusDesc": "Đang xử lý", "createdTime": "2026/10/01 08:00:00", "updatedTime": "2026/10/01 09:00:00",
                "serviceType": "eDoc", "messageType": "edoc", "edocCode": "1/CV", "edocAbstract": "Về việc"});
            assert_eq!(json["data"], json!([row]));
            assert!(json.get("errorDetail").is_none());
            let asked = "received Some(Document) 2026-10-01T00:00:00.000+07:00 2026-10-01T23:59:59.999+07:00";
            assert_eq!(open.asked(), [asked]);
        }
    }
    let (_, json) = open.json(&get("/v1/syncReceivedEdocList?fromDate=yesterday", &auth)).await;
    assert_eq!((&json["success"], &json["data"]), (&false.into(), &json!([])), "{json}");
    let (status, json) = open.json(&get("/v1/getSentEdocList", &auth)).await;
    assert_eq!((status, &json["code"], &json["data"]), (503, &503.into(), &json!([])), "the double cannot: {json}");
    let (_, json) = open
        .json(&get("/v1/getAgenciesList", auth.lines().next().map(|line| format!("{line}\r\n")).unwrap().as_str()))
        .await;
    let agencies = json["data"].as_array().unwrap();
    assert_eq!(agencies.len(), 1200);
    let first = json!({"orgCode": "H37.0000", "orgName": "Cơ quan 0", "parentCode": "H37", "address": "", "email": "",
        "phone": "", "oldCode": ""});
    assert_eq!(agencies[0], first);
}

#[tokio::test]
async fn a_packet_goes_out_in_base64_in_both_forms_and_states_are_told() {
    let content: Vec<u8> = (0..1000_u32).map(|number| u8::try_from(number % 251).unwrap()).collect();
    let open = Open::with(Behind { content: content.clone(), ..Behind::default() }).await;
    let auth = headers(&open).await;
    let answer = open.ask(&get(&format!("/v1/getEdoc?docId={DOC_ID}"), &auth)).await;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}", body.len())), "{head}");
    let json: Value = serde_json::from_str(body).unwrap();
    for form in ["data", "edxml"] {
        let decoded = base64_simd::STANDARD.decode_to_vec(json["data"][form].as_str().unwrap()).unwrap();
        assert_eq!(decoded, content, "{form}");
    }
    assert_eq!((&json["code"], &json["data"]["attachments"]), (&200.into(), &json!([])));
    open.asked();
    for (status, asked) in [
        ("done", vec!["mark Done"]),
        ("PROCESSING", vec!["mark Processing"]),
        ("fail", vec!["mark Fail"]),
        ("01", vec!["report 01", "mark Done"]),
        ("02", vec!["report 02", "mark Done"]),
        ("16", vec!["report 16", "mark Done"]),
    ] {
        let body = format!(r#"{{"docId":"{DOC_ID}","status":"{status}"}}"#);
        let (_, json) = open.json(&post("/v1/updateStatus", &auth, &body)).await;
        assert_eq!((&json["code"], &json["data"]["status"]), (&200.into(), &"OK".into()), "{json}");
        assert_eq!(open.asked(), asked);
    }
    for (body, why) in [
        (format!(r#"{{"docId":"{DOC_ID}","status":"17"}}"#), "no such status"),
        (r#"{"docId":"../../etc","status":"done"}"#.to_owned(), "no such document"),
        ("<xml/>".to_owned(), "no JSON"),
    ] {
        let (status, json) = open.json(&post("/v1/updateStatus", &auth, &body)).await;
        assert_eq!((status, &json["success"], &json["data"]["errorCode"]), (200, &false.into(), &"10".into()), "{why}");
    }
    assert_eq!(open.asked(), Vec::<String>::new());
}
