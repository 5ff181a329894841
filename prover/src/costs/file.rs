//! `costs.json`: the figures of a machine, whole or not there at all. A file that is not understood is never passed over:
//! plans made with other figures than the user thinks are worse than none.

use super::CostModel;
use crate::bundle::{BundleError, create_dir, write_json};
use crate::srs::default_cache_dir;
use serde::Serialize;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// What the file says it is.
const KIND: &str = "halocast-costs";
/// Version of the file. Another one is refused.
pub const COSTS_FORMAT: u32 = 1;

/// A file of figures that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("cost figures {}: {what} (`halocast calibrate` writes such a file)", path.display())]
pub struct CostsError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub what: String,
}

#[derive(Serialize)]
struct Stored<'a> {
    kind: &'static str,
    format: u32,
    #[serde(flatten)]
    model: &'a CostModel,
}

/// `costs.json` in the cache directory (`HALOCAST_CACHE`).
pub fn default_costs_file() -> PathBuf {
    default_cache_dir().with_file_name("costs.json")
}

impl CostModel {
    /// The figures of a file; without one those of the default file if it is there, else the built-in ones.
    ///
    /// # Errors
    /// [`CostsError`] if a file is there and cannot be read, is something else, or holds figures that make no sense; or if
    /// the file asked for is not there.
    pub fn load(file: Option<&Path>) -> Result<Self, CostsError> {
        match file {
            Some(path) => Ok(Self::read(path)?.ok_or_else(|| missing(path))?),
            None => Ok(Self::read(&default_costs_file())?.unwrap_or_default()),
        }
    }

    /// `None` if there is no such file.
    fn read(path: &Path) -> Result<Option<Self>, CostsError> {
        let fail = |what: String| CostsError {
            path: path.to_owned(),
            what,
        };
        let bytes = match std::fs::read(path) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            result => result.map_err(|e| fail(format!("cannot be read: {e}")))?,
        };
        let json: serde_json::Value =
            serde_json::from_slice(&bytes).map_err(|e| fail(format!("is not JSON: {e}")))?;
        let (kind, format) = (&json["kind"], &json["format"]);
        if kind != KIND || format != COSTS_FORMAT {
            return Err(fail(format!(
                "is of kind {kind}, format {format}; expected \"{KIND}\", format {COSTS_FORMAT}"
            )));
        }
        let mut fields = json;
        if let Some(object) = fields.as_object_mut() {
            object.retain(|name, _| name != "kind" && name != "format");
        }
        let model: CostModel = serde_json::from_value(fields).map_err(|e| fail(e.to_string()))?;
        match model.nonsense() {
            Some(what) => Err(fail(what)),
            None => Ok(Some(model)),
        }
    }

    /// Writes a file, and the directory it is in.
    pub fn write(&self, path: &Path) -> Result<(), BundleError> {
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            create_dir(parent)?;
        }
        let stored = Stored {
            kind: KIND,
            format: COSTS_FORMAT,
            model: self,
        };
        write_json(path, &stored).map(|_| ())
    }
}

fn missing(path: &Path) -> CostsError {
    CostsError {
        path: path.to_owned(),
        what: "is not there".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_as_written_and_anything_else_is_refused_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/costs.json");
        let mut model = CostModel {
            origin: "a test".into(),
            ..CostModel::default()
        };
        model.layer.cpu_s_per_million = 3.5;
        let error = CostModel::load(Some(&path)).unwrap_err().to_string();
        assert!(error.contains("is not there"), "{error}");
        model.write(&path).unwrap();
        assert_eq!(CostModel::load(Some(&path)).unwrap(), model);

        let good = std::fs::read_to_string(&path).unwrap();
        let lies = [
            ("\"format\": 1", "\"format\": 2", "format 2"),
            ("halocast-costs", "something", "something"),
            ("3.5", "-3.5", "layer.cpu_s_per_million is -3.5"),
            ("3.5", "\"fast\"", "fast"),
            ("\"bytes\":", "\"byts\":", "byts"),
            ("{", "", "is not JSON"),
        ];
        for (from, to, what) in lies {
            assert!(good.contains(from), "{from}");
            std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
            let error = CostModel::load(Some(&path)).unwrap_err().to_string();
            assert!(error.contains(what), "{error}");
            assert!(error.contains("deep/costs.json"), "{error}");
        }
    }
}
