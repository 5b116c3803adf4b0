"""The first generation: REST with jobs whose ids partners choose, read by `job_status`."""
