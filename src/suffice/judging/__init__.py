"""Attempt -> verdict: whether an answer may go to the client."""
