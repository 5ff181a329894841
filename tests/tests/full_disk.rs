//! A full disk at every stage that writes: a clear error, nothing half-written, and the same call works once there is room.
//! Needs a small tmpfs; where mounting is not permitted the test says so and does nothing.

use halocast_tests::{Run, compile, entries, halocast, write_input};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// A mounted tmpfs of some mebibytes, unmounted when dropped.
struct Small(TempDir);

impl Small {
    fn mount(mebibytes: usize) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &format!("size={mebibytes}m"), "tmpfs"])
            .arg(dir.path())
            .output()
            .is_ok_and(|o| o.status.success());
        if !mounted {
            eprintln!("SKIPPED: mounting a tmpfs is not permitted here");
        }
        mounted.then(|| Small(dir))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    /// Takes all room that is left.
    fn fill(&self) -> PathBuf {
        let path = self.path().join("filler");
        let mut file = File::create(&path).unwrap();
        let mut size = 1 << 20;
        while size > 0 {
            if file.write_all(&vec![1u8; size]).is_err() {
                size /= 2;
            }
        }
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.path()).status();
    }
}

fn no_leftovers(dir: &Path) {
    for name in entries(dir) {
        assert!(!name.contains(".tmp-"), "{name} in {}", dir.display());
        let path = dir.join(name);
        if path.is_dir() {
            no_leftovers(&path);
        }
    }
}

fn call(args: &[&OsStr]) -> Run {
    halocast(args)
}

#[test]
fn every_stage_survives_a_full_disk() {
    let Some(disk) = Small::mount(8) else { return };
    let [bundle, proof] = ["b", "proof.json"].map(|n| disk.path().join(n));
    let elsewhere = tempfile::tempdir().unwrap();
    let input = elsewhere.path().join("in.json");
    write_input("mlp", 0, &input);
    let setup: [&OsStr; 4] = [
        "setup".as_ref(),
        bundle.as_ref(),
        "--stage".as_ref(),
        "layers".as_ref(),
    ];
    let prove: [&OsStr; 8] = [
        "prove".as_ref(),
        bundle.as_ref(),
        "--input".as_ref(),
        input.as_ref(),
        "--stage".as_ref(),
        "layers".as_ref(),
        "--out".as_ref(),
        proof.as_ref(),
    ];

    let filler = disk.fill();
    compile("mlp", &bundle, &[]).fails("disk is full");
    assert_eq!(entries(disk.path()), ["filler"]);
    std::fs::remove_file(&filler).unwrap();
    compile("mlp", &bundle, &[]).ok();

    disk.fill();
    call(&setup).fails("disk is full");
    no_leftovers(disk.path());
    std::fs::remove_file(&filler).unwrap();
    call(&setup).ok();

    disk.fill();
    call(&prove).fails("disk is full");
    assert!(!proof.exists());
    no_leftovers(disk.path());
    std::fs::remove_file(&filler).unwrap();
    call(&prove).ok();
    let verify: [&OsStr; 3] = ["verify".as_ref(), bundle.as_ref(), proof.as_ref()];
    call(&verify).ok();
}
