//! A line between a gateway and its broker that can be cut.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Debug)]
pub struct Proxy {
    pub port: u16,
    cut: watch::Sender<bool>,
    open: Arc<AtomicUsize>,
}

impl Proxy {
    /// Passes everything on to a port of this machine.
    pub async fn to(target: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (cut, seen) = watch::channel(false);
        let open = Arc::<AtomicUsize>::default();
        let count = Arc::clone(&open);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (mut seen, count) = (seen.clone(), Arc::clone(&count));
                tokio::spawn(async move {
                    if *seen.borrow() {
                        return;
                    }
                    let Ok(mut far) = TcpStream::connect((Ipv4Addr::LOCALHOST, target)).await else { return };
                    count.fetch_add(1, Ordering::Relaxed);
                    tokio::select! {
                        _ = copy_bidirectional(&mut near, &mut far) => {}
                        _ = seen.wait_for(|cut| *cut) => {}
                    }
                    count.fetch_sub(1, Ordering::Relaxed);
                });
            }
        });
        Self { port, cut, open }
    }

    /// Connections that pass through.
    pub fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Breaks every connection, and every new one, until [`Proxy::mend`].
    pub fn cut(&self) {
        self.cut.send_replace(true);
    }

    pub fn mend(&self) {
        self.cut.send_replace(false);
    }
}
