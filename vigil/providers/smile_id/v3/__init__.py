"""The third generation: Smile ID chooses the ids of jobs, and only callbacks hold the details of a verdict."""
