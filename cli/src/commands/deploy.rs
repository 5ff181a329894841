//! `halocast deploy`

use crate::chain;
use crate::chain_args::DeployArgs;
use crate::ui::Output;
use eyre::WrapErr;
use halocast_oracle::chain::SendOptions;
use halocast_oracle::deploy::StepStatus;
use halocast_oracle::{DeployOptions, DeployOutcome, deploy};
use std::process::ExitCode;

pub(crate) fn run(args: DeployArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = super::open(&args.bundle)?;
    let client = chain::client(&args.chain)?;
    let account = chain::account(&args.key)?;
    let (outcome, record) = chain::block_on(async {
        let chain_id = client.chain_id().await?;
        if let Some(expected) = args.chain_id {
            client.expect_chain(expected, "--chain-id").await?;
        }
        let plan = chain::plan(
            &bundle,
            chain_id,
            &args.metadata_uri,
            args.verifier.map(Into::into),
        )?;
        let options = DeployOptions {
            broadcast: args.broadcast,
            record: chain::record_file(&args.chain, chain_id),
            send: SendOptions::default(),
        };
        let outcome = deploy(&client, &account, &plan, &options).await?;
        Ok((outcome, options.record))
    })
    .wrap_err_with(|| format!("cannot deploy {}", args.bundle.display()))?;
    let result = serde_json::json!({
        "unchanged": outcome.unchanged(),
        "broadcast": args.broadcast,
        "steps": outcome.steps,
        "deployment": outcome.record.as_ref().map(|_| &record),
        "record": outcome.record,
    });
    out.result(&result, || {
        let mut text = text(&outcome);
        match (&outcome.record, args.broadcast) {
            (Some(_), _) => text.push_str(&format!("recorded in {}", record.display())),
            (None, _) => text.push_str("nothing was sent; --broadcast sends it"),
        }
        text
    })?;
    Ok(ExitCode::SUCCESS)
}

fn text(outcome: &DeployOutcome) -> String {
    let line = |step: &halocast_oracle::deploy::StepReport| {
        let what = match (step.status, step.gas_used) {
            (StepStatus::Unchanged, _) => "unchanged".to_owned(),
            (StepStatus::Planned, _) => "to do".to_owned(),
            (StepStatus::Done, gas) => format!("done, {} gas", gas.unwrap_or(0)),
        };
        format!("{:18} {} {what}\n", step.name, step.address)
    };
    outcome.steps.iter().map(line).collect()
}
