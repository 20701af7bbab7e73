//! The life of the process: the handshake, one connection, and its end.

use std::{
    convert::Infallible, error::Error, io, io::Write, os::unix::ffi::OsStrExt,
    panic::PanicHookInfo, path::PathBuf, process::ExitCode, sync::Arc, time::Duration,
};

use clap::Parser;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tailmint::{Class, Interrupt};
use tailmint_api::without_keys;
use tailmint_core::Environment;
use tailmint_operator::environment_of_process;
use tempfile::TempDir;
use tokio::{
    net::{UnixListener, UnixStream},
    signal::unix::{SignalKind, signal},
    sync::Notify,
    time::{sleep, timeout},
};
use tokio_rustls::TlsAcceptor;
use tonic::{Status, body::Body, codegen::Service};

use crate::{
    arguments::Arguments,
    backend::Engine,
    broker::Broker,
    handshake::{Handshake, NoHandshake},
    log::{Level, log},
    mount::Api,
    plugin::Plugin,
    proto::{
        health::health_server::HealthServer,
        logical::plugin_version_server::PluginVersionServer,
        multiplexing::plugin_multiplexing_server::PluginMultiplexingServer,
        plugin::{
            grpc_broker_server::GrpcBrokerServer, grpc_controller_server::GrpcControllerServer,
            grpc_stdio_server::GrpcStdioServer,
        },
        served::backend_server::BackendServer,
    },
    tls::Tls,
};

pub(crate) fn main() -> ExitCode {
    leave_no_core();
    std::panic::set_hook(Box::new(panicked));
    #[cfg(feature = "failpoints")]
    let _scenario = fail::FailScenario::setup();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return usage(&error),
    };
    let environment = environment_of_process();
    let handshake = match Handshake::read(&environment) {
        Ok(handshake) => handshake,
        Err(no) => return explain(&no),
    };
    match serve(arguments, environment, &handshake) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            log(Level::Error, &format!("the engine ends: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// A core dump would have secrets in it.
fn leave_no_core() {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        set_dumpable_behavior(DumpableBehavior::NotDumpable).ok();
    }
}

/// A panic is one request's: what it says goes into the log as anything else does.
fn panicked(panic: &PanicHookInfo<'_>) {
    let said = panic.payload_as_str().unwrap_or("no reason is given");
    let at = panic.location().map(ToString::to_string);
    let at = at.unwrap_or_default();
    log(Level::Error, &format!("a panic at {at}: {said}"));
}

/// What clap has to say: help, or what is wrong with the options. A secret among them is not
/// repeated.
#[expect(clippy::disallowed_methods, reason = "keys are left out of the words")]
fn usage(error: &clap::Error) -> ExitCode {
    let text = without_keys(&error.to_string());
    if error.use_stderr() {
        let _ = write!(io::stderr(), "{text}");
        return ExitCode::from(Class::Usage.exit_status());
    }
    let _ = write!(io::stdout(), "{text}");
    ExitCode::SUCCESS
}

/// For people: Vault has the variable that says that it started this.
fn explain(no: &NoHandshake) -> ExitCode {
    let text = match no {
        NoHandshake::NotVault => {
            "error: this is a plugin of Vault, which starts it\n\
             hint: put it into Vault's plugin_directory, then: vault plugin register; see --help"
        }
        NoHandshake::Protocol(_) => {
            "error: this Vault does not speak version 5 of the protocol for plugins\n\
             hint: Vault 1.12 and later do"
        }
        NoHandshake::NoCertificate => {
            "error: this Vault gave no certificate for the connection\n\
             hint: Vault 1.12 and later do"
        }
    };
    #[expect(
        clippy::disallowed_methods,
        reason = "the words are this program's own"
    )]
    let _ = writeln!(io::stderr(), "{text}");
    ExitCode::FAILURE
}

/// Threads that work on requests. One that waits for the disk or for a lock is replaced for
/// that long.
const THREADS: usize = 2;

fn serve(
    arguments: Arguments,
    environment: Environment,
    handshake: &Handshake,
) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()?;
    let done = runtime.block_on(connected(arguments, environment, handshake));
    // What still waits for something is not waited for.
    runtime.shutdown_background();
    done
}

/// The directory of the socket, which nobody else can enter.
enum Directory {
    Own(TempDir),
    /// For plugins in containers Vault has one.
    Given(PathBuf),
}

impl Directory {
    fn find(environment: &Environment) -> Result<Self, Box<dyn Error>> {
        if let Some(given) = environment.get("PLUGIN_UNIX_SOCKET_DIR") {
            return Ok(Self::Given(given.into()));
        }
        let own = tempfile::Builder::new().prefix("tailmint-").tempdir()?;
        Ok(Self::Own(own))
    }

    fn socket(&self) -> Result<PathBuf, String> {
        let socket = match self {
            Self::Own(own) => own.path().join("socket"),
            Self::Given(given) => given.join("tailmint.socket"),
        };
        let bytes = socket.as_os_str().as_bytes();
        if bytes.iter().any(|byte| b"|\n".contains(byte)) {
            return Err("the path of the socket has a | or a line end in it".to_owned());
        }
        Ok(socket)
    }
}

async fn connected(
    arguments: Arguments,
    environment: Environment,
    handshake: &Handshake,
) -> Result<(), Box<dyn Error>> {
    // Ctrl-C goes to all processes of a terminal: Vault decides what becomes of this one.
    let _ignored = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    let tls = Arc::new(Tls::with_peer(&handshake.certificate)?);
    let directory = Directory::find(&environment)?;
    let socket = directory.socket()?;
    let listener = UnixListener::bind(&socket)?;
    let line = Handshake::line(&socket, &tls.certificate);
    #[expect(clippy::disallowed_methods, reason = "Vault reads the line there")]
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}")?;
    stdout.flush()?;
    drop(stdout);

    let interrupt = Interrupt::default();
    let api = Arc::new(Api::new(arguments, environment, interrupt.clone()));
    let broker = Arc::new(Broker::default());
    let ended = Arc::new(Notify::new());
    let engine = Arc::new(Engine::new(Arc::clone(&tls), Arc::clone(&broker), api));
    let plugin = Arc::new(Plugin {
        broker,
        ended: Arc::clone(&ended),
    });
    let stream = tokio::select! {
        accepted = first_connection(&listener) => accepted?,
        _ = terminated.recv() => return Ok(()),
    };
    // Vault connects once. What is gone now is not left behind by a SIGKILL.
    drop(listener);
    std::fs::remove_file(&socket).ok();
    drop(directory);
    let services = Services::new(&engine, &plugin);
    let mut serving = tokio::spawn(async move { serve_vault(stream, &tls, services).await });
    let served = tokio::select! {
        served = &mut serving => Some(served),
        () = ended.notified() => None,
        _ = terminated.recv() => None,
    };
    // What is being minted is revoked, and the last responses go out.
    interrupt.raise();
    if served.is_none() {
        timeout(LAST_WORK, engine.idle()).await.ok();
        sleep(LAST_WORDS).await;
    }
    if served.is_some() || serving.is_finished() {
        timeout(UNHURRIED, engine.idle()).await.ok();
    }
    match served {
        Some(served) => match served? {
            Ok(()) => Ok(()),
            Err(error) => Err(error as Box<dyn Error>),
        },
        None => Ok(()),
    }
}

/// Vault, which started this process, connects at once. Where it was killed before it did, it
/// never does.
const FIRST_CONNECTION: Duration = Duration::from_mins(1);

async fn first_connection(listener: &UnixListener) -> io::Result<UnixStream> {
    let accepted = timeout(FIRST_CONNECTION, listener.accept()).await;
    let accepted = accepted.map_err(|_| {
        let limit = FIRST_CONNECTION.as_secs();
        io::Error::other(format!("Vault did not connect within {limit} s"))
    })?;
    Ok(accepted?.0)
}

/// Vault kills a plugin that has not ended after 2 seconds.
const LAST_WORK: Duration = Duration::from_millis(1500);

/// Where Vault is gone, nobody kills it: as long as a call takes, with what it revokes.
const UNHURRIED: Duration = Duration::from_mins(1);

/// The last responses are on their way for no longer.
const LAST_WORDS: Duration = Duration::from_millis(50);

/// All services, by the names that Vault calls them by.
#[derive(Clone)]
struct Services {
    backend: BackendServer<Engine>,
    broker: GrpcBrokerServer<Plugin>,
    controller: GrpcControllerServer<Plugin>,
    health: HealthServer<Plugin>,
    multiplexing: PluginMultiplexingServer<Plugin>,
    stdio: GrpcStdioServer<Plugin>,
    version: PluginVersionServer<Plugin>,
}

/// Vault takes no request that is longer (`max_request_size`), and sends it as JSON.
const MAX_MESSAGE_BYTES: usize = 64 * 1024 * 1024;

type HttpRequest = http::Request<hyper::body::Incoming>;

impl Services {
    fn new(engine: &Arc<Engine>, plugin: &Arc<Plugin>) -> Self {
        let plugin = || Arc::clone(plugin);
        Self {
            backend: BackendServer::from_arc(Arc::clone(engine))
                .max_decoding_message_size(MAX_MESSAGE_BYTES),
            broker: GrpcBrokerServer::from_arc(plugin()),
            controller: GrpcControllerServer::from_arc(plugin()),
            health: HealthServer::from_arc(plugin()),
            multiplexing: PluginMultiplexingServer::from_arc(plugin()),
            stdio: GrpcStdioServer::from_arc(plugin()),
            version: PluginVersionServer::from_arc(plugin()),
        }
    }

    async fn call(&mut self, request: HttpRequest) -> Result<http::Response<Body>, Infallible> {
        let service = request.uri().path().trim_start_matches('/');
        match service.split('/').next().unwrap_or_default() {
            "pb.Backend" => self.backend.call(request).await,
            "plugin.GRPCBroker" => self.broker.call(request).await,
            "plugin.GRPCController" => self.controller.call(request).await,
            "plugin.GRPCStdio" => self.stdio.call(request).await,
            "grpc.health.v1.Health" => self.health.call(request).await,
            "logical.PluginVersion" => self.version.call(request).await,
            "pluginutil.multiplexing.PluginMultiplexing" => self.multiplexing.call(request).await,
            _ => Ok(Status::unimplemented("there is no such service").into_http()),
        }
    }
}

/// Serves Vault's one connection, until it ends.
async fn serve_vault(
    stream: UnixStream,
    tls: &Tls,
    services: Services,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let stream = TlsAcceptor::from(tls.server.clone()).accept(stream).await?;
    let service = hyper::service::service_fn(move |request| {
        let mut services = services.clone();
        async move { services.call(request).await }
    });
    hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(stream), service)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_vault_that_never_connects_is_not_waited_for_for_ever() {
        let directory = tempfile::tempdir().unwrap();
        let socket = directory.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let begun = tokio::time::Instant::now();
        let none = first_connection(&listener).await.unwrap_err();
        assert_eq!(none.to_string(), "Vault did not connect within 60 s");
        assert_eq!(begun.elapsed().as_secs(), 60);
        let (connected, accepted) =
            tokio::join!(UnixStream::connect(&socket), first_connection(&listener));
        assert!(connected.is_ok() && accepted.is_ok());
    }
}
