//! `lienthong admin account`: the books of a gateway, and whether they balance.

use clap::Args;
use jiff::civil::Date;
use lienthong_contract::Clock as _;

use super::{Place, day};
use crate::books::{self, Figures};
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, runtime, show};
use crate::clock::SystemClock;
use crate::store::sqlite::Access;

/// Lập sổ đối chiếu từ biên nhận — draws up the books from the receipts; exit code 1 when they do not balance.
#[derive(Debug, Args)]
pub struct Account {
    #[command(flatten)]
    place: Place,
    /// Chỉ một ngày, giờ Việt Nam — only what was accepted on this day in Vietnam.
    #[arg(long, value_name = "YYYY-MM-DD", value_parser = day)]
    day: Option<Date>,
    /// Tính lại từ toàn bộ biên nhận và đối chiếu với số liệu đang giữ — read every receipt again, and compare with what is kept.
    #[arg(long, conflicts_with = "day")]
    recount: bool,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Account {
    pub fn run(self) -> Outcome {
        let account = runtime()?.block_on(async {
            let (config, store) = self.place.open(Access::Read)?;
            let hop = &config.hop.name;
            let mut account = if self.recount {
                let recount = books::kept::recount(&store, hop).await?;
                if !recount.sums_compared {
                    eprintln!(
                        "Trục vừa ghi thêm trong lúc tính lại: đã đối chiếu từng lượt gửi, chưa đối chiếu tổng; hãy chạy lại.\n\
                         The gateway went on meanwhile: every consignment was compared, the sums were not; run it again."
                    );
                }
                recount.account
            } else {
                books::kept::account(&store, hop, self.day, true).await?
            };
            books::statement::enter(&store, &mut account, self.day, SystemClock.now()).await?;
            anyhow::Ok(account)
        })?;
        if self.json {
            show::json(&account)?;
        } else {
            tell(&account);
        }
        Ok(if account.total.balanced { Verdict::Yes } else { Verdict::No })
    }
}

/// Columns of the table, in the order of [`row`].
const COLUMNS: [&str; 6] = ["tiếp nhận", "đã giao", "trả lại", "thất bại", "ra ngoài", "đang chuyển"];

fn tell(account: &books::Account) {
    let day = account.day.as_deref().unwrap_or("mọi ngày — all days");
    say!("Sổ đối chiếu của {} — the books of {}: {day}", account.hop, account.hop);
    say!("(tiếp nhận = đã giao + trả lại + thất bại + ra ngoài + đang chuyển)");
    say!("(accepted = handed over + refused + failed + passed outside + in flight)");
    let heads = COLUMNS.map(|head| format!("{head:>12}")).concat();
    say!("\n{:<28}{heads}", "Bên gửi — sender");
    for agency in &account.agencies {
        say!("{}", row(agency.agency.as_str(), &agency.figures));
    }
    say!("{}", row("Cộng — total", &account.total));
    say!("\n{:<28}{heads}", "Nơi đến — destination");
    for place in &account.destinations {
        let kind = if place.kind == "link" { "trục" } else { "hộp thư" };
        say!("{}", row(&format!("{kind} {}", place.destination), &place.figures));
    }
    if account.day.is_none() {
        say!("\n{:<28}{heads}", "Ngày — day");
        for day in &account.days {
            say!("{}", row(&day.day, &day.figures));
        }
    }
    if account.bodies_deleted > 0 {
        say!("\nNội dung đã xóa theo thời hạn — bodies deleted after their time: {}", account.bodies_deleted);
        for day in account.days.iter().filter(|day| day.bodies_deleted > 0) {
            say!("    {}  {}", day.day, day.bodies_deleted);
        }
    }
    if account.refusals_unlogged > 0 {
        say!(
            "\nTừ chối đã xóa khi chưa có sổ cái — refusals deleted while no ledger was kept: {}",
            account.refusals_unlogged
        );
        for day in account.days.iter().filter(|day| day.refusals_unlogged > 0) {
            say!("    {}  {}", day.day, day.refusals_unlogged);
        }
    }
    tell_differences("!", &account.contradictions, account.contradictions_in_all);
    tell_differences("✗", &account.differences, account.differences_in_all);
    say!("");
    if account.total.balanced {
        say!("KHỚP — the books balance");
    } else {
        say!("KHÔNG KHỚP — the books do NOT balance: {} chỗ — differences", account.differences_in_all);
    }
}

fn tell_differences(mark: &str, differences: &[books::Difference], in_all: u64) {
    for difference in differences {
        let doc = difference.doc_id.map(|id| id.to_string()).unwrap_or_default();
        let id = difference.consignment.map(|id| id.to_string()).unwrap_or_default();
        say!("\n{mark} {}  docId {doc}  consignment {id}", difference.code);
        say!("    {}\n    {}", difference.why, difference.why_en);
    }
    let named = differences.len() as u64;
    if in_all > named {
        say!("… và {} chỗ khác nữa — and as many more", in_all - named);
    }
}

fn row(name: &str, figures: &Figures) -> String {
    let Figures { accepted, handed_over, refused, failed, passed_outside, in_flight, .. } = *figures;
    let numbers = [accepted, handed_over, refused, failed, passed_outside, in_flight];
    let numbers = numbers.map(|number| format!("{number:>12}")).concat();
    let mark = if figures.balanced { "" } else { "  ✗" };
    format!("{name:<28}{numbers}{mark}")
}
