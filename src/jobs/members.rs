//! The members of a JSON object, taken out one after the other, so that none is lost.
//!
//! The SDK's builders would silently leave out what they don't know. A request that does less than
//! it says must not be sent.

use std::collections::HashMap;

use aws_sdk_s3control::error::BuildError;
use aws_sdk_s3control::primitives::{DateTime, DateTimeFormat};
use serde_json::{Map, Value};

/// Why a request can't be sent as it is.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// A member is of another type than the API's.
    #[error("{path}: {value} is not {wanted}; correct the request")]
    Type {
        /// The member, by its way from the top.
        path: String,
        /// What stands there.
        value: String,
        /// What should.
        wanted: &'static str,
    },
    /// A member is not in the API's model, as far as this program knows it.
    #[error(
        "{path}: the SDK that this program was built with knows no such member; correct the \
         request, or send it with the AWS CLI"
    )]
    Unknown {
        /// The member, by its way from the top.
        path: String,
    },
    /// A member is missing.
    #[error("the request is incomplete: {0}")]
    Incomplete(#[from] BuildError),
}

/// What is left of an object's members.
pub(super) struct JsonMembers<'a> {
    path: String,
    left: Vec<(&'a str, &'a Value)>,
}

impl<'a> JsonMembers<'a> {
    /// All members of a request.
    pub(super) fn of_request(request: &'a Value) -> Result<Self, RequestError> {
        Self::of("CreateJob".to_owned(), request)
    }

    fn of(path: String, value: &'a Value) -> Result<Self, RequestError> {
        let members = value.as_object().ok_or_else(|| wrong(&path, value, "an object"))?;
        let left = members.iter().map(|(name, value)| (name.as_str(), value)).collect();
        Ok(Self { path, left })
    }

    fn take<T>(
        &mut self,
        name: &str,
        wanted: &'static str,
        read: impl FnOnce(&'a Value) -> Option<T>,
    ) -> Result<Option<T>, RequestError> {
        let Some((path, value)) = self.member(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| wrong(&path, value, wanted))
    }

    /// Takes out a member, with its way from the top.
    fn member(&mut self, name: &str) -> Option<(String, &'a Value)> {
        let place = self.left.iter().position(|(left, _)| *left == name)?;
        let (_, value) = self.left.remove(place);
        Some((format!("{}.{name}", self.path), value))
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, RequestError> {
        self.take(name, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// A value of an enumeration. The SDK's take any text, and send it as it is.
    pub(super) fn choice<T: From<&'a str>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, RequestError> {
        self.take(name, "a text", |value| value.as_str().map(T::from))
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<Option<bool>, RequestError> {
        self.take(name, "true or false", Value::as_bool)
    }

    pub(super) fn number<T: TryFrom<i64>>(
        &mut self,
        name: &str,
    ) -> Result<Option<T>, RequestError> {
        self.take(name, "a whole number in range", |value| {
            value.as_i64().and_then(|number| T::try_from(number).ok())
        })
    }

    pub(super) fn time(&mut self, name: &str) -> Result<Option<DateTime>, RequestError> {
        self.take(name, "a time such as 2030-01-31T00:00:00Z", |value| {
            DateTime::from_str(value.as_str()?, DateTimeFormat::DateTimeWithOffset).ok()
        })
    }

    /// Texts by key.
    pub(super) fn texts_by_key(
        &mut self,
        name: &str,
    ) -> Result<Option<HashMap<String, String>>, RequestError> {
        let read = |members: &Map<String, Value>| {
            let text =
                |(key, value): (&String, &Value)| Some((key.clone(), value.as_str()?.to_owned()));
            members.iter().map(text).collect()
        };
        self.take(name, "an object of texts", |value| value.as_object().and_then(read))
    }

    /// A list of values of an enumeration.
    pub(super) fn choices<T: From<&'a str>>(
        &mut self,
        name: &str,
    ) -> Result<Option<Vec<T>>, RequestError> {
        self.take(name, "a list of texts", |value| {
            value.as_array()?.iter().map(|value| value.as_str().map(T::from)).collect()
        })
    }

    /// An object within the object.
    pub(super) fn part<T>(
        &mut self,
        name: &str,
        build: impl FnOnce(Self) -> Result<T, RequestError>,
    ) -> Result<Option<T>, RequestError> {
        let Some((path, value)) = self.member(name) else { return Ok(None) };
        build(Self::of(path, value)?).map(Some)
    }

    /// A list of objects.
    pub(super) fn parts<T>(
        &mut self,
        name: &str,
        build: impl Fn(Self) -> Result<T, RequestError>,
    ) -> Result<Option<Vec<T>>, RequestError> {
        let Some((path, value)) = self.member(name) else { return Ok(None) };
        let list = value.as_array().ok_or_else(|| wrong(&path, value, "a list"))?;
        let part = |(number, value)| build(Self::of(format!("{path}[{number}]"), value)?);
        list.iter().enumerate().map(part).collect::<Result<_, _>>().map(Some)
    }

    /// What was built of the members, if none is left.
    pub(super) fn finish<T>(self, built: T) -> Result<T, RequestError> {
        match self.left.first() {
            None => Ok(built),
            Some((name, _)) => Err(RequestError::Unknown { path: format!("{}.{name}", self.path) }),
        }
    }
}

fn wrong(path: &str, value: &Value, wanted: &'static str) -> RequestError {
    RequestError::Type { path: path.to_owned(), value: value.to_string(), wanted }
}
