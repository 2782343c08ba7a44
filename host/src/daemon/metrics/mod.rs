//! What programs and people see over HTTP: docs/operating.md.

mod exposition;
mod health;
mod page;

use std::io;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, HeaderName, HeaderValue,
    X_CONTENT_TYPE_OPTIONS,
};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

use crate::daemon::overview::Outlook;
use crate::net::address::Address;
use crate::net::listen::{Accepted, Bound, Listener, SocketAccess, listen};
use crate::net::resolve::Endpoint;
use crate::process::privileges::Identity;
use health::Health;

/// How many clients at once. Others wait in the kernel's queue.
const CLIENTS_MAX: usize = 16;

/// Theirs, and those of attempts to reach targets.
pub(super) const DESCRIPTORS_MAX: usize = CLIENTS_MAX + health::DIALS_MAX;

/// Listens there, where only this host can connect.
///
/// # Errors
/// What is wrong, and what to do about it.
pub(super) fn bind(address: &Address, owner: Option<Identity>) -> Result<Bound> {
    let endpoint = match address {
        Address::Literal(address) if address.ip().is_loopback() => Endpoint::Tcp(*address),
        Address::Unix(path) => Endpoint::Unix(path.clone()),
        Address::Abstract(name) => Endpoint::Abstract(name.clone()),
        // The settings refuse that already.
        Address::Literal(_) | Address::Name { .. } => {
            bail!(
                "Metrics are for this host only: {address} (write [127.0.0.1]:PORT, [::1]:PORT \
                or the path of a socket)"
            )
        }
    };
    let access = SocketAccess { mode: Some(0o660), owner };
    listen(&endpoint, &access)
        .with_context(|| format!("Cannot serve metrics at {address} (--metrics, `metrics =`)"))
}

/// What requests are answered from.
struct Site {
    outlook: Arc<Outlook>,
    health: Arc<Health>,
    /// Whether names could lead others here: they cannot to a Unix socket.
    has_names: bool,
}

/// Answers whoever connects, for as long as the process runs.
pub(super) async fn serve(listener: Listener, outlook: Arc<Outlook>) {
    let places = Arc::new(Semaphore::new(CLIENTS_MAX));
    let health = Arc::new(Health::new(outlook.clone()));
    loop {
        // It is never closed.
        let Ok(place) = places.clone().acquire_owned().await else { return };
        let Ok(accepted) = listener.accept().await else {
            // Out of descriptors, as a rule, for which others have a line.
            sleep(PAUSE).await;
            continue;
        };
        let has_names = matches!(accepted, Accepted::Tcp(..));
        let site = Site { outlook: outlook.clone(), health: health.clone(), has_names };
        tokio::spawn(async move {
            // Whoever leaves, or does not read, is no concern of ours.
            let _ = match accepted {
                Accepted::Tcp(stream, _) => match TcpStream::from_std(stream) {
                    Ok(stream) => site.converse(stream).await,
                    Err(_) => Ok(()),
                },
                Accepted::Unix(stream) => match UnixStream::from_std(stream) {
                    Ok(stream) => site.converse(stream).await,
                    Err(_) => Ok(()),
                },
            };
            drop(place);
        });
    }
}

impl Site {
    /// Answers one request, in bounded time.
    async fn converse(&self, stream: impl AsyncRead + AsyncWrite + Unpin) -> io::Result<()> {
        let answer = service_fn(|request| async move {
            Ok::<_, std::convert::Infallible>(self.answer(&request).await)
        });
        // One each: whoever keeps connections open keeps others out.
        let conversation = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_MAX)
            .max_buf_size(BUFFER_MAX)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), answer);
        timeout(CONVERSATION_MAX, pin!(conversation)).await?.map_err(io::Error::other)
    }

    async fn answer(&self, request: &Request<Incoming>) -> Response<Full<Bytes>> {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut response = text(
                StatusCode::METHOD_NOT_ALLOWED,
                "Only GET and HEAD are \
                supported\n",
            );
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
            return response;
        }
        if self.has_names && !is_for_this_host(request) {
            // A page elsewhere could have made its own name lead here.
            return text(
                StatusCode::FORBIDDEN,
                "Use a loopback address or localhost as the host\n",
            );
        }
        match request.uri().path() {
            "/" => {
                let page = page::render(&self.outlook.overview());
                response(StatusCode::OK, "text/html; charset=utf-8", page)
            }
            "/metrics" => match exposition::render(self.outlook.overview()) {
                Ok(metrics) => response(StatusCode::OK, exposition::CONTENT_TYPE, metrics),
                Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
            },
            "/healthz" => {
                let targets = request.uri().query().is_some_and(|query| {
                    query.split('&').any(|parameter| parameter == "targets=1")
                });
                match self.health.check(targets).await {
                    Ok(()) => text(StatusCode::OK, "ok\n"),
                    Err(faults) => text(StatusCode::SERVICE_UNAVAILABLE, faults),
                }
            }
            _ => text(StatusCode::NOT_FOUND, "Not found: the pages are /, /metrics and /healthz\n"),
        }
    }
}

/// Whether it was asked for by an address, or the name that always means this
/// host.
fn is_for_this_host<B>(request: &Request<B>) -> bool {
    let Some(host) = request.headers().get(HOST) else {
        // As old as that, it is no browser.
        return true;
    };
    let Ok(authority) = host.to_str().unwrap_or_default().parse::<hyper::http::uri::Authority>()
    else {
        return false;
    };
    let host = authority.host();
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || address.parse::<IpAddr>().is_ok()
}

fn text(status: StatusCode, words: impl Into<Bytes>) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", words)
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    body: impl Into<Bytes>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    for (name, value) in HEADERS {
        headers.insert(name.clone(), HeaderValue::from_static(value));
    }
    response
}

/// Nothing is kept, and nothing but the page's own style is used.
const HEADERS: &[(HeaderName, &str)] = &[
    (CACHE_CONTROL, "no-store"),
    (
        CONTENT_SECURITY_POLICY,
        concat!("default-src 'none'; ", "style-src 'unsafe-inline'; ", "frame-ancestors 'none'"),
    ),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
];

/// After an accept that failed.
const PAUSE: Duration = Duration::from_millis(100);
/// For a request.
const HEADER_MAX: Duration = Duration::from_secs(2);
/// The least that hyper takes.
const BUFFER_MAX: usize = 8192;
/// For a request and its answer.
const CONVERSATION_MAX: Duration = Duration::from_secs(15);

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]
mod tests {
    use super::*;

    #[test]
    fn only_this_host_is_served() {
        for address in ["192.0.2.1:9464", "[::]:9464", "0.0.0.0:9464", "localhost:9464"] {
            let refused = bind(&address.parse().unwrap(), None).unwrap_err().to_string();
            assert!(refused.starts_with("Metrics are for this host only: "), "{refused}");
        }
    }

    #[test]
    fn names_of_others_are_not_this_host() {
        let is_ours = |host: Option<&str>| {
            let request = Request::builder();
            let request = match host {
                Some(host) => request.header(HOST, host),
                None => request,
            };
            is_for_this_host(&request.body(()).unwrap())
        };
        for host in ["localhost", "LOCALHOST:9464", "127.0.0.1:9464", "[::1]:9464", "127.9.9.9"] {
            assert!(is_ours(Some(host)), "{host}");
        }
        for host in ["evil.example", "localhost.evil.example:9464", "", "127.0.0.1.evil.example"] {
            assert!(!is_ours(Some(host)), "{host}");
        }
        assert!(is_ours(None));
    }
}
