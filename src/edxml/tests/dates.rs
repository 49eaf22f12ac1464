//! Dates are read strictly.

use crate::edxml::dates::{read_date, read_time, write_date, write_time};

#[test]
fn a_date_is_year_month_day_and_must_exist() {
    assert_eq!(read_date("2026/03/02").map(|read| write_date(read.value)), Some("2026/03/02".into()));
    assert!(!read_date("2026/03/02").unwrap().short);
    assert!(read_date("2026/3/2").unwrap().short);
    for wrong in [
        "30/10/2020",
        "2020/30/10",
        "2026/02/30",
        "2026-03-02",
        "26/03/02",
        "2026/03",
        "2026/03/02/01",
        "",
        "2026/03/002",
        "+026/03/02",
        "0000/01/01",
        "2026/00/10",
        "２０２６/03/02",
        "2026/03/02 ",
        "2026/13/01",
    ] {
        assert_eq!(read_date(wrong), None, "{wrong:?}");
    }
    assert!(read_date("2024/02/29").is_some() && read_date("2026/02/29").is_none());
}

#[test]
fn a_time_is_vietnam_time() {
    let time = read_time("2026/03/02 00:30:05").unwrap();
    assert_eq!(time.value.to_string(), "2026-03-02T00:30:05.000+07:00");
    assert_eq!(write_time(time.value), "2026/03/02 00:30:05");
    assert!(read_time("2026/03/02 8:30:05").unwrap().short);
    for wrong in [
        "2026/03/02",
        "2026/03/02 24:00:00",
        "2026/03/02 08:60:00",
        "2026/03/02 08:30",
        "2026/03/02T08:30:00",
        "2026/03/02 08:30:00.5",
        "02/03/2026 08:30:00",
        "2026/03/02 08:30:00 AM",
    ] {
        assert!(read_time(wrong).is_none(), "{wrong:?}");
    }
}
