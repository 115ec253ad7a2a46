//! `CreateJob`'s request from JSON, member for member.
//!
//! The JSON is what the AWS CLI takes. A function for each structure of the API's model that a
//! request for a manifest can hold; generated manifests are not among them.

use aws_sdk_s3control::operation::create_job::builders::CreateJobInputBuilder;
use aws_sdk_s3control::types::{
    JobManifest, JobManifestLocation, JobManifestSpec, JobOperation, JobReport,
    LambdaInvokeOperation, ObjectEncryption, S3AccessControlList, S3AccessControlPolicy,
    S3ComputeObjectChecksumOperation, S3CopyObjectOperation, S3DeleteObjectTaggingOperation,
    S3Grant, S3Grantee, S3InitiateRestoreObjectOperation, S3ObjectLockEventHoldDuration,
    S3ObjectLockLegalHold, S3ObjectLockRetentionEventHoldDuration, S3ObjectMetadata, S3ObjectOwner,
    S3ReplicateObjectOperation, S3Retention, S3SetObjectAclOperation,
    S3SetObjectLegalHoldOperation, S3SetObjectRetentionOperation, S3SetObjectTaggingOperation,
    S3Tag, S3UpdateObjectEncryptionOperation, S3UpdateObjectEncryptionSsekms,
};
use serde_json::Value;

use super::members::{JsonMembers, RequestError};

type BuildResult<T> = Result<T, RequestError>;

/// The SDK's input for a request, to be sent with a client.
///
/// # Errors
/// When the request has a member that the SDK doesn't know, or of another type, or lacks one.
pub fn create_job_input(request: &Value) -> Result<CreateJobInputBuilder, RequestError> {
    let mut members = JsonMembers::of_request(request)?;
    let input = CreateJobInputBuilder::default()
        .set_account_id(members.text("AccountId")?)
        .set_client_request_token(members.text("ClientRequestToken")?)
        .set_confirmation_required(members.flag("ConfirmationRequired")?)
        .set_description(members.text("Description")?)
        .set_manifest(members.part("Manifest", manifest)?)
        .set_operation(members.part("Operation", operation)?)
        .set_priority(members.number("Priority")?)
        .set_report(members.part("Report", report)?)
        .set_role_arn(members.text("RoleArn")?)
        .set_tags(members.parts("Tags", tag)?);
    members.finish(input)
}

fn manifest(mut members: JsonMembers<'_>) -> BuildResult<JobManifest> {
    let built = JobManifest::builder()
        .set_spec(members.part("Spec", manifest_spec)?)
        .set_location(members.part("Location", manifest_location)?)
        .build();
    members.finish(built)
}

fn manifest_spec(mut members: JsonMembers<'_>) -> BuildResult<JobManifestSpec> {
    let built = JobManifestSpec::builder()
        .set_format(members.choice("Format")?)
        .set_fields(members.choices("Fields")?)
        .build()?;
    members.finish(built)
}

fn manifest_location(mut members: JsonMembers<'_>) -> BuildResult<JobManifestLocation> {
    let built = JobManifestLocation::builder()
        .set_object_arn(members.text("ObjectArn")?)
        .set_object_version_id(members.text("ObjectVersionId")?)
        .set_e_tag(members.text("ETag")?)
        .build()?;
    members.finish(built)
}

fn report(mut members: JsonMembers<'_>) -> BuildResult<JobReport> {
    let built = JobReport::builder()
        .set_bucket(members.text("Bucket")?)
        .set_format(members.choice("Format")?)
        .set_enabled(members.flag("Enabled")?)
        .set_prefix(members.text("Prefix")?)
        .set_report_scope(members.choice("ReportScope")?)
        .set_expected_bucket_owner(members.text("ExpectedBucketOwner")?)
        .build();
    members.finish(built)
}

fn tag(mut members: JsonMembers<'_>) -> BuildResult<S3Tag> {
    let built =
        S3Tag::builder().set_key(members.text("Key")?).set_value(members.text("Value")?).build()?;
    members.finish(built)
}

fn operation(mut members: JsonMembers<'_>) -> BuildResult<JobOperation> {
    let built = JobOperation::builder()
        .set_lambda_invoke(members.part("LambdaInvoke", lambda_invoke)?)
        .set_s3_put_object_copy(members.part("S3PutObjectCopy", copy)?)
        .set_s3_put_object_acl(members.part("S3PutObjectAcl", acl)?)
        .set_s3_put_object_tagging(members.part("S3PutObjectTagging", tagging)?)
        .set_s3_delete_object_tagging(members.part("S3DeleteObjectTagging", |members| {
            members.finish(S3DeleteObjectTaggingOperation::builder().build())
        })?)
        .set_s3_initiate_restore_object(members.part("S3InitiateRestoreObject", restore)?)
        .set_s3_put_object_legal_hold(members.part("S3PutObjectLegalHold", legal_hold)?)
        .set_s3_put_object_retention(members.part("S3PutObjectRetention", retention)?)
        .set_s3_replicate_object(members.part("S3ReplicateObject", |members| {
            members.finish(S3ReplicateObjectOperation::builder().build())
        })?)
        .set_s3_compute_object_checksum(members.part("S3ComputeObjectChecksum", checksum)?)
        .set_s3_update_object_encryption(members.part("S3UpdateObjectEncryption", encryption)?)
        .build();
    members.finish(built)
}

fn lambda_invoke(mut members: JsonMembers<'_>) -> BuildResult<LambdaInvokeOperation> {
    let built = LambdaInvokeOperation::builder()
        .set_function_arn(members.text("FunctionArn")?)
        .set_invocation_schema_version(members.text("InvocationSchemaVersion")?)
        .set_user_arguments(members.texts_by_key("UserArguments")?)
        .build();
    members.finish(built)
}

fn copy(mut members: JsonMembers<'_>) -> BuildResult<S3CopyObjectOperation> {
    let hold = members.part("ObjectLockEventHoldDuration", event_hold_duration)?;
    let built = S3CopyObjectOperation::builder()
        .set_target_resource(members.text("TargetResource")?)
        .set_canned_access_control_list(members.choice("CannedAccessControlList")?)
        .set_access_control_grants(members.parts("AccessControlGrants", grant)?)
        .set_metadata_directive(members.choice("MetadataDirective")?)
        .set_annotation_directive(members.choice("AnnotationDirective")?)
        .set_modified_since_constraint(members.time("ModifiedSinceConstraint")?)
        .set_new_object_metadata(members.part("NewObjectMetadata", metadata)?)
        .set_new_object_tagging(members.parts("NewObjectTagging", tag)?)
        .set_redirect_location(members.text("RedirectLocation")?)
        .set_requester_pays(members.flag("RequesterPays")?)
        .set_storage_class(members.choice("StorageClass")?)
        .set_un_modified_since_constraint(members.time("UnModifiedSinceConstraint")?)
        .set_sse_aws_kms_key_id(members.text("SSEAwsKmsKeyId")?)
        .set_target_key_prefix(members.text("TargetKeyPrefix")?)
        .set_object_lock_legal_hold_status(members.choice("ObjectLockLegalHoldStatus")?)
        .set_object_lock_mode(members.choice("ObjectLockMode")?)
        .set_object_lock_retain_until_date(members.time("ObjectLockRetainUntilDate")?)
        .set_bucket_key_enabled(members.flag("BucketKeyEnabled")?)
        .set_checksum_algorithm(members.choice("ChecksumAlgorithm")?)
        .set_object_lock_event_hold(members.choice("ObjectLockEventHold")?)
        .set_object_lock_event_hold_duration(hold)
        .build();
    members.finish(built)
}

fn event_hold_duration(mut members: JsonMembers<'_>) -> BuildResult<S3ObjectLockEventHoldDuration> {
    let built = S3ObjectLockEventHoldDuration::builder()
        .set_days(members.number("Days")?)
        .set_years(members.number("Years")?)
        .build();
    members.finish(built)
}

fn metadata(mut members: JsonMembers<'_>) -> BuildResult<S3ObjectMetadata> {
    let built = S3ObjectMetadata::builder()
        .set_cache_control(members.text("CacheControl")?)
        .set_content_disposition(members.text("ContentDisposition")?)
        .set_content_encoding(members.text("ContentEncoding")?)
        .set_content_language(members.text("ContentLanguage")?)
        .set_user_metadata(members.texts_by_key("UserMetadata")?)
        .set_content_length(members.number("ContentLength")?)
        .set_content_md5(members.text("ContentMD5")?)
        .set_content_type(members.text("ContentType")?)
        .set_http_expires_date(members.time("HttpExpiresDate")?)
        .set_requester_charged(members.flag("RequesterCharged")?)
        .set_sse_algorithm(members.choice("SSEAlgorithm")?)
        .build();
    members.finish(built)
}

fn acl(mut members: JsonMembers<'_>) -> BuildResult<S3SetObjectAclOperation> {
    let built = S3SetObjectAclOperation::builder()
        .set_access_control_policy(members.part("AccessControlPolicy", acl_policy)?)
        .build();
    members.finish(built)
}

fn acl_policy(mut members: JsonMembers<'_>) -> BuildResult<S3AccessControlPolicy> {
    let built = S3AccessControlPolicy::builder()
        .set_access_control_list(members.part("AccessControlList", acl_list)?)
        .set_canned_access_control_list(members.choice("CannedAccessControlList")?)
        .build();
    members.finish(built)
}

fn acl_list(mut members: JsonMembers<'_>) -> BuildResult<S3AccessControlList> {
    let built = S3AccessControlList::builder()
        .set_owner(members.part("Owner", owner)?)
        .set_grants(members.parts("Grants", grant)?)
        .build();
    members.finish(built)
}

fn owner(mut members: JsonMembers<'_>) -> BuildResult<S3ObjectOwner> {
    let built = S3ObjectOwner::builder()
        .set_id(members.text("ID")?)
        .set_display_name(members.text("DisplayName")?)
        .build();
    members.finish(built)
}

fn grant(mut members: JsonMembers<'_>) -> BuildResult<S3Grant> {
    let built = S3Grant::builder()
        .set_grantee(members.part("Grantee", grantee)?)
        .set_permission(members.choice("Permission")?)
        .build();
    members.finish(built)
}

fn grantee(mut members: JsonMembers<'_>) -> BuildResult<S3Grantee> {
    let built = S3Grantee::builder()
        .set_type_identifier(members.choice("TypeIdentifier")?)
        .set_identifier(members.text("Identifier")?)
        .set_display_name(members.text("DisplayName")?)
        .build();
    members.finish(built)
}

fn tagging(mut members: JsonMembers<'_>) -> BuildResult<S3SetObjectTaggingOperation> {
    let built =
        S3SetObjectTaggingOperation::builder().set_tag_set(members.parts("TagSet", tag)?).build();
    members.finish(built)
}

fn restore(mut members: JsonMembers<'_>) -> BuildResult<S3InitiateRestoreObjectOperation> {
    let built = S3InitiateRestoreObjectOperation::builder()
        .set_expiration_in_days(members.number("ExpirationInDays")?)
        .set_glacier_job_tier(members.choice("GlacierJobTier")?)
        .build();
    members.finish(built)
}

fn legal_hold(mut members: JsonMembers<'_>) -> BuildResult<S3SetObjectLegalHoldOperation> {
    let status = |mut members: JsonMembers<'_>| {
        let built =
            S3ObjectLockLegalHold::builder().set_status(members.choice("Status")?).build()?;
        members.finish(built)
    };
    let built = S3SetObjectLegalHoldOperation::builder()
        .set_legal_hold(members.part("LegalHold", status)?)
        .build();
    members.finish(built)
}

fn retention(mut members: JsonMembers<'_>) -> BuildResult<S3SetObjectRetentionOperation> {
    let built = S3SetObjectRetentionOperation::builder()
        .set_bypass_governance_retention(members.flag("BypassGovernanceRetention")?)
        .set_retention(members.part("Retention", retention_value)?)
        .build();
    members.finish(built)
}

fn retention_value(mut members: JsonMembers<'_>) -> BuildResult<S3Retention> {
    let built = S3Retention::builder()
        .set_retain_until_date(members.time("RetainUntilDate")?)
        .set_mode(members.choice("Mode")?)
        .set_event_hold(members.choice("EventHold")?)
        .set_event_hold_duration(members.part("EventHoldDuration", retention_hold_duration)?)
        .build();
    members.finish(built)
}

fn retention_hold_duration(
    mut members: JsonMembers<'_>,
) -> BuildResult<S3ObjectLockRetentionEventHoldDuration> {
    let built = S3ObjectLockRetentionEventHoldDuration::builder()
        .set_days(members.number("Days")?)
        .set_years(members.number("Years")?)
        .build();
    members.finish(built)
}

fn checksum(mut members: JsonMembers<'_>) -> BuildResult<S3ComputeObjectChecksumOperation> {
    let built = S3ComputeObjectChecksumOperation::builder()
        .set_checksum_algorithm(members.choice("ChecksumAlgorithm")?)
        .set_checksum_type(members.choice("ChecksumType")?)
        .build();
    members.finish(built)
}

fn encryption(mut members: JsonMembers<'_>) -> BuildResult<S3UpdateObjectEncryptionOperation> {
    let kms = |mut members: JsonMembers<'_>| {
        let built = S3UpdateObjectEncryptionSsekms::builder()
            .set_kms_key_arn(members.text("KMSKeyArn")?)
            .set_bucket_key_enabled(members.flag("BucketKeyEnabled")?)
            .build()?;
        members.finish(built)
    };
    let object_encryption = |mut members: JsonMembers<'_>| {
        let built = ObjectEncryption::builder().set_ssekms(members.part("SSEKMS", kms)?).build();
        members.finish(built)
    };
    let built = S3UpdateObjectEncryptionOperation::builder()
        .set_object_encryption(members.part("ObjectEncryption", object_encryption)?)
        .build();
    members.finish(built)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_of_a_request_is_lost() {
        let told = |request: &Value| create_job_input(request).unwrap_err().to_string();
        let unknown = json!({"Operation": {"S3PutObjectCopy": {"TargetResource": "x", "Sort": 1}}});
        assert!(told(&unknown).starts_with("CreateJob.Operation.S3PutObjectCopy.Sort: "));
        let mistyped = json!({"Tags": [{"Key": "a", "Value": 1}]});
        assert!(told(&mistyped).starts_with("CreateJob.Tags[0].Value: 1 is not a text"));
        let incomplete = json!({"Tags": [{"Key": "a"}]});
        assert!(told(&incomplete).contains("incomplete"));
        let late = json!({"Operation": {"S3PutObjectRetention": {"Retention":
            {"RetainUntilDate": "tomorrow"}}}});
        assert!(told(&late).contains("Retention.RetainUntilDate"));
    }
}
