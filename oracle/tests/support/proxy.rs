//! A TCP proxy before a node that can be cut, and that can lose the reply to a sent transaction.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[derive(Default)]
struct Switches {
    down: AtomicBool,
    /// Lose the reply to the next `eth_sendRawTransaction`.
    lose: AtomicBool,
}

/// Runs until the process ends.
pub struct Proxy {
    port: u16,
    switches: Arc<Switches>,
}

impl Proxy {
    pub fn before(url: &str) -> Self {
        let upstream = url.trim_start_matches("http://").trim_end_matches('/').replace("localhost", "127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let switches = Arc::new(Switches::default());
        let shared = switches.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (upstream, shared) = (upstream.clone(), shared.clone());
                std::thread::spawn(move || serve(client, &upstream, shared));
            }
        });
        Self { port, switches }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn set_down(&self, down: bool) {
        self.switches.down.store(down, Ordering::SeqCst);
    }

    pub fn lose_next_send(&self) {
        self.switches.lose.store(true, Ordering::SeqCst);
    }

    pub fn lost(&self) -> bool {
        !self.switches.lose.load(Ordering::SeqCst)
    }
}

fn serve(client: TcpStream, upstream: &str, switches: Arc<Switches>) {
    if switches.down.load(Ordering::SeqCst) {
        return;
    }
    let Ok(server) = TcpStream::connect(upstream) else { return };
    let (Ok(client_copy), Ok(server_copy)) = (client.try_clone(), server.try_clone()) else { return };
    let muted = Arc::new(AtomicBool::new(false));
    let (back_switches, back_muted) = (switches.clone(), muted.clone());
    std::thread::spawn(move || pump(server_copy, client_copy, &back_switches, &back_muted, false));
    pump(client, server, &switches, &muted, true);
}

fn pump(mut from: TcpStream, mut to: TcpStream, switches: &Switches, muted: &AtomicBool, forward: bool) {
    let _ = from.set_read_timeout(Some(Duration::from_millis(20)));
    let mut buffer = [0; 65_536];
    loop {
        if switches.down.load(Ordering::SeqCst) {
            break;
        }
        match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => {
                let chunk = &buffer[..n];
                let send = forward && contains(chunk, b"eth_sendRawTransaction");
                if send && switches.lose.swap(false, Ordering::SeqCst) {
                    muted.store(true, Ordering::SeqCst);
                }
                if !forward && muted.load(Ordering::SeqCst) {
                    break; // the node has answered; nobody hears it
                }
                if to.write_all(chunk).is_err() {
                    break;
                }
            }
            Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
            Err(_) => break,
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}
