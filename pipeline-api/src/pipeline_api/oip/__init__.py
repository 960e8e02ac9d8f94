"""The Open Inference Protocol, version 2, over JSON: the same predictions for clients that speak it."""
