"""ARM workspaces/jobs: the properties of a job in the shape of 2021-03-01-preview and in today's, and the answers."""
