//! `[statistics]`: what of the figures goes out, from the listener of the console.

use std::path::PathBuf;

use hyper::header::HeaderName;
use serde::{Deserialize, Serialize};

use super::Config;

/// Who is given figures besides the console's own people.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Statistics {
    /// The page `/public/statistics`, for everybody who reaches the console: totals alone.
    pub public: bool,
    /// Documents below which an agency is not shown alone on that page.
    pub public_least: u32,
    /// The feed for the province's monitoring centre; none when left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feed: Option<Feed>,
}

impl Default for Statistics {
    fn default() -> Self {
        Self { public: false, public_least: 10, feed: None }
    }
}

/// `/statistics/feed.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    /// The header that bears the token.
    #[serde(default = "usual_header")]
    pub header: String,
    /// File that holds the token, at least 24 characters; in the clear or sealed.
    pub token_file: PathBuf,
    /// Another that counts too, while tokens change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub second_token_file: Option<PathBuf>,
}

fn usual_header() -> String {
    "x-statistics-token".to_owned()
}

impl Feed {
    /// Files of secrets.
    pub fn files(&self) -> impl Iterator<Item = &PathBuf> {
        std::iter::once(&self.token_file).chain(&self.second_token_file)
    }
}

/// Every file, with its key.
pub(super) fn paths(statistics: &mut Statistics, each: &mut impl FnMut(String, &mut PathBuf)) {
    if let Some(feed) = &mut statistics.feed {
        each("statistics.feed.token_file".to_owned(), &mut feed.token_file);
        let second = feed.second_token_file.iter_mut();
        second.for_each(|path| each("statistics.feed.second_token_file".to_owned(), path));
    }
}

/// What the types cannot say.
pub(super) fn check(config: &Config, note: &mut impl FnMut(String, &str, &str)) {
    let statistics = &config.statistics;
    for (key, wanted) in [("public", statistics.public), ("feed", statistics.feed.is_some())] {
        if wanted && config.console.is_none() {
            note(
                format!("statistics.{key}"),
                "cần có [console]: trang và dữ liệu thống kê đi qua cổng của trang quản trị",
                "needs [console]: the figures go out by the console's listener",
            );
        }
    }
    if !(2..=1_000_000).contains(&statistics.public_least) {
        note("statistics.public_least".to_owned(), "phải từ 2 đến 1000000", "must be between 2 and 1000000");
    }
    let Some(feed) = &statistics.feed else { return };
    // These have a meaning of their own, or are written into logs.
    let taken = ["cookie", "host", "authorization", "connection", "if-none-match", "user-agent"];
    let header = feed.header.to_ascii_lowercase();
    if HeaderName::from_bytes(header.as_bytes()).is_err() || taken.contains(&header.as_str()) {
        note(
            "statistics.feed.header".to_owned(),
            "phải là tên tiêu đề HTTP riêng, thí dụ x-statistics-token",
            "must be the name of a header of its own, such as x-statistics-token",
        );
    }
}
