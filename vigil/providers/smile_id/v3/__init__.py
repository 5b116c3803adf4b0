"""The third generation: jobs with ids of their own form, read by `/v3/status`; details come in callbacks alone."""
