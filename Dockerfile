# streamer in a container; the page asks for the token, of at least 16 characters:
#   docker build -t streamer .
#   docker run -e STREAMER_TOKEN=... -p 127.0.0.1:8000:8000 -v streamer:/data streamer
# A configuration of your own begins as a copy of container.yaml: -v "$PWD/my.yaml:/etc/streamer/config.yaml:ro"
# Only /data can be written to, so what streamer writes needs a whole path there: store.url, webhooks.queue_file, and
# server.auth.file. models.search_path names the net that needs npm to be fetched, which the image holds already.
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE config.yaml ./
COPY models/manifest.yaml models/manifest.yaml
COPY streamer streamer
RUN pip install --no-cache-dir --prefix=/install ".[openvino,mqtt,webhooks,postgres,redis,parquet]"

FROM python:3.12-slim AS weights
COPY --from=build /install /usr/local
RUN apt-get update && apt-get install -y --no-install-recommends npm
WORKDIR /weights
RUN mkdir models && streamer models pull faceres faceres-int8 && chmod -R a+rX models

FROM python:3.12-slim
COPY --from=build /install /usr/local
COPY --from=weights /weights/models /usr/local/share/streamer/models
COPY container.yaml /etc/streamer/config.yaml
RUN useradd --create-home --uid 10001 streamer && mkdir /data && chown streamer /data
USER streamer
# the other weights, the demo scene and the figures live here: keep it on a volume
WORKDIR /data
ENV XDG_CACHE_HOME=/data/cache PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
  CMD ["streamer", "health", "--config", "/etc/streamer/config.yaml"]
ENTRYPOINT ["streamer"]
CMD ["run", "--config", "/etc/streamer/config.yaml"]
