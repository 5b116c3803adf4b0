"""The first generation: partners choose the ids of jobs, and `job_status` returns the results."""
