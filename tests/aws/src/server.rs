//! A real S3 server, in this process.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use s3s::auth::SimpleAuth;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s::{Body, HttpError};
use s3s_fs::FileSystem;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};

/// The only access key that the server knows.
pub const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
/// Its secret, from the documentation of AWS.
pub const SECRET_KEY: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

/// Before the next try, when a connection can't be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// What answers requests to S3: the folders in `root` are the buckets.
///
/// # Errors
/// When the folder is not there.
pub fn s3_service(root: &Path) -> io::Result<S3Service> {
    let files = FileSystem::new(root).map_err(|error| io::Error::other(format!("{error:?}")))?;
    let mut builder = S3ServiceBuilder::new(files);
    builder.set_auth(SimpleAuth::from_single(ACCESS_KEY, SECRET_KEY));
    Ok(builder.build())
}

/// Lets a service answer every connection, as long as it is polled.
pub async fn serve<S>(listener: TcpListener, service: S)
where
    S: Service<Request<Incoming>, Response = Response<Body>, Error = HttpError>,
    S: Clone + Send + 'static,
    S::Future: Send,
{
    loop {
        let Ok((socket, _)) = listener.accept().await else {
            // Too many open files, for one: they become fewer.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        let service = service.clone();
        tokio::spawn(async move {
            let _ = socket.set_nodelay(true);
            // A client that goes away, or is killed, is no concern of the server's.
            let _ = http1::Builder::new().serve_connection(TokioIo::new(socket), service).await;
        });
    }
}

/// A running server; it ends when this is dropped.
pub struct Server {
    address: SocketAddr,
    _runtime: Runtime,
}

impl Server {
    /// Serves the folders in `root` as buckets.
    ///
    /// # Errors
    /// When the folder is not there, or the system gives no port or threads.
    pub fn start(root: &Path) -> io::Result<Self> {
        let service = s3_service(root)?;
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
        let address = listener.local_addr()?;
        runtime.spawn(serve(listener, service));
        Ok(Self { address, _runtime: runtime })
    }

    /// Where it listens, as `--endpoint-url` takes it.
    #[must_use]
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}
