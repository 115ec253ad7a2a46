//! Servers that the user named instead of AWS's: by a flag, a variable or a profile.
//!
//! The order is the AWS CLI's: the flag, the variable of the service (`AWS_ENDPOINT_URL_S3`), the
//! one of all services (`AWS_ENDPOINT_URL`), then the same two in the profile. Here a URL is also
//! looked at, before anything is sent; an empty one is refused.

use super::settings::AwsSettings;
use super::{AwsError, AwsOptions};

/// The services that requests go to, as the SDK names them in variables and profiles.
const S3: &str = "S3";
const S3_CONTROL: &str = "S3 Control";
const OTHERS: [&str; 2] = ["STS", "IAM"];

/// All of them, and those that give credentials.
const ALL: [&str; 6] = [S3, S3_CONTROL, "STS", "IAM", "SSO", "SSO OIDC"];

/// What a URL should look like.
const FORM: &str = "write http://HOST[:PORT][/PATH] or https://HOST[:PORT][/PATH]";

/// A server that the user named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// `http://host:port/path`, without a slash at its end.
    pub url: String,
    /// The flag, the variable or the profile that names it.
    pub named_by: String,
}

impl Endpoint {
    /// Looks at a URL.
    fn new(text: &str, named_by: &str) -> Result<Self, AwsError> {
        let wrong = |reason: &str| {
            AwsError::misconfigured(format!("{named_by}: {text:?} {reason}; {FORM}"))
        };
        let (scheme, rest) = text.split_once("://").ok_or_else(|| wrong("has no scheme"))?;
        if !["http", "https"].iter().any(|known| scheme.eq_ignore_ascii_case(known)) {
            return Err(wrong("is neither http nor https"));
        }
        let authority = rest.split('/').next().unwrap_or_default();
        if authority.contains('@') {
            return Err(wrong("holds a user, which no server here takes"));
        }
        if text.contains(['?', '#']) {
            return Err(wrong("holds a query or a fragment"));
        }
        let visible = |c: char| c.is_ascii_graphic() && !"\"<>\\^`{|}".contains(c);
        if !text.chars().all(visible) {
            return Err(wrong("holds characters that a URL can't"));
        }
        check_authority(authority).map_err(wrong)?;
        let url = text.trim_end_matches('/').to_owned();
        Ok(Self { url, named_by: named_by.to_owned() })
    }
}

/// Refuses what can't be `HOST` or `HOST:PORT`.
fn check_authority(authority: &str) -> Result<(), &'static str> {
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (address, behind) = rest.split_once(']').ok_or("has a [ without a ]")?;
            let port = match behind {
                "" => None,
                _ => Some(behind.strip_prefix(':').ok_or("has something behind its address")?),
            };
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return Err("has no IPv6 address between [ and ]");
            }
            (address, port)
        }
        None => match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    if host.is_empty() {
        return Err("has no host");
    }
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err("has a port that can't be one");
    }
    Ok(())
}

/// The servers that the user named.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) s3: Option<Endpoint>,
    pub(super) control: Option<Endpoint>,
}

impl Endpoints {
    /// Finds them, and looks at every URL that a request could go by.
    pub(super) fn find(options: &AwsOptions, settings: &AwsSettings) -> Result<Self, AwsError> {
        if let Some(name) = settings.empty_endpoint(&ALL) {
            return Err(AwsError::misconfigured(format!(
                "{name}: it is set, but empty, which some programs take for AWS itself and others \
                 for nothing; unset it, or {FORM}"
            )));
        }
        for service in OTHERS {
            configured(service, settings)?;
        }
        let flag = |value: &Option<String>, name| {
            value.as_ref().map(|url| Endpoint::new(url, name)).transpose()
        };
        let s3 = flag(&options.endpoint_url, "--endpoint-url")?;
        let control = flag(&options.control_endpoint_url, "--s3control-endpoint-url")?;
        let control = match control {
            Some(control) => Some(control),
            // The flag stands in the place of the variable for all services.
            None if s3.is_some() => settings
                .service_variable(S3_CONTROL)
                .map(|(url, name)| Endpoint::new(&url, &name))
                .transpose()?,
            None => configured(S3_CONTROL, settings)?,
        };
        let s3 = match s3 {
            Some(s3) => Some(s3),
            None => configured(S3, settings)?,
        };
        Ok(Self { s3, control })
    }
}

/// The server of a service by variables and the profile.
fn configured(service: &str, settings: &AwsSettings) -> Result<Option<Endpoint>, AwsError> {
    let found = settings.endpoint_url(service);
    found.map(|(url, named_by)| Endpoint::new(&url, &named_by)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_lose_the_slash_at_their_end_and_nothing_else() {
        for (text, url) in [
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
            ("http://127.0.0.1:9000/", "http://127.0.0.1:9000"),
            ("https://host/base/path", "https://host/base/path"),
            ("https://host/base/path/", "https://host/base/path"),
            ("HTTPS://host", "HTTPS://host"),
            ("http://[::1]:9000/x", "http://[::1]:9000/x"),
        ] {
            assert_eq!(Endpoint::new(text, "--endpoint-url").unwrap().url, url, "{text}");
        }
    }

    #[test]
    fn a_malformed_url_is_refused_and_its_place_named() {
        for text in [
            "",
            "localhost:9000",
            "127.0.0.1:9000",
            "ftp://host",
            "http://",
            "http:///path",
            "http://:9000",
            "http://host:port",
            "http://host:99999",
            "http://host:",
            "http://[::1",
            "http://[host]",
            "http://[::1]x",
            "http://user:word@host",
            "http://host?x=1",
            "http://host/#x",
            "http://ho st",
            "http://hö.example",
            "http:/host",
        ] {
            let error = Endpoint::new(text, "AWS_ENDPOINT_URL_S3").unwrap_err().to_string();
            assert!(error.starts_with("AWS_ENDPOINT_URL_S3: "), "{error}");
            assert!(error.ends_with(FORM), "{error}");
        }
    }
}
