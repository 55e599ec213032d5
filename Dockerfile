# syntax=docker/dockerfile:1
# One image for serve, worker, migrate and admin. Checked by a linter; not built on the machine that
# it was written on, which has no Docker daemon.

FROM rust:1.95.0-slim-bookworm AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends gcc g++ libc6-dev make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY . .
# The macros of sqlx are checked against .sqlx: no database is needed.
ENV SQLX_OFFLINE=true
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --release --locked --package api --bin zhixiang \
    && cp target/release/zhixiang /usr/local/bin/zhixiang

FROM debian:bookworm-slim
# Certificates for calls to WeChat, and a Chinese font for PDFs; the time zone data is not needed:
# +08:00 is in the program.
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --no-create-home --uid 10001 zhixiang \
    && install -d -o zhixiang -g zhixiang /var/lib/zhixiang/files
COPY --from=build /usr/local/bin/zhixiang /usr/local/bin/zhixiang
USER zhixiang
EXPOSE 8080
# The container's own address is its only way in.
ENV ZHIXIANG__HTTP__HOST=0.0.0.0
# Photos and voice, where the store is local: mount a volume here.
ENV ZHIXIANG__FILES__DIRECTORY=/var/lib/zhixiang/files
# SIGTERM is the orderly stop; serve and worker finish what they have begun within 20 seconds.
STOPSIGNAL SIGTERM
ENTRYPOINT ["zhixiang"]
CMD ["serve"]
