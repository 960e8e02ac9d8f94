"""What can be set of a model for tables: the one declaration.

`GET /v1/tasks` shows it; forms are built, requests checked and searches sampled from it. It imports no
scikit-learn, because `serve` reads it too. How each estimator is made is in `families.py`.

The searched ranges are bounded so that every model stays within a few megabytes and answers a row within a
fraction of a millisecond: the gate refits the chosen candidate five times, and a compiled model lives on the
request path. How many trees follow each other is only sampled where rows are few: else each fit finds it.
"""

from data_processor.features.hyperparameters import Estimator, Hyperparameter

_LINEAR_HELP = "A weighted sum of the columns: quick, steady on few rows, easy to explain."
_BOOSTING_HELP = "Many small trees, each correcting those before it: usually the best on tables."
_MIN_SAMPLES_LEAF = "The fewest rows that a leaf may stand for: more makes a steadier model."


def _boosting(*more: Hyperparameter) -> Estimator:
    return Estimator(
        name="hist-gradient-boosting",
        title="Gradient boosting",
        help=_BOOSTING_HELP,
        hyperparameters=(
            Hyperparameter(
                name="learning_rate",
                title="Learning rate",
                help="How much each tree corrects: less wants more trees.",
                kind="number",
                default=0.1,
                low=0.001,
                high=1,
                log=True,
                search=(0.03, 0.3),
                patient=(0.03, 0.15),
            ),
            Hyperparameter(
                name="max_iter",
                title="Trees",
                help="How many trees follow each other; each makes fitting and answering slower.",
                kind="integer",
                default=100,
                low=1,
                high=2000,
                search=(40, 160),
                patient=(80, 320),
                step=20,
            ),
            Hyperparameter(
                name="max_leaf_nodes",
                title="Leaves of a tree",
                help="How finely one tree may divide the rows; null: as finely as the rows allow.",
                kind="integer",
                default=31,
                low=2,
                high=1000,
                nullable=True,
                search=(7, 43),
                patient=(7, 63),
                step=4,
            ),
            Hyperparameter(
                name="min_samples_leaf",
                title="Rows of a leaf",
                help=_MIN_SAMPLES_LEAF,
                kind="integer",
                default=20,
                low=1,
                high=10_000,
                log=True,
                search=(5, 80),
                patient=(3, 150),
            ),
            Hyperparameter(
                name="l2_regularization",
                title="Caution (L2)",
                help="Draws every leaf towards no opinion: more helps against noise.",
                kind="number",
                default=1.0,
                low=0,
                high=1000,
                log=True,
                search=(1e-3, 30.0),
            ),
            Hyperparameter(
                name="max_features",
                title="Share of the columns",
                help="How many of the columns a division may choose from: less makes the trees differ more.",
                kind="number",
                default=1.0,
                low=0.01,
                high=1,
                patient=(0.2, 1.0),
            ),
            Hyperparameter(
                name="categories",
                title="Categories as",
                help="ordered: one number, by mean target; one-hot: a column for each, which takes longer.",
                kind="choice",
                default="ordered",
                choices=("ordered", "one-hot"),
                patient=("ordered", "one-hot"),
            ),
            Hyperparameter(
                name="columns",
                title="Columns",
                help="related: without those that tell nothing of the target by themselves.",
                kind="choice",
                default="all",
                choices=("all", "related"),
                patient=("all", "related"),
            ),
            *more,
        ),
    )


def _forest(name: str, title: str, text: str, share: float, search: tuple[float, float]) -> Estimator:
    return Estimator(
        name=name,
        title=title,
        help=text,
        hyperparameters=(
            Hyperparameter(
                name="n_estimators",
                title="Trees",
                help="How many trees vote; each makes the model larger.",
                kind="integer",
                default=50,
                low=1,
                high=500,
                search=(30, 80),
                step=10,
            ),
            Hyperparameter(
                name="max_features",
                title="Share of the columns",
                help="How many of the columns a division may choose from: less makes the trees differ more.",
                kind="number",
                default=share,
                low=0.01,
                high=1,
                search=search,
            ),
            Hyperparameter(
                name="min_samples_leaf",
                title="Rows of a leaf",
                help=_MIN_SAMPLES_LEAF,
                kind="integer",
                default=10,
                low=1,
                high=10_000,
                log=True,
                search=(5, 50),
            ),
            Hyperparameter(
                name="max_leaf_nodes",
                title="Leaves of a tree",
                help="A bound, so that a forest does not grow with the table; null: none.",
                kind="integer",
                default=2000,
                low=2,
                high=100_000,
                nullable=True,
            ),
        ),
    )


_RANDOM_FOREST = _forest(
    "random-forest", "Random forest", "Many independent trees that vote: hard to get wrong.", 0.3, (0.2, 0.6)
)
_EXTRA_TREES = _forest(
    "extra-trees",
    "Extra trees",
    "A forest whose trees divide at random places: quicker, and smoother than a random forest.",
    0.5,
    (0.4, 1.0),
)
_LOGISTIC = Estimator(
    name="logistic-regression",
    title="Logistic regression",
    help=_LINEAR_HELP,
    hyperparameters=(
        Hyperparameter(
            name="C",
            title="Freedom (C)",
            help="The inverse of caution: less draws the weights towards nothing.",
            kind="number",
            default=1.0,
            low=1e-6,
            high=1e6,
            log=True,
            search=(0.01, 100.0),
        ),
        Hyperparameter(
            name="max_iter",
            title="Rounds",
            help="The most rounds that fitting may take.",
            kind="integer",
            default=300,
            low=10,
            high=10_000,
        ),
    ),
)
_RIDGE = Estimator(
    name="ridge",
    title="Ridge regression",
    help=_LINEAR_HELP,
    hyperparameters=(
        Hyperparameter(
            name="alpha",
            title="Caution (alpha)",
            help="More draws the weights towards nothing.",
            kind="number",
            default=1.0,
            low=1e-6,
            high=1e6,
            log=True,
            search=(0.001, 1000.0),
        ),
    ),
)
_TARGET_SCALE = Hyperparameter(
    name="target",
    title="Scale of the values",
    help="Learn roots or logarithms of the values: helps where large values are the noisier ones.",
    kind="choice",
    default="plain",
    choices=("plain", "square-root", "logarithm"),
    search=("plain", "square-root", "logarithm"),
)

CLASSIFIERS = (_LOGISTIC, _boosting(), _RANDOM_FOREST, _EXTRA_TREES)
REGRESSORS = (_RIDGE, _boosting(_TARGET_SCALE), _RANDOM_FOREST, _EXTRA_TREES)
