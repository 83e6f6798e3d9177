"""The demo: the same prompts through a gateway four times, once for each way of choosing a tier."""
