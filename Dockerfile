# One image for every process of ours: the API, the worker and the vigil command. Production has neither pip nor the
# simulator with what starts a whole stack; the target `simulator` has the latter.
FROM python:3.11-slim-bookworm AS requirements
RUN python -m venv /opt/venv
COPY requirements/run.txt requirements/run.txt
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt
RUN /opt/venv/bin/python -m pip uninstall --quiet --yes pip setuptools

FROM python:3.11-slim-bookworm AS base
ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app PATH=/opt/venv/bin:$PATH
WORKDIR /app
RUN python -m pip uninstall --quiet --yes pip setuptools wheel \
    && groupadd --system --gid 10002 vigil \
    && useradd --system --uid 10002 --gid vigil vigil \
    && printf '#!/opt/venv/bin/python\nfrom vigil.cli.main import main\n\nmain()\n' > /usr/local/bin/vigil \
    && chmod +x /usr/local/bin/vigil
COPY --from=requirements /opt/venv /opt/venv

FROM base AS simulator
COPY . .
RUN python -m compileall -q .
ARG VIGIL_BUILD
ENV VIGIL_BUILD=$VIGIL_BUILD
USER vigil
CMD ["python", "-m", "vigil.simulator", "--host=0.0.0.0", "--port=9000"]

# A layer that removes files leaves them in the layer below, so production copies what is left.
FROM base AS without-simulator
COPY . .
RUN rm -r vigil/simulator vigil/demo vigil/cli/demo.py vigil/cli/dev.py vigil/cli/simulate.py
RUN python -m compileall -q .

FROM base AS production
COPY --from=without-simulator /app /app
# Log lines, traces and Temporal name it. It is last, since each build has another.
ARG VIGIL_BUILD
ENV VIGIL_BUILD=$VIGIL_BUILD
USER vigil
CMD ["python", "worker.py"]
