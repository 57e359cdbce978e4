"""Workflows on videos for clients over HTTP: each is a process of its own, which the server can end."""
