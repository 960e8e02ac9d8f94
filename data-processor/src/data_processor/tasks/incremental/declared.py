"""What can be set of an estimator that learns epoch by epoch: the one declaration.

`GET /v1/tasks` shows it, the page *Live* is built from it, and every change is checked against it before it
is applied. It imports no scikit-learn, because `serve` reads it too; how they learn is in `learners.py`.
"""

from collections.abc import Mapping, Sequence

from data_processor.features.hyperparameters import Hyperparameter, LiveEstimator, Value

SGD, MLP = "sgd", "mlp"
ADAM = "adam"
BALANCED = "balanced"
NONE = "none"
Schedule = str

_SCHEDULE = Hyperparameter(
    name="schedule",
    title="Schedule",
    help="How the learning rate goes on from where it was set. constant: it stays; inverse-scaling: divided "
    "by the root of the epochs since; step: halved every ten epochs.",
    kind="choice",
    default="constant",
    choices=("constant", "inverse-scaling", "step"),
)
_ALPHA = Hyperparameter(
    name="alpha",
    title="Regularisation (L2)",
    help="Draws every weight towards zero: more helps against noise.",
    kind="number",
    default=0.0001,
    low=0,
    high=10,
)
_PATIENCE = Hyperparameter(
    name="patience",
    title="Early stopping",
    help="After so many epochs without a better value on the validation rows the run ends; null: never.",
    kind="integer",
    default=None,
    low=1,
    high=100_000,
    nullable=True,
)
_CLASS_WEIGHT = Hyperparameter(
    name="class_weight",
    title="Class weights",
    help="balanced: every class has the same weight, however rare; none: every row has.",
    kind="choice",
    default=NONE,
    choices=(NONE, BALANCED),
)


def _learning_rate(default: float) -> Hyperparameter:
    return Hyperparameter(
        name="learning_rate",
        title="Learning rate",
        help="How far each batch moves the weights: more learns faster, until it diverges.",
        kind="number",
        default=default,
        low=0.000001,
        high=10,
        log=True,
    )


def _batch_size(default: int) -> Hyperparameter:
    return Hyperparameter(
        name="batch_size",
        title="Batch size",
        help="Rows that are learnt from at once: more is quicker and steadier, and applies changes later.",
        kind="integer",
        default=default,
        low=1,
        high=8192,
        log=True,
    )


_MOMENTUM = Hyperparameter(
    name="momentum",
    title="Momentum",
    help="How much of its last movement each weight keeps; only with the optimizer sgd.",
    kind="number",
    default=0.9,
    low=0,
    high=0.999,
)
_OPTIMIZER = Hyperparameter(
    name="optimizer",
    title="Optimizer",
    help="adam: each weight has a rate of its own; sgd: all have the same, with momentum.",
    kind="choice",
    default=ADAM,
    choices=(ADAM, "sgd"),
)
_HIDDEN_UNITS = Hyperparameter(
    name="hidden_units",
    title="Hidden units",
    help="The width of the hidden layer: more can learn more, and takes longer.",
    kind="integer",
    default=32,
    low=1,
    high=512,
    log=True,
)


def _estimators(*of_task: Hyperparameter, linear_rate: float = 0.01) -> tuple[LiveEstimator, ...]:
    steered = (_SCHEDULE, _ALPHA, *of_task, _PATIENCE)
    linear = (_learning_rate(linear_rate), _batch_size(256), *steered)
    network = (_learning_rate(0.001), _batch_size(128), *steered, _MOMENTUM)
    return (
        LiveEstimator(
            name=SGD,
            title="Linear model",
            help="A weighted sum of the columns, learnt by stochastic gradient descent.",
            hyperparameters=linear,
            adjustable=tuple(one.name for one in linear),
        ),
        LiveEstimator(
            name=MLP,
            title="Neural network",
            help="A small network with one hidden layer: it finds what a weighted sum cannot say.",
            hyperparameters=(*network, _OPTIMIZER, _HIDDEN_UNITS),
            adjustable=tuple(one.name for one in network),
        ),
    )


LIVE_CLASSIFIERS = _estimators(_CLASS_WEIGHT)
LIVE_REGRESSORS = _estimators()
LIVE_TEXT_CLASSIFIERS = _estimators(_CLASS_WEIGHT, linear_rate=0.5)
"""A text is a row of small numbers, most of them 0: it takes larger steps."""


def conflict(values: Mapping[str, Value], changed: Sequence[str]) -> tuple[str, str] | None:
    """Return which of the changed hyperparameters contradicts the others, and why; None if none does."""
    if "momentum" in changed and values.get("optimizer") == ADAM:
        return "momentum", "the optimizer adam has no momentum; start a live run with the optimizer sgd"
    return None
