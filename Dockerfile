# Builds with docker, podman or buildah; no BuildKit syntax. The base can be replaced by any image with Python 3.11:
#   docker build --build-arg BASE=registry.example.com/python:3.11-slim -t docflo-connector .
# Pin it by digest for a release: --build-arg BASE=python:3.11-slim-bookworm@sha256:...
ARG BASE=python:3.11-slim-bookworm

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python3 -m venv /opt/connector
COPY requirements/runtime.lock requirements/build.lock requirements/
# Wheels only and by hash: no compiler is needed, and nothing but what was locked comes in.
RUN /opt/connector/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements/runtime.lock
RUN python3 -m venv /opt/build && \
    /opt/build/bin/python -m pip install --quiet --require-hashes --only-binary :all: -r requirements/build.lock
COPY pyproject.toml README.md LICENSE config.example.yaml ./
COPY migrations migrations
COPY mappings mappings
COPY soap soap
COPY connector connector
RUN /opt/build/bin/python -m hatchling build -t wheel -d /src/dist && \
    /opt/connector/bin/python -m pip install --quiet --no-deps --no-index /src/dist/*.whl && \
    /opt/connector/bin/python -m pip uninstall --quiet --yes pip setuptools && \
    /opt/connector/bin/python -m compileall -q /opt/connector/lib

FROM ${BASE}
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="docflo-connector" \
      org.opencontainers.image.description="Carries approved documents from Docflo.ai into your CRM or ERP, exactly once" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/connector /opt/connector
ENV PATH=/opt/connector/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# A number, so that Kubernetes can see that it is not root. The root file system may be read-only: only /tmp and
# the folder of an SQLite ledger are written.
USER 10001:10001
WORKDIR /etc/docflo-connector
EXPOSE 8080
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/livez', timeout=3)"]
ENTRYPOINT ["docflo-connector"]
CMD ["run"]
