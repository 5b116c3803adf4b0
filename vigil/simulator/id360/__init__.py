"""ID360, simulated: enrollments, reports, files, tokens and callbacks."""
