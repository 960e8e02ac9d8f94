"""The dashboards, as code: `make dashboards` writes the files for Grafana, `make lint` compares them."""
