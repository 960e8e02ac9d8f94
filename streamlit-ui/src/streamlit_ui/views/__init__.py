"""One file per page, each a view over the gateway's answers."""
