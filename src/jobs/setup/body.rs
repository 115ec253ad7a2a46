//! Bodies as they go over the wire: an answer's, kept beside what the SDK makes of it, and a
//! request's, put in the place of what the SDK would send.
//!
//! The SDK's types drop elements that are newer than they are. A setting that is read and put back
//! through them would lose those, so settings are edited as the text that came. Everything else of
//! a request (address, signature, checksum, retries) stays the SDK's.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;

use crate::aws::AwsError;

/// Keeps the body of the last answer.
#[derive(Debug, Clone, Default)]
pub(super) struct ReceivedBody(Arc<Mutex<Vec<u8>>>);

impl ReceivedBody {
    /// The body as text; `action` is named where it is none.
    pub(super) fn text(&self, action: &str) -> Result<String, AwsError> {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8(bytes).map_err(|_| AwsError::other(action, "the answer is not UTF-8"))
    }
}

impl Intercept for ReceivedBody {
    fn name(&self) -> &'static str {
        "ReceivedBody"
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        // The SDK has read all of it, as no answer here is a stream.
        let bytes = context.response().body().bytes().unwrap_or_default().to_vec();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = bytes;
        Ok(())
    }
}

/// Sends this body.
#[derive(Debug)]
pub(super) struct SentBody(pub(super) String);

impl Intercept for SentBody {
    fn name(&self) -> &'static str {
        "SentBody"
    }

    /// After the SDK made its own body, before it adds up the checksum and signs.
    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request.headers_mut().insert("content-length", self.0.len().to_string());
        request.headers_mut().insert("content-type", "application/xml");
        *request.body_mut() = SdkBody::from(self.0.as_str());
        Ok(())
    }
}
