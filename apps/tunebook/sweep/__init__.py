"""The classes of azure.ai.ml.sweep, for sweeps that run on a Tunebook server."""
