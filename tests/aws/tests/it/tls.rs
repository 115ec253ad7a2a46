//! A server with a certificate of its own: trusted by `AWS_CA_BUNDLE`, and by nothing else.
//!
//! The certificate in `tls/` is for 127.0.0.1 and signed by itself, made once with `openssl req
//! -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -addext
//! subjectAltName=IP:127.0.0.1`. Its key guards nothing.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use ground::BareServer;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::buckets::{Buckets, data_file, program_with_keys};
use crate::fixture::Run;

fn file(name: &str) -> PathBuf {
    Path::new(crate::REPOSITORY).join("tests/aws/tests/it/tls").join(name)
}

/// Passes one request of each connection on to a server that speaks no TLS.
fn serve_tls(upstream: SocketAddr) -> SocketAddr {
    let certificate = CertificateDer::from_pem_file(file("certificate.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(file("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // A client that doesn't trust the certificate hangs up.
            thread::spawn(move || pass_on(StreamOwned::new(connection, stream), upstream));
        }
    });
    address
}

fn pass_on(
    mut client: StreamOwned<ServerConnection, TcpStream>,
    upstream: SocketAddr,
) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        client.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let mut server = TcpStream::connect(upstream)?;
    server.write_all(&head)?;
    // The server takes this for the end of the connection's requests.
    server.shutdown(std::net::Shutdown::Write)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let head_end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    client.write_all(&answer[..head_end])?;
    client.write_all(b"\r\nconnection: close")?;
    client.write_all(&answer[head_end..])?;
    client.conn.send_close_notify();
    client.flush()
}

#[test]
fn a_certificate_of_its_own_is_trusted_by_the_ca_bundle_and_by_nothing_else() {
    let buckets = Buckets::new();
    let manifest = buckets.report("", "2026-01-02T00-00Z", &[data_file(1, 10)]);
    let bare = BareServer::start(buckets.root.path()).unwrap();
    let upstream = bare.endpoint().strip_prefix("http://").unwrap().parse().unwrap();
    let endpoint = format!("https://{}", serve_tls(upstream));
    let count = |bundle: Option<&Path>| {
        let mut command = program_with_keys();
        command.args(["count", &format!("s3://reports/{manifest}"), "--endpoint-url", &endpoint]);
        command.env("AWS_MAX_ATTEMPTS", "1");
        if let Some(bundle) = bundle {
            command.env("AWS_CA_BUNDLE", bundle);
        }
        Run::of(command)
    };
    count(Some(&file("certificate.pem"))).expect(0);
    count(None).expect(4).says(&["the server cannot be reached"]);
}

#[test]
fn a_ca_bundle_that_cannot_be_used_is_a_matter_of_usage() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    let empty = folder.path().join("empty.pem");
    fs::write(&empty, "nothing\n").unwrap();
    fs::write(&config, format!("[profile p]\nca_bundle = {}\n", empty.display())).unwrap();
    let count = |variable, value: &Path, more: &[&str]| {
        let mut command = program_with_keys();
        command.args(["count", "s3://reports/x.json"]).args(more).env(variable, value);
        Run::of(command).expect(2)
    };
    let missing = Path::new("/nonexistent/bundle.pem");
    count("AWS_CA_BUNDLE", missing, &[]).says(&["AWS_CA_BUNDLE: /nonexistent/bundle.pem: "]);
    count("AWS_CA_BUNDLE", &empty, &[]).says(&["it holds no certificate", "PEM"]);
    let named = count("AWS_CONFIG_FILE", &config, &["--profile", "p"]);
    named.says(&["ca_bundle of profile p: ", "it holds no certificate"]);
}
