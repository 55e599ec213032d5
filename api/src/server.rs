//! The HTTP server: the state it works on, the application, and a clean end.

use std::{any::Any, net::TcpListener, sync::Arc, time::Duration};

use actix_cors::Cors;
use actix_web::{
    App, HttpServer,
    dev::Server,
    http::{Method, header},
    middleware::{Compress, from_fn},
};
use domain::calendar::WorkingCalendar;
use infra::{
    crypto::BadKey,
    oidc::Oidc,
    password::Passwords,
    redis::Redis,
    sms::Sms,
    wechat::{
        Credentials, WeChat,
        callback::{BadKey as BadPushKey, Callback},
    },
};
use socket2::SockRef;
use sqlx::{ConnectOptions, Connection};
use tokio::net::TcpStream;
use tracing_actix_web::TracingLogger;

use crate::{
    app::{calendar, live, privacy::rekey},
    calendars::Calendars,
    clock::{Clock, Steadiness},
    config::Config,
    http::{envelope, operations},
    state::State,
    streams::Streams,
    telemetry::RequestSpan,
    token::Tokens,
};

/// How long requests in flight may take to finish when the server stops, in seconds.
const GRACE: u64 = 15;

/// Why the program cannot start, for whoever starts it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// `database.url` is no URL.
    #[error("配置项 database.url 不对：{0}\n应为 postgres://用户:密码@主机:端口/库名")]
    DatabaseUrl(sqlx::Error),
    /// `redis.url` is no URL.
    #[error("配置项 redis.url 不对：{0}\n应为 redis://主机:端口/库号")]
    RedisUrl(redis::RedisError),
    /// The data key cannot be used.
    #[error(transparent)]
    Key(#[from] BadKey),
    /// The key of WeChat's pushes cannot be used.
    #[error("配置项 wechat.encoding_aes_key 不对：{0}")]
    PushKey(#[from] BadPushKey),
    /// The file store cannot be used.
    #[error("配置项 files 不对：{0}")]
    Files(#[from] infra::storage::Unusable),
    /// A client for WeChat, for text messages or for the directory cannot be made.
    #[error("本机的 TLS 组件不可用：{0}")]
    WeChat(String),
    /// The endpoint of text messages is no URL.
    #[error("配置项 sms.endpoint 不对：{0}")]
    Sms(String),
    /// The address is taken or not ours.
    #[error("无法监听 {address}：{why}\n{}", advice(.why))]
    Listen {
        /// The address.
        address: String,
        /// What the system says.
        why: std::io::Error,
    },
    /// The database does not answer.
    #[error(
        "连不上数据库：{0}\n请检查 PostgreSQL 是否在运行，以及配置项 database.url（环境变量 ZHIXIANG__DATABASE__URL）"
    )]
    Database(sqlx::Error),
    /// What is stored was indexed by other keys or algorithms than are configured.
    #[error(
        "数据库里的盲索引（{0}）与配置的密钥或算法不符：现在启动会找不到已有的人，登录会建出新账号\n\
         请检查 security.data_key、security.index_key 和 security.algorithms；确实要更换的，先停下全部进程，\
         再执行 zhixiang admin rekey --indexes"
    )]
    StrangeIndexes(String),
    /// The server broke down.
    #[error("服务异常退出：{0}")]
    Server(#[from] std::io::Error),
}

fn advice(why: &std::io::Error) -> &'static str {
    match why.kind() {
        std::io::ErrorKind::AddrInUse => {
            "端口已被占用：请停掉占用它的程序，或用 ZHIXIANG__HTTP__PORT 换一个端口"
        }
        std::io::ErrorKind::PermissionDenied => {
            "没有权限：1024 以下的端口需要管理员权限，请换一个端口"
        }
        _ => "请检查 http.host 与 http.port",
    }
}

impl State {
    /// Puts together what the configuration says. Nothing is connected yet: a database or Redis
    /// that is away for the moment does not stop the start. Call it inside the async runtime.
    ///
    /// # Errors
    /// A URL or a key cannot be used.
    pub fn build(config: Config, clock: Clock) -> Result<Self, Failure> {
        let db = infra::postgres::pool(config.database.url.expose(), config.database.connections)
            .map_err(Failure::DatabaseUrl)?;
        let redis = Redis::new(config.redis.url.expose(), &config.redis.prefix)
            .map_err(Failure::RedisUrl)?;
        let credentials = Credentials {
            app_id: config.wechat.app_id.clone(),
            app_secret: config.wechat.app_secret.expose().to_owned(),
        };
        let crypto = Arc::new(config.security.crypto()?);
        let wechat = WeChat::new(
            &config.wechat.base_url,
            credentials,
            config.wechat.settings(),
            redis.clone(),
            crypto.clone(),
        )
        .map_err(|why| Failure::WeChat(why.to_string()))?;
        let provider = config.sms.provider().map_err(Failure::Sms)?;
        let signing = clock.clone();
        let sms = Sms::new(provider, config.sms.settings(), Arc::new(move || signing.now()))
            .map_err(|why| Failure::WeChat(why.to_string()))?;
        let oidc = config.oidc.settings().map(Oidc::new).transpose();
        let oidc = oidc.map_err(|why| Failure::WeChat(why.to_string()))?;
        let callback = Callback::new(
            config.wechat.push_token.expose(),
            config.wechat.encoding_aes_key.expose(),
            &config.wechat.app_id,
        )?;
        Ok(Self {
            db,
            redis,
            steadiness: Steadiness::new(&clock),
            clock,
            crypto,
            passwords: Arc::new(Passwords::new(config.security.algorithms)),
            tokens: Arc::new(Tokens::new(&config.security)),
            calendars: Calendars::new(WorkingCalendar::embedded()),
            rules: Arc::new(config.sla),
            wechat,
            sms,
            oidc,
            callback: Arc::new(callback),
            streams: Streams::default(),
            files: config.files.open()?,
            config: Arc::new(config),
        })
    }

    /// Asks whether the database answers.
    ///
    /// # Errors
    /// It does not; the sentence says what to check.
    pub async fn reach_database(&self) -> Result<(), Failure> {
        // Not through the pool: it would only say that it waited in vain.
        let options = self.db.connect_options();
        let patience = Duration::from_secs(5);
        match tokio::time::timeout(patience, options.connect()).await {
            Ok(Ok(connection)) => {
                let _ = connection.close().await;
                Ok(())
            }
            Ok(Err(why)) => Err(Failure::Database(why)),
            Err(_) => Err(Failure::Database(sqlx::Error::PoolTimedOut)),
        }
    }
}

impl State {
    /// Asks whether the database answers, and whether the configured keys are the ones it was
    /// indexed by. A database that is away does not stop the start; wrong keys do.
    ///
    /// # Errors
    /// [`Failure::StrangeIndexes`].
    pub async fn ready_to_start(&self) -> Result<(), Failure> {
        if let Err(away) = self.reach_database().await {
            tracing::warn!("{away}");
            return Ok(());
        }
        match rekey::strange(self).await {
            Ok(strange) if strange.is_empty() => Ok(()),
            Ok(strange) => Err(Failure::StrangeIndexes(strange.join("、"))),
            Err(error) => {
                // An older schema says so in `readyz`.
                tracing::warn!(?error, "the keys could not be compared with the database");
                Ok(())
            }
        }
    }
}

/// Ready when the process is told to stop: SIGTERM, or Ctrl-C.
pub async fn stop_signal() {
    let interrupt = tokio::signal::ctrl_c();
    match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(mut terminate) => {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
        }
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be heard");
            // A failure to hear Ctrl-C is a stop as well.
            let _ = interrupt.await;
        }
    }
}

/// Takes the configured address.
///
/// # Errors
/// It is taken, or not ours.
pub fn listen(config: &Config) -> Result<TcpListener, Failure> {
    let address = format!("{}:{}", config.http.host, config.http.port);
    TcpListener::bind(&address).map_err(|why| Failure::Listen { address, why })
}

/// Serves until SIGTERM or Ctrl-C, then lets the requests in flight finish.
///
/// # Errors
/// The configuration cannot be used, the address is taken, or the server breaks down.
pub async fn serve(config: Config, clock: Clock) -> Result<(), Failure> {
    let listener = listen(&config)?;
    let state = State::build(config, clock)?;
    state.ready_to_start().await?;
    let db = state.db.clone();
    tracing::info!(address = %listener.local_addr()?, mode = ?state.config.mode, "serving");
    let streams = state.streams.clone();
    let server = spawn(state, listener)?;
    // A stream never finishes by itself; it would hold up the end for the whole of `GRACE`.
    tokio::spawn(async move {
        stop_signal().await;
        streams.close();
    });
    server.await?;
    db.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Runs the application on a listener, as `serve` and the tests do. The server is to be awaited;
/// its `handle` stops it.
///
/// # Errors
/// The listener cannot be used.
pub fn spawn(state: State, listener: TcpListener) -> Result<Server, Failure> {
    operations::collect();
    tokio::spawn(calendar::keep_following(state.clone()));
    tokio::spawn(live::keep_reading(state.clone()));
    let workers = state.config.http.workers;
    let patience = Duration::from_secs(state.config.http.send_seconds.into());
    let server = HttpServer::new(move || {
        let served = state.clone();
        App::new()
            .configure(move |services| crate::http::configure(services, &served))
            .wrap(cors(&state.config.http.allowed_origins))
            .wrap(Compress::default())
            .wrap(from_fn(envelope::surround))
            .wrap(TracingLogger::<RequestSpan>::new())
    })
    // Whoever hung up gives the room of a stream back at once, not at the next heartbeat.
    .h1_allow_half_closed(false)
    .on_connect(move |connection, _| give_up(connection, patience))
    .shutdown_timeout(GRACE);
    let server = if workers == 0 { server } else { server.workers(workers) };
    Ok(server.listen(listener)?.run())
}

/// Lets the system cut a connection whose client takes nothing for so long: what waits to be written,
/// and a stream's room, would be kept for as long as the client likes.
fn give_up(connection: &dyn Any, patience: Duration) {
    if let Some(socket) = connection.downcast_ref::<TcpStream>()
        && let Err(error) = SockRef::from(socket).set_tcp_user_timeout(Some(patience))
    {
        tracing::debug!(%error, "a connection waits for its client without an end");
    }
}

/// Serves the health and the figures of a worker, where a port is configured for them.
///
/// # Errors
/// The port is taken.
pub fn watch(state: &State) -> Result<Option<Server>, Failure> {
    let port = state.config.worker.port;
    if port == 0 {
        return Ok(None);
    }
    operations::collect();
    let address = (state.config.http.host.clone(), port);
    let state = state.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(actix_web::web::Data::new(state.clone()))
            .configure(operations::configure)
    })
    .workers(1)
    .disable_signals()
    .bind(address)?;
    Ok(Some(server.run()))
}

/// Pages of the configured origins may call the interface; no cookies are involved.
fn cors(origins: &[String]) -> Cors {
    let all = Cors::default()
        .allowed_methods([Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE])
        .allowed_headers([
            header::AUTHORIZATION,
            header::CONTENT_TYPE,
            header::IF_MATCH,
            header::IF_NONE_MATCH,
        ])
        .allowed_header("idempotency-key")
        .allowed_header("last-event-id")
        .expose_headers(["etag", "x-request-id", "retry-after"])
        .max_age(3600);
    origins.iter().fold(all, |cors, origin| cors.allowed_origin(origin))
}
