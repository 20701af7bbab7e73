//! Stands in for Vault, as one mount sees it: its storage, and whether it is being disabled.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    future::{Ready, ready},
    sync::{Arc, Mutex, MutexGuard},
};

use http::Request;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tonic::{
    Response, Status,
    body::Body,
    server::{Grpc, UnaryService},
};
use tonic_prost::ProstCodec;

use crate::{
    connection::Connection,
    proto::called::{
        Empty, StorageDeleteArgs, StorageDeleteReply, StorageEntry, StorageGetArgs,
        StorageGetReply, StorageListArgs, StorageListReply, StoragePutArgs, StoragePutReply,
        TaintedReply,
    },
    vault::Vault,
};

/// A Vault of one mount. Clones are the same.
#[derive(Clone, Default)]
pub(crate) struct StandIn(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    entries: BTreeMap<String, Vec<u8>>,
    is_tainted: bool,
    put_fault: Option<PutFault>,
}

/// The next entry that is put below the prefix is one that Vault reports as failed.
struct PutFault {
    prefix: &'static str,
    is_stored: bool,
}

impl StandIn {
    /// Speaks Vault's protocol over a pipe.
    pub(crate) async fn vault(&self) -> Vault {
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let state = self.clone();
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let state = state.clone();
                async move { Ok::<_, Infallible>(state.call(request).await) }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            server.serve_connection(TokioIo::new(theirs), service).await
        });
        Vault::new(Connection::over(ours).await.unwrap())
    }

    /// The mount is being disabled from now on.
    pub(crate) fn taint(&self) {
        self.lock().is_tainted = true;
    }

    /// The next put below this prefix fails, whether or not the entry is stored.
    pub(crate) fn fail_put(&self, prefix: &'static str, is_stored: bool) {
        self.lock().put_fault = Some(PutFault { prefix, is_stored });
    }

    /// The names of the entries below this prefix, without it.
    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        let state = self.lock();
        let names = state.entries.keys();
        names
            .filter_map(|name| Some(name.strip_prefix(prefix)?.to_owned()))
            .collect()
    }

    /// Changes each entry below this prefix, as text.
    pub(crate) fn change(&self, prefix: &str, change: impl Fn(&str) -> String) {
        for (name, value) in &mut self.lock().entries {
            if name.starts_with(prefix) {
                *value = change(str::from_utf8(value).unwrap()).into_bytes();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap()
    }

    async fn call(&self, request: Request<Incoming>) -> http::Response<Body> {
        match request.uri().path() {
            "/pb.Storage/Get" => respond(request, |asked| self.get(asked)).await,
            "/pb.Storage/Put" => respond(request, |asked| self.put(asked)).await,
            "/pb.Storage/Delete" => respond(request, |asked| self.delete(asked)).await,
            "/pb.Storage/List" => respond(request, |asked| self.list(asked)).await,
            "/pb.SystemView/Tainted" => respond(request, |_: &Empty| self.tainted()).await,
            other => panic!("{other} is not stood in for"),
        }
    }

    fn get(&self, asked: &StorageGetArgs) -> StorageGetReply {
        let value = self.lock().entries.get(&asked.key).cloned();
        let entry = value.map(|value| StorageEntry {
            key: asked.key.clone(),
            value,
            seal_wrap: false,
        });
        StorageGetReply {
            entry,
            err: String::new(),
        }
    }

    fn put(&self, asked: &StoragePutArgs) -> StoragePutReply {
        let mut state = self.lock();
        let entry = asked.entry.clone().unwrap();
        let is_faulty = |fault: &mut PutFault| entry.key.starts_with(fault.prefix);
        let fault = state.put_fault.take_if(is_faulty);
        if fault.as_ref().is_none_or(|fault| fault.is_stored) {
            state.entries.insert(entry.key, entry.value);
        }
        let err = fault.map_or("", |_| "leadership lost while committing log");
        StoragePutReply {
            err: err.to_owned(),
        }
    }

    fn delete(&self, asked: &StorageDeleteArgs) -> StorageDeleteReply {
        self.lock().entries.remove(&asked.key);
        StorageDeleteReply { err: String::new() }
    }

    fn list(&self, asked: &StorageListArgs) -> StorageListReply {
        StorageListReply {
            keys: self.names(&asked.prefix),
            err: String::new(),
        }
    }

    fn tainted(&self) -> TaintedReply {
        TaintedReply {
            tainted: self.lock().is_tainted,
        }
    }
}

async fn respond<A, R>(request: Request<Incoming>, act: impl Fn(&A) -> R) -> http::Response<Body>
where
    A: prost::Message + Default + 'static,
    R: prost::Message + 'static,
{
    let mut grpc = Grpc::new(ProstCodec::<R, A>::default());
    grpc.unary(Act(act), request).await
}

/// A call, as tonic takes it.
struct Act<F>(F);

impl<A, R: prost::Message, F: Fn(&A) -> R> UnaryService<A> for Act<F> {
    type Response = R;
    type Future = Ready<Result<Response<R>, Status>>;

    fn call(&mut self, request: tonic::Request<A>) -> Self::Future {
        ready(Ok(Response::new(self.0(request.get_ref()))))
    }
}
