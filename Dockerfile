# One image for every process of ours: the API, the worker, the simulator and the vigil command.
FROM python:3.11-slim-bookworm

ENV PYTHONUNBUFFERED=1 PYTHONPATH=/app
WORKDIR /app

COPY requirements/run.txt requirements/run.txt
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt

COPY . .
RUN printf '#!/usr/local/bin/python\nfrom vigil.cli.main import main\n\nmain()\n' > /usr/local/bin/vigil \
    && chmod +x /usr/local/bin/vigil \
    && python -m compileall -q . \
    && useradd --system --uid 10002 vigil

USER vigil
CMD ["python", "worker.py"]
