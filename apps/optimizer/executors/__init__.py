"""Where trials run. `base.py` says what the loop may ask of an executor."""
