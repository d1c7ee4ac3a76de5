# One image for the operator, which carries the runner for other images' pods, and for ConfigMap sources.
# docker build -t alembic-operator .        BASE must be a Python 3.11 or newer, and is the same in both stages.
# Best 3.11: 3.12 reads no JSON of more than 1,500 levels, see LEVELS in shell/run.py: one object could stop the operator.
ARG BASE=python:3.11-slim
# What applications' images have: the runner carries byte code for these (tools/pythons.py), and sources for all others.
ARG PYTHON_3_9=python:3.9-slim
ARG PYTHON_3_10=python:3.10-slim
ARG PYTHON_3_11=python:3.11-slim
ARG PYTHON_3_12=python:3.12-slim
ARG PYTHON_3_13=python:3.13-slim

FROM ${BASE} AS build
WORKDIR /src
RUN python3 -m venv /opt/alembic-operator/venv
ENV PATH=/opt/alembic-operator/venv/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_DISABLE_PIP_VERSION_CHECK=1
# The root file system is read-only at run time, so compile now, and never look at the sources again.
ENV COMPILE="python3 -m compileall -q --invalidation-mode unchecked-hash"

# First what others wrote, which changes rarely. The extra `migrate` is for ConfigMap sources; the operator never imports it.
COPY pyproject.toml constraints.txt ./
RUN python3 -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
        print(*project['dependencies'], *project['optional-dependencies']['migrate'], sep='\n')" > requirements.txt \
    && pip install --constraint constraints.txt --requirement requirements.txt \
    && $COMPILE /opt/alembic-operator/venv/lib

# What the runner's archive carries; this image's own programs never import it.
RUN python3 -c "import tomllib; project = tomllib.load(open('pyproject.toml', 'rb'))['project']; \
        print(*project['optional-dependencies']['runner'], sep='\n')" > carried.txt \
    && pip install --constraint constraints.txt --requirement carried.txt --target carried

COPY README.md ./
COPY operator operator
COPY tools tools
RUN pip install --no-deps . && pip uninstall --yes pip setuptools \
    && $COMPILE /opt/alembic-operator/venv/lib/python3*/site-packages/alembic_operator
RUN PYTHONPATH=carried python3 tools/build_runner.py --modules modules

FROM ${PYTHON_3_9} AS python-3.9
COPY --from=build /src/modules /src/tools/byte_code.py /
RUN python3 /byte_code.py /modules /byte-code

FROM ${PYTHON_3_10} AS python-3.10
COPY --from=build /src/modules /src/tools/byte_code.py /
RUN python3 /byte_code.py /modules /byte-code

FROM ${PYTHON_3_11} AS python-3.11
COPY --from=build /src/modules /src/tools/byte_code.py /
RUN python3 /byte_code.py /modules /byte-code

FROM ${PYTHON_3_12} AS python-3.12
COPY --from=build /src/modules /src/tools/byte_code.py /
RUN python3 /byte_code.py /modules /byte-code

FROM ${PYTHON_3_13} AS python-3.13
COPY --from=build /src/modules /src/tools/byte_code.py /
RUN python3 /byte_code.py /modules /byte-code

FROM build AS archive
COPY --from=python-3.9 /byte-code byte-code
COPY --from=python-3.10 /byte-code byte-code
COPY --from=python-3.11 /byte-code byte-code
COPY --from=python-3.12 /byte-code byte-code
COPY --from=python-3.13 /byte-code byte-code
RUN PYTHONPATH=carried python3 tools/build_runner.py --byte-code byte-code \
    && install -m 0644 build/runner.pyz /opt/alembic-operator/runner.pyz

FROM ${BASE}
COPY --from=archive /opt/alembic-operator /opt/alembic-operator
ENV PATH=/opt/alembic-operator/venv/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# A number, because the kubelet cannot see that a name is not root.
USER 65532:65532
ENTRYPOINT ["alembic-operator"]
