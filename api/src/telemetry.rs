//! Logs and traces. They hold methods, route patterns, codes and ids; never a query string, a
//! body, an address or a person's words.

use std::io::IsTerminal;

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::WithExportConfig;
use opentelemetry_sdk::{Resource, trace::SdkTracerProvider};
use tracing::{Span, field::Empty};
use tracing_actix_web::{RequestId, RootSpanBuilder};
use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::config::{LogFormat, Telemetry};

/// Why logs or traces cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The filter cannot be read.
    #[error("配置项 telemetry.log_filter 不对：{0}")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    /// The exporter cannot be built.
    #[error("配置项 telemetry.otlp_endpoint 不对：{0}")]
    Exporter(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Something else is logging already.
    #[error("日志已经启动过：{0}")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Keeps the exporter alive; dropping it sends what is left.
#[derive(Debug, Default)]
#[must_use]
pub struct Guard(Option<SdkTracerProvider>);

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(provider) = &self.0
            && let Err(error) = provider.shutdown()
        {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Starts logging to standard error, and sending traces when an address is configured.
///
/// # Errors
/// The filter or the address cannot be used, or it was started before.
pub fn start(telemetry: &Telemetry) -> Result<Guard, Failure> {
    let filter = EnvFilter::try_new(&telemetry.log_filter)?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let lines = match telemetry.log_format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    let provider = match telemetry.otlp_endpoint.as_str() {
        "" => None,
        endpoint => Some(provider(endpoint)?),
    };
    let traces = provider
        .as_ref()
        .map(|provider| tracing_opentelemetry::layer().with_tracer(provider.tracer("zhixiang")));
    tracing_subscriber::registry().with(filter).with(lines).with(traces).try_init()?;
    Ok(Guard(provider))
}

/// The batches are sent from a plain thread of the SDK, which has no async runtime: the exporter
/// needs the blocking client (`reqwest-client` panics there).
fn provider(endpoint: &str) -> Result<SdkTracerProvider, Failure> {
    let exporter =
        opentelemetry_otlp::SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
    let resource = Resource::builder().with_service_name("zhixiang").build();
    Ok(SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build())
}

/// The span around a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestSpan;

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        let id = request.extensions().get::<RequestId>().map(ToString::to_string);
        tracing::info_span!(
            "request",
            request_id = id.unwrap_or_default(),
            otel.name = Empty,
            otel.kind = "server",
            otel.status_code = Empty,
            http.response.status_code = Empty,
        )
    }

    fn on_request_end<B: MessageBody>(span: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let status = match outcome {
            Ok(response) => {
                let request = response.request();
                let route = request.match_pattern().unwrap_or_else(|| "unmatched".to_owned());
                span.record("otel.name", format!("{} {route}", request.method()));
                response.status()
            }
            Err(error) => error.as_response_error().status_code(),
        };
        span.record("http.response.status_code", status.as_u16());
        span.record("otel.status_code", if status.is_server_error() { "ERROR" } else { "OK" });
    }
}
