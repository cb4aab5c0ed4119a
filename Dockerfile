# streamer in a container; the page asks for the token, of at least 16 characters:
#   docker build -t streamer .
#   docker run -e STREAMER_TOKEN=... -p 127.0.0.1:8000:8000 -v streamer:/data streamer
# A configuration of your own: -v "$PWD/my.yaml:/etc/streamer/config.yaml:ro"
FROM python:3.12-slim AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE config.yaml ./
COPY models/manifest.yaml models/manifest.yaml
COPY streamer streamer
RUN pip install --no-cache-dir --prefix=/install ".[openvino,mqtt,webhooks]"

FROM python:3.12-slim
COPY --from=build /install /usr/local
COPY container.yaml /etc/streamer/config.yaml
RUN useradd --create-home --uid 10001 streamer && mkdir /data && chown streamer /data
USER streamer
# weights and the demo scene live here: keep it on a volume
WORKDIR /data
ENV XDG_CACHE_HOME=/data/cache PYTHONUNBUFFERED=1
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=120s \
  CMD ["streamer", "health", "--config", "/etc/streamer/config.yaml"]
ENTRYPOINT ["streamer"]
CMD ["run", "--config", "/etc/streamer/config.yaml"]
