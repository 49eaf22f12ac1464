//! `lienthong admin agencies`: the agencies as systems outside list them, and what changed there last.

use clap::Args;
use lienthong_contract::HopName;
use lienthong_contract::catalogue::ListedAgency;
use serde_json::{Value, json};

use super::Place;
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, runtime, show};
use crate::store::RegistryStore;
use crate::store::registry::OutsideList;
use crate::store::sqlite::Access;

/// Danh mục cơ quan của các hệ thống ngoài — the agencies as systems outside list them.
#[derive(Debug, Args)]
pub struct Agencies {
    #[command(flatten)]
    place: Place,
    /// Xem danh mục của cửa ra này — show the list of this outlet, latest changes first.
    #[arg(long, value_name = "NAME")]
    outlet: Option<HopName>,
    /// Chỉ những dòng có mã hoặc tên chứa đoạn này — only rows whose code or name holds this.
    #[arg(long, value_name = "TEXT", requires = "outlet")]
    search: Option<String>,
    /// Số dòng nhiều nhất — the most rows.
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long)]
    json: bool,
}

impl Agencies {
    pub fn run(self) -> Outcome {
        runtime()?.block_on(self.show())
    }

    async fn show(&self) -> Outcome {
        let (_, store) = self.place.open(Access::Read)?;
        let Some(outlet) = &self.outlet else {
            let lists = store.outside_lists().await?;
            self.say_lists(&lists)?;
            return Ok(Verdict::Yes);
        };
        let mut agencies = store.outside(outlet).await?;
        if let Some(sought) = &self.search {
            let sought = sought.trim().to_lowercase();
            let holds = |text: &str| text.to_lowercase().contains(&sought);
            agencies.retain(|agency| holds(agency.code.as_str()) || holds(&agency.name));
        }
        agencies.sort_by_key(|agency| std::cmp::Reverse(agency.version));
        let all = agencies.len();
        agencies.truncate(self.limit);
        if self.json {
            show::json(
                &json!({ "outlet": outlet, "found": all, "agencies": agencies.iter().map(row).collect::<Vec<_>>() }),
            )?;
        } else {
            for agency in &agencies {
                let state = if agency.closed { "đã ngừng — closed" } else { "đang hoạt động — in force" };
                let changed = agency.modified_at.in_vietnam().strftime("%d/%m/%Y %H:%M");
                say!("{}  {}  ({state}; thay đổi — changed: {changed})", agency.code, agency.name);
            }
            say!("{} / {all}", agencies.len());
        }
        Ok(if agencies.is_empty() { Verdict::No } else { Verdict::Yes })
    }

    fn say_lists(&self, lists: &[OutsideList]) -> anyhow::Result<()> {
        if self.json {
            let list = |list: &OutsideList| {
                let OutsideList { outlet, taken_at, in_force, closed } = list;
                json!({ "outlet": outlet, "taken_at": taken_at, "in_force": in_force, "closed": closed })
            };
            return show::json(&json!({ "lists": lists.iter().map(list).collect::<Vec<_>>() }));
        }
        if lists.is_empty() {
            say!("Chưa lấy danh mục của hệ thống ngoài nào — no list of a system outside was taken yet");
        }
        for OutsideList { outlet, taken_at, in_force, closed } in lists {
            let taken = taken_at.in_vietnam().strftime("%d/%m/%Y %H:%M");
            say!(
                "{outlet}: {in_force} cơ quan đang hoạt động, {closed} đã ngừng, lấy lúc {taken} — in force, closed, taken then"
            );
        }
        Ok(())
    }
}

fn row(agency: &ListedAgency) -> Value {
    json!({
        "code": agency.code,
        "old_code": agency.old_code,
        "name": agency.name,
        "parent": agency.parent,
        "mail": agency.mail,
        "closed": agency.closed,
        "version": agency.version,
        "modified_at": agency.modified_at,
    })
}
