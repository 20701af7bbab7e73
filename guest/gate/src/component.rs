//! The component: `wasi:http/outgoing-handler` on both sides.

use crate::{Destination, allow};

#[expect(clippy::pedantic, reason = "generated")]
mod bindings {
    wit_bindgen::generate!({
        path: "../../wit",
        inline: "
            package tailmint:gate;

            world gate {
                import wasi:http/outgoing-handler@0.2.0;
                export wasi:http/outgoing-handler@0.2.0;
            }
        ",
        world: "tailmint:gate/gate",
        generate_all,
    });
}

use bindings::{
    exports::wasi::http::outgoing_handler::Guest,
    wasi::http::{
        outgoing_handler,
        types::{
            ErrorCode, FutureIncomingResponse, Method, OutgoingRequest, RequestOptions, Scheme,
        },
    },
};

struct Gate;

#[expect(unsafe_code, reason = "generated: the component's exported symbols")]
mod export {
    use super::{Gate, bindings};

    bindings::export!(Gate with_types_in bindings);
}

impl Guest for Gate {
    fn handle(
        request: OutgoingRequest,
        options: Option<RequestOptions>,
    ) -> Result<FutureIncomingResponse, ErrorCode> {
        if lets_through(&request) {
            outgoing_handler::handle(request, options)
        } else {
            Err(ErrorCode::HttpRequestDenied)
        }
    }
}

fn lets_through(request: &OutgoingRequest) -> bool {
    let method = match request.method() {
        Method::Connect => "CONNECT",
        Method::Delete => "DELETE",
        Method::Get => "GET",
        Method::Head => "HEAD",
        Method::Options => "OPTIONS",
        Method::Patch => "PATCH",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Trace => "TRACE",
        // A runtime may read it otherwise than it is written here.
        Method::Other(_) => return false,
    };
    let authority = request.authority();
    let path_with_query = request.path_with_query();
    allow(Destination {
        method,
        is_https: matches!(request.scheme(), Some(Scheme::Https)),
        authority: authority.as_deref(),
        path_with_query: path_with_query.as_deref(),
    })
    .is_some()
}
