# Caddy as Debian packages it; it runs as a user of its own and may bind ports 80 and 443 as any container may.
ARG DEBIAN_IMAGE=debian:bookworm-slim
FROM ${DEBIAN_IMAGE}
RUN groupadd --gid 10012 caddy \
    && useradd --uid 10012 --gid caddy --no-create-home --home-dir /var/lib/caddy caddy \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends ca-certificates caddy \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && install --directory --owner=caddy --group=caddy --mode=0700 /var/lib/caddy
LABEL org.opencontainers.image.title="caddy" \
      org.opencontainers.image.description="The web server Caddy from Debian." \
      org.opencontainers.image.licenses="Apache-2.0"
ENV XDG_DATA_HOME=/var/lib/caddy/data \
    XDG_CONFIG_HOME=/var/lib/caddy/config
USER caddy
WORKDIR /var/lib/caddy
EXPOSE 80 443
ENTRYPOINT ["caddy"]
CMD ["run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
