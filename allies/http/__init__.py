"""Limits and addresses of requests: rate limit, body limits, client IP, cross-origin policy."""
