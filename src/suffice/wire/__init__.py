"""The OpenAI protocol and nothing of ours; unknown fields survive byte for byte."""
