//! XML in and out, as S3 Control speaks it.

use hyper::{Response, StatusCode};
use roxmltree::{Document, Node};
use s3s::Body;

use super::state::{Job, Request};
use super::{ACCOUNT, REGION};

const XMLNS: &str = "http://awss3control.amazonaws.com/doc/2018-08-20/";

pub fn xml(status: u16, body: String) -> Response<Body> {
    Response::builder()
        .status(StatusCode::from_u16(status).unwrap())
        .header("content-type", "application/xml")
        .body(Body::from(body))
        .unwrap()
}

/// A refusal as S3 Control and IAM word it.
pub fn wrapped_error(status: u16, code: &str, message: &str) -> Response<Body> {
    let body = format!(
        "<ErrorResponse xmlns=\"{XMLNS}\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{}</Message></Error><RequestId>r</RequestId></ErrorResponse>",
        escape(message)
    );
    xml(status, body)
}

/// A refusal as S3 words it.
pub fn bare_error(status: u16, code: &str, message: &str) -> Response<Body> {
    let message = escape(message);
    xml(status, format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>"))
}

pub fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// What is wrong with a `CreateJob` request, in the service's words.
pub type Wrong = String;

fn child<'a>(node: Node<'a, 'a>, name: &str) -> Option<Node<'a, 'a>> {
    node.children().find(|child| child.tag_name().name() == name)
}

fn text(node: Node<'_, '_>, path: &[&str]) -> Option<String> {
    let mut at = node;
    for name in path {
        at = at.children().find(|child| child.tag_name().name() == *name)?;
    }
    Some(at.text().unwrap_or_default().to_owned())
}

/// Reads a `CreateJob` request as strictly as the API's model says.
pub fn create_job(body: &str) -> Result<(Request, i64), Wrong> {
    let document = Document::parse(body).map_err(|error| error.to_string())?;
    let root = document.root_element();
    if root.tag_name().name() != "CreateJobRequest" || root.tag_name().namespace() != Some(XMLNS) {
        return Err("the body is no CreateJobRequest".to_owned());
    }
    let need = |path: &[&str]| text(root, path).ok_or(format!("{} is missing", path.join(".")));
    let between = |name: &str, value: &str, max: usize| match value.chars().count() {
        count if (1..=max).contains(&count) => Ok(()),
        _ => Err(format!("{name} must have 1 to {max} characters")),
    };
    let token = need(&["ClientRequestToken"])?;
    between("ClientRequestToken", &token, 64)?;
    let description = text(root, &["Description"]).unwrap_or_default();
    if child(root, "Description").is_some() {
        between("Description", &description, 256)?;
    }
    let priority: i64 = need(&["Priority"])?.parse().map_err(|_| "Priority".to_owned())?;
    if !(0..=i64::from(i32::MAX)).contains(&priority) {
        return Err("Priority is out of range".to_owned());
    }
    let role = need(&["RoleArn"])?;
    let role_start = format!("arn:aws:iam::{ACCOUNT}:role/");
    let role = role.strip_prefix(&role_start).ok_or("RoleArn is no role of the account")?;
    let is_inventory = match need(&["Manifest", "Spec", "Format"])?.as_str() {
        "S3BatchOperations_CSV_20180820" => false,
        "S3InventoryReport_CSV_20161130" => true,
        other => return Err(format!("there is no manifest format {other}")),
    };
    let bucket_of = |arn: String| {
        arn.strip_prefix("arn:aws:s3:::").map(str::to_owned).ok_or(format!("{arn} is no bucket"))
    };
    let spec = child(root, "Manifest").and_then(|node| child(node, "Spec"));
    let fields = spec.and_then(|node| child(node, "Fields"));
    if fields.is_none() != is_inventory {
        return Err("Fields go with CSV manifests, and with no others".to_owned());
    }
    let fields = fields.into_iter().flat_map(|fields| fields.children());
    let operation = child(root, "Operation").and_then(|node| node.first_element_child());
    let operation = operation.ok_or("Operation is missing")?;
    let part = |name: &str| child(root, name).map(|node| &body[node.range()]).unwrap_or_default();
    let request = Request {
        body: body.to_owned(),
        confirmation: text(root, &["ConfirmationRequired"]).as_deref() == Some("true"),
        description,
        token,
        role: role.to_owned(),
        manifest: bucket_of(need(&["Manifest", "Location", "ObjectArn"])?)?,
        etag: need(&["Manifest", "Location", "ETag"])?.trim_matches('"').to_owned(),
        is_inventory,
        fields: fields.filter_map(|field| field.text().map(str::to_owned)).collect(),
        operation: operation.tag_name().name().to_owned(),
        target: match text(operation, &["TargetResource"]) {
            Some(arn) => {
                let prefix = text(operation, &["TargetKeyPrefix"]).unwrap_or_default();
                Some((bucket_of(arn)?, prefix))
            }
            None => None,
        },
        report_bucket: bucket_of(need(&["Report", "Bucket"])?)?,
        report_prefix: text(root, &["Report", "Prefix"]).unwrap_or_default(),
        all_tasks: need(&["Report", "ReportScope"])? == "AllTasks",
        echoed: [part("Manifest"), part("Operation"), part("Report")].concat(),
    };
    Ok((request, priority))
}

fn progress(job: &Job) -> String {
    format!(
        "<ProgressSummary><TotalNumberOfTasks>{}</TotalNumberOfTasks><NumberOfTasksSucceeded>{}\
         </NumberOfTasksSucceeded><NumberOfTasksFailed>{}</NumberOfTasksFailed><Timers>\
         <ElapsedTimeInActiveSeconds>1</ElapsedTimeInActiveSeconds></Timers></ProgressSummary>",
        job.tasks.len(),
        job.succeeded,
        job.failed
    )
}

fn times(job: &Job) -> String {
    let ended = job.ended.map(|at| format!("<TerminationDate>{at}</TerminationDate>"));
    format!("<CreationTime>{}</CreationTime>{}", job.created, ended.unwrap_or_default())
}

fn common(job: &Job) -> String {
    format!(
        "<JobId>{}</JobId><Description>{}</Description><Priority>{}</Priority>\
         <Status>{:?}</Status>{}{}",
        job.id,
        escape(&job.request.description),
        job.priority,
        job.status,
        times(job),
        progress(job)
    )
}

pub fn described(job: &Job) -> String {
    let reason = |(code, reason): &(String, String)| {
        let reason = escape(reason);
        format!(
            "<member><FailureCode>{code}</FailureCode><FailureReason>{reason}</FailureReason>\
             </member>"
        )
    };
    let reasons: String = job.reasons.iter().map(reason).collect();
    format!(
        "<DescribeJobResult xmlns=\"{XMLNS}\"><Job>{}<ConfirmationRequired>{}\
         </ConfirmationRequired><JobArn>arn:aws:s3:{REGION}:{ACCOUNT}:job/{}</JobArn>{}\
         <FailureReasons>{reasons}</FailureReasons><RoleArn>arn:aws:iam::{ACCOUNT}:role/{}\
         </RoleArn></Job></DescribeJobResult>",
        common(job),
        job.request.confirmation,
        job.id,
        job.request.echoed,
        job.request.role,
    )
}

pub fn listed<'a>(jobs: impl Iterator<Item = &'a Job>, next: Option<usize>) -> String {
    let member = |job: &Job| {
        let operation = &job.request.operation;
        format!("<member>{}<Operation>{operation}</Operation></member>", common(job))
    };
    let members: String = jobs.map(member).collect();
    let next = next.map(|next| format!("<NextToken>{next}</NextToken>")).unwrap_or_default();
    format!("<ListJobsResult xmlns=\"{XMLNS}\">{next}<Jobs>{members}</Jobs></ListJobsResult>")
}

pub fn created(id: &str) -> String {
    format!("<CreateJobResult xmlns=\"{XMLNS}\"><JobId>{id}</JobId></CreateJobResult>")
}

pub fn status_updated(job: &Job) -> String {
    format!(
        "<UpdateJobStatusResult xmlns=\"{XMLNS}\"><JobId>{}</JobId><Status>{:?}</Status>\
         </UpdateJobStatusResult>",
        job.id, job.status
    )
}

pub fn priority_updated(job: &Job) -> String {
    format!(
        "<UpdateJobPriorityResult xmlns=\"{XMLNS}\"><JobId>{}</JobId><Priority>{}</Priority>\
         </UpdateJobPriorityResult>",
        job.id, job.priority
    )
}
