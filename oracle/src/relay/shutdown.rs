//! Stopping in two stages: drain, then quit.

use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;

/// How far a stop has come: 0 run, 1 drain, 2 quit.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Receiver<u8>);

/// Stops a relayer.
#[derive(Debug, Clone)]
pub struct ShutdownHandle(Arc<watch::Sender<u8>>);

impl Shutdown {
    /// A handle and what the relayer watches.
    pub fn channel() -> (ShutdownHandle, Self) {
        let (sender, receiver) = watch::channel(0);
        (ShutdownHandle(Arc::new(sender)), Self(receiver))
    }

    pub(super) fn stage(&self) -> u8 {
        *self.0.borrow()
    }

    /// Waits until the stage is reached (for ever, if nobody can stop us any more).
    pub(super) async fn reached(&mut self, stage: u8) {
        if self.0.wait_for(|s| *s >= stage).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Sleeps, unless a stop comes first.
    pub(super) async fn sleep(&mut self, pause: Duration) {
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = self.reached(1) => {}
        }
    }
}

impl ShutdownHandle {
    /// The first call finishes what is in hand (the proof in the making is interrupted where it can go on later); the second quits.
    pub fn stop(&self) {
        self.0
            .send_modify(|stage| *stage = stage.saturating_add(1).min(2));
    }
}

/// SIGTERM and SIGINT stop the relayer.
pub(super) fn listen(handle: ShutdownHandle) -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (
        signal(SignalKind::terminate())?,
        signal(SignalKind::interrupt())?,
    );
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            handle.stop();
        }
    });
    Ok(())
}
