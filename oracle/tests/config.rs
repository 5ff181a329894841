//! The configuration file: what is refused, in which words.

use halocast_oracle::{DeploymentRecord, RelayerConfig};

const GOOD: &str = include_str!("../relayer.example.yaml");

#[test]
fn the_example_is_good() {
    let config = RelayerConfig::parse(GOOD).expect("the example");
    assert_eq!(config.chain.id, 31_337);
    assert_eq!(config.fees.max_fee(), 200_000_000_000);
}

#[test]
fn unknown_keys_are_errors_with_their_line() {
    let text = GOOD.replace("  poll_interval_ms:", "  pol_interval_ms:");
    let line = 1 + text
        .lines()
        .position(|l| l.contains("pol_interval_ms"))
        .expect("there");
    let message = RelayerConfig::parse(&text).expect_err("unknown key");
    assert!(message.contains(&format!("line {line}")), "{message}");
    assert!(
        message.contains("unknown field `pol_interval_ms`") && message.contains("poll_interval_ms"),
        "{message}"
    );
}

#[test]
fn values_that_make_no_sense() {
    let minimal = |more: &str| {
        format!(
            "chain:\n  id: 1\n  deployment: 1.json\nstore:\n  database: a\n  workdir: b\n{more}"
        )
    };
    assert!(RelayerConfig::parse(&minimal("")).is_ok());
    for (more, part) in [
        ("fees:\n  max_fee_gwei: -1\n", "fees.max_fee_gwei"),
        ("fees:\n  max_fee_gwei: .nan\n", "fees.max_fee_gwei"),
        (
            "fees:\n  priority_fee_gwei: 300\n",
            "over fees.max_fee_gwei",
        ),
        ("policy:\n  attempts: 0\n", "policy.attempts"),
        ("policy:\n  attempts: many\n", "line 8"),
        (
            "key:\n  private_key: 0xabc\n",
            "unknown field `private_key`",
        ),
        ("log:\n  format: xml\n", "unknown variant"),
    ] {
        let message = RelayerConfig::parse(&minimal(more)).expect_err(more);
        assert!(message.contains(part), "{more}: {message}");
    }
    assert!(RelayerConfig::parse("chain: [").is_err());
    assert!(RelayerConfig::parse("").is_err());
}

#[test]
fn a_missing_file_is_named() {
    let error =
        RelayerConfig::load(std::path::Path::new("/nowhere/relayer.yaml")).expect_err("missing");
    assert!(
        error.to_string().contains("/nowhere/relayer.yaml"),
        "{error}"
    );
}

#[test]
fn a_missing_deployment_record_is_named_with_who_writes_it() {
    let error = DeploymentRecord::load("nowhere/31337.json".as_ref()).expect_err("nothing there");
    assert_eq!(error.code(), "OR-CFG-001");
    let message = error.to_string();
    for part in ["nowhere/31337.json", "halocast deploy --broadcast"] {
        assert!(message.contains(part), "{message}");
    }
}
