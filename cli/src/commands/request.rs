//! `halocast request`

use crate::chain;
use crate::chain_args::RequestArgs;
use crate::ui::Output;
use alloy::primitives::{Address, U256};
use eyre::WrapErr;
use halocast_oracle::chain::SendOptions;
use halocast_oracle::requester::{RequestState, Requested};
use halocast_oracle::{RequestParams, RequestView, Requester};
use halocast_prover::pipeline::Request;
use std::process::ExitCode;
use std::time::Duration;

pub(crate) fn run(args: RequestArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = super::open(&args.bundle)?;
    let json = super::read_json(&args.input)?;
    let request = Request::from_json(&bundle, &json)
        .wrap_err_with(|| format!("cannot request {}", args.input.display()))?;
    let params = RequestParams {
        model_id: chain::model_id(&bundle)?,
        inputs: request.words().iter().map(chain::to_u256).collect(),
        deadline_in: args.deadline,
        fee: parse_wei(&args.fee)?,
        callback: parse_address(args.callback.as_deref())?,
        callback_gas: match args.callback {
            Some(_) => args.callback_gas,
            None => 0,
        },
    };
    let client = chain::client(&args.chain)?;
    let account = chain::account(&args.key)?;
    let (requested, view) = chain::block_on(async {
        let record = chain::load_record(&args.chain, &client).await?;
        let oracle = record.inference_oracle.address;
        let send = SendOptions::default();
        let requester = Requester {
            client,
            oracle,
            account,
            send,
        };
        let requested = requester.request(&params).await?;
        let view = match args.wait {
            true => Some(wait(&requester, &requested, out).await?),
            false => None,
        };
        Ok((requested, view))
    })
    .wrap_err("the request failed")?;
    let answer = view
        .as_ref()
        .map(|v| super::status::answer(&bundle, v))
        .transpose()?;
    let result = serde_json::json!({"requested": requested, "status": view, "answer": answer});
    out.result(&result, || {
        let head = format!(
            "request {} in block {}, {} gas, transaction {}",
            requested.request_id, requested.block, requested.gas_used, requested.tx
        );
        match &view {
            Some(view) => format!(
                "{head}\n{}",
                super::status::view_text(view, answer.as_ref())
            ),
            None => head,
        }
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Polls until there is a result or the deadline has passed.
async fn wait(
    requester: &Requester,
    requested: &Requested,
    out: &Output,
) -> eyre::Result<RequestView> {
    if !out.json {
        eprintln!(
            "request {} made; waiting for its result",
            requested.request_id
        );
    }
    loop {
        let view = requester.status(requested.request_id).await?;
        if view.state != RequestState::Open {
            return Ok(view);
        }
        let now = requester.client.head().await?.timestamp;
        eyre::ensure!(
            now <= requested.deadline,
            "request {} was not answered in time",
            requested.request_id
        );
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn parse_wei(text: &str) -> eyre::Result<U256> {
    text.parse()
        .wrap_err_with(|| format!("--fee {text} is no number of wei"))
}

fn parse_address(text: Option<&str>) -> eyre::Result<Option<Address>> {
    let parse = |t: &str| {
        t.parse()
            .wrap_err_with(|| format!("--callback {t} is no address"))
    };
    text.map(parse).transpose()
}
