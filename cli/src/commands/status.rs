//! `halocast status`

use crate::chain;
use crate::chain_args::StatusArgs;
use crate::ui::Output;
use alloy::primitives::U256;
use eyre::WrapErr;
use halocast_oracle::deploy::check_deployment;
use halocast_oracle::{DeploymentRecord, RequestView, read_status};
use halocast_prover::bundle::Bundle;
use halocast_prover::ir::{Word, unpack};
use halocast_prover::pipeline::{Request, text};
use serde_json::{Value, json};
use std::process::ExitCode;

pub(crate) fn run(args: StatusArgs, out: &Output) -> eyre::Result<ExitCode> {
    let bundle = args.bundle.as_deref().map(super::open).transpose()?;
    let client = chain::client(&args.chain)?;
    let Some(request) = &args.request else {
        let record = chain::block_on(async {
            let record = chain::load_record(&args.chain, &client).await?;
            check_deployment(&client, &record).await?;
            Ok(record)
        })
        .wrap_err("the deployment is not good")?;
        out.result(&record, || record_text(&record))?;
        return Ok(ExitCode::SUCCESS);
    };
    let id: U256 = request
        .parse()
        .wrap_err_with(|| format!("{request} is no request id"))?;
    let view = chain::block_on(async {
        let record = chain::load_record(&args.chain, &client).await?;
        Ok(read_status(&client, record.inference_oracle.address, id).await?)
    })?;
    let answer = bundle.as_ref().map(|b| answer(b, &view)).transpose()?;
    let result = json!({"status": view, "answer": answer});
    out.result(&result, || view_text(&view, answer.as_ref()))?;
    Ok(ExitCode::SUCCESS)
}

/// A result in the model's own units; null while there is none.
pub(super) fn answer(bundle: &Bundle, view: &RequestView) -> eyre::Result<Value> {
    if view.outputs.is_empty() {
        return Ok(Value::Null);
    }
    eyre::ensure!(
        view.model_id == chain::model_id(bundle)?,
        "the request is for model {}, not for this bundle",
        view.model_id
    );
    let manifest = bundle.manifest();
    let words: Vec<Word> = view.outputs.iter().map(chain::to_word).collect();
    let count = manifest.outputs.iter().map(|s| s.len()).sum();
    let values = unpack(&words, count)
        .ok_or_else(|| eyre::eyre!("the result's words do not pack {count} values"))?;
    let inputs: Vec<Word> = view.inputs.iter().map(chain::to_word).collect();
    let request = Request::from_words(bundle, &inputs)?;
    if let Ok(prompt) = request.prompt() {
        let from = prompt.tokens.len();
        let tokens = values
            .get(from..from + prompt.answer_length)
            .unwrap_or_default();
        return Ok(json!({"prompt": text(&prompt.tokens), "tokens": tokens, "text": text(tokens)}));
    }
    let mut rest = values.as_slice();
    let mut outputs = serde_json::Map::new();
    for spec in &manifest.outputs {
        let (own, behind) = rest.split_at(spec.len());
        let unit = (-f64::from(spec.scale)).exp2();
        let real: Vec<f64> = own.iter().map(|&v| f64::from(v) * unit).collect();
        outputs.insert(
            spec.name.clone(),
            json!({"shape": spec.shape, "values": real}),
        );
        rest = behind;
    }
    Ok(Value::Object(outputs))
}

pub(super) fn view_text(view: &RequestView, answer: Option<&Value>) -> String {
    let mut text = format!(
        "request {}: {:?}, {:?}",
        view.request_id, view.state, view.provenance
    );
    if let Some(block) = view.result_block {
        text.push_str(&format!(", result in block {block}"));
    }
    match answer {
        Some(Value::Null) | None => {}
        Some(answer) if answer["text"].is_string() => {
            text.push_str(&format!(
                "\n{}{}",
                answer["prompt"].as_str().unwrap_or(""),
                answer["text"].as_str().unwrap_or("")
            ));
        }
        Some(answer) => text.push_str(&format!("\n{answer:#}")),
    }
    text
}

fn record_text(record: &DeploymentRecord) -> String {
    let mut text = format!(
        "chain {}: as recorded ({})\noracle    {}\nregistry  {}\nrouter    {}",
        record.chain_id,
        record.status,
        record.inference_oracle.address,
        record.model_registry.address,
        record.verifier_router.address
    );
    for model in &record.models {
        let warning = if model.srs_insecure {
            " (INSECURE development string)"
        } else {
            ""
        };
        text.push_str(&format!(
            "\nmodel     {} by {}, route {}{warning}",
            model.model_id, model.model_verifier.address, model.selector
        ));
    }
    text
}
