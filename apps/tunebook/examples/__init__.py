"""Training scripts and job documents that run as they are; the demo's too."""
