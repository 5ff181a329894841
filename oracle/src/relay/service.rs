//! The service: three loops (watch, prove, send) over one store; start-up checks; stop in two stages.

use super::config::{LogConfig, LogFormat, RelayerConfig};
use super::failpoint::FailPoint;
use super::prove::ProveWorker;
use super::sender::Sender;
use super::shutdown::{Shutdown, listen};
use super::store::Store;
use super::watcher::Watcher;
use crate::chain::{Account, ChainClient, RetryPolicy, Secret};
use crate::deploy::{DeploymentRecord, check_deployment};
use crate::engine::{CancelFlag, InferenceEngine};
use crate::error::{Class, OracleError, Result};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// Longest pause after errors that follow each other.
const MAX_PAUSE: Duration = Duration::from_secs(30);

/// What does not come from the configuration file.
#[derive(Debug, Clone, Default)]
pub struct RelayerOptions {
    /// Replaces key file and environment.
    pub account: Option<Account>,
    /// Replaces `chain.rpc_url` and the environment.
    pub rpc_url: Option<Secret<String>>,
    /// Where a test pulls the plug.
    pub failpoint: FailPoint,
}

/// A relayer that passed its start-up checks.
pub struct Relayer {
    config: RelayerConfig,
    store: Store,
    watcher: Watcher,
    prover: ProveWorker,
    sender: Sender,
}

impl Relayer {
    /// Checks node, deployment, models, key and database. `path` is the configuration file, for messages.
    pub async fn start(
        path: &Path,
        config: RelayerConfig,
        engines: Vec<Arc<dyn InferenceEngine>>,
        options: RelayerOptions,
    ) -> Result<Self> {
        let account = load_account(&config, &options).await?;
        let url = options
            .rpc_url
            .clone()
            .map_or_else(|| config.rpc_url(path), Ok)?;
        let client = ChainClient::http(url.expose(), RetryPolicy::default())?;
        client
            .expect_chain(config.chain.id, &path.display().to_string())
            .await?;
        let record = DeploymentRecord::load(&config.chain.deployment)?;
        record.expect_chain(
            &config.chain.deployment,
            config.chain.id,
            client.shown_url(),
        )?;
        check_deployment(&client, &record).await?;
        check_engines(&record, &engines)?;
        let store = Store::open(&config.store.database, options.failpoint).await?;
        let oracle = record.inference_oracle.address;
        let payee = config.key.payee.unwrap_or(account.address());
        for (key, value) in [
            ("chain", config.chain.id.to_string()),
            ("oracle", oracle.to_string()),
            ("account", account.address().to_string()),
            ("payee", payee.to_string()),
        ] {
            store.belongs_to(key, &value).await?;
        }
        tracing::info!(chain = config.chain.id, %oracle, account = %account.address(), %payee, node = client.shown_url(), "relayer starts");
        Ok(Self::assemble(
            config, store, client, account, &record, engines, payee,
        ))
    }

    fn assemble(
        config: RelayerConfig,
        store: Store,
        client: ChainClient,
        account: Account,
        record: &DeploymentRecord,
        engines: Vec<Arc<dyn InferenceEngine>>,
        payee: alloy::primitives::Address,
    ) -> Self {
        let (chain, oracle, models) = (
            &config.chain,
            record.inference_oracle.address,
            engines.iter().map(|e| e.model_id()).collect(),
        );
        let watcher = Watcher::new(
            client.clone(),
            oracle,
            models,
            record.start_block,
            chain.log_range,
            chain.request_confirmations,
        );
        let prover = ProveWorker {
            client: client.clone(),
            chain_id: chain.id,
            oracle,
            payee,
            engines,
            policy: config.policy,
            workdir: config.store.workdir.clone(),
            cancel: CancelFlag::default(),
        };
        let sender = Sender {
            client,
            account,
            chain_id: chain.id,
            oracle,
            payee,
            fees: config.fees,
            policy: config.policy,
            confirmations: chain.confirmations,
            workdir: config.store.workdir.clone(),
        };
        Self {
            config,
            store,
            watcher,
            prover,
            sender,
        }
    }

    /// Runs until stopped (`Ok`) or until an error that nobody but an operator can mend.
    pub async fn run(self, shutdown: Shutdown) -> Result<()> {
        let Self {
            config,
            store,
            mut watcher,
            prover,
            sender,
        } = self;
        let (store, prover) = (Arc::new(store), Arc::new(prover));
        let poll = Duration::from_millis(config.chain.poll_interval_ms);
        let cancel = prover.cancel.clone();
        let mut loops = JoinSet::new();
        loops.spawn({
            let (store, prover, shutdown) = (store.clone(), prover.clone(), shutdown.clone());
            repeat("watch", poll, shutdown, async move || {
                let look = watcher.look(&store).await?;
                prover.admit(&store).await?;
                Ok(look.more)
            })
        });
        loops.spawn({
            let (store, shutdown) = (store.clone(), shutdown.clone());
            repeat("prove", poll, shutdown, async move || {
                prover.advance(&store).await
            })
        });
        loops.spawn({
            let (store, shutdown) = (store.clone(), shutdown.clone());
            repeat("send", poll, shutdown, async move || {
                sender.tick(&store).await.map(|()| false)
            })
        });
        let outcome = supervise(
            loops,
            shutdown,
            &cancel,
            Duration::from_secs(config.policy.drain_seconds),
        )
        .await;
        store.close().await;
        outcome
    }
}

/// Calls `work` until a stop: at once again if it returns true, else after a pause; errors make the pauses longer.
async fn repeat(
    name: &'static str,
    poll: Duration,
    mut shutdown: Shutdown,
    mut work: impl AsyncFnMut() -> Result<bool>,
) -> Result<()> {
    let mut pause = poll;
    while shutdown.stage() == 0 {
        match work().await {
            Ok(true) => pause = poll,
            Ok(false) => {
                pause = poll;
                shutdown.sleep(pause).await;
            }
            Err(error) if is_fatal(&error) => {
                tracing::error!(code = error.code(), %error, task = name, "cannot go on");
                return Err(error);
            }
            Err(error) => {
                tracing::warn!(code = error.code(), %error, task = name, pause_ms = pause.as_millis(), "trying again");
                shutdown.sleep(pause).await;
                pause = (pause * 2).min(MAX_PAUSE);
            }
        }
    }
    Ok(())
}

/// Errors of the own disk and key end the service; whatever a node says, the service lives on and tries again.
fn is_fatal(error: &OracleError) -> bool {
    error.class() == Class::Stop
        && matches!(
            error,
            OracleError::Store { .. } | OracleError::Io { .. } | OracleError::Key(_)
        )
}

/// Waits for the loops; a stop, or a loop's error, drains them; a second stop, or the drain's end, leaves them.
async fn supervise(
    mut loops: JoinSet<Result<()>>,
    mut shutdown: Shutdown,
    cancel: &CancelFlag,
    drain: Duration,
) -> Result<()> {
    let mut outcome = Ok(());
    tokio::select! {
        () = shutdown.reached(1) => tracing::info!("stopping; a second signal quits at once"),
        Some(ended) = loops.join_next() => outcome = flatten(ended),
    }
    cancel.raise();
    let rest = async {
        while let Some(ended) = loops.join_next().await {
            if let Err(error) = flatten(ended) {
                tracing::error!(%error, "while stopping");
            }
        }
    };
    tokio::select! {
        () = rest => tracing::info!("stopped"),
        () = shutdown.reached(2) => tracing::warn!("quitting at once; what is stored goes on after a restart"),
        () = tokio::time::sleep(drain) => tracing::warn!("the proof in the making did not stop in time; it goes on after a restart"),
    }
    loops.abort_all();
    outcome
}

fn flatten(ended: Result<Result<()>, tokio::task::JoinError>) -> Result<()> {
    ended.unwrap_or_else(|e| {
        Err(OracleError::Tool {
            tool: "relayer".into(),
            message: format!("a task died: {e}"),
        })
    })
}

async fn load_account(config: &RelayerConfig, options: &RelayerOptions) -> Result<Account> {
    if let Some(account) = &options.account {
        return Ok(account.clone());
    }
    let config = config.clone();
    let loaded = tokio::task::spawn_blocking(move || config.account()).await;
    loaded.map_err(|e| OracleError::Key(format!("reading it died: {e}")))?
}

/// Every engine must be a model of the deployment, with the same words.
fn check_engines(record: &DeploymentRecord, engines: &[Arc<dyn InferenceEngine>]) -> Result<()> {
    if engines.is_empty() {
        return Err(OracleError::Deployment("no model to serve".into()));
    }
    for engine in engines {
        let id = engine.model_id();
        let model = record.model(id).ok_or_else(|| {
            let known: Vec<_> = record
                .models
                .iter()
                .map(|m| m.model_id.to_string())
                .collect();
            OracleError::Deployment(format!(
                "model {id} is not in the deployment record (it has {})",
                known.join(", ")
            ))
        })?;
        if (model.input_words as usize, model.output_words as usize)
            != (engine.input_words(), engine.output_words())
        {
            return Err(OracleError::Deployment(format!(
                "model {id} has other shapes in the deployment record"
            )));
        }
    }
    Ok(())
}

/// Starts and runs a relayer until SIGTERM or SIGINT. Builds its own runtime; a proof still in the making is left behind.
pub fn run_until_signal(
    path: &Path,
    config: RelayerConfig,
    engines: Vec<Arc<dyn InferenceEngine>>,
    options: RelayerOptions,
) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build();
    let runtime = runtime.map_err(OracleError::io("starting the runtime for", path))?;
    let outcome = runtime.block_on(async {
        let (handle, shutdown) = Shutdown::channel();
        listen(handle).map_err(OracleError::io("listening for signals for", path))?;
        Relayer::start(path, config, engines, options)
            .await?
            .run(shutdown)
            .await
    });
    runtime.shutdown_background();
    outcome
}

/// Sets up log lines on standard error. Once a process; a second call does nothing.
pub fn init_logging(config: &LogConfig) {
    use tracing_subscriber::EnvFilter;
    let wanted = std::env::var("RUST_LOG")
        .ok()
        .or_else(|| config.filter.clone())
        .unwrap_or_else(|| "info".into());
    let builder = tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(EnvFilter::new(wanted));
    let _ = match config.format {
        LogFormat::Text => builder.try_init(),
        LogFormat::Json => builder.json().try_init(),
    };
}
