"""The worker's metrics of what activities do. The SDK serves them beside its own."""

from datetime import timedelta

from temporalio import activity


def count(name: str, description: str, *, amount: int = 1, **labels: str) -> None:
    """Add to a counter. Labels hold names of the settings and coded words only."""
    activity.metric_meter().create_counter(name, description).add(amount, labels)


def observe(name: str, description: str, duration: timedelta, **labels: str) -> None:
    """Add a duration to a histogram in seconds."""
    activity.metric_meter().create_histogram_float(name, description, "s").record(duration.total_seconds(), labels)
