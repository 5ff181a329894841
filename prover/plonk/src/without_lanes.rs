//! Tests of lanes on machines that have none.

/// Whether the machine has no lanes, so that a test of them can do nothing: says so, or fails where they are expected
/// (`HALOCAST_EXPECT_LANES=1`).
pub(crate) fn skips(test: &str) -> bool {
    #[cfg(target_arch = "x86_64")]
    let lanes = crate::lanes::available();
    #[cfg(not(target_arch = "x86_64"))]
    let lanes = false;
    if lanes {
        return false;
    }
    let expected = std::env::var_os("HALOCAST_EXPECT_LANES").is_some_and(|value| value == "1");
    assert!(!expected, "{test}: this machine has no AVX-512 IFMA");
    eprintln!("{test}: skipped, this machine has no AVX-512 IFMA");
    true
}

/// On machines for which there is no other test of lanes, too.
#[test]
fn lanes_are_where_they_are_expected() {
    skips("lanes");
}
