//! `halocast`: a thin front over the libraries. Parses, calls, prints; results go to standard output, progress and errors
//! to standard error. Exit code 0 is success, 1 a failure, 2 a wrong call. Nothing ever reads standard input.

mod args;
mod chain;
mod chain_args;
mod commands;
mod demo;
mod plan_text;
mod ui;

use args::{Cli, Command, SrsCommand};
use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = Cli::parse();
    // The relayer's configuration says how it logs.
    if !matches!(cli.command, Command::Relay(_)) {
        init_log();
    }
    let out = ui::Output { json: cli.json };
    match run(cli.command, &out) {
        Ok(code) => code,
        Err(error) => {
            out.error(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command, out: &ui::Output) -> eyre::Result<ExitCode> {
    match command {
        Command::Compile(args) => commands::compile::run(args, out),
        Command::Inspect(args) => commands::inspect::run(args, out),
        Command::Execute(args) => commands::execute::run(args, out),
        Command::Setup(args) => commands::setup::run(args, out),
        Command::Prove(args) => commands::prove::run(args, out),
        Command::Verify(args) => commands::verify::run(args, out),
        Command::Set(args) => commands::set::run(args, out),
        Command::Verifier(args) => commands::verifier::run(args, out),
        Command::Explain(args) => commands::explain::run(args, out),
        Command::Deploy(args) => commands::deploy::run(args, out),
        Command::Relay(args) => commands::relay::run(args, out),
        Command::Request(args) => commands::request::run(args, out),
        Command::Status(args) => commands::status::run(args, out),
        Command::Demo(args) => demo::run(args, out),
        Command::Calibrate(args) => commands::calibrate::run(args, out),
        Command::Srs(SrsCommand::New(args)) => commands::srs::new(args, out),
        Command::Srs(SrsCommand::Import(args)) => commands::srs::import(args, out),
        Command::Srs(SrsCommand::Info(args)) => commands::srs::info(args, out),
    }
}

/// Structured logs on standard error, silent below warnings unless `RUST_LOG` says otherwise.
fn init_log() {
    use tracing_subscriber::EnvFilter;
    let filter =
        EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("warn,tract=error"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .init();
}
