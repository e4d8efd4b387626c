"""NNI's experiment configuration, in the forms of its versions 1 and 2/3, read into a Job."""

from tunebook.wire.nni.loading import is_config, load

__all__ = ["is_config", "load"]
