//! What go-plugin and Vault ask of every plugin.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio_stream::Pending;
use tonic::{Request, Response, Status, Streaming, async_trait};

use crate::{
    broker::Broker,
    proto::{
        health::{
            HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus,
            health_server::Health,
        },
        logical::{self, VersionReply, plugin_version_server::PluginVersion},
        multiplexing::{
            MultiplexingSupportRequest, MultiplexingSupportResponse,
            plugin_multiplexing_server::PluginMultiplexing,
        },
        plugin::{
            ConnInfo, Empty, StdioData, grpc_broker_server::GrpcBroker,
            grpc_controller_server::GrpcController, grpc_stdio_server::GrpcStdio,
        },
    },
};

/// This program as a plugin.
pub(crate) struct Plugin {
    pub(crate) broker: Arc<Broker>,
    /// Vault wants this program to end, or is gone itself.
    pub(crate) ended: Arc<Notify>,
}

/// A stream that stays open, and silent.
type Silent<T> = Pending<Result<T, Status>>;

#[async_trait]
impl GrpcBroker for Plugin {
    type StartStreamStream = Silent<ConnInfo>;

    async fn start_stream(
        &self,
        request: Request<Streaming<ConnInfo>>,
    ) -> Result<Response<Self::StartStreamStream>, Status> {
        let (broker, ended) = (Arc::clone(&self.broker), Arc::clone(&self.ended));
        let mut offers = request.into_inner();
        tokio::spawn(async move {
            while let Ok(Some(offer)) = offers.message().await {
                broker.offer(offer);
            }
            // It lives as long as Vault does, which may end without a word.
            ended.notify_one();
        });
        Ok(Response::new(tokio_stream::pending()))
    }
}

#[async_trait]
impl GrpcController for Plugin {
    async fn shutdown(&self, _request: Request<Empty>) -> Result<Response<Empty>, Status> {
        self.ended.notify_one();
        Ok(Response::new(Empty {}))
    }
}

#[async_trait]
impl GrpcStdio for Plugin {
    type StreamStdioStream = Silent<StdioData>;

    async fn stream_stdio(
        &self,
        _request: Request<Empty>,
    ) -> Result<Response<Self::StreamStdioStream>, Status> {
        Ok(Response::new(tokio_stream::pending()))
    }
}

#[async_trait]
impl Health for Plugin {
    async fn check(
        &self,
        _request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        Ok(Response::new(HealthCheckResponse {
            status: ServingStatus::Serving.into(),
        }))
    }
}

#[async_trait]
impl PluginVersion for Plugin {
    async fn version(
        &self,
        _request: Request<logical::Empty>,
    ) -> Result<Response<VersionReply>, Status> {
        let version = env!("CARGO_PKG_VERSION");
        Ok(Response::new(VersionReply {
            plugin_version: format!("v{version}"),
        }))
    }
}

#[async_trait]
impl PluginMultiplexing for Plugin {
    async fn multiplexing_support(
        &self,
        _request: Request<MultiplexingSupportRequest>,
    ) -> Result<Response<MultiplexingSupportResponse>, Status> {
        Ok(Response::new(MultiplexingSupportResponse {
            supported: false,
        }))
    }
}
