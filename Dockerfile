# PlanWise for a team: one image for server, deployments, worker and dashboard; compose.yaml starts them.
#   docker build -t planwise .
# The build takes only what .dockerignore lets in, and installs the versions of the lock, checked by their hashes.
FROM python:3.11-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /build
RUN python -m venv /opt/planwise
COPY requirements-team.lock ./
RUN /opt/planwise/bin/python -m pip install --no-deps --require-hashes -r requirements-team.lock
COPY pyproject.toml README.md LICENSE MANIFEST.in prefect.yaml ./
COPY planwise planwise
COPY flows flows
COPY ui ui
COPY expectations expectations
COPY sqlmesh_project sqlmesh_project
COPY benchmarks benchmarks
COPY docs/reference docs/reference
RUN /opt/planwise/bin/python -m pip install --no-deps --no-build-isolation . \
    && /opt/planwise/bin/python -m pip check

FROM python:3.11-slim-bookworm
# Pango draws the PDF of papers and summaries. The home is a folder of its volume, so a restore can replace it.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends fonts-dejavu-core libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /var/lib/planwise --shell /usr/sbin/nologin planwise \
    && install --directory --owner=planwise --group=planwise --mode=700 \
        /var/lib/planwise /var/lib/planwise/home /var/backups/planwise
COPY --from=build /opt/planwise /opt/planwise
ENV PATH=/opt/planwise/bin:$PATH \
    PLANWISE_HOME=/var/lib/planwise/home \
    PLANWISE_BACKUPS_DIR=/var/backups/planwise \
    PREFECT_HOME=/var/lib/planwise/home/prefect \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1
USER planwise
WORKDIR /var/lib/planwise
VOLUME ["/var/lib/planwise", "/var/backups/planwise"]
EXPOSE 5006
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:5006/static/js/bokeh.min.js', timeout=4)"]
# Others reach it, so it asks who they are: add a user first (`planwise user add NAME --role admin`).
CMD ["planwise", "serve", "--no-browser", "--address", "0.0.0.0", "--port", "5006", "--auth", "basic"]
