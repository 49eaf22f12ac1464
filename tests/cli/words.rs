//! What the command line says: codes explained, arguments refused, faults of the machine in Vietnamese.

use crate::document_id;
use crate::support::program::lienthong;

#[test]
fn errors_explains_a_code_in_both_languages() {
    let shown = lienthong(&["errors", "lt-rul-0001"]);
    let text = String::from_utf8(shown.stdout).unwrap();
    assert_eq!(shown.status.code(), Some(0));
    assert!(text.contains("Cơ quan nhận không có trong danh mục") && text.contains("The recipient is in no directory"));
    let unknown = lienthong(&["errors", "LT-XYZ-0001"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8(unknown.stdout).unwrap().contains("không có mã này — no such code"));
}

#[test]
fn arguments_that_cannot_be_meant_are_refused_before_anything_is_sent() {
    let refused = |args: &[&str]| {
        let output = lienthong(args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    // Nobody listens there: were it asked, the words would be others.
    let gateway = ["--gateway", "https://localhost:9"];
    for code in ["07", "99", "1", "103", ""] {
        let words = refused(&[&["status", code, "--document", "d", "--to", "H37.90"], &gateway[..]].concat());
        assert!(words.contains("01  đã đến — arrived") && words.contains("16  từ chối cập nhật"), "{words}");
    }
    let words = refused(&[&["trace", &document_id(7)], &gateway[..]].concat());
    assert!(words.contains("không phải DocumentId ghi trong gói tin") && words.contains("`send` printed"), "{words}");
    let help = String::from_utf8(lienthong(&["status", "--help"]).stdout).unwrap();
    for code in ["01  đã đến", "06  hoàn thành xử lý", "13  bên gửi yêu cầu lấy lại", "15  đồng ý"]
    {
        assert!(help.contains(code), "{help}");
    }
}

#[test]
fn a_fault_of_the_machine_is_told_in_vietnamese_too() {
    let said = |args: &[&str]| {
        let output = lienthong(args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let missing = said(&["check", "no-such-file.edxml"]);
    assert!(missing.contains("Không tìm thấy tệp hoặc thư mục này") && missing.contains("os error 2"), "{missing}");
    let missing = said(&["check", "x.edxml", "--directory", "no-such-directory.toml"]);
    assert!(missing.contains("Không tìm thấy tệp hoặc thư mục này"), "{missing}");
}

#[test]
fn a_demo_without_its_broker_ends_at_once_with_one_error() {
    // A port that was free a moment ago: nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let url = format!("amqp://guest:secret@127.0.0.1:{port}");
    let output = lienthong(&["demo", "--exit", "--json", "--amqp", &url]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{told}");
    assert!(
        told.starts_with(&format!("lienthong: amqp://127.0.0.1:{port}: không kết nối được với RabbitMQ")),
        "{told}"
    );
    assert!(told.contains("RabbitMQ cannot be reached") && told.contains("Connection refused"), "{told}");
    assert!(!told.contains("secret") && told.lines().count() <= 4, "{told}");
}
