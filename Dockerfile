# One image for the operator, for installing the runner into other images' pods, and for ConfigMap sources.
# docker build -t alembic-operator .        BASE must be a Python 3.11 or newer, and is the same in both stages.
ARG BASE=docker.io/library/python:3.11-slim

FROM ${BASE} AS build
WORKDIR /src
RUN python3 -m venv /opt/alembic-operator/venv
ENV PATH=/opt/alembic-operator/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
COPY pyproject.toml constraints.txt README.md ./
COPY operator operator
COPY tools tools
# The extra `migrate` is what ConfigMap sources run with; the operator itself never imports it.
RUN pip install --no-compile --constraint constraints.txt ".[migrate]" && pip uninstall --yes pip
RUN python3 tools/build_runner.py && install -m 0644 build/runner.pyz /opt/alembic-operator/runner.pyz
# The root file system is read-only at run time, so compile now, and never look at the sources again.
RUN python3 -m compileall -q --invalidation-mode unchecked-hash /opt/alembic-operator/venv/lib

FROM ${BASE}
COPY --from=build /opt/alembic-operator /opt/alembic-operator
ENV PATH=/opt/alembic-operator/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, because the kubelet cannot see that a name is not root.
USER 65532:65532
ENTRYPOINT ["alembic-operator"]
