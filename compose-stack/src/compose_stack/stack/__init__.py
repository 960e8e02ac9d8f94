"""The platform as containers: images, stages, secrets. Its configuration is in `stack/` at the folder's top."""
