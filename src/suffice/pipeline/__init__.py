"""The online story: a request comes in, a tier answers, and one outcome is told of."""
