//! The conformance vectors, against the host's own policy, and against the gate
//! alone.

use serde::Deserialize;
use tailmint_hostile::vector;
use tailmint_simulator::{Endpoint, Fault};
use wasmtime::{
    Config, Engine, Store,
    component::{Component, Linker, ResourceTable, Val},
};
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks, WasiHttpView,
};

use crate::hostile::{Cell, component, gated};

/// A request, and what has to become of it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) struct Vector {
    pub(crate) name: String,
    #[serde(rename = "why")]
    _why: String,
    request: Asked,
    content_length: Option<String>,
    answer: Option<Answer>,
    pub(crate) verdict: Verdict,
    pub(crate) by: Vec<By>,
}

#[derive(Deserialize)]
struct Asked {
    method: Option<String>,
    scheme: Option<String>,
    authority: Option<String>,
    path: Option<String>,
}

#[derive(Deserialize)]
struct Answer {
    status: u16,
    location: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Verdict {
    Pass,
    Refuse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum By {
    Gate,
    Host,
}

impl Vector {
    pub(crate) fn all() -> Vec<Self> {
        serde_json::from_str(include_str!("../conformance/vectors.json")).unwrap()
    }

    /// What tells the hostile component to make the request.
    pub(crate) fn id(&self) -> String {
        vector([
            self.request.method.as_deref(),
            self.request.scheme.as_deref(),
            self.request.authority.as_deref(),
            self.request.path.as_deref(),
            self.content_length.as_deref(),
        ])
    }

    pub(crate) fn requests(&self) -> usize {
        match self.verdict {
            Verdict::Pass => 1,
            Verdict::Refuse => 0,
        }
    }
}

#[test]
fn the_host_lets_out_what_the_vectors_pass_and_nothing_else() {
    let cell = Cell::new(component());
    let vectors = Vector::all();
    assert!(vectors.len() >= 44, "{} vectors", vectors.len());
    for vector in vectors {
        assert!(vector.by.contains(&By::Host), "{}", vector.name);
        if let Some(answer) = &vector.answer {
            let fault = Fault::Answer {
                status: answer.status,
                headers: vec![("location".to_owned(), answer.location.clone())],
                body: String::new(),
            };
            cell.world.simulator.misbehave(Endpoint::Any, fault, 1);
        }
        let seen = cell.run(&vector.id());
        let told = &seen.error().message;
        assert_eq!(
            seen.requests.len(),
            vector.requests(),
            "{}: {told}",
            vector.name
        );
    }
}

/// A host that would send anything, and writes down what it was to send.
#[derive(Default)]
struct Anything {
    table: ResourceTable,
    http: WasiHttpCtx,
    reached: Reached,
}

#[derive(Default)]
struct Reached(usize);

type Driver = Box<dyn Future<Output = Result<(), Error>> + Send>;
type Sending = Box<dyn Future<Output = Result<(http::Response<WasiBody>, Driver), Error>> + Send>;

impl WasiHttpHooks for Reached {
    fn send_request(
        &mut self,
        _request: http::Request<WasiBody>,
        _options: Option<RequestOptions>,
        _processed: Box<dyn Future<Output = Result<(), Error>> + Send>,
    ) -> Sending {
        self.0 += 1;
        Box::new(async { Err(Error::ConnectionRefused) })
    }
}

impl WasiHttpView for Anything {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.reached,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

/// Has the component make the request; how many reached the host.
async fn reached(engine: &Engine, component: &Component, id: String) -> usize {
    let mut linker = Linker::<Anything>::new(engine);
    wasmtime_wasi_io::bindings::wasi::io::error::add_to_linker::<_, HasTable>(&mut linker, table)
        .unwrap();
    wasmtime_wasi_io::bindings::wasi::io::poll::add_to_linker::<_, HasTable>(&mut linker, table)
        .unwrap();
    wasmtime_wasi_io::bindings::wasi::io::streams::add_to_linker::<_, HasTable>(&mut linker, table)
        .unwrap();
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(&mut linker).unwrap();
    let mut store = Store::new(engine, Anything::default());
    let instance = linker.instantiate_async(&mut store, component).await;
    let instance = instance.unwrap();
    let interface = instance
        .get_export_index(&mut store, None, "tailmint:api/auth-keys@0.2.0")
        .unwrap();
    let mint = instance.get_export_index(&mut store, Some(&interface), "mint");
    let mint = instance.get_func(&mut store, mint.unwrap()).unwrap();
    let text = |value: &str| Val::String(value.to_owned());
    let record = |members: Vec<(&str, Val)>| {
        let named = members.into_iter().map(|(name, it)| (name.to_owned(), it));
        Val::Record(named.collect())
    };
    let client = record(vec![("id", text(&id)), ("secret", text("secret"))]);
    let arguments = [
        Val::Variant("oauth-client".to_owned(), Some(Box::new(client))),
        text("-"),
        record(vec![
            ("reusable", Val::Bool(true)),
            ("ephemeral", Val::Bool(true)),
            ("preauthorized", Val::Bool(true)),
            ("tags", Val::List(Vec::new())),
            ("expiry-seconds", Val::U32(3600)),
            ("description", Val::Option(None)),
        ]),
    ];
    let mut results = [Val::Bool(false)];
    mint.call_async(&mut store, &arguments, &mut results)
        .await
        .unwrap();
    store.data().reached.0
}

type HasTable = wasmtime::component::HasSelf<ResourceTable>;

fn table(host: &mut Anything) -> &mut ResourceTable {
    &mut host.table
}

#[tokio::test]
async fn the_gate_passes_its_own_in_a_host_that_refuses_nothing() {
    let engine = Engine::new(&Config::new()).unwrap();
    let bare = Component::from_binary(&engine, component()).unwrap();
    let gated = Component::from_binary(&engine, &gated()).unwrap();
    let mut without = 0;
    for vector in Vector::all() {
        if !vector.by.contains(&By::Gate) {
            continue;
        }
        let arrived = reached(&engine, &gated, vector.id()).await;
        assert_eq!(arrived, vector.requests(), "{}", vector.name);
        // What it refuses would have left without it, or the vector shows nothing.
        without += reached(&engine, &bare, vector.id()).await - arrived;
    }
    assert!(without >= 20, "only {without} would have left");
}
