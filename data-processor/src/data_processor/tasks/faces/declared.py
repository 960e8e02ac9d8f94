"""What can be set of a model for faces: the one declaration, which `GET /v1/tasks` shows."""

from data_processor.features.hyperparameters import Estimator, Hyperparameter
from data_processor.features.schema import Column, Holdout, Schema
from data_processor.tasks.task import TaskDescription

NAME = "face-recognition"
IMAGE, PERSON = "image", "person"
"""The input, and what is recognised."""

DESCRIPTION = TaskDescription(
    task=NAME,
    title="Recognise faces",
    label="Faces",
    meaning="Who is in a picture, or nobody who is known.",
    takes="pictures",
    answer="label",
    suits=None,
    metrics=("accuracy",),
    default_metric="accuracy",
    estimators=(
        Estimator(
            name="lbp",
            title="Local binary patterns",
            help="Built in: quick, and learns what tells the enrolled persons apart.",
            hyperparameters=(
                Hyperparameter(
                    name="projection",
                    title="Projection",
                    help="Learn what tells the enrolled persons apart; else compare faces as they are.",
                    kind="flag",
                    default=True,
                ),
            ),
        ),
        Estimator(
            name="sface",
            title="SFace, with YuNet",
            help="Of OpenCV's model zoo; needs FACE_DETECTOR_ONNX and FACE_EMBEDDING_ONNX.",
            hyperparameters=(),
        ),
        Estimator(
            name="dlib",
            title="ResNet of dlib",
            help="Stronger and slower, trained on others' faces; needs the extra data-processor[faces].",
            hyperparameters=(),
        ),
    ),
)


GALLERY = Schema(
    task=NAME,
    target=PERSON,
    columns=(
        Column(
            name=IMAGE,
            kind="text",
            nullable=False,
            description="The name of a picture in the store, as in query-images/….",
        ),
        Column(name=PERSON, kind="identifier", nullable=False, description="Whose face it is."),
    ),
    holdout=Holdout(by="group", column=PERSON),
)
"""The schema of a gallery; persons are held out as a whole."""
