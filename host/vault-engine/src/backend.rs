use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{oneshot, watch},
    time::sleep,
};
use tonic::{Request, Response, Status, async_trait};

use crate::{
    broker::Broker,
    log::{Level, log},
    mount::{self, Api, Failure, LeaseOfKey, Mount, Reply},
    proto::served::{
        self, Empty, HandleExistenceCheckArgs, HandleExistenceCheckReply, HandleRequestArgs,
        HandleRequestReply, InitializeArgs, InitializeReply, InvalidateKeyArgs, LeaseOptions,
        Paths, ProtoError, Secret, SetupArgs, SetupReply, SpecialPathsReply, Timestamp, TypeReply,
        backend_server::Backend,
    },
    tls::Tls,
    vault::Vault,
};

/// What Vault calls: one process serves one mount, so that a crash is one mount's, and so
/// that no credential is in the memory of a process that another mount talks to.
pub(crate) struct Engine {
    tls: Arc<Tls>,
    broker: Arc<Broker>,
    api: Arc<Api>,
    mount: Mutex<Option<Arc<Mount>>>,
    /// How many requests are being worked on.
    busy: watch::Sender<usize>,
}

/// A secrets engine.
const SECRETS: u32 = 1;

const NANOSECONDS: i64 = 1_000_000_000;

/// The kinds of errors, as Vault's SDK numbers them (`plugin/pb/translation.go`).
#[derive(Clone, Copy)]
enum Kind {
    Unknown = 0,
    Coded = 3,
    UnsupportedOperation = 5,
    UnsupportedPath = 6,
}

impl Engine {
    pub(crate) fn new(tls: Arc<Tls>, broker: Arc<Broker>, api: Arc<Api>) -> Self {
        Self {
            tls,
            broker,
            api,
            mount: Mutex::default(),
            busy: watch::Sender::new(0),
        }
    }

    /// Waits until no request is being worked on, and nothing is being undone.
    pub(crate) async fn idle(&self) {
        self.busy.subscribe().wait_for(|busy| *busy == 0).await.ok();
        while self.api.is_working() {
            sleep(Duration::from_millis(10)).await;
        }
    }

    fn mount(&self) -> Result<Arc<Mount>, Status> {
        let mount = self.mount.lock().unwrap_or_else(PoisonError::into_inner);
        let none = || Status::failed_precondition("the mount is not set up");
        mount.clone().ok_or_else(none)
    }

    fn set(&self, mount: Option<Arc<Mount>>) {
        *self.mount.lock().unwrap_or_else(PoisonError::into_inner) = mount;
    }
}

/// One more request is being worked on for as long as this lives.
struct Busy(watch::Sender<usize>);

impl Busy {
    fn begin(all: &watch::Sender<usize>) -> Self {
        all.send_modify(|busy| *busy += 1);
        Self(all.clone())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.send_modify(|busy| *busy -= 1);
    }
}

fn error(kind: Kind, message: &str, code: u16) -> ProtoError {
    ProtoError {
        err_type: kind as u32,
        err_msg: message.to_owned(),
        err_code: code.into(),
    }
}

/// The failure as Vault takes it. Of an operation on a lease every failure is of the first
/// kind: after some of the others Vault never tries again.
fn failed(failure: &Failure, is_of_lease: bool) -> HandleRequestReply {
    let text = failure.text();
    let err = match failure {
        _ if is_of_lease => error(Kind::Unknown, text, 0),
        Failure::Caller(_) => {
            let data = serde_json::json!({ "error": text }).to_string();
            return responded(served::Response {
                data,
                ..served::Response::default()
            });
        }
        Failure::Status(status, _) => error(Kind::Coded, text, *status),
        Failure::Internal(_) => error(Kind::Unknown, text, 0),
        Failure::NoPath => error(Kind::UnsupportedPath, text, 0),
        Failure::NoOperation => error(Kind::UnsupportedOperation, text, 0),
    };
    HandleRequestReply {
        response: None,
        err: Some(err),
    }
}

fn responded(response: served::Response) -> HandleRequestReply {
    HandleRequestReply {
        response: Some(response),
        err: None,
    }
}

fn is_of_lease(operation: &str) -> bool {
    matches!(operation, "revoke" | "renew" | "rollback")
}

/// The key for Vault, and what would revoke it where nobody takes it.
fn with_key(key: LeaseOfKey) -> (served::Response, mount::Fresh) {
    let LeaseOfKey {
        data,
        internal_data,
        ttl,
        max_ttl,
        issued,
        fresh,
    } = key;
    let options = LeaseOptions {
        ttl: ttl * NANOSECONDS,
        max_ttl: max_ttl * NANOSECONDS,
        renewable: ttl < max_ttl,
        increment: 0,
        // Without it Vault rejects the whole response.
        issue_time: Some(Timestamp {
            seconds: issued,
            nanos: 0,
        }),
    };
    let response = served::Response {
        secret: Some(Secret {
            lease_options: Some(options),
            internal_data,
            lease_id: String::new(),
        }),
        data: data.to_string(),
        warnings: Vec::new(),
    };
    (response, fresh)
}

/// The same lease for longer. Without data, Vault forgets the key that it stored with it.
fn renewed(secret: Option<Secret>, ttl: i64) -> served::Response {
    let secret = secret.map(|mut secret| {
        if let Some(options) = &mut secret.lease_options {
            options.ttl = ttl * NANOSECONDS;
        }
        secret
    });
    served::Response {
        secret,
        data: "null".to_owned(),
        warnings: Vec::new(),
    }
}

fn request_of(request: &mut served::Request) -> mount::Request {
    let lease = request.secret.as_ref().map(|secret| {
        let options = secret.lease_options.as_ref();
        let issued = options.and_then(|it| it.issue_time.as_ref());
        mount::OfLease {
            internal_data: secret.internal_data.clone(),
            issued: issued.map_or(0, |it| it.seconds),
            increment: options.map_or(0, |it| it.increment) / NANOSECONDS,
        }
    });
    mount::Request {
        id: std::mem::take(&mut request.id),
        operation: std::mem::take(&mut request.operation),
        path: std::mem::take(&mut request.path),
        data: std::mem::take(&mut request.data),
        lease,
    }
}

#[async_trait]
impl Backend for Engine {
    async fn handle_request(
        &self,
        request: Request<HandleRequestArgs>,
    ) -> Result<Response<HandleRequestReply>, Status> {
        let mut asked = request.into_inner().request.unwrap_or_default();
        let request = request_of(&mut asked);
        let is_of_lease = is_of_lease(&request.operation);
        let mount = self.mount()?;
        let busy = Busy::begin(&self.busy);
        // A client that hangs up has this dropped wherever it waits. So the work is a task of
        // its own, and what nobody takes of it is undone.
        let (give, take) = oneshot::channel();
        tokio::spawn(async move {
            let result = mount.handle(&request).await;
            if let Err(failure) = &result {
                let at = format!("{} {}", request.operation, request.path);
                log(
                    Level::Info,
                    &format!("{at}: {}; request {}", failure.text(), request.id),
                );
            }
            drop(give.send(result));
            drop(busy);
        });
        let result = take.await;
        let result =
            result.map_err(|_| Status::internal("the engine stopped in an unforeseen way"))?;
        let reply = match result {
            Err(failure) => failed(&failure, is_of_lease),
            Ok(Reply::Nothing) => HandleRequestReply::default(),
            Ok(Reply::Data { data, warnings }) => responded(served::Response {
                secret: None,
                data: data.to_string(),
                warnings,
            }),
            Ok(Reply::Renewed { ttl }) => responded(renewed(asked.secret.take(), ttl)),
            Ok(Reply::Key(key)) => {
                let (response, fresh) = with_key(*key);
                match fresh.take().await {
                    Ok(()) => responded(response),
                    Err(failure) => failed(&failure, is_of_lease),
                }
            }
        };
        Ok(Response::new(reply))
    }

    async fn special_paths(
        &self,
        _request: Request<Empty>,
    ) -> Result<Response<SpecialPathsReply>, Status> {
        let owned = |path: &str| vec![path.to_owned()];
        let paths = Paths {
            root: owned("config/rotate-root"),
            unauthenticated: Vec::new(),
            local_storage: owned("wal/"),
            seal_wrap_storage: owned("config"),
        };
        Ok(Response::new(SpecialPathsReply { paths: Some(paths) }))
    }

    async fn handle_existence_check(
        &self,
        request: Request<HandleExistenceCheckArgs>,
    ) -> Result<Response<HandleExistenceCheckReply>, Status> {
        let asked = request.into_inner().request.unwrap_or_default();
        let reply = match self.mount()?.exists(&asked.path).await {
            Ok(None) => HandleExistenceCheckReply::default(),
            Ok(Some(exists)) => HandleExistenceCheckReply {
                check_found: true,
                exists,
                err: None,
            },
            Err(failure) => HandleExistenceCheckReply {
                err: Some(error(Kind::Unknown, failure.text(), 0)),
                ..HandleExistenceCheckReply::default()
            },
        };
        Ok(Response::new(reply))
    }

    async fn cleanup(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.set(None);
        Ok(Response::new(Empty {}))
    }

    async fn invalidate_key(
        &self,
        _request: Request<InvalidateKeyArgs>,
    ) -> Result<Response<Empty>, Status> {
        // Nothing that is stored is kept in memory.
        Ok(Response::new(Empty {}))
    }

    async fn setup(&self, request: Request<SetupArgs>) -> Result<Response<SetupReply>, Status> {
        let id = request.into_inner().broker_id;
        let reply = match self.broker.dial(id, &self.tls).await {
            Ok(connection) => {
                let mount = Mount::new(Vault::new(connection), Arc::clone(&self.api));
                self.set(Some(Arc::new(mount)));
                SetupReply::default()
            }
            Err(err) => SetupReply { err },
        };
        Ok(Response::new(reply))
    }

    async fn initialize(
        &self,
        _request: Request<InitializeArgs>,
    ) -> Result<Response<InitializeReply>, Status> {
        Ok(Response::new(InitializeReply::default()))
    }

    async fn r#type(&self, _request: Request<Empty>) -> Result<Response<TypeReply>, Status> {
        Ok(Response::new(TypeReply { r#type: SECRETS }))
    }
}
