"""An experiment as one HTML file that needs no network: to send to somebody, to keep, to open in ten years."""
