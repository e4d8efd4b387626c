"""Our samplers beside the libraries people would pick: quality of what is found, and cost of a question."""
