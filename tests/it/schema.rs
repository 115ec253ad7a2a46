//! The JSON Schemas of `plan.json` and of what commands print.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

static PLAN: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&schema()).unwrap());

/// Of all output, with the plan's schema in it, as its reference asks for.
static OUTPUT: LazyLock<Validator> = LazyLock::new(|| {
    let mut output = document("docs/output.schema.json");
    output["$defs"]["plan"] = schema();
    jsonschema::validator_for(&output).unwrap()
});

/// The schema of plans, as it stands in the documentation.
pub(crate) fn schema() -> Value {
    document("docs/plan.schema.json")
}

/// A document of the repository.
pub(crate) fn document(path: &str) -> Value {
    serde_json::from_slice(&fs::read(Path::new(crate::REPOSITORY).join(path)).unwrap()).unwrap()
}

#[track_caller]
pub(crate) fn fits_the_schema(plan: &Value) {
    fits(&PLAN, plan);
}

/// Holds what a command printed against the schema of all output.
#[track_caller]
pub(crate) fn output_fits_the_schema(output: &Value) {
    fits(&OUTPUT, output);
}

#[track_caller]
fn fits(validator: &Validator, document: &Value) {
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}\n{document:#}", errors.join("\n"));
}
