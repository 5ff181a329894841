//! Compiling, inspecting, executing: everything up to the keys, and everything that can be wrong with it.

use halocast_prover::bundle::{Bundle, Mode, open_container, write_container};
use halocast_tests::{
    compile, cosine, entries, fixture, flip, halocast, numbers, reference, write_input,
};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;
use tempfile::TempDir;

/// A compiled MLP in a directory of its own.
fn mlp() -> (TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let bundle = dir.path().join("mlp.bundle");
    compile("mlp", &bundle, &[]).ok();
    (dir, bundle)
}

fn execute(bundle: &Path, input: &Path, out: &Path) -> halocast_tests::Run {
    let args: [&OsStr; 6] = [
        "execute".as_ref(),
        bundle.as_ref(),
        "--input".as_ref(),
        input.as_ref(),
        "--out".as_ref(),
        out.as_ref(),
    ];
    halocast(args)
}

fn inspect(bundle: &Path) -> halocast_tests::Run {
    halocast(["--json".as_ref(), "inspect".as_ref(), bundle.as_os_str()])
}

#[test]
fn executes_what_pytorch_computed() {
    for name in ["mlp", "block64"] {
        let dir = tempfile::tempdir().unwrap();
        let [bundle, input, out] = ["b", "in.json", "out.json"].map(|n| dir.path().join(n));
        compile(name, &bundle, &["--fidelity-min-cosine", "0.99"]).ok();
        write_input(name, 0, &input);
        execute(&bundle, &input, &out).ok();
        let got: serde_json::Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
        let stored = numbers(&reference(name)[0]["outputs"]["y"]);
        let float = numbers(&got["float_reference"]["y"]);
        let integer = numbers(&got["outputs"]["y"]);
        let worst = stored
            .iter()
            .zip(&float)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f64::max);
        assert!(
            worst < 1e-4,
            "{name}: the float model is {worst} off PyTorch"
        );
        assert!(
            cosine(&stored, &integer) > 0.999,
            "{name}: {}",
            cosine(&stored, &integer)
        );
        assert_eq!(numbers(&got["integers"]["y"]).len(), stored.len());
    }
}

#[test]
fn manifest_says_what_there_is() {
    let (_dir, bundle) = mlp();
    let json = inspect(&bundle).ok().json();
    assert_eq!(json["format"], 2);
    assert_eq!(json["items"], 1);
    assert_eq!(json["name"], "mlp");
    assert_eq!(json["inputs"][0]["shape"], serde_json::json!([1, 64]));
    assert_eq!(json["input_words"], 5);
    assert_eq!(json["output_words"], 1);
    assert_eq!(
        json["packing"],
        serde_json::json!({"value_bits": 16, "values_per_word": 15, "offset": 32768})
    );
    for segment in json["segments"].as_array().unwrap() {
        assert!(segment["points"].as_u64().unwrap() <= 45, "{segment}");
        assert!(segment["rows"].as_u64().unwrap() > 0, "{segment}");
    }
    let text = halocast(["inspect".as_ref(), bundle.as_os_str()])
        .ok()
        .stdout;
    assert!(
        text.contains("points") && text.contains("none yet"),
        "{text}"
    );
}

#[test]
fn models_are_cut_as_asked() {
    let dir = tempfile::tempdir().unwrap();
    // TinyGemma: four layers, the embedding and the head.
    for (name, how, segments) in [("mlp", "3", 3), ("../tinygemma", "layer", 6)] {
        let bundle = dir.path().join(segments.to_string());
        compile(name, &bundle, &["--segments", how]).ok();
        let json = inspect(&bundle).ok().json();
        let found = json["segments"].as_array().unwrap();
        assert_eq!(found.len(), segments, "{name}: {found:?}");
        // Layers are alike.
        let rows = |i: usize| found[i]["rows"].as_f64().unwrap();
        if segments == 6 {
            assert!(
                (2..5).all(|i| (rows(i) / rows(1) - 1.0).abs() < 0.05),
                "{found:?}"
            );
            assert!(rows(0) < rows(1), "{found:?}");
        }
    }
    compile("mlp", &dir.path().join("n"), &["--segments", "99"]).fails("99");
}

#[test]
fn a_plan_is_kept_explained_and_made_by_the_figures_given() {
    let dir = tempfile::tempdir().unwrap();
    let (bundle, costs) = (dir.path().join("b"), dir.path().join("costs.json"));
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let asked = ["--objective", "latency", "--max-memory", "4GiB"];
    compile("mlp", &bundle, &asked).ok();
    let plan = &inspect(&bundle).ok().json()["plan"];
    assert_eq!(plan["objective"], "latency");
    assert_eq!(plan["max_memory"], 4u64 << 30);
    let chosen = &plan["considered"][plan["chosen"].as_u64().unwrap() as usize];
    assert_eq!(chosen["within_memory"], true);
    let options = plan["considered"].as_array().unwrap();
    let seconds = |option: &Value| option["latency_s"].as_f64().unwrap();
    assert!(
        options.iter().all(|o| seconds(o) >= seconds(chosen)),
        "{plan}"
    );
    let shown = halocast(["inspect".as_ref(), bundle.as_os_str()])
        .ok()
        .stdout;
    for what in [
        "(latency)",
        "* ",
        "aggregation: k = ",
        "4.00 GiB for each prover",
    ] {
        assert!(shown.contains(what), "{what}: {shown}");
    }
    // The same segments asked for otherwise: the bundle stays, its plan is the new one.
    compile("mlp", &bundle, &["--objective", "gas"]).ok();
    assert_eq!(inspect(&bundle).ok().json()["plan"]["objective"], "gas");

    let other = dir.path().join("c");
    compile("mlp", &other, &["--max-memory", "100MiB"]).fails("the smallest that works is");
    compile("mlp", &other, &["--costs", &text(&costs)]).fails("is not there");
    std::fs::write(&costs, "{\"kind\": \"receipt\"}").unwrap();
    compile("mlp", &other, &["--costs", &text(&costs)]).fails(&text(&costs));
    assert!(!other.exists());
}

#[test]
fn compiling_again_changes_nothing_and_another_model_is_not_overwritten() {
    let (_dir, bundle) = mlp();
    let before = std::fs::read(bundle.join("manifest.json")).unwrap();
    compile("mlp", &bundle, &[]).ok();
    assert_eq!(before, std::fs::read(bundle.join("manifest.json")).unwrap());
    compile("block64", &bundle, &[]).fails("another bundle");
    assert_eq!(before, std::fs::read(bundle.join("manifest.json")).unwrap());
    compile("block64", &bundle, &["--force"]).ok();
    assert_eq!(inspect(&bundle).ok().json()["name"], "block64");
}

#[test]
fn a_directory_that_is_no_bundle_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("precious"), "x").unwrap();
    compile("mlp", dir.path(), &["--force"]).fails("no bundle");
    assert_eq!(entries(dir.path()), ["precious"]);
}

/// A key says which program it is for, not that it is what the program gives: whoever vouches for a bundle makes its keys again.
#[test]
fn keys_that_came_with_a_bundle_are_kept_unless_all_are_made_again() {
    let (dir, bundle) = mlp();
    let setup = |bundle: &Path, more: &[&str]| -> String {
        let mut args: Vec<&OsStr> = vec!["--json".as_ref(), "setup".as_ref(), bundle.as_ref()];
        args.extend(["--stage", "layers"].map(OsStr::new));
        args.extend(more.iter().map(OsStr::new));
        let model = &halocast(args).ok().json()["model"];
        model.as_str().unwrap().to_owned()
    };
    let honest = setup(&bundle, &[]);
    assert_eq!(setup(&bundle, &["--again"]), honest);

    // The key of another program, with the head of this one's.
    let other = dir.path().join("other.bundle");
    compile("mlp", &other, &["--batch", "2"]).ok();
    setup(&other, &[]);
    let name = "keys/segment-0.key";
    let payload = |bundle: &Path| {
        let path = bundle.join(name);
        let reader = open_container(&path, None).unwrap();
        (reader.header.clone(), reader.bytes(&path).unwrap())
    };
    let (head, foreign) = (payload(&bundle).0, payload(&other).1);
    let mut open = Bundle::open(&bundle).unwrap();
    let lock = open.lock_exclusive().unwrap();
    let entry = write_container(&bundle.join(name), Mode::Public, &head, |w| {
        w.write_all(&foreign)
    });
    let entry = (name.to_owned(), entry.unwrap());
    open.update(&lock, |m| m.files.extend([entry])).unwrap();
    drop(lock);
    assert_ne!(setup(&bundle, &[]), honest);
    assert_eq!(setup(&bundle, &["--again"]), honest);
}

#[test]
fn every_flipped_file_is_named() {
    let (_dir, bundle) = mlp();
    for name in [
        "manifest.json",
        "program.bin",
        "model.onnx",
        "fidelity.json",
        "fidelity.md",
        "cosine.svg",
    ] {
        let path = bundle.join(name);
        let good = std::fs::read(&path).unwrap();
        flip(&path);
        inspect(&bundle).fails(name);
        std::fs::write(&path, &good[..good.len() - 1]).unwrap();
        inspect(&bundle).fails(name);
        std::fs::remove_file(&path).unwrap();
        inspect(&bundle).fails(name);
        std::fs::write(&path, good).unwrap();
        inspect(&bundle).ok();
    }
}

#[test]
fn another_version_is_refused() {
    let (_dir, bundle) = mlp();
    let path = bundle.join("manifest.json");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("\"format\": 2,", "\"format\": 3,")).unwrap();
    inspect(&bundle).fails("format version 3");
}

#[test]
fn stages_in_the_wrong_order_say_what_to_run() {
    let (dir, bundle) = mlp();
    let [input, out] = ["in.json", "p.json"].map(|n| dir.path().join(n));
    write_input("mlp", 0, &input);
    let prove: [&OsStr; 6] = [
        "prove".as_ref(),
        bundle.as_ref(),
        "--input".as_ref(),
        input.as_ref(),
        "--out".as_ref(),
        out.as_ref(),
    ];
    halocast(prove).fails("halocast setup");
    assert!(!out.exists());
    inspect(&dir.path().join("nothing")).fails("not a Halocast bundle");
}

#[test]
fn bad_inputs_are_named() {
    let (dir, bundle) = mlp();
    let [input, out] = ["in.json", "out.json"].map(|n| dir.path().join(n));
    let row = |n: usize, v: f64| vec![v; n];
    let cases = [
        (serde_json::json!({"inputs": {"x": [row(63, 0.1)]}}), "63"),
        (serde_json::json!({"inputs": {"x": row(64, 0.1)}}), "shape"),
        (
            serde_json::json!({"inputs": {"x": [row(64, 1e6)]}}),
            "range",
        ),
        (
            serde_json::json!({"inputs": {"x": [vec!["a"; 64]]}}),
            "number",
        ),
        (serde_json::json!({"inputs": {"z": [row(64, 0.1)]}}), "z"),
        (serde_json::json!({"inputs": {}}), "missing"),
        (serde_json::json!([1, 2]), "inputs"),
    ];
    for (json, what) in cases {
        std::fs::write(&input, json.to_string()).unwrap();
        execute(&bundle, &input, &out).fails(what);
        assert!(!out.exists());
    }
    std::fs::write(&input, "{").unwrap();
    execute(&bundle, &input, &out).fails("not JSON");
    execute(&bundle, Path::new("/nonexistent"), &out).fails("/nonexistent");
}

#[test]
fn bad_models_are_named_and_leave_nothing() {
    for (file, what) in [
        ("truncated", "malformed"),
        ("dynamic", "dynamic"),
        ("nan", "NaN"),
        ("unsupported", "not supported"),
    ] {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("b");
        let model = fixture("bad").join(format!("{file}.onnx"));
        let calibration = fixture("mlp").join("calibration.json");
        let args: [&OsStr; 6] = [
            "compile".as_ref(),
            model.as_ref(),
            "--calibration".as_ref(),
            calibration.as_ref(),
            "--out".as_ref(),
            out.as_ref(),
        ];
        halocast(args).fails(what);
        assert!(
            entries(dir.path()).is_empty(),
            "{file}: {:?}",
            entries(dir.path())
        );
    }
}

#[test]
fn a_fidelity_threshold_that_is_missed_writes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("b");
    compile("mlp", &out, &["--fidelity-min-cosine", "1.5"]).fails("cosine");
    assert!(entries(dir.path()).is_empty());
}

#[test]
fn a_generating_model_answers_in_tokens_and_refuses_bad_prompts() {
    let dir = tempfile::tempdir().unwrap();
    let [bundle, input, out] = ["b", "in.json", "out.json"].map(|n| dir.path().join(n));
    compile("gpt2", &bundle, &["--task", "generate"]).ok();
    let cases = [
        (serde_json::json!({"prompt": [1, 2, 3], "n": 14}), "n"),
        (serde_json::json!({"prompt": [1, 2, 3], "n": 0}), "n"),
        (serde_json::json!({"prompt": [], "n": 1}), "prompt"),
        (serde_json::json!({"prompt": [1, 64], "n": 1}), "64"),
        (serde_json::json!({"prompt": [1, -1], "n": 1}), "-1"),
        (
            serde_json::json!({"prompt": "text", "n": 1}),
            "byte vocabulary",
        ),
        (serde_json::json!({"tokens": [[1]]}), "tokens"),
    ];
    for (inputs, what) in cases {
        std::fs::write(&input, serde_json::json!({"inputs": inputs}).to_string()).unwrap();
        execute(&bundle, &input, &out).fails(what);
    }
    std::fs::write(&input, r#"{"inputs": {"prompt": [1, 2, 3], "n": 5}}"#).unwrap();
    execute(&bundle, &input, &out).ok();
    let got: serde_json::Value = serde_json::from_slice(&std::fs::read(&out).unwrap()).unwrap();
    assert_eq!(got["answer"]["tokens"].as_array().unwrap().len(), 5);
    let positions = numbers(&got["outputs"]["answer"]);
    assert_eq!(positions.len(), 16);
    assert_eq!(positions[..3], [0.0; 3]);
    assert_eq!(positions[8..], [0.0; 8]);
}

#[test]
fn wrong_calls_have_exit_code_2_and_help_has_examples() {
    assert_eq!(halocast(["prove"]).code, Some(2));
    assert_eq!(
        halocast([
            "compile",
            "a.onnx",
            "--segments",
            "0",
            "--calibration",
            "c",
            "--out",
            "o"
        ])
        .code,
        Some(2)
    );
    for command in ["compile", "execute", "prove"] {
        let help = halocast([command, "--help"]).ok().stdout;
        assert!(help.contains("xample") || help.contains("infer:"), "{help}");
    }
}
