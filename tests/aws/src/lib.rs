//! The ground for tests that need AWS: an S3 server, a proxy that does harm by seed, one that lets
//! a test act before a request, one whose answers a test writes, a server that refuses, and one
//! that only sends bytes.
//!
//! All of them listen on this machine alone, on ports that the system picks.
//!
//! Never knows what is tested.

mod bare;
mod before;
mod http;
mod proxy;
mod refuse;
mod script;
mod server;

pub use bare::{BareServer, Distance};
pub use before::{BeforeProxy, Deed};
pub use http::Request;
pub use proxy::{FaultProxy, Faults};
pub use refuse::{Refusal, Refuser};
pub use script::{Script, ScriptProxy};
pub use server::{ACCESS_KEY, SECRET_KEY, Server, s3_service, serve};
