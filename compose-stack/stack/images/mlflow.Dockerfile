# MLflow's tracking server in one process, with a login, PostgreSQL and S3. Built from the folder mlflow-server.
ARG PYTHON_IMAGE=python:3.11-slim-bookworm

FROM ${PYTHON_IMAGE} AS build
ARG UV_VERSION=0.13.8
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PROJECT_ENVIRONMENT=/opt/venv \
    UV_PYTHON_DOWNLOADS=never
WORKDIR /build
RUN --mount=type=cache,target=/root/.cache/pip \
    --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    python3 -m venv /opt/uv && /opt/uv/bin/pip install uv==${UV_VERSION}
COPY pyproject.toml uv.lock ./
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=secret,id=uv.toml,target=/root/.config/uv/uv.toml \
    --mount=type=secret,id=ca-certificates,target=/etc/ssl/certs/ca-certificates.crt \
    /opt/uv/bin/uv sync --frozen --group stack

FROM ${PYTHON_IMAGE}
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /var/lib/mlflow service \
    && install --directory --owner=service --group=service /var/lib/mlflow
COPY --from=build /opt/venv /opt/venv
COPY serve.py editors.py buckets.py /opt/mlflow/
ARG CODE_REVISION=unknown
LABEL org.opencontainers.image.title="mlflow" \
      org.opencontainers.image.description="MLflow's tracking server as Loopkeeper runs it." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="${CODE_REVISION}"
ENV MLFLOW_DISABLE_TELEMETRY=true \
    MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false \
    PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1
USER service
WORKDIR /var/lib/mlflow
EXPOSE 5000
# Checked by the shell: starting Python every few seconds would be noticeable on a small machine.
HEALTHCHECK --interval=10s --timeout=5s --start-period=180s --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/5000; printf 'GET /health HTTP/1.0\\r\\nHost: localhost:5000\\r\\n\\r\\n' >&3; read -r answer <&3; [[ $answer == *' 200 '* ]]"]
ENTRYPOINT ["python3", "/opt/mlflow/serve.py"]
CMD ["--host=0.0.0.0", "--port=5000", "--artifacts-destination=s3://mlflow"]
