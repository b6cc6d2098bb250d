"""Monitoring for operators: health checks, logs and metrics."""
