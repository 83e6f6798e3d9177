"""What is remembered between requests: scores and escalations of prompts, and where conversations stand."""
