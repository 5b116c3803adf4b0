"""One verification as a DBOS workflow: start, callback as a message, one read as a step, a result.

It keeps no callback of its own, proves nothing, does not poll, and downloads nothing.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from dbos import DBOS, SetWorkflowID
from fastapi import FastAPI

PORT, PROVIDER, DATABASE = int(sys.argv[1]), sys.argv[2], sys.argv[3]
DBOS(config={"name": "bench", "system_database_url": DATABASE, "log_level": "WARNING"})
http = httpx.AsyncClient(trust_env=False)


@DBOS.step()
async def read(reference: str) -> str:
    """Return the status that the report says."""
    answer = await http.get(f"{PROVIDER}/api/1.0.0/enrollment/{reference}/report")
    return str(answer.json()["status"])


@DBOS.workflow()
async def verify(reference: str) -> str:
    """Wait for a callback that may decide, read once, return the provider's word."""
    while await DBOS.recv_async(timeout_seconds=3600) != "OK":
        pass
    return await read(reference)


@asynccontextmanager
async def running(_: FastAPI) -> AsyncIterator[None]:
    """Run DBOS as long as the application."""
    DBOS.launch()
    yield
    DBOS.destroy()


app = FastAPI(lifespan=running)


@app.post("/start/{reference}")
async def start(reference: str) -> None:
    """Start a verification."""
    with SetWorkflowID(reference):
        await DBOS.start_workflow_async(verify, reference)


@app.post("/callback/{reference}/{word}")
async def call_back(reference: str, word: str) -> None:
    """Take a callback. It is durable when this is answered."""
    await DBOS.send_async(reference, word)


@app.get("/result/{reference}")
async def result(reference: str) -> str:
    """Wait for the result."""
    handle = await DBOS.retrieve_workflow_async(reference)
    return str(await handle.get_result())


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=PORT, log_level="warning", access_log=False, timeout_keep_alive=60)
