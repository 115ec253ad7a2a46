//! Buckets in other regions: their answers say where they are, and requests follow them there.
//!
//! An address names a bucket, not its region. A request that was signed for another region is
//! refused with the right one (S3 API reference, `PermanentRedirect`,
//! `AuthorizationHeaderMalformed`); it is then sent again, and every later request for that bucket
//! goes to its region at once. So the buckets of one command may be in different regions.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_s3::config::endpoint::{DefaultResolver, Endpoint, EndpointFuture};
use aws_sdk_s3::config::endpoint::{Params, ResolveEndpoint};
use aws_sdk_s3::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::endpoint::EndpointResolverParams;
use aws_smithy_runtime_api::client::interceptors::context::{
    FinalizerInterceptorContextMut, InterceptorContext,
};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::retries::classifiers::{ClassifyRetry, RetryAction};
use aws_smithy_types::retry::ErrorKind;

/// Where S3 tells a bucket's region, also with a refusal.
const REGION_HEADER: &str = "x-amz-bucket-region";

/// Marks an answer whose request goes again, to another region; no server sends it.
const FOLLOW_HEADER: &str = "x-s3sieve-follow";

/// Longest name of a region that is believed; AWS's have 14 characters at most.
const REGION_CHARS_MAX: usize = 32;

/// The region that an answer tells: by its header, or in the XML of an error.
pub(super) fn told_region(response: &HttpResponse) -> Option<String> {
    let header = response.headers().get(REGION_HEADER).map(str::to_owned);
    let region = header.or_else(|| {
        let body = std::str::from_utf8(response.body().bytes()?).ok()?;
        let (_, behind) = body.split_once("<Region>")?;
        behind.split_once("</Region>").map(|(region, _)| region.to_owned())
    })?;
    // It becomes part of a host's name.
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    let fits = (1..=REGION_CHARS_MAX).contains(&region.len()) && region.bytes().all(plain);
    fits.then_some(region)
}

/// Follows buckets: an endpoint resolver that knows their regions, and what learns them.
#[derive(Debug, Clone, Default)]
pub(super) struct FollowRegions {
    /// By bucket.
    known: Arc<Mutex<HashMap<String, String>>>,
    resolver: Arc<DefaultResolver>,
}

impl FollowRegions {
    fn known(&self, bucket: Option<&str>) -> Option<String> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(bucket?).cloned()
    }

    /// Whether an answer sends its request to another region, which is then known.
    fn learns(&self, response: &HttpResponse, config: &ConfigBag) -> bool {
        if !matches!(response.status().as_u16(), 301 | 307 | 400) {
            return false;
        }
        let params = config.load::<EndpointResolverParams>();
        let bucket = params.and_then(|params| params.get::<Params>()?.bucket());
        let used = config.load::<Endpoint>().and_then(signing_region);
        let (Some(bucket), Some(told)) = (bucket, told_region(response)) else { return false };
        if used == Some(&told) {
            return false;
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(bucket.to_owned(), told);
        true
    }
}

/// The region that requests to an endpoint are signed for.
fn signing_region(endpoint: &Endpoint) -> Option<&str> {
    let schemes = endpoint.properties().get("authSchemes")?.as_array()?;
    schemes.iter().find_map(|scheme| scheme.as_object()?.get("signingRegion")?.as_string())
}

impl ResolveEndpoint for FollowRegions {
    fn resolve_endpoint<'a>(&'a self, params: &'a Params) -> EndpointFuture<'a> {
        match self.known(params.bucket()) {
            None => self.resolver.resolve_endpoint(params),
            Some(region) => {
                let resolver = Arc::clone(&self.resolver);
                let moved = in_region(params, region);
                EndpointFuture::new(async move { resolver.resolve_endpoint(&moved?).await })
            }
        }
    }
}

/// The same request, in another region.
fn in_region(params: &Params, region: String) -> Result<Params, BoxError> {
    let text = |text: Option<&str>| text.map(str::to_owned);
    let moved = Params::builder()
        .set_bucket(text(params.bucket()))
        .region(region)
        .set_use_fips(params.use_fips())
        .set_use_dual_stack(params.use_dual_stack())
        .set_endpoint(text(params.endpoint()))
        .set_force_path_style(params.force_path_style())
        .set_accelerate(params.accelerate())
        .set_use_global_endpoint(params.use_global_endpoint())
        .set_use_object_lambda_endpoint(params.use_object_lambda_endpoint())
        .set_key(text(params.key()))
        .set_prefix(text(params.prefix()))
        .set_copy_source(text(params.copy_source()))
        .set_disable_access_points(params.disable_access_points())
        .set_disable_multi_region_access_points(params.disable_multi_region_access_points())
        .set_use_arn_region(params.use_arn_region())
        .set_use_s3_express_control_endpoint(params.use_s3_express_control_endpoint())
        .set_disable_s3_express_session_auth(params.disable_s3_express_session_auth());
    Ok(moved.build()?)
}

impl Intercept for FollowRegions {
    fn name(&self) -> &'static str {
        "FollowRegions"
    }

    fn modify_before_attempt_completion(
        &self,
        context: &mut FinalizerInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(response) = context.response_mut()
            && self.learns(response, config)
        {
            response.headers_mut().insert(FOLLOW_HEADER, "true");
        }
        Ok(())
    }
}

impl ClassifyRetry for FollowRegions {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let follows = |response: &HttpResponse| response.headers().get(FOLLOW_HEADER).is_some();
        if context.response().is_some_and(follows) {
            return RetryAction::retryable_error_with_explicit_delay(
                ErrorKind::ClientError,
                Duration::ZERO,
            );
        }
        RetryAction::NoActionIndicated
    }

    fn name(&self) -> &'static str {
        "FollowRegions"
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_s3::primitives::SdkBody;

    use super::*;

    fn answer(header: Option<&str>, body: &str) -> HttpResponse {
        let status = 301_u16.try_into().unwrap();
        let mut response = HttpResponse::new(status, SdkBody::from(body.as_bytes().to_vec()));
        if let Some(region) = header {
            response.headers_mut().insert(REGION_HEADER, region.to_owned());
        }
        response
    }

    #[test]
    fn a_region_is_told_by_the_header_or_the_body_and_must_be_one() {
        let body = "<Error><Code>X</Code><Region>eu-west-3</Region></Error>";
        assert_eq!(told_region(&answer(None, body)).as_deref(), Some("eu-west-3"));
        assert_eq!(told_region(&answer(Some("cn-north-1"), body)).as_deref(), Some("cn-north-1"));
        for wrong in ["", "eu west", "evil.example/", "EU", &"a".repeat(33)] {
            assert_eq!(told_region(&answer(Some(wrong), "")), None, "{wrong}");
        }
        assert_eq!(told_region(&answer(None, "")), None);
    }
}
