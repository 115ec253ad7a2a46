//! The JSON Schema of `plan.json`.

use std::fs;
use std::path::Path;

/// The schema, as it stands in the documentation.
pub fn schema() -> serde_json::Value {
    let path = Path::new(crate::REPOSITORY).join("docs/plan.schema.json");
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[track_caller]
pub fn fits_the_schema(plan: &serde_json::Value) {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(plan)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}\n{plan:#}", errors.join("\n"));
}
