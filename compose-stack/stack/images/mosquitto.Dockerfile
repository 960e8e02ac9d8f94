# Mosquitto as packaged by Debian; every client needs a password.
ARG DEBIAN_IMAGE=debian:bookworm-slim
FROM ${DEBIAN_IMAGE}
RUN groupadd --gid 10011 mosquitto \
    && useradd --uid 10011 --gid mosquitto --no-create-home --home-dir /var/lib/mosquitto mosquitto \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends mosquitto mosquitto-clients \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && install --directory --owner=mosquitto --group=mosquitto --mode=0700 /var/lib/mosquitto
COPY --chmod=0755 mosquitto-start /usr/local/bin/
LABEL org.opencontainers.image.title="mosquitto" \
      org.opencontainers.image.description="The MQTT broker Mosquitto from Debian." \
      org.opencontainers.image.licenses="EPL-2.0"
USER mosquitto
WORKDIR /var/lib/mosquitto
EXPOSE 1883 9001
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s --retries=3 \
    CMD ["mosquitto_sub", "-h", "127.0.0.1", "-p", "1880", "-t", "$SYS/broker/uptime", "-C", "1", "-W", "2"]
ENTRYPOINT ["mosquitto-start"]
