//! `lambda`: `LambdaInvoke`, a function called once for each object.

use serde_json::{Map, Value};

use super::arn::Arn;
use super::check::{CheckResult, Refusal, length, missing, one_of_if_given, partition, refusal};
use super::estimate::{Charge, CostBasis, Estimate, EstimateBuilder};
use super::manifest::PlannedManifest;
use super::policy::{Access, Statement};
use super::setting::JobContext;
use super::spec::{DirectoryBuckets, Operation, OperationSpec};
use crate::diagnostic::parameter::{
    FUNCTION_ARN, ParameterName, REGION, SCHEMA_VERSION, USER_ARGUMENT,
};

/// The schemas of an invocation; 1.0 unless said (API, `LambdaInvokeOperation`).
const SCHEMAS: [&str; 2] = ["1.0", LATER_SCHEMA];

const RULES: &str = "API, LambdaInvokeOperation";

/// The schema that user arguments and directory buckets need.
const LATER_SCHEMA: &str = "2.0";

/// API, `UserArguments`.
const ARGUMENTS_MAX: usize = 10;

/// API, `UserArguments`: keys are `NonEmptyMaxLength64String`.
const ARGUMENT_KEY_CHARS_MAX: usize = 64;

/// API, `UserArguments`: values are `MaxLength1024String`.
const ARGUMENT_VALUE_CHARS_MAX: usize = 1024;

/// API, `FunctionArnString`.
const FUNCTION_ARN_CHARS_MAX: usize = 1024;

/// The operation.
pub(super) const SPEC: OperationSpec = OperationSpec {
    name: "lambda",
    api_name: "LambdaInvoke",
    rules: &[],
    // A function gets the id of each version (UG, "Invoke AWS Lambda function", whose example
    // removes a delete marker).
    acts_on_delete_markers: true,
    needs_version_ids: false,
    results_in_report: false,
    directory_buckets: DirectoryBuckets::Checked(check_schema_for_directory_bucket),
    permissions,
    estimate,
};

/// The parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LambdaParameters {
    /// The function's ARN, with or without an alias or a version at its end.
    pub function_arn: Option<String>,
    /// The schema version of the function's events: `1.0` or `2.0`.
    pub schema_version: Option<String>,
    /// User arguments, by key, that the function gets with each invocation.
    pub arguments: Vec<(String, String)>,
}

impl LambdaParameters {
    fn function_arn(&self) -> Result<&str, Refusal> {
        let remedy = "`aws lambda get-function --function-name NAME` shows it as FunctionArn";
        let Some(text) = self.function_arn.as_deref() else {
            return Err(missing(FUNCTION_ARN, "the operation needs it", RULES, remedy));
        };
        length(FUNCTION_ARN, text, FUNCTION_ARN_CHARS_MAX, "API, FunctionArnString")?;
        let is_function = Arn::parse(text)
            .is_some_and(|arn| arn.service == "lambda" && arn.resource.starts_with("function:"));
        if is_function {
            return Ok(text);
        }
        let rule = "it must be arn:aws:lambda:REGION:ACCOUNT:function:NAME";
        Err(refusal(FUNCTION_ARN, text, rule, "API, FunctionArnString", remedy))
    }

    fn check_arguments(&self) -> CheckResult {
        const PARAMETER: ParameterName = USER_ARGUMENT;
        const SOURCE: &str = "API, UserArguments";
        if self.arguments.is_empty() {
            return Ok(());
        }
        if self.schema_version.as_deref() != Some(LATER_SCHEMA) {
            let rule = "arguments need version 2.0 of the invocation schema";
            return Err(missing(PARAMETER, rule, RULES, format!("give {SCHEMA_VERSION} 2.0")));
        }
        if self.arguments.len() > ARGUMENTS_MAX {
            let rule =
                format!("{} are given, where {ARGUMENTS_MAX} are allowed", self.arguments.len());
            return Err(missing(PARAMETER, rule, SOURCE, "leave some out"));
        }
        for (number, (key, value)) in self.arguments.iter().enumerate() {
            length(PARAMETER, key, ARGUMENT_KEY_CHARS_MAX, SOURCE)?;
            if !value.is_empty() {
                length(PARAMETER, value, ARGUMENT_VALUE_CHARS_MAX, SOURCE)?;
            }
            if self.arguments[..number].iter().any(|(earlier, _)| earlier == key) {
                let rule = "a key is given twice";
                return Err(refusal(PARAMETER, key, rule, SOURCE, "leave one of them out"));
            }
        }
        Ok(())
    }
}

impl Operation for LambdaParameters {
    fn spec(&self) -> &'static OperationSpec {
        &SPEC
    }

    fn check(&self, setting: &JobContext) -> CheckResult {
        let function = self.function_arn()?;
        if let Some(arn) = Arn::parse(function) {
            partition(FUNCTION_ARN, function, arn, setting)?;
            check_region(function, arn.region, setting)?;
        }
        one_of_if_given(SCHEMA_VERSION, self.schema_version.as_deref(), &SCHEMAS, RULES)?;
        self.check_arguments()
    }

    fn request(&self, _: &JobContext, _: &PlannedManifest) -> Result<Value, Refusal> {
        let mut member = Map::new();
        member.insert("FunctionArn".to_owned(), self.function_arn()?.into());
        if let Some(version) = &self.schema_version {
            member.insert("InvocationSchemaVersion".to_owned(), version.as_str().into());
        }
        if !self.arguments.is_empty() {
            let pairs = self.arguments.iter().map(|(key, value)| (key.clone(), value.clone()));
            member.insert("UserArguments".to_owned(), pairs.collect::<Value>());
        }
        Ok(member.into())
    }
}

/// Refuses a function of another region than the jobs'.
fn check_region(function: &str, of_function: &str, setting: &JobContext) -> CheckResult {
    let Some(region) = setting.region.as_deref().filter(|region| *region != of_function) else {
        return Ok(());
    };
    let rule = format!("the function is in {of_function}, the job in {region} ({REGION})");
    let source = "UG, Invoke AWS Lambda function";
    let remedy = format!("name a function of the jobs' region, or correct {REGION}");
    Err(refusal(FUNCTION_ARN, function, rule, source, remedy))
}

/// Refuses an invocation, as the request has it, whose schema can't tell of objects in directory
/// buckets (API, `LambdaInvokeOperation`).
pub(super) fn check_schema_for_directory_bucket(request: &Value, bucket: &str) -> CheckResult {
    if request["InvocationSchemaVersion"] == LATER_SCHEMA {
        return Ok(());
    }
    let rule = format!(
        "{bucket} is a directory bucket, of whose objects a function is told by version 2.0 of the \
         invocation schema alone"
    );
    let remedy = format!("give {SCHEMA_VERSION} 2.0, and a function that understands it");
    Err(missing(SCHEMA_VERSION, rule, RULES, remedy))
}

/// What the role needs (UG, "Invoke AWS Lambda function"). What the function does to an object, it
/// does with a role of its own. An ARN names its account, so no condition needs to.
fn permissions(request: &Value, _: &Access) -> Vec<Statement> {
    let function = request["FunctionArn"].as_str().unwrap_or_default().to_owned();
    vec![Statement::new("InvokeTheFunction", &["lambda:InvokeFunction"], vec![function])]
}

/// What Batch Operations itself asks: the function's bill is another one.
fn estimate(basis: CostBasis<'_>) -> Vec<Estimate> {
    let mut builder = EstimateBuilder::new(basis);
    builder.leave_out(Charge::Requests);
    builder.note(
        "AWS Lambda bills the function's calls, time and memory, and S3 the requests that it \
         makes: left out.",
    );
    vec![builder.finish()]
}
