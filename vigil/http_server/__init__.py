"""The HTTP server of our processes: uvicorn, with limits on what a stranger may send, and for how long."""
