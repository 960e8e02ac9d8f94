# Replaces python:3.11-slim-bookworm where no registry can be reached: the same Debian, with its own Python 3.11.
ARG DEBIAN_IMAGE
FROM ${DEBIAN_IMAGE}
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates python3 python3-venv \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/* \
    && ln -s /usr/bin/python3 /usr/local/bin/python3
