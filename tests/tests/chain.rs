//! What the chain commands say when the chain, the record, the key or the account is not what they need.

use halocast_oracle::LocalChain;
use halocast_oracle::chain::LocalChainOptions;
use halocast_tests::{Run, command, compile, halocast, write_input};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A bundle with a commitment, and an input.
fn bundle() -> (TempDir, PathBuf, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let [bundle, input] = ["b", "in.json"].map(|n| dir.path().join(n));
    compile("mlp", &bundle, &[]).ok();
    let setup: [&OsStr; 4] = [
        "setup".as_ref(),
        bundle.as_ref(),
        "--stage".as_ref(),
        "layers".as_ref(),
    ];
    halocast(setup).ok();
    write_input("mlp", 0, &input);
    (dir, bundle, input)
}

fn request(bundle: &Path, input: &Path, url: &str, more: &[&str], key: Option<&str>) -> Run {
    let mut command = command([
        "request".as_ref(),
        bundle.as_os_str(),
        "--input".as_ref(),
        input.as_os_str(),
        "--rpc-url".as_ref(),
        url.as_ref(),
    ]);
    command.args(more).env_remove("HALOCAST_PRIVATE_KEY");
    if let Some(key) = key {
        command.env("HALOCAST_PRIVATE_KEY", key);
    }
    command.output().unwrap().into()
}

#[test]
fn a_chain_that_is_not_as_expected_is_named() {
    let (dir, bundle, input) = bundle();
    let chain = LocalChain::start(&LocalChainOptions::default()).unwrap();
    let (url, key) = (chain.url(), chain.private_key(0));
    let key = Some(key.as_str());

    let down = "http://127.0.0.1:1";
    let status = |url: &str| halocast(["status", "--rpc-url", url]);
    status(down).fails("127.0.0.1:1");
    request(&bundle, &input, down, &[], key).fails("127.0.0.1:1");
    status("nonsense").fails("RPC URL");

    let nowhere = dir.path().join("nowhere.json");
    let nowhere = ["--deployment", nowhere.to_str().unwrap()];
    request(&bundle, &input, &url, &nowhere, key).fails("no deployment for chain 31337");
    request(&bundle, &input, &url, &nowhere, None).fails("HALOCAST_PRIVATE_KEY");
    request(&bundle, &input, &url, &nowhere, Some("0x12")).fails("private key");
}

#[test]
fn deploying_needs_keys_and_the_right_chain() {
    let (_dir, bundle, _) = bundle();
    let chain = LocalChain::start(&LocalChainOptions::default()).unwrap();
    let deploy = |more: &[&str]| -> Run {
        let mut command = command([
            "deploy".as_ref(),
            bundle.as_os_str(),
            "--rpc-url".as_ref(),
            chain.url().as_ref(),
        ]);
        command
            .args(more)
            .env("HALOCAST_PRIVATE_KEY", chain.private_key(0));
        command.output().unwrap().into()
    };
    deploy(&["--chain-id", "1"]).fails("chain 31337");
    deploy(&[]).fails("halocast setup");
}
