//! What pages are painted with.

use bytes::Bytes;

use super::super::Call;
use super::super::http::{Answer, Reply};

const ICON: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 32 32\"><rect width=\"32\" height=\"32\" rx=\"6\" fill=\"#b3261e\"/><path d=\"M6 16h20M19 9l7 7-7 7\" fill=\"none\" stroke=\"#fff\" stroke-width=\"3\"/></svg>";

pub async fn style(_call: &Call<'_>) -> Answer {
    Ok(Reply::File("text/css; charset=utf-8", String::new(), Bytes::from_static(include_bytes!("../style.css"))))
}

pub async fn live(_call: &Call<'_>) -> Answer {
    Ok(Reply::File("text/javascript; charset=utf-8", String::new(), Bytes::from_static(include_bytes!("../live.js"))))
}

pub async fn icon(_call: &Call<'_>) -> Answer {
    Ok(Reply::File("image/svg+xml", String::new(), Bytes::from_static(ICON.as_bytes())))
}
