"""The platform as containers: images, stages, secrets. It is configured in `stack/`, at the folder's top."""
