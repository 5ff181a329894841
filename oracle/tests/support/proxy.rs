//! A TCP proxy before a node that can be cut, can lose the reply to a sent transaction, and can refuse `eth_getLogs` over many blocks.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

#[derive(Default)]
struct Switches {
    down: AtomicBool,
    /// Lose the reply to the next `eth_sendRawTransaction`.
    lose: AtomicBool,
    /// Most blocks in one `eth_getLogs`; 0 for any.
    range: AtomicU64,
    refused: AtomicU64,
}

/// Runs until the process ends.
pub struct Proxy {
    port: u16,
    switches: Arc<Switches>,
}

impl Proxy {
    pub fn before(url: &str) -> Self {
        let upstream = url
            .trim_start_matches("http://")
            .trim_end_matches('/')
            .replace("localhost", "127.0.0.1");
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

    pub fn limit_range(&self, blocks: u64) {
        self.switches.range.store(blocks, Ordering::SeqCst);
    }

    /// How often the limit was applied.
    pub fn refused(&self) -> u64 {
        self.switches.refused.load(Ordering::SeqCst)
    }

    pub fn lost(&self) -> bool {
        !self.switches.lose.load(Ordering::SeqCst)
    }
}

fn serve(client: TcpStream, upstream: &str, switches: Arc<Switches>) {
    if switches.down.load(Ordering::SeqCst) {
        return;
    }
    let Ok(server) = TcpStream::connect(upstream) else {
        return;
    };
    let (Ok(client_copy), Ok(server_copy)) = (client.try_clone(), server.try_clone()) else {
        return;
    };
    let muted = Arc::new(AtomicBool::new(false));
    let (back_switches, back_muted) = (switches.clone(), muted.clone());
    std::thread::spawn(move || pump(server_copy, client_copy, &back_switches, &back_muted, false));
    pump(client, server, &switches, &muted, true);
}

fn pump(
    mut from: TcpStream,
    mut to: TcpStream,
    switches: &Switches,
    muted: &AtomicBool,
    forward: bool,
) {
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
                if let Some(refusal) = forward.then(|| too_many_blocks(chunk, switches)).flatten() {
                    if from.write_all(&refusal).is_err() {
                        break;
                    }
                    continue;
                }
                if !forward && muted.load(Ordering::SeqCst) {
                    break; // the node has answered; nobody hears it
                }
                if to.write_all(chunk).is_err() {
                    break;
                }
            }
            Err(e)
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut
                ) => {}
            Err(_) => break,
        }
    }
    let _ = (from.shutdown(Shutdown::Both), to.shutdown(Shutdown::Both));
}

/// What a node with a limit answers, if it applies to this HTTP request (which arrives in one piece: it is small).
fn too_many_blocks(chunk: &[u8], switches: &Switches) -> Option<Vec<u8>> {
    let limit = Some(switches.range.load(Ordering::SeqCst)).filter(|l| *l > 0)?;
    let text = std::str::from_utf8(chunk).ok()?;
    let request: serde_json::Value = serde_json::from_str(text.split_once("\r\n\r\n")?.1).ok()?;
    let block = |key: &str| {
        u64::from_str_radix(
            request["params"][0][key].as_str()?.trim_start_matches("0x"),
            16,
        )
        .ok()
    };
    if request["method"] != "eth_getLogs" || block("toBlock")? - block("fromBlock")? < limit {
        return None;
    }
    switches.refused.fetch_add(1, Ordering::SeqCst);
    let error = serde_json::json!({ "code": -32005, "message": format!("query exceeds max block range {limit}") });
    let body =
        serde_json::json!({ "jsonrpc": "2.0", "id": request["id"], "error": error }).to_string();
    Some(
        format!(
            "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes(),
    )
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|w| w == needle)
}
