//! The HTTPS client, and the certificates that it trusts instead of the system's: `AWS_CA_BUNDLE`,
//! which the SDK does not read, for servers behind a company's proxy or with a certificate of their
//! own.

use std::fs;

use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Builder, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use aws_smithy_types::base64;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::AwsError;
use super::settings::CaBundle;

/// An HTTPS client that trusts what a bundle holds, if one is named. Otherwise it is the SDK's.
pub(super) fn http_client(bundle: Option<&CaBundle>) -> Result<SharedHttpClient, AwsError> {
    let context = bundle.map(trusting).transpose()?.unwrap_or_default();
    Ok(Builder::new().build_with_connector_fn(move |settings, components| {
        let mut connector = ConnectorBuilder::default()
            .tls_provider(Provider::rustls(CryptoMode::AwsLc))
            .tls_context(context.clone());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.set_proxy_config(Some(ProxyConfig::from_env()));
        connector.build()
    }))
}

/// What trusts just what a bundle holds.
fn trusting(bundle: &CaBundle) -> Result<TlsContext, AwsError> {
    let wrong = |reason: String| {
        let CaBundle { path, named_by } = bundle;
        AwsError::misconfigured(format!("{named_by}: {}: {reason}", path.display()))
    };
    let text = fs::read(&bundle.path).map_err(|error| wrong(error.to_string()))?;
    let mut store = TrustStore::empty();
    for certificate in certificates(&text).map_err(wrong)? {
        store = store.with_pem_certificate(certificate);
    }
    let context = TlsContext::builder().with_trust_store(store).build();
    context.map_err(|error| wrong(error.to_string()))
}

/// The certificates of a bundle that can be trusted, each as PEM. Bundles also hold old ones that
/// can't, which the SDK's client would end the program for.
fn certificates(text: &[u8]) -> Result<Vec<String>, String> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    let all = all.map_err(|error| format!("not PEM: {error}"))?;
    let usable = |der: &CertificateDer<'_>| RootCertStore::empty().add(der.clone()).is_ok();
    let usable: Vec<String> = all.into_iter().filter(usable).map(|der| pem(&der)).collect();
    if usable.is_empty() {
        return Err("it holds no certificate; give a file of certificates in PEM".to_owned());
    }
    Ok(usable)
}

fn pem(der: &[u8]) -> String {
    let text = base64::encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_without_a_certificate_is_refused() {
        for text in ["", "certificates\n", &pem(b"not a certificate")] {
            assert!(certificates(text.as_bytes()).unwrap_err().contains("no certificate"));
        }
        let cut = "-----BEGIN CERTIFICATE-----\nMIIB";
        assert!(certificates(cut.as_bytes()).unwrap_err().contains("not PEM"));
    }
}
