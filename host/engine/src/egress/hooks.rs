use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, uri::Scheme};
use http_body_util::{BodyExt, Full, Limited};
use tailmint_policy::MAX_BODY_BYTES;
use wasmtime_wasi_http::{Error as WasiError, RequestOptions, WasiBody, WasiHttpHooks};

use super::Run;

/// What `wasi:http` hands requests to.
pub(crate) struct Egress {
    run: Arc<Run>,
}

impl Egress {
    pub(crate) fn new(run: Arc<Run>) -> Self {
        Self { run }
    }
}

type Driver = Box<dyn Future<Output = Result<(), WasiError>> + Send>;
type Sending = Box<dyn Future<Output = Result<(Response<WasiBody>, Driver), WasiError>> + Send>;

impl WasiHttpHooks for Egress {
    /// Every scheme gets as far as the policy, so that the denial is on record.
    fn is_supported_scheme(&mut self, _scheme: &Scheme) -> bool {
        true
    }

    /// A request without a scheme is denied, not guessed at.
    fn default_scheme(&mut self) -> Option<Scheme> {
        None
    }

    /// The timeouts that the component asks for are not read: it may not have
    /// more time than the run has, and gains nothing by having less.
    fn send_request(
        &mut self,
        request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), WasiError>> + Send>,
    ) -> Sending {
        let run = Arc::clone(&self.run);
        Box::new(async move {
            let (parts, body) = request.into_parts();
            // Taken whole before anything is decided: a component that is still
            // writing would otherwise see a closed stream, not the denial.
            let body = match Limited::new(body, MAX_BODY_BYTES + 1).collect().await {
                Ok(body) if body.trailers().is_some() => {
                    return Err(run.deny_body(&parts, "it has trailers".to_owned()));
                }
                Ok(body) => body.to_bytes(),
                Err(_) => {
                    let reason = format!("it is longer than {MAX_BODY_BYTES} bytes, or broke off");
                    return Err(run.deny_body(&parts, reason));
                }
            };
            let response = run.pass(&parts, &body).await?;
            let response = response.map(|body| {
                Full::<Bytes>::from(body)
                    .map_err(|never| match never {})
                    .boxed_unsync()
            });
            Ok((response, Box::new(async { Ok(()) }) as Driver))
        })
    }
}
