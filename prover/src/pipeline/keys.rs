//! Layer keys in a bundle: `keys/segment-<i>.key`. They are verifying keys, some kilobytes each; proving keys are worked out
//! from them when they are needed.

use super::PipelineError;
use crate::bundle::{
    Bundle, BundleError, FileEntry, Header, Mode, segment_key_file, write_container,
};
use halocast_circuit::LayerKey;

fn header(bundle: &Bundle, srs: &str, index: usize) -> Header {
    Header {
        kind: "segment-key".into(),
        model: Some(bundle.model_digest().to_owned()),
        srs: Some(srs.to_owned()),
        segment: Some(index),
        job: None,
    }
}

/// Writes a finished key; it counts once it is in the manifest.
pub(super) fn store(
    bundle: &Bundle,
    srs: &str,
    index: usize,
    key: &LayerKey,
) -> Result<(String, FileEntry), PipelineError> {
    let name = segment_key_file(index);
    let header = header(bundle, srs, index);
    let path = bundle.path(&name);
    let entry = write_container(&path, Mode::Public, &header, |mut w| key.write(&mut w))?;
    Ok((name, entry))
}

/// Whether a good key is there already.
pub(super) fn is_there(bundle: &Bundle, srs: &str, index: usize) -> bool {
    let name = segment_key_file(index);
    bundle.manifest().files.contains_key(&name)
        && bundle
            .open_own(&name, "segment-key")
            .is_ok_and(|r| r.header == header(bundle, srs, index))
}

/// A segment's key.
pub(super) fn load(bundle: &Bundle, index: usize) -> Result<LayerKey, PipelineError> {
    let name = segment_key_file(index);
    let manifest = bundle.manifest();
    let (Some(setup), true) = (&manifest.setup, manifest.files.contains_key(&name)) else {
        return Err(bundle.stage_missing("layer keys", "setup").into());
    };
    let mut reader = bundle.open_own(&name, "segment-key")?;
    let expected = header(bundle, &setup.srs, index);
    if reader.header != expected {
        return Err(BundleError::Foreign {
            path: bundle.path(&name),
            what: "segment or reference string",
            got: format!("{:?}", reader.header),
            expected: format!("{expected:?}"),
        }
        .into());
    }
    LayerKey::read(&mut reader.payload).map_err(|source| PipelineError::UnreadableKey {
        path: bundle.path(&name),
        source,
    })
}

/// All keys, in order.
pub(super) fn load_all(bundle: &Bundle) -> Result<Vec<LayerKey>, PipelineError> {
    (0..bundle.segments().len())
        .map(|i| load(bundle, i))
        .collect()
}
