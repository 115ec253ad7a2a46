//! Environment variables and profiles, read as the AWS CLI reads them.
//!
//! The SDK reads them, too, but not all of them, and it only warns of what is wrong, where nobody
//! listens. What is read here is what must be told: a profile that is not there, a number of tries
//! that isn't one, the place that a URL comes from.

use std::borrow::Cow;
use std::path::PathBuf;

use aws_config::Region;
use aws_config::default_provider::region::DefaultRegionChain;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::meta::credentials::CredentialsProviderChain;
use aws_config::profile::{ProfileFileCredentialsProvider, ProfileSet};
use aws_config::provider_config::ProviderConfig;
use aws_config::retry::{RetryConfig, RetryMode};
use aws_runtime::env_config::EnvConfigValue;
use aws_runtime::env_config::file::EnvConfigFiles;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_types::os_shim_internal::{Env, Fs};

use super::error::{AwsError, innermost};
use super::options::TRIES_MAX;
use crate::diagnostic::parameter::PROFILE;

/// The shared files, by the variable that names another file, and by where they are without.
const FILES: [(&str, &str); 2] =
    [("AWS_CONFIG_FILE", "~/.aws/config"), ("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials")];

/// Tries of the AWS CLI's standard and adaptive modes, where only the mode is set (AWS SDKs and
/// Tools Reference Guide, "Retry behavior").
const TRIES_OF_A_MODE: u32 = 3;

const ENDPOINT_VARIABLE: &str = "AWS_ENDPOINT_URL";

const ENDPOINT_KEY: &str = "endpoint_url";

/// A value that was set, and the name of the variable, or of the key and the profile, that sets it.
type NamedSetting = (String, String);

/// The environment, and the profile that is used.
#[derive(Debug)]
pub(super) struct AwsSettings {
    env: Env,
    profiles: ProfileSet,
    named: Option<String>,
}

impl AwsSettings {
    /// Reads the shared files; `profile` is the one that the user names.
    pub(super) async fn read(profile: Option<&str>) -> Result<Self, AwsError> {
        let (fs, env) = (Fs::real(), Env::real());
        let named = named_profile(profile, &env);
        let selected = named.as_ref().map_or("default", |(name, _)| name).to_owned();
        let files = EnvConfigFiles::default();
        let read = aws_config::profile::load(&fs, &env, &files, Some(Cow::Owned(selected))).await;
        let profiles = match (read, &named) {
            (Ok(profiles), Some((name, by))) if profiles.get_profile(name).is_none() => {
                return Err(missing(name, by, &profiles, &env));
            }
            (Ok(profiles), _) => profiles,
            (Err(error), Some((name, by))) => {
                let files = looked_in(&env);
                let text = format!(
                    "{by}: profile {name:?} can't be read from {files}: {}",
                    innermost(&error)
                );
                return Err(AwsError::misconfigured(text));
            }
            // What the environment alone gives may be enough.
            (Err(_), None) => ProfileSet::default(),
        };
        Ok(Self { env, profiles, named: profile.map(str::to_owned) })
    }

    fn value(&self, variable: &str, key: &str) -> Option<NamedSetting> {
        self.lookup(
            &EnvConfigValue::new().env(variable).profile(key),
            |env| is_set(env, variable).then(|| variable.to_owned()),
            key,
        )
    }

    /// A value, and what sets it: a variable, if `by` finds one, or else a key of the profile.
    fn lookup(
        &self,
        wanted: &EnvConfigValue<'_>,
        by: impl FnOnce(&Env) -> Option<String>,
        key: &str,
    ) -> Option<NamedSetting> {
        let (value, _) = wanted.load(&self.env, Some(&self.profiles))?;
        let of_profile = || format!("{key} of profile {}", self.profiles.selected_profile());
        let named_by = by(&self.env).unwrap_or_else(of_profile);
        Some((value.trim().to_owned(), named_by)).filter(|(value, _)| !value.is_empty())
    }

    /// The region by the environment, the profile or the machine; asks the machine's metadata
    /// service last.
    pub(super) async fn region(&self) -> Option<String> {
        let mut chain = DefaultRegionChain::builder();
        if let Some(profile) = &self.named {
            chain = chain.profile_name(profile);
        }
        chain.build().region().await.map(|region| region.as_ref().to_owned())
    }

    /// How often a request is tried, where that is set, or the mode alone.
    pub(super) fn tries(&self) -> Result<Option<u32>, AwsError> {
        let Some((text, by)) = self.value("AWS_MAX_ATTEMPTS", "max_attempts") else {
            return Ok(match self.mode()? {
                Some(Mode::Legacy) => Some(TRIES_MAX),
                Some(_) => Some(TRIES_OF_A_MODE),
                None => None,
            });
        };
        match text.parse() {
            Ok(tries @ 1..) => Ok(Some(tries)),
            _ => {
                let text = format!("{by}: {text:?} is not a number of tries; give 1 or more");
                Err(AwsError::misconfigured(text))
            }
        }
    }

    fn mode(&self) -> Result<Option<Mode>, AwsError> {
        let Some((text, by)) = self.value("AWS_RETRY_MODE", "retry_mode") else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "legacy" => Ok(Some(Mode::Legacy)),
            "standard" => Ok(Some(Mode::Standard)),
            "adaptive" => Ok(Some(Mode::Adaptive)),
            _ => Err(AwsError::misconfigured(format!(
                "{by}: {text:?} is not a retry mode; give standard, adaptive or legacy"
            ))),
        }
    }

    /// How the SDK tries again.
    pub(super) fn retry_config(&self) -> Result<RetryConfig, AwsError> {
        let mode = match self.mode()? {
            Some(Mode::Adaptive) => RetryMode::Adaptive,
            _ => RetryMode::Standard,
        };
        let tries = self.tries()?.unwrap_or(TRIES_MAX);
        Ok(RetryConfig::standard().with_retry_mode(mode).with_max_attempts(tries))
    }

    /// The file of certificates that are trusted instead of the system's.
    pub(super) fn ca_bundle(&self) -> Option<CaBundle> {
        let (path, named_by) = self.value("AWS_CA_BUNDLE", "ca_bundle")?;
        Some(CaBundle { path: path.into(), named_by })
    }

    /// The server of a service, by variables and the profile.
    pub(super) fn endpoint_url(&self, service: &str) -> Option<NamedSetting> {
        let ignore =
            self.value("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls");
        if ignore.is_some_and(|(value, _)| value.eq_ignore_ascii_case("true")) {
            return None;
        }
        if let Some(found) = self.service_variable(service) {
            return Some(found);
        }
        let key = ENDPOINT_KEY;
        let wanted = EnvConfigValue::new().env(ENDPOINT_VARIABLE).profile(key).service_id(service);
        self.lookup(
            &wanted,
            |env| is_set(env, ENDPOINT_VARIABLE).then(|| ENDPOINT_VARIABLE.to_owned()),
            key,
        )
    }

    /// A variable, or a key of the profile, that names a service's server with an empty text. The
    /// SDK takes it for a server, and ends the program or goes to AWS instead of to the server that
    /// `AWS_ENDPOINT_URL` names.
    pub(super) fn empty_endpoint(&self, services: &[&str]) -> Option<String> {
        let is_empty = |value: &str| value.trim().is_empty();
        let of_services = services.iter().map(|service| variable_of(service));
        let mut variables = std::iter::once(ENDPOINT_VARIABLE.to_owned()).chain(of_services);
        let by_variable =
            variables.find(|name| self.env.get(name).is_ok_and(|value| is_empty(&value)));
        by_variable.or_else(|| {
            let in_profile = |service: &&str| {
                let wanted = EnvConfigValue::new().profile(ENDPOINT_KEY).service_id(service);
                let found = wanted.load(&self.env, Some(&self.profiles));
                found.is_some_and(|(value, _)| is_empty(&value))
            };
            let profile = self.profiles.selected_profile();
            services.iter().any(in_profile).then(|| format!("{ENDPOINT_KEY} of profile {profile}"))
        })
    }

    /// The server of a service by the variable for this service alone.
    pub(super) fn service_variable(&self, service: &str) -> Option<NamedSetting> {
        let variable = variable_of(service);
        let url = self.env.get(&variable).ok().filter(|url| !url.is_empty())?;
        Some((url, variable))
    }
}

/// How the AWS CLI tries again. Its legacy mode is its standard mode with more tries, as far as can
/// be seen from here.
enum Mode {
    Legacy,
    Standard,
    Adaptive,
}

/// A file of certificates, and what names it.
#[derive(Debug)]
pub(super) struct CaBundle {
    pub(super) path: PathBuf,
    pub(super) named_by: String,
}

/// The variable that names the server of one service.
fn variable_of(service: &str) -> String {
    format!("{ENDPOINT_VARIABLE}_{}", service.to_ascii_uppercase().replace(' ', "_"))
}

fn is_set(env: &Env, variable: &str) -> bool {
    env.get(variable).is_ok_and(|value| !value.is_empty())
}

/// The profile that is asked for, and by what.
fn named_profile(given: Option<&str>, env: &Env) -> Option<(String, String)> {
    if let Some(name) = given {
        return Some((name.to_owned(), PROFILE.to_string()));
    }
    let name = env.get("AWS_PROFILE").ok().filter(|name| !name.is_empty())?;
    Some((name, "AWS_PROFILE".to_owned()))
}

fn looked_in(env: &Env) -> String {
    let [config, credentials] = FILES.map(|(variable, usual)| {
        env.get(variable).ok().filter(|path| !path.is_empty()).unwrap_or_else(|| usual.to_owned())
    });
    format!("{config} and {credentials}")
}

/// The error for a profile that is in neither file.
fn missing(name: &str, by: &str, profiles: &ProfileSet, env: &Env) -> AwsError {
    let mut known: Vec<&str> = profiles.profiles().collect();
    known.sort_unstable();
    let known = match known.as_slice() {
        [] => "they hold none".to_owned(),
        names => format!("they hold {}", names.join(", ")),
    };
    let files = looked_in(env);
    AwsError::misconfigured(format!("{by}: there is no profile {name:?} in {files} ({known})"))
}

/// The credentials of a profile that was named on the command line: those of the environment don't
/// count, as with the AWS CLI. A profile without any leaves it to the machine's role.
pub(super) fn credentials_of(
    profile: &str,
    region: Region,
    client: SharedHttpClient,
) -> CredentialsProviderChain {
    let config =
        ProviderConfig::without_region().with_region(Some(region)).with_http_client(client);
    let of_profile =
        ProfileFileCredentialsProvider::builder().configure(&config).profile_name(profile);
    let of_container = EcsCredentialsProvider::builder().configure(&config);
    let of_machine = ImdsCredentialsProvider::builder().configure(&config);
    CredentialsProviderChain::first_try("Profile", of_profile.build())
        .or_else("EcsContainer", of_container.build())
        .or_else("Ec2InstanceMetadata", of_machine.build())
}
