"""The task of faces: who is in a picture."""

from data_processor.tasks.faces import declared
from data_processor.tasks.labels import Labels


class FaceRecognition(Labels):
    """Who of those that are enrolled is in a picture, or nobody."""

    description = declared.DESCRIPTION
    gallery_schema = declared.GALLERY
