"""One verification as a Restate workflow: start, callback as a promise, one read as a run, a result.

It keeps no callback of its own, proves nothing, does not poll, and downloads nothing. Restate's own ingress takes the
requests.
"""

import asyncio
import sys

import httpx
import restate
from hypercorn.asyncio import serve
from hypercorn.config import Config

PORT, PROVIDER = int(sys.argv[1]), sys.argv[2]
http = httpx.AsyncClient(trust_env=False)
verification = restate.Workflow("Verification")


@verification.main()
async def run(ctx: restate.WorkflowContext, reference: str) -> str:
    """Wait for the callback that may decide, read once, return the provider's word."""
    await ctx.promise("decided").value()

    async def read() -> str:
        answer = await http.get(f"{PROVIDER}/api/1.0.0/enrollment/{reference}/report")
        return str(answer.json()["status"])

    return await ctx.run_typed("read", read)


@verification.handler()
async def called(ctx: restate.WorkflowSharedContext, word: str) -> None:
    """Take a callback. It is durable when this is answered."""
    if word == "OK":
        await ctx.promise("decided").resolve(word)


app = restate.app([verification])

if __name__ == "__main__":
    config = Config()
    config.bind = [f"127.0.0.1:{PORT}"]
    asyncio.run(serve(app, config))
