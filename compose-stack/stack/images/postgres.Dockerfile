# PostgreSQL as packaged by Debian, started by a script that creates its cluster at the first start.
ARG DEBIAN_IMAGE=debian:bookworm-slim
FROM ${DEBIAN_IMAGE}
# The package would create a cluster inside the image, and a user with an arbitrary id.
RUN groupadd --gid 10010 postgres \
    && useradd --uid 10010 --gid postgres --no-create-home --home-dir /var/lib/postgresql postgres \
    && mkdir --parents /etc/postgresql-common \
    && echo "create_main_cluster = false" > /etc/postgresql-common/createcluster.conf \
    && apt-get update \
    && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends postgresql-15 \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && install --directory --owner=postgres --group=postgres --mode=0700 /var/lib/postgresql/data
COPY --chmod=0755 postgres-start postgres-prepare postgres-watcher /usr/local/bin/
LABEL org.opencontainers.image.title="postgres" \
      org.opencontainers.image.description="PostgreSQL 15 from Debian." \
      org.opencontainers.image.licenses="PostgreSQL"
ENV PATH=/usr/lib/postgresql/15/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PGDATA=/var/lib/postgresql/data/15 \
    LC_ALL=C.UTF-8
USER postgres
WORKDIR /var/lib/postgresql
EXPOSE 5432
STOPSIGNAL SIGINT
HEALTHCHECK --interval=5s --timeout=3s --start-period=180s --retries=5 \
    CMD ["pg_isready", "--host=127.0.0.1", "--quiet"]
ENTRYPOINT ["postgres-start"]
