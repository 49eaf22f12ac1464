//! `lienthong admin users`: the first account of the console, and the way back in when nobody can sign in.

use std::sync::Arc;

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use lienthong_contract::{AgencyCode, Clock};
use serde_json::json;

use super::Place;
use crate::acts::{Kind, Statement, TYPE};
use crate::cli::show::say;
use crate::cli::{Outcome, Verdict, runtime, show};
use crate::clock::SystemClock;
use crate::config::Config;
use crate::console::access::{hashed, random_text};
use crate::console::is_account_name;
use crate::console::oidc::{bound_to, is_by_provider};
use crate::directory::Directory;
use crate::receipts::jws::sign_statement;
use crate::store::console::{Change, Effect, Entry, NewAccount, Role};
use crate::store::sqlite::Access;
use crate::store::{ConsoleStore, SqliteStore};
use crate::trust::HopKey;

/// Tài khoản của trang điều hành — accounts of the console.
#[derive(Debug, Args)]
pub struct Users {
    #[command(flatten)]
    place: Place,
    /// In một đối tượng JSON — print one JSON object.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Thêm tài khoản; in mật khẩu dùng một lần — adds an account and prints a password for once.
    Add {
        /// Tên đăng nhập: chữ thường không dấu, số hoặc . - _ @ — the name to sign in with.
        name: String,
        #[arg(long, value_name = "ROLE", value_parser = role)]
        role: Role,
        #[arg(long, value_name = "NAME")]
        full_name: String,
        /// Chỉ xem văn bản của cơ quan này — sees only this agency's documents.
        #[arg(long, value_name = "CODE")]
        agency: Option<String>,
        /// Đăng nhập qua nhà cung cấp OIDC, không có mật khẩu — signs in through the provider, without a password.
        #[arg(long)]
        provider: bool,
    },
    /// Cấp lại mật khẩu, xóa mã xác thực và mở khóa — a new password, without second factor and lock.
    Reset { name: String },
    /// Liệt kê — lists them.
    List,
}

fn role(text: &str) -> Result<Role, String> {
    Role::parse(text).ok_or_else(|| "viewer | operator | administrator | auditor".to_owned())
}

impl Users {
    pub fn run(self) -> Outcome {
        let (config, store) = self.place.open(Access::Write)?;
        runtime()?.block_on(async {
            match &self.command {
                Command::Add { name, role, full_name, agency, provider } => {
                    if *provider && config.console.as_ref().is_none_or(|console| console.oidc.is_none()) {
                        bail!("--provider cần [console.oidc] trong cấu hình — --provider needs [console.oidc]");
                    }
                    let agency = agency.as_deref();
                    let password = self.add(&config, &store, (name, full_name), (*role, agency), *provider).await?;
                    self.given(name, password.as_deref())
                }
                Command::Reset { name } => {
                    let password = reset(&config, &store, name).await?;
                    self.given(name, Some(&password))
                }
                Command::List => self.list(&store).await,
            }
        })
    }

    async fn add(
        &self,
        config: &Config,
        store: &SqliteStore,
        (name, full_name): (&str, &str),
        (role, agency): (Role, Option<&str>),
        provided: bool,
    ) -> anyhow::Result<Option<String>> {
        if !is_account_name(name) {
            bail!(
                "tên gồm 3 đến 64 chữ thường không dấu, số hoặc các dấu . - _ @ — a name has 3 to 64 small plain letters, digits or the signs . - _ @"
            );
        }
        if agency.is_some() && role != Role::Viewer {
            bail!("chỉ vai trò viewer gắn với một cơ quan — only a viewer is bound to an agency");
        }
        if store.account(name).await?.is_some() {
            bail!("đã có tài khoản {name} — there is an account {name}");
        }
        let agency = match agency {
            None => None,
            Some(code) => {
                let code = AgencyCode::parse(code).map_err(|error| anyhow::anyhow!("{error}"))?;
                let directory = Directory::open(&config.directory.file)?.snapshot();
                Some(directory.lookup(&code).map_or_else(|| code.to_new_form(), |own| own.key.code().clone()))
            }
        };
        let (password, stored) = match provided {
            true => (None, bound_to(None)),
            false => fresh().map(|(password, stored)| (Some(password), stored))?,
        };
        let new = NewAccount {
            name: name.to_owned(),
            full_name: full_name.chars().take(100).collect(),
            role,
            agency,
            password: stored,
            created_at: SystemClock.now(),
        };
        let subject = format!("{name} {}{}", role.as_str(), if provided { " OIDC" } else { "" });
        act(config, store, (Kind::AddAccount, subject), Effect::AddAccount(Box::new(new))).await?;
        Ok(password)
    }

    fn given(&self, name: &str, password: Option<&str>) -> Outcome {
        if self.json {
            show::json(&json!({ "account": name, "password": password }))?;
        } else if let Some(password) = password {
            say!("Tài khoản — account: {name}");
            say!("Mật khẩu dùng một lần — password for once: {password}");
            say!("Phải đổi khi đăng nhập lần đầu — it must be changed at the first sign-in");
        } else {
            say!("Tài khoản — account: {name}");
            say!("Đăng nhập qua nhà cung cấp, không có mật khẩu — signs in through the provider, without a password");
        }
        Ok(Verdict::Yes)
    }

    async fn list(&self, store: &SqliteStore) -> Outcome {
        let accounts = store.accounts().await?;
        if self.json {
            let rows = accounts.iter().map(|one| {
                json!({ "account": one.name, "full_name": one.full_name, "role": one.role, "agency": one.agency,
                        "disabled": one.disabled, "second_factor": one.totp.is_some(), "provider": is_by_provider(&one.password), "signed_in_at": one.signed_in_at })
            });
            show::json(&rows.collect::<Vec<_>>())?;
            return Ok(Verdict::Yes);
        }
        for one in accounts {
            let agency = one.agency.map(|agency| format!(" {agency}")).unwrap_or_default();
            let disabled = if one.disabled { " (khóa — disabled)" } else { "" };
            let provider = if is_by_provider(&one.password) { " (OIDC)" } else { "" };
            say!("{}\t{}{agency}\t{}{provider}{disabled}", one.name, one.role.as_str(), one.full_name);
        }
        Ok(Verdict::Yes)
    }
}

fn fresh() -> anyhow::Result<(String, String)> {
    let password = random_text::<12>().context("the machine gives no random bytes")?;
    let stored = hashed(&password).context("the password cannot be hashed")?;
    Ok((password, stored))
}

async fn reset(config: &Config, store: &SqliteStore, name: &str) -> anyhow::Result<String> {
    let account =
        store.account(name).await?.with_context(|| format!("không có tài khoản {name} — no account {name}"))?;
    let (password, stored) = fresh()?;
    let change = Change {
        password: Some((stored, true)),
        totp: Some(None),
        disabled: Some(false),
        unlock: true,
        end_sessions: true,
        ..Change::default()
    };
    let effect = Effect::ChangeAccount(account.id, Box::new(change));
    act(config, store, (Kind::ChangeAccount, format!("{name} reset")), effect).await?;
    Ok(password)
}

/// Does it, and writes down that it was done on this machine. The running gateway enters the record into its log.
async fn act(config: &Config, store: &SqliteStore, on: (Kind, String), effect: Effect) -> anyhow::Result<()> {
    let key = Arc::new(HopKey::load(&config.hop.key, &config.hop.certificate)?);
    let (kind, subject) = on;
    let actor = format!("lệnh quản trị ({})", std::env::var("USER").unwrap_or_else(|_| "?".to_owned()));
    let time = SystemClock.now();
    let statement = Statement {
        v: 1,
        hop: config.hop.name.clone(),
        time,
        act: kind.as_str().to_owned(),
        actor: actor.clone(),
        second: None,
        subject: subject.clone(),
        reason: None,
        documents: Vec::new(),
        documents_in_all: None,
    };
    let statement = sign_statement(TYPE, &statement, key.as_ref())?;
    let documents = Vec::new();
    let entry = Entry { time, actor, second: None, kind: kind.as_str(), subject, reason: None, documents, statement };
    store.act(vec![effect], entry).await?;
    Ok(())
}
