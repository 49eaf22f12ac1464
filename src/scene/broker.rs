//! A RabbitMQ of one's own: started in a folder, on free ports, with its own epmd, cookie and data; killed on drop.
//!
//! For the benchmark, the demo and the tests. It blocks while it starts (some seconds), which a multi-threaded runtime
//! bears. Several may run at once. Needs a RabbitMQ installed, not running; works as root and as any user.

use std::fmt::Write as _;
use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a broker may take to answer after its start.
const READY_WITHIN: Duration = Duration::from_secs(90);

/// Where distributions put the server's scripts. Not `/usr/sbin`: the wrappers there switch to another user.
const SCRIPTS: [&str; 3] = ["/usr/lib/rabbitmq/bin", "/opt/rabbitmq/sbin", "/usr/local/sbin"];

/// PEM files of the server's side of TLS.
#[derive(Debug, Clone)]
pub struct ServerTls {
    /// What client certificates must lead to.
    pub ca: PathBuf,
    pub cert: PathBuf,
    pub key: PathBuf,
}

#[derive(Debug, Clone, Default)]
pub struct Options {
    /// With it the broker also listens on TLS, demands a client certificate, and takes its common name as login.
    pub tls: Option<ServerTls>,
    /// Lines for `rabbitmq.conf`.
    pub extra_config: String,
}

/// A broker of one's own cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    #[error(
        "RabbitMQ is not installed, and a real one is needed here. On Debian or Ubuntu: apt-get install rabbitmq-server \
         (it need not run; a private one is started). Elsewhere put the folder of its scripts into RABBITMQ_SCRIPTS."
    )]
    NotInstalled,
    #[error("epmd does not start ({0}); it comes with Erlang: apt-get install rabbitmq-server")]
    Epmd(std::io::Error),
    #[error("RabbitMQ did not start: {0}")]
    NotStarted(String),
    #[error("rabbitmqctl {command}: {said}")]
    Ctl { command: String, said: String },
}

/// A running broker.
#[derive(Debug)]
pub struct PrivateBroker {
    folder: PathBuf,
    options: Options,
    ports: Ports,
    epmd: Child,
    server: Option<Child>,
}

#[derive(Debug, Clone, Copy)]
struct Ports {
    amqp: u16,
    amqps: u16,
    dist: u16,
    epmd: u16,
}

impl PrivateBroker {
    /// Starts a broker whose files are all below `folder` and waits until it answers.
    ///
    /// # Errors
    /// [`Error::NotInstalled`], [`Error::Epmd`], [`Error::NotStarted`]; the text says what to do.
    pub fn start(folder: &Path, options: &Options) -> Result<Self, Error> {
        scripts()?;
        let mut said = String::new();
        // A port found free may be taken before the broker binds it.
        for _ in 0..3 {
            let ports = Ports::find();
            let epmd = Command::new("epmd")
                .args(["-address", "127.0.0.1", "-port", &ports.epmd.to_string()])
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .map_err(Error::Epmd)?;
            let options = options.clone();
            let mut broker = Self { folder: folder.to_owned(), options, ports, epmd, server: None };
            match broker.launch() {
                Ok(()) => return Ok(broker),
                Err(why) => said = why,
            }
        }
        Err(Error::NotStarted(said))
    }

    /// Address for AMQP without TLS, as `guest`, virtual host `/`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}/%2f", self.ports.amqp)
    }

    /// Address for AMQP over TLS; the login is the client certificate.
    #[must_use]
    pub fn tls_url(&self) -> String {
        format!("amqps://localhost:{}/%2f?auth_mechanism=external", self.ports.amqps)
    }

    #[must_use]
    pub fn port(&self) -> u16 {
        self.ports.amqp
    }

    /// The end of the server's output, to explain a failure.
    #[must_use]
    pub fn log_tail(&self) -> String {
        let text = fs::read_to_string(self.folder.join("server.log")).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(40)..).unwrap_or_default().join("\n")
    }

    /// Kills the server as a power cut would.
    pub fn kill_dash_nine(&mut self) {
        let Some(mut server) = self.server.take() else { return };
        // The server and what it started are one process group.
        let group = format!("kill -s KILL -- -{}", server.id());
        let _ = Command::new("sh").args(["-c", &group]).stderr(Stdio::null()).status();
        let _ = server.kill();
        let _ = server.wait();
    }

    /// Starts it again on the same ports and data; kills it first when it runs.
    ///
    /// # Errors
    /// [`Error::NotStarted`] when it does not come back.
    pub fn restart(&mut self) -> Result<(), Error> {
        self.kill_dash_nine();
        let mut said = String::new();
        for _ in 0..3 {
            match self.launch() {
                Ok(()) => return Ok(()),
                Err(why) => said = why,
            }
            sleep(Duration::from_millis(500));
        }
        Err(Error::NotStarted(said))
    }

    /// Ends the server and its epmd.
    pub fn stop(mut self) {
        self.kill_dash_nine();
    }

    /// Runs `rabbitmqctl` against this broker and gives its output.
    ///
    /// # Errors
    /// [`Error::Ctl`] with what the command said.
    pub fn ctl(&self, arguments: &[&str]) -> Result<String, Error> {
        let mut command = Command::new(scripts()?.join("rabbitmqctl"));
        self.environment(&mut command);
        let fault = |said: String| Error::Ctl { command: arguments.join(" "), said };
        let output = command.arg("-q").args(arguments).output().map_err(|error| fault(error.to_string()))?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if output.status.success() {
            return Ok(text);
        }
        Err(fault(format!("{text}{}", String::from_utf8_lossy(&output.stderr))))
    }

    /// Process id of the server.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.as_ref().map(Child::id)
    }

    fn launch(&mut self) -> Result<(), String> {
        fs::create_dir_all(&self.folder).map_err(|error| error.to_string())?;
        fs::write(self.folder.join("rabbitmq.conf"), self.config()).map_err(|error| error.to_string())?;
        let plugins = if self.options.tls.is_some() { "[rabbitmq_auth_mechanism_ssl]." } else { "[]." };
        fs::write(self.folder.join("enabled_plugins"), plugins).map_err(|error| error.to_string())?;
        let log = fs::File::create(self.folder.join("server.log")).map_err(|error| error.to_string())?;
        let scripts = scripts().map_err(|error| error.to_string())?;
        let mut command = Command::new(scripts.join("rabbitmq-server"));
        self.environment(&mut command);
        let output = log.try_clone().map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(output).stderr(log).process_group(0);
        self.server = Some(command.spawn().map_err(|error| error.to_string())?);
        let deadline = Instant::now() + READY_WITHIN;
        while Instant::now() < deadline {
            if self.answers() {
                return Ok(());
            }
            if let Some(Ok(Some(status))) = self.server.as_mut().map(Child::try_wait) {
                self.kill_dash_nine();
                return Err(format!("it ended with {status}:\n{}", self.log_tail()));
            }
            sleep(Duration::from_millis(100));
        }
        self.kill_dash_nine();
        Err(format!("no answer within {READY_WITHIN:?}:\n{}", self.log_tail()))
    }

    /// True when the broker opens the AMQP handshake: its listeners come last in its start.
    fn answers(&self) -> bool {
        let second = Some(Duration::from_secs(1));
        let Ok(mut socket) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.ports.amqp)) else { return false };
        let mut first = [0];
        socket.set_read_timeout(second).is_ok()
            && socket.write_all(b"AMQP\0\0\x09\x01").is_ok()
            && socket.read_exact(&mut first).is_ok()
            && first == [1]
    }

    fn config(&self) -> String {
        let mut config = format!("listeners.tcp.1 = 127.0.0.1:{}\n", self.ports.amqp);
        config.push_str("disk_free_limit.absolute = 50MB\nlog.console = true\nlog.console.level = warning\n");
        // Our links fit into this; it keeps a hostile neighbour from filling the receiver's memory.
        config.push_str("max_message_size = 4194304\n");
        if let Some(tls) = &self.options.tls {
            let (ca, cert, key) = (tls.ca.display(), tls.cert.display(), tls.key.display());
            // Writing to a String does not fail.
            let _ = write!(
                config,
                "listeners.ssl.1 = 127.0.0.1:{}\nssl_options.cacertfile = {ca}\nssl_options.certfile = {cert}\n\
                 ssl_options.keyfile = {key}\nssl_options.verify = verify_peer\n\
                 ssl_options.fail_if_no_peer_cert = true\nssl_cert_login_from = common_name\n\
                 auth_mechanisms.1 = PLAIN\nauth_mechanisms.2 = AMQPLAIN\nauth_mechanisms.3 = EXTERNAL\n",
                self.ports.amqps
            );
        }
        config.push_str(&self.options.extra_config);
        config
    }

    fn environment(&self, command: &mut Command) {
        let folder = |name: &str| self.folder.join(name);
        let ctl_port = (self.ports.dist + 1).to_string();
        command
            .env("HOME", &self.folder)
            .env("ERL_EPMD_PORT", self.ports.epmd.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODENAME", format!("private{}@localhost", self.ports.amqp))
            .env("RABBITMQ_DIST_PORT", self.ports.dist.to_string())
            .env("RABBITMQ_CTL_DIST_PORT_MIN", &ctl_port)
            .env("RABBITMQ_CTL_DIST_PORT_MAX", (self.ports.dist + 9).to_string())
            .env("RABBITMQ_CONF_ENV_FILE", folder("no-such-file"))
            .env("RABBITMQ_CONFIG_FILE", folder("rabbitmq.conf"))
            .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder("enabled_plugins"))
            .env("RABBITMQ_MNESIA_BASE", folder("data"))
            .env("RABBITMQ_LOG_BASE", folder("log"))
            .env("RABBITMQ_PID_FILE", folder("pid"))
            .env("LC_ALL", "C.UTF-8")
            .env_remove("NOTIFY_SOCKET");
    }
}

impl Drop for PrivateBroker {
    fn drop(&mut self) {
        self.kill_dash_nine();
        let _ = self.epmd.kill();
        let _ = self.epmd.wait();
    }
}

impl Ports {
    /// Free ports below the range that the system hands out by itself, so that they stay free while a broker is down.
    fn find() -> Self {
        loop {
            let chance = RandomState::new().build_hasher().finish();
            let base = 20_000 + u16::try_from(chance % 600).unwrap_or_default() * 20;
            let free = |port: u16| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
            if (base..base + 14).all(free) {
                return Self { amqp: base, amqps: base + 1, epmd: base + 2, dist: base + 3 };
            }
        }
    }
}

fn scripts() -> Result<PathBuf, Error> {
    let named = std::env::var_os("RABBITMQ_SCRIPTS").map(PathBuf::from);
    let usual = SCRIPTS.iter().map(PathBuf::from);
    named.into_iter().chain(usual).find(|folder| folder.join("rabbitmq-server").exists()).ok_or(Error::NotInstalled)
}
