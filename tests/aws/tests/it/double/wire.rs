//! XML in and out, as S3 Control speaks it.

use hyper::{Response, StatusCode};
use roxmltree::{Document, Node};
use s3s::Body;

use super::model::Wrong;
use super::needs::Needs;
use super::state::{Job, Request};
use super::{ACCOUNT, REGION, rules};

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
    let (status, body) = refusal(status, code, message);
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

/// An answer of S3 Control: status and body.
pub type Answer = (u16, String);

/// A refusal as S3 Control words it.
pub fn refusal(status: u16, code: &str, message: &str) -> Answer {
    let body = format!(
        "<ErrorResponse xmlns=\"{XMLNS}\"><Error><Type>Sender</Type><Code>{code}</Code>\
         <Message>{}</Message></Error><RequestId>r</RequestId></ErrorResponse>",
        escape(message)
    );
    (status, body)
}

pub fn child<'a, 'i>(node: Node<'a, 'i>, name: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| child.tag_name().name() == name)
}

pub fn text(node: Node<'_, '_>, path: &[&str]) -> Option<String> {
    let mut at = node;
    for name in path {
        at = child(at, name)?;
    }
    Some(at.text().unwrap_or_default().to_owned())
}

/// Reads a `CreateJob` request that fits the model.
pub fn create_job(body: &str) -> Result<(Request, i64), Wrong> {
    let document = Document::parse(body).map_err(|error| error.to_string())?;
    let root = document.root_element();
    rules::check(root)?;
    let get = |path: &[&str]| text(root, path).unwrap_or_default();
    let role = get(&["RoleArn"]);
    let role_start = format!("arn:aws:iam::{ACCOUNT}:role/");
    let role = role.strip_prefix(&role_start).ok_or("RoleArn is no role of the account")?;
    let spec = child(root, "Manifest").and_then(|node| child(node, "Spec"));
    let spec = spec.ok_or("the double knows no generators of manifests")?;
    let fields: Vec<String> = child(spec, "Fields")
        .into_iter()
        .flat_map(|fields| fields.children())
        .filter_map(|field| field.text().map(str::to_owned))
        .collect();
    let bucket_of = |arn: String| {
        arn.strip_prefix("arn:aws:s3:::").map(str::to_owned).ok_or(format!("{arn} is no bucket"))
    };
    let operation = child(root, "Operation").and_then(|node| node.first_element_child());
    let operation = operation.ok_or("Operation is missing")?;
    let part = |name: &str| child(root, name).map(|node| &body[node.range()]).unwrap_or_default();
    let request = Request {
        body: body.to_owned(),
        confirmation: get(&["ConfirmationRequired"]) == "true",
        description: get(&["Description"]),
        token: get(&["ClientRequestToken"]),
        // A role's name stands behind its path.
        role: role.rsplit('/').next().unwrap_or_default().to_owned(),
        manifest: bucket_of(get(&["Manifest", "Location", "ObjectArn"]))?,
        etag: get(&["Manifest", "Location", "ETag"]).trim_matches('"').to_owned(),
        is_inventory: text(spec, &["Format"]).as_deref() == Some("S3InventoryReport_CSV_20161130"),
        needs: Needs::of(operation, fields.iter().any(|field| field == "VersionId")),
        fields,
        operation: operation.tag_name().name().to_owned(),
        target: match text(operation, &["TargetResource"]) {
            Some(arn) => {
                let prefix = text(operation, &["TargetKeyPrefix"]).unwrap_or_default();
                Some((bucket_of(arn)?, prefix))
            }
            None => None,
        },
        report_bucket: bucket_of(get(&["Report", "Bucket"]))?,
        report_prefix: get(&["Report", "Prefix"]),
        all_tasks: get(&["Report", "ReportScope"]) == "AllTasks",
        echoed: [part("Manifest"), part("Operation"), part("Report")].concat(),
    };
    let priority = get(&["Priority"]).parse().map_err(|_| "Priority".to_owned())?;
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
    let description = match job.request.description.as_str() {
        "" => String::new(),
        text => format!("<Description>{}</Description>", escape(text)),
    };
    format!(
        "<JobId>{}</JobId>{description}<Priority>{}</Priority>\
         <Status>{:?}</Status>{}{}",
        job.id,
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
