"""The skeleton every service is stamped with; change it in container-template, not here."""
