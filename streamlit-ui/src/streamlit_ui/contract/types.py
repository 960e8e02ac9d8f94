# Made from the gateway's contract by `make types`: change the contract, not this file.

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict


class AliasRefusal(TypedDict):
    """A version that the stage's alias was moved to in MLflow, and that the stage did not adopt."""

    version: str
    reason: str
    times: int
    """How often the alias was moved there."""
    at: str
    """The last time."""


class Answer(TypedDict):
    """The answer to one input."""

    id: str
    label: NotRequired[str | None]
    """Classification: the most probable class. Faces: whose it is; null: not recognised."""
    probabilities: NotRequired[dict[str, float] | None]
    """Classification: the probability of every class."""
    value: NotRequired[float | None]
    """Regression: the predicted value."""
    person: NotRequired[str | None]
    """Faces: the id of the person with the label."""
    distance: NotRequired[float | None]
    """Faces: how far the nearest face of the gallery is that comes into question; null if none does: nobody is enrolled, or feedback said of all who are that they are not this face."""
    threshold: NotRequired[float | None]
    """Faces: farther than this, nobody is recognised."""
    confidence: NotRequired[float | None]
    """Faces: how sure the answer is of the nearest face: 0.5 at the threshold, 1 at most."""
    faces: NotRequired[int | None]
    """Faces: how many were seen; the largest one was taken."""
    flags: list[str]
    """What was unusual about the input: `<column>: missing`, `<column>: unseen category …` or `<column>: out of range …`, `<column>: no whole number …`, or `<column>: no input of the model, ignored`."""
    ask: bool
    """The platform asks for feedback on this prediction."""


class BestEpoch(TypedDict):
    """The epoch with the best value of the metric on the validation rows."""

    epoch: int
    value: float


class BodySignInV1AuthTokenPost(TypedDict):
    grant_type: NotRequired[str | None]
    username: str
    password: str
    scope: NotRequired[str]
    client_id: NotRequired[str | None]
    client_secret: NotRequired[str | None]


class Branch(TypedDict):
    """One live run in a tree of forks."""

    id: str
    parent: str | None
    parent_epoch: int | None
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    state: Literal["waiting", "preparing", "running", "paused", "ended"]
    estimator: str
    hyperparameters: dict[str, bool | int | float | str | None]
    epoch: int
    best: BestEpoch | None
    changes: int
    """How many changes of hyperparameters it saw."""
    subject: str
    created_at: str
    kept_by: list[str]


class Branches(TypedDict):
    """The whole tree that a live run belongs to, best first."""

    metric: str | None
    lower_is_better: bool
    runs: list[Branch]


class ByTarget(TypedDict):
    """The target by a column, for each bar of the column's distribution."""

    counts: NotRequired[list[list[int]]]
    """Classification: the rows of each class, in the order of the profile's `classes`."""
    rows: NotRequired[list[int]]
    """Regression: the rows whose target is known."""
    means: NotRequired[list[float | None]]
    """Regression: the mean of the target."""
    errors: NotRequired[list[float | None]]
    """Regression: the standard error of that mean."""


class Change(TypedDict):
    """One change of hyperparameters, where and by whom."""

    number: int
    seq: int | None
    """The number of the event that tells of it."""
    at: str
    subject: str
    epoch: int
    """Whole epochs that the run had learnt."""
    row: int
    """Rows of the next epoch that it had learnt."""
    changes: dict[str, Any]
    """By hyperparameter: `from` and `to`."""


class CloudWord(TypedDict):
    """A word in a word cloud: where it stands on a ground of 640 x 320, and how large."""

    word: str
    count: int
    x: float
    """The left end of its baseline."""
    y: float
    """Its baseline, from the top."""
    width: float
    size: float
    """The height of its font."""


MissingItem: TypeAlias = str


class ColumnConfirmation(TypedDict):
    """What one column is."""

    kind: NotRequired[Literal["numeric", "categorical", "text", "datetime", "identifier", "ignored"] | None]
    """If left out, as proposed."""
    name: NotRequired[str | None]
    """A new name for the column."""
    missing: NotRequired[list[MissingItem] | None]
    """The texts that stand for a missing value, besides the empty one and nan; [] for none. If left out, as proposed."""
    nullable: NotRequired[bool | None]
    """Whether predictions may leave it out. If left out: whether the file does."""
    decimal: NotRequired[Literal[".", ","] | None]
    """The decimal mark of its numbers, as one of `readings`."""
    format: NotRequired[str | None]
    """The format of its dates, as one of `readings`."""
    unreadable: NotRequired[Literal["refuse", "missing"]]
    """What cells are that cannot be read as the others: a mistake, or missing."""


class Contribution(TypedDict):
    """How far one input moved an answer."""

    input: str
    given: Any
    """The input's value; null if it was left out."""
    contribution: float
    """In the explanation's unit; negative if it lowered the answer."""


class Counts(TypedDict):
    """Values and how often each occurs, the most frequent first."""

    form: NotRequired[Literal["counts"]]
    labels: list[str]
    """The values."""
    counts: list[int]
    others: NotRequired[int]
    """Rows with a value that is not listed."""
    other_values: NotRequired[int]
    """Values that are not listed."""


class CropRequest(TypedDict):
    """A part of a picture, in pixels from its upper left corner; what is beside the picture is left out."""

    image: str
    """The name of a picture in the store."""
    x: int
    y: int
    width: int
    height: int


class Curves(TypedDict):
    """How well the probability of one class tells it from the others; at most 200 points each."""

    label: str
    roc_auc: float
    average_precision: float
    roc: list[tuple[float, float]]
    """False positive rate, true positive rate."""
    precision_recall: list[tuple[float, float]]
    """Recall, precision."""
    calibration: list[tuple[float, float]]
    """Mean predicted probability and observed share, in bins with equally many rows."""


class Cutoff(TypedDict):
    """The last that a version was fitted to, in order of time."""

    time: float | None
    feedback: int


class DatasetColumn(TypedDict):
    """One column of a stored dataset."""

    name: str
    kind: Literal["numeric", "categorical", "text", "datetime", "identifier", "ignored"]


class DatasetDifference(TypedDict):
    """How a file differs from the previous version."""

    version: int
    """The version it is compared with."""
    rows: dict[str, int]
    added: list[str]
    """Columns that are new."""
    removed: list[str]
    """Columns that are gone."""
    changed: list[dict[str, Any]]
    """What differs in a column, before and after."""


class DatasetShort(TypedDict):
    """One dataset in a list."""

    name: str
    state: Literal["proposed", "storing", "ready", "failed"]
    """State of the newest file; meanwhile `version` can be used."""
    version: int | None
    """The newest stored version."""
    rows: int
    task: str | None
    target: str | None
    created_at: str


class DatasetStoring(TypedDict):
    """A confirmed dataset that is being stored."""

    name: str
    state: Literal["storing"]
    run: str
    """The run that stores it."""


class DatasetVersion(TypedDict):
    """One immutable version of a dataset."""

    version: int
    kind: Literal["upload", "snapshot"]
    rows: int
    revision: str
    created_at: str
    difference: DatasetDifference | None
    """From the previous upload, if there was one."""


class DatasetWarning(TypedDict):
    """A data-quality warning: something to know before training."""

    code: str
    column: str | None
    message: str


class Delivery(TypedDict):
    """One notification for one destination."""

    id: str
    """Of the notification; receivers get it as `webhook-id`."""
    destination: str
    event: Literal[
        "score.fell",
        "run.opened",
        "run.held",
        "run.rejected",
        "run.failed",
        "version.waiting",
        "version.promoted",
        "version.rolled_back",
        "watch.alerted",
        "retraining.paused",
        "drift.found",
        "test",
    ]
    stage: str
    model: str | None
    run: str | None
    message: str
    at: str
    """When it happened."""
    state: Literal["waiting", "delivered", "given_up"]
    attempts: int
    attempted_at: str | None
    """The last attempt."""
    next_at: str | None
    """The next attempt, while it waits."""
    error: str | None
    """What went wrong at the last attempt."""


class Destination(TypedDict):
    """Where notifications go, without its secrets."""

    id: str
    name: str
    kind: Literal["webhook", "apprise"]
    shown: str
    """As much of its address as anybody may see."""
    events: list[
        Literal[
            "score.fell",
            "run.opened",
            "run.held",
            "run.rejected",
            "run.failed",
            "version.waiting",
            "version.promoted",
            "version.rolled_back",
            "watch.alerted",
            "retraining.paused",
            "drift.found",
        ]
    ]
    active: bool
    problem: str | None
    """Why the platform switched it off, if it did."""
    revision: int
    """One more with each change that somebody makes."""
    subject: str
    """Who entered it."""
    created_at: str
    waiting: int
    """Notifications that are not delivered yet."""
    next_at: str | None
    """The next attempt, if there is something to deliver."""
    last: Delivery | None
    """What was last tried to be delivered."""


class DestinationChange(TypedDict):
    """What is to be changed of a destination; what is left out stays."""

    name: NotRequired[str | None]
    address: NotRequired[str | None]
    secret: NotRequired[str | None]
    events: NotRequired[
        list[
            Literal[
                "score.fell",
                "run.opened",
                "run.held",
                "run.rejected",
                "run.failed",
                "version.waiting",
                "version.promoted",
                "version.rolled_back",
                "watch.alerted",
                "retraining.paused",
                "drift.found",
            ]
        ]
        | None
    ]
    active: NotRequired[bool | None]
    """Whether it is notified."""
    expected_revision: NotRequired[int | None]
    """The revision that is changed: 409 if somebody has changed the destination since."""


class DestinationRequest(TypedDict):
    """A new destination."""

    name: str
    kind: Literal["webhook", "apprise"]
    """`webhook`: signed after Standard Webhooks; `apprise`: any URL of Apprise."""
    address: str
    """The URL. It is kept encrypted and never shown again: most contain a credential."""
    secret: NotRequired[str | None]
    """What a webhook is signed with. Default: a random one."""
    events: list[
        Literal[
            "score.fell",
            "run.opened",
            "run.held",
            "run.rejected",
            "run.failed",
            "version.waiting",
            "version.promoted",
            "version.rolled_back",
            "watch.alerted",
            "retraining.paused",
            "drift.found",
        ]
    ]


class Device(TypedDict):
    """A thing that speaks MQTT, without its password."""

    id: str
    name: str
    public_topics: bool
    created_at: str
    created_by: str


class Difference(TypedDict):
    """By how much a version differs from the first, on the same rows."""

    version: str
    against: str
    metric: str
    difference: float
    """The version's value minus that of the other."""
    low: float | None
    """The interval's ends; null on fewer than 30 rows."""
    high: float | None
    level: float
    """Of the interval, e.g. 0.95."""


class DriftReportShort(TypedDict):
    """One comparison of recent inputs with the training data, in a list."""

    id: str
    model: str
    stage: str
    version: str
    at: str
    verdict: Literal["drift", "no_drift", "no_verdict"]
    reason: str
    rows: int
    """Recent predictions compared."""
    reference_rows: int
    drifted: list[str]
    news: list[str]
    """Of these, what no earlier report on the version named."""
    consequence: str
    """What followed from it, in words; may be empty."""
    run: str | None
    """The training run that it opened, if it did."""


class DriftRunStarted(TypedDict):
    """The run that makes a report, which then has the same id."""

    id: str
    status: Literal["queued", "running"]


class Enrolled(TypedDict):
    """What became of a labelled picture."""

    score: float | None
    """The share of the person's pictures that are recognised, each compared with all but itself; null for the first, and while the stage serves no version."""
    person: str
    """The person's id."""
    picture: str
    """The picture's id."""


class Epoch(TypedDict):
    """What was measured after one epoch; null: not finite."""

    seq: int
    epoch: int
    at: str
    seconds: float
    """What its learning took, without what was measured."""
    learning_rate: float
    """In force at its end."""
    training_loss: float | None
    validation_loss: float | None
    training_metric: float | None
    validation_metric: float | None
    gradient_norm: float | None
    weight_norm: float | None


class EstimatedShare(TypedDict):
    """An expected share of right answers, with its 95 % interval."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Answers that it is estimated from."""
    reference_rows: int
    """Holdout rows that say how probably right an answer is."""


class EvaluatedRows(TypedDict):
    """The rows of an evaluation: no version was fitted to any of them."""

    dataset: str
    dataset_version: int
    used: int
    left_out: int
    """Rows without a target, rows that a version was fitted to, and rows beyond the limit."""
    which: str
    """Which rows were used, in a sentence."""


class EvaluatedVersion(TypedDict):
    """How one version did."""

    version: str
    metrics: dict[str, float]
    confusion: list[list[int]] | None
    """Rows: true class, columns: answered class, in the order of `classes`; null: regression."""
    curves: list[Curves]
    """One for each class; with two classes, only the second; [] for regression."""


class Evaluation(TypedDict):
    """Several versions on the same rows."""

    model: str
    rows: EvaluatedRows
    classes: list[str]
    versions: list[EvaluatedVersion]
    differences: list[Difference]


VersionName: TypeAlias = str


class EvaluationRequest(TypedDict):
    """Versions to compare on labelled rows."""

    versions: list[VersionName]
    """The others are compared with the first."""
    dataset: NotRequired[str | None]
    """A labelled dataset; if left out, the holdout rows of the model's own."""


class FaceBox(TypedDict):
    """A face's square, as far as it is within the picture, in pixels from its upper left corner."""

    x: int
    y: int
    width: int
    height: int


class FaceBoxFound(TypedDict):
    """Where the face is."""

    box: FaceBox | None
    """Of the largest face; null: there is none."""
    faces: int
    """How many faces there are, without those much smaller than the largest."""


class FaceBoxRequest(TypedDict):
    """A picture in which a face is to be found: one of the store, or the picture itself."""

    image: NotRequired[str | None]
    """The name of a picture in the store."""
    data_base64: NotRequired[str | None]
    """A JPEG, PNG or WebP image, in base64."""


class FacePicture(TypedDict):
    """One face in a gallery."""

    id: str
    kind: Literal["enrolled", "impostor"]
    """impostor: somebody else, who was taken for the person and no longer is."""
    image: str
    """The picture that it was cut from; the store may no longer have it."""
    prediction: str | None
    """Of an impostor: the answer that was wrong."""
    subject: str
    """Who added it."""
    added_at: str


class FeatureDrift(TypedDict):
    """How far one feature moved."""

    feature: str
    """An input, of a text its length or the share of its unknown words; or the answers, named after the target."""
    drifted: bool
    test: Literal["kolmogorov-smirnov", "chi-squared", "wasserstein", "jensen-shannon", "fisher"]
    n: int
    """Recent rows compared."""
    distance: float
    threshold: float
    """The least distance, or PSI, that counts."""
    index: float
    """The population stability index (PSI)."""
    p_value: float
    adjusted: float
    """The p-value by Benjamini-Hochberg over all features."""
    direction: Literal[
        "higher", "lower", "wider", "narrower", "more_missing", "fewer_missing", "shares", "none"
    ]
    change: str
    """What changed most, in words."""


class Feedback(TypedDict):
    """Feedback as it was recorded, with what it implies."""

    id: str
    prediction: str
    model: str
    version: str
    subject: str
    correct: bool
    """As it counts: a value within the model's tolerance is right."""
    label: str | None
    """The true label, if it is known."""
    value: float | None
    """Regression: the true value."""
    comment: str | None
    trace_id: str | None
    """The trace of the request that gave it, 32 hex digits."""
    at: str


class FeedbackRequest(TypedDict):
    """A person's feedback on a prediction."""

    correct: bool
    """Whether the answer was right."""
    label: NotRequired[str | bool | int | float | None]
    """The true label, as the table has it. With two classes, a wrong answer without a label means the other class."""
    value: NotRequired[int | float | str | None]
    """Regression: the true value, a number or a text as the table has it; required if the answer is wrong."""
    comment: NotRequired[str | None]


class ForkOffer(TypedDict):
    """Where to go on from after a divergence."""

    epoch: int
    learning_rate: float


class ForkRequest(TypedDict):
    """
    Where a new live run leaves another one, and what it does differently.

    Neither `epoch` nor `change` given: after its best epoch; for a replay, where it began.
    """

    epoch: NotRequired[int | None]
    """After so many epochs."""
    change: NotRequired[int | None]
    """Just before the change of this number."""
    hyperparameters: NotRequired[dict[str, bool | int | float | str | None]]
    """Hyperparameters by name, as `GET /v1/tasks` declares them."""
    epochs: NotRequired[int | None]
    """It ends after so many in all; null: as many as the other."""
    paused: NotRequired[bool]
    replay: NotRequired[bool]
    """Repeat every later change where it was made, up to the same end; compare the weights."""


class GivenFeedback(TypedDict):
    """A person's latest feedback on a prediction."""

    subject: str
    correct: bool
    label: str | None
    value: float | None
    comment: str | None
    trace_id: NotRequired[str | None]
    """The trace of the request that gave it, 32 hex digits."""
    at: str


class Health(TypedDict):
    """Whether the service can work and, for each dependency, `ok` or what is wrong."""

    status: Literal["ok", "unavailable"]
    checks: dict[str, str]


class Histogram(TypedDict):
    """Numbers, counted in bins of one width; the last bin includes its upper edge."""

    form: NotRequired[Literal["histogram"]]
    edges: list[float]
    """One more than there are bars."""
    counts: list[int]
    below: NotRequired[int]
    """Numbers below the first bar: extreme values have no bar."""
    above: NotRequired[int]
    """Numbers above the last bar."""
    whole: bool
    """Every number is whole, and the edges lie between whole numbers."""


class Holdout(TypedDict):
    """What decides which rows a model never sees: each row's inputs, its group, or when it was."""

    by: NotRequired[Literal["row", "group", "time"]]
    column: NotRequired[str | None]
    time: NotRequired[str | None]


class HoldoutMeasured(TypedDict):
    """What holding out by a column does to the loss of a quick model."""

    by: Literal["group", "time"]
    column: str
    metric: Literal["rmse", "log_loss"]
    row_split: float
    """Its loss where single rows are held out."""
    this_split: float
    """Its loss where whole groups, or later rows, are held out."""
    low: float
    """Lower end of the 95 % interval of the relative difference."""
    high: float
    flagged: bool
    """The loss grows by at least 10 %, and not by chance."""


class Hyperparameter(TypedDict):
    """One number or choice that a person or a search may set."""

    name: str
    title: str
    help: str
    """What increasing it does, in a sentence."""
    kind: Literal["number", "integer", "choice", "flag"]
    default: bool | int | float | str | None
    low: NotRequired[float | None]
    """The smallest value that is accepted."""
    high: NotRequired[float | None]
    """The largest value that is accepted."""
    log: NotRequired[bool]
    """Its scale is logarithmic, for example on a slider."""
    choices: NotRequired[list[str] | None]
    nullable: NotRequired[bool]
    """It may be null, which means no limit."""
    search: NotRequired[tuple[float, float] | list[str] | None]
    """The range a search tries, ends included; null: it stays at the default."""
    patient: NotRequired[tuple[float, float] | list[str] | None]
    """The range that a search with time for large models tries; null: as any search."""
    step: NotRequired[int | None]
    """The step size of a search."""


HyperparameterChange: TypeAlias = dict[str, bool | int | float | str | None]
"""Hyperparameters to change while a live run learns; the others stay as they are."""


class ImageMade(TypedDict):
    """A new picture, which expires as every query picture does."""

    image: str


class ImageRequest(TypedDict):
    """A picture that is to be turned to black and white."""

    image: str
    """The name of a picture in the store."""


class KeepRequest(TypedDict):
    """Which epoch's weights become a version, if the gate says so."""

    epoch: NotRequired[int | None]
    """null: the best one."""


class KeyChange(TypedDict):
    """What to change about a key."""

    trusted: bool


class Latency(TypedDict):
    """How long predictions took, in milliseconds, from the request's arrival until they were on disk."""

    p50: float
    """Half of them took no longer."""
    p95: float
    p99: float


class Lineage(TypedDict):
    """Where a version came from."""

    dataset: str
    dataset_version: int
    dataset_revision: str
    feedback_seq: int
    run: str
    mlflow_run: str | None
    code_revision: str
    trained_at: str
    cutoff: NotRequired[Cutoff | None]


class LiveCurves(TypedDict):
    """The epochs of a live run, as many as a drawing needs."""

    metric: str | None
    epochs: list[Epoch]
    count: int
    """How many epochs were measured in all."""
    thinned: bool
    """Some are left out: peaks and ends never are."""


class LiveEstimator(TypedDict):
    """An estimator that learns epoch by epoch, and may be steered while it does."""

    name: str
    title: str
    help: str
    hyperparameters: list[Hyperparameter]
    adjustable: list[str]
    """The hyperparameters that may change while it learns."""


class LiveRunRequest(TypedDict):
    """A live run to start; every hyperparameter has a default."""

    estimator: NotRequired[str]
    hyperparameters: NotRequired[dict[str, bool | int | float | str | None]]
    """Hyperparameters by name, as `GET /v1/tasks` declares them."""
    vectorizer: NotRequired[str | None]
    """How texts become numbers."""
    epochs: NotRequired[int]
    """It ends after so many."""
    paused: NotRequired[bool]
    """It waits, paused, before its first epoch."""
    reason: NotRequired[str]
    """Why it is started."""


class LogEntry(TypedDict):
    """One event in the log of a service."""

    service: str
    at: str | None
    """As the service wrote it; null for lines of programs without a time."""
    level: Literal["debug", "info", "warning", "error", "critical"]
    text: str
    """The whole entry; a traceback makes it several lines."""


class MadeDestination(TypedDict):
    """A new destination; of a webhook with its secret, this once."""

    id: str
    name: str
    kind: Literal["webhook", "apprise"]
    shown: str
    """As much of its address as anybody may see."""
    events: list[
        Literal[
            "score.fell",
            "run.opened",
            "run.held",
            "run.rejected",
            "run.failed",
            "version.waiting",
            "version.promoted",
            "version.rolled_back",
            "watch.alerted",
            "retraining.paused",
            "drift.found",
        ]
    ]
    active: bool
    problem: str | None
    """Why the platform switched it off, if it did."""
    revision: int
    """One more with each change that somebody makes."""
    subject: str
    """Who entered it."""
    created_at: str
    waiting: int
    """Notifications that are not delivered yet."""
    next_at: str | None
    """The next attempt, if there is something to deliver."""
    last: Delivery | None
    """What was last tried to be delivered."""
    secret: str | None
    """What a webhook is signed with; it is never shown again."""


class MadeDevice(TypedDict):
    """A device that was just created: its password is shown only once."""

    id: str
    name: str
    public_topics: bool
    created_at: str
    created_by: str
    password: str


class ModelCreated(TypedDict):
    """A new model and the run that trains its first version."""

    name: str
    task: str
    dataset: str
    run: str


class ModelReady(TypedDict):
    """Whether a model is ready to predict."""

    name: str
    ready: bool


class ModelsDeleted(TypedDict):
    """The models that were deleted, and why the others were kept."""

    deleted: list[str]
    kept: dict[str, str]


class NewDevice(TypedDict):
    """A device to create."""

    name: str
    public_topics: NotRequired[bool]


class Pair(TypedDict):
    """How strongly two columns are associated."""

    measure: Literal["pearson", "spearman", "cramers-v", "correlation-ratio"]
    value: float
    first: str
    second: str


class Pending(TypedDict):
    """What somebody told the run, and it has not done yet."""

    kind: str
    subject: str
    at: str
    changes: dict[str, Any]


class Periods(TypedDict):
    """Dates, counted by hour, day, month, quarter or several years; empty periods are included."""

    form: NotRequired[Literal["periods"]]
    unit: Literal["hour", "day", "month", "quarter", "year"]
    step: NotRequired[int]
    """How many units a period lasts."""
    starts: list[str]
    """The first day of each, or its hour, in ISO 8601."""
    counts: list[int]


class Person(TypedDict):
    """Somebody who is known, and what is kept about them."""

    id: str
    label: str
    contact: str
    details: dict[str, str]
    consent_at: str | None
    keep_until: str | None
    subject: str
    """Who enrolled the person."""
    created_at: str
    pictures: list[FacePicture]


class PersonChange(TypedDict):
    """What is to be changed about a person; what is left out stays."""

    label: NotRequired[str | None]
    contact: NotRequired[str | None]
    details: NotRequired[dict[str, str] | None]
    consent_at: NotRequired[str | None]
    keep_until: NotRequired[str | None]
    merge: NotRequired[str | None]
    """The id of somebody who turned out to be the same person: their pictures go to this one, and the other is gone."""


Image: TypeAlias = str
"""A picture in the store, by its name."""


class PersonRequest(TypedDict):
    """A person who is to be known."""

    label: str
    contact: NotRequired[str]
    details: NotRequired[dict[str, str]]
    """Free fields: texts by name."""
    consent_at: NotRequired[str | None]
    """When the person agreed to be recognised, if they did."""
    keep_until: NotRequired[str | None]
    """When the person is forgotten, pictures and all; null: when somebody says so."""
    images: NotRequired[list[Image]]
    """Pictures of the person; if one of them is refused, nobody is enrolled."""


class Phrase(TypedDict):
    """A word, or a sequence of words."""

    words: str
    count: int
    share: float
    """The share of the group's texts that contain it."""
    elsewhere: float | None
    """The share of all other texts that contain it."""


class PictureStored(TypedDict):
    """A picture that is in the store."""

    image: str


WatchLook: TypeAlias = int


class PolicyChange(TypedDict):
    """Fields of a model's policy to change; the others stay."""

    policy: dict[str, Any]


class PredictionAnswer(TypedDict):
    """The answers to one request, all from one version and all on disk."""

    model: str
    version: str
    stage: str
    predictions: list[Answer]


class PredictionLineage(TypedDict):
    """The lineage of the version that answered."""

    dataset: str
    dataset_version: int
    dataset_revision: str
    run: str
    mlflow_run: str | None
    code_revision: str
    trained_at: str


class Preparation(TypedDict):
    """What is done to the columns before an estimator sees them."""

    numeric_missing: NotRequired[
        Literal["automatic", "median", "mean", "most_frequent", "extreme", "drop_row"]
    ]
    """What replaces a missing number. automatic: nothing if the estimator can learn from the gap itself, else the median; extreme: a value below all others, which suits time series; drop_row: rows with a gap are not used for training."""
    categorical_missing: NotRequired[Literal["own_category", "most_frequent", "drop_row"]]
    """What replaces a missing category. own_category: missing is a value like any other; drop_row: rows with a gap are not used for training."""
    scaling: NotRequired[Literal["standard", "min_max", "none"]]
    """How numbers are scaled. standard: to mean 0 and deviation 1; min_max: to between 0 and 1. Only linear models need it; trees use the order of numbers and get them unscaled."""
    datetime: NotRequired[Literal["calendar", "ignore"]]
    """What a model learns from. calendar: year, month, day, weekday, day of the year, days since 1970, hour, minute and second in UTC, as numbers; ignore: nothing."""


class Error(TypedDict):
    loc: list[str | int]
    message: str


class Problem(TypedDict):
    """What went wrong (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: NotRequired[str]
    errors: NotRequired[list[Error]]


class ProfileComputing(TypedDict):
    """A profile that is being computed."""

    state: NotRequired[Literal["computing"]]
    dataset: str
    version: int
    run: str
    """The run that computes it."""
    progress: float
    """The share that is done, 0 to 1."""


class PromotionEntry(TypedDict):
    """One entry of the ledger."""

    id: str
    model: str
    stage: str
    seq: int
    version: str
    previous: str | None
    """The version the stage served before."""
    kind: Literal["promotion", "rollback", "adoption"]
    subject: str
    reason: str
    receipt: dict[str, Any] | None
    run: str | None
    trace_id: str | None
    """The trace it was made in, 32 hex digits."""
    at: str


class PromotionRequest(TypedDict):
    """A version for a stage to serve."""

    version: str
    stage: Literal["staging", "main"]
    reason: str
    expected_version: NotRequired[str | None]
    """If given, refuse unless the stage serves this version now; null: no version."""
    override: NotRequired[bool]
    """Promote without a receipt; the reason says why."""


class ProposedBy(TypedDict):
    """A column that may decide which rows are held out."""

    by: Literal["group", "time"]
    column: str


class ProposedHoldout(TypedDict):
    """What the leak audit found: whether rows of the file belong together."""

    target: str | None
    """The target that it was measured for."""
    suggested: ProposedBy | None
    """What to hold out by; null: single rows will do."""
    audit: list[HoldoutMeasured]
    reason: str


class RareClasses(TypedDict):
    """What becomes of classes that have too few rows to be learnt."""

    action: NotRequired[Literal["refuse", "leave_out", "merge"]]
    """refuse: the dataset is not stored; leave_out: their rows are left out; merge: they become one class, called `into`."""
    into: NotRequired[str]


class Reading(TypedDict):
    """How the cells of one column are read."""

    values: Literal["number", "text", "boolean", "datetime"]
    """What the cells hold."""
    missing: NotRequired[list[str]]
    """Texts that stand for a missing value, besides the empty one and nan."""
    decimal: NotRequired[Literal[".", ","]]
    """Numbers: the decimal mark."""
    grouping: NotRequired[Literal["", ",", ".", " ", "'"]]
    """Numbers: what may stand between thousands."""
    unit: NotRequired[str]
    """Numbers: what may stand before or behind them."""
    format: NotRequired[str | None]
    """Dates: ISO 8601, epoch seconds, epoch milliseconds, or codes such as %d.%m.%Y %H:%M."""
    true: NotRequired[list[str]]
    """Booleans: the words for true."""
    false: NotRequired[list[str]]
    """Booleans: the words for false."""


class ReadingChoice(TypedDict):
    """Another way to read the file."""

    field: str
    """The field of the upload's form that chooses it."""
    taken: bool | int | str | None
    """Its value for this reading; null if detected."""
    value: bool | int | str | None
    """Its value for the other reading; null to have it detected."""
    label: str
    """What the other reading does."""


class ReadingFields(TypedDict):
    """How to read a file; what is left out is detected."""

    delimiter: NotRequired[str | None]
    """What separates the columns of a CSV."""
    encoding: NotRequired[str | None]
    """The encoding of a CSV or JSON file, e.g. cp1252."""
    decimal: NotRequired[Literal[".", ","] | None]
    """The decimal mark of a CSV."""
    header: NotRequired[bool | None]
    """Whether the first row names the columns."""
    skip_rows: NotRequired[int | None]
    """How many rows above the table to leave out: titles, comments."""
    skip_footer: NotRequired[int | None]
    """How many rows below it to leave out: totals, notes."""
    index: NotRequired[Literal["keep", "drop"] | None]
    """What to do with row labels: a first column without a name, or a frame's index."""


class RecordedPrediction(TypedDict):
    """One prediction as it was recorded, with its feedback."""

    id: str
    label: NotRequired[str | None]
    """Classification: the most probable class. Faces: whose it is; null: not recognised."""
    probabilities: NotRequired[dict[str, float] | None]
    """Classification: the probability of every class."""
    value: NotRequired[float | None]
    """Regression: the predicted value."""
    person: NotRequired[str | None]
    """Faces: the id of the person with the label."""
    distance: NotRequired[float | None]
    """Faces: how far the nearest face of the gallery is that comes into question; null if none does: nobody is enrolled, or feedback said of all who are that they are not this face."""
    threshold: NotRequired[float | None]
    """Faces: farther than this, nobody is recognised."""
    confidence: NotRequired[float | None]
    """Faces: how sure the answer is of the nearest face: 0.5 at the threshold, 1 at most."""
    faces: NotRequired[int | None]
    """Faces: how many were seen; the largest one was taken."""
    flags: list[str]
    """What was unusual about the input: `<column>: missing`, `<column>: unseen category …` or `<column>: out of range …`, `<column>: no whole number …`, or `<column>: no input of the model, ignored`."""
    ask: bool
    """The platform asks for feedback on this prediction."""
    model: str
    version: str
    stage: str
    pinned: bool
    """Whether the caller chose the version."""
    subject: str
    at: str
    inputs: dict[str, Any]
    latency_ms: float
    trace_id: str
    feedback: list[GivenFeedback]
    """The latest feedback of each person, the most recent last."""


class RequestTensor(TypedDict):
    """One column: a value per row."""

    name: str
    shape: list[int]
    """`[n]` or `[n, 1]`, where n is the number of rows."""
    datatype: Literal[
        "BOOL",
        "UINT8",
        "UINT16",
        "UINT32",
        "UINT64",
        "INT8",
        "INT16",
        "INT32",
        "INT64",
        "FP16",
        "FP32",
        "FP64",
        "BYTES",
    ]
    """What the values are; whatever it does not hold is refused. BOOL takes true and false, BYTES text."""
    data: list[Any]
    """n values in the order of the rows; with the shape `[n, 1]` also each in a list of its own. `null`, and in FP tensors NaN, where a value is missing."""
    parameters: NotRequired[dict[str, Any] | None]


class RequestedOutput(TypedDict):
    """An output to return."""

    name: str
    parameters: NotRequired[dict[str, Any] | None]


class ResponseTensor(TypedDict):
    """One output."""

    name: str
    shape: list[int]
    datatype: Literal[
        "BOOL",
        "UINT8",
        "UINT16",
        "UINT32",
        "UINT64",
        "INT8",
        "INT16",
        "INT32",
        "INT64",
        "FP16",
        "FP32",
        "FP64",
        "BYTES",
    ]
    parameters: NotRequired[dict[str, str | int | float | bool]]
    data: list[str | float | bool | None]


class ResumeRequest(TypedDict):
    """Why retraining may resume."""

    reason: str


class Review(TypedDict):
    """An answer that somebody who knows should look at."""

    prediction: str
    at: str
    image: str
    """The picture that was asked about; the store may no longer have it."""
    label: str | None
    """The answer; null: not recognised."""
    distance: float | None
    threshold: float
    confidence: float
    reason: Literal["near-threshold", "contradicted"]
    """near-threshold: a little more or less would have changed the answer; contradicted: a user said that it is wrong. Feedback by an engineer, or by whoever is trusted, settles either."""


Role: TypeAlias = Literal["user", "engineer", "maintainer"]
"""What a caller may do: `user` < `engineer` < `maintainer`."""


class RollbackRequest(TypedDict):
    """A stage to return to the version it served before."""

    stage: Literal["staging", "main"]
    reason: str


class Rows(TypedDict):
    """The rows that a profile describes."""

    total: int
    sampled: int
    """Rows sampled with a fixed seed: everything is computed from them, except that missing values are counted in all rows."""


class RunShort(TypedDict):
    """One run in a list."""

    id: str
    kind: str
    """What it does: training, dataset, evaluation, profile …"""
    model: str | None
    """Null for a run that belongs to a dataset."""
    dataset: str | None
    """The dataset it works on."""
    stage: str
    trigger: Literal["score", "manual", "upload", "drift", "initial"]
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    step: str | None
    """The step it is in, or was in last."""
    progress: float
    """The share of its steps that are done, 0 to 1."""
    reason: str
    subject: str
    dataset_version: int | None
    champion: str | None
    """The version it was compared with."""
    version: str | None
    """The version it registered."""
    error: str | None
    cancel_requested: bool
    trace_id: str | None
    """The trace it is part of, 32 hex digits: that of the request that asked for it."""
    created_at: str
    started_at: str | None
    finished_at: str | None


class RunStarted(TypedDict):
    """A run that was queued."""

    id: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]


class ScorePoint(TypedDict):
    """The score at one time."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Predictions with feedback that count."""
    at: str
    version: str
    state: Literal["collecting", "healthy", "degraded", "retraining", "watching", "paused"]
    """Between two evaluations by the controller, that of the earlier one."""
    reason: str
    """Empty between two evaluations."""
    run: str | None
    """The run that was opened then."""


class ServerLive(TypedDict):
    """Whether the server is alive."""

    live: bool


class ServerMetadata(TypedDict):
    """The server's name and version."""

    name: str
    version: str
    extensions: list[str]


class ServerReady(TypedDict):
    """Whether the server serves a model."""

    ready: bool


class ServiceLogs(TypedDict):
    """The newest entries of the services' logs."""

    kept: bool
    """Whether this stage keeps log files that can be read here."""
    services: list[str]
    """Those that have a log."""
    entries: list[LogEntry]
    """Oldest first."""


class ShareOfRight(TypedDict):
    """A share of right answers with its 95 % interval; null while there is no feedback."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Predictions with feedback that count."""


class Statistics(TypedDict):
    """A numeric column in a few numbers."""

    minimum: float | None
    lower_quartile: float | None
    median: float | None
    mean: float | None
    upper_quartile: float | None
    maximum: float | None
    deviation: float | None
    """The standard deviation."""


class StepDuration(TypedDict):
    """How long one finished step took."""

    step: str
    seconds: float


class StepRequest(TypedDict):
    """How far to go before the run pauses again."""

    epochs: NotRequired[int]


class Strength(TypedDict):
    """How strongly two columns are associated, from 0 to 1; between two numbers from -1 to 1."""

    measure: Literal["pearson", "spearman", "cramers-v", "correlation-ratio"]
    value: float


class Suitable(TypedDict):
    """What a table must be like for a task to be the one that is meant."""

    target: Literal["classes", "quantity"]
    """quantity: a numeric column with more than 20 different values; classes: any other."""
    inputs: NotRequired[
        list[Literal["numeric", "categorical", "text", "datetime", "identifier", "ignored"]] | None
    ]
    """The kinds of its inputs, each once; null: whatever they are."""


class TensorMetadata(TypedDict):
    """A tensor's type and shape; -1 stands for any number of rows."""

    name: str
    datatype: Literal[
        "BOOL",
        "UINT8",
        "UINT16",
        "UINT32",
        "UINT64",
        "INT8",
        "INT16",
        "INT32",
        "INT64",
        "FP16",
        "FP32",
        "FP64",
        "BYTES",
    ]
    shape: list[int]
    parameters: NotRequired[dict[str, str | int | float | bool]]


class TextGroup(TypedDict):
    """The texts of one class, or all of them."""

    label: str | None
    """The class; null for all texts."""
    texts: int
    mean_words: float | None
    median_words: float | None
    lengths: list[int]
    """Texts by their words, in the bins of `length_edges`."""
    parts_of_speech: dict[str, float]
    """The share of each among the words."""
    phrases: list[list[Phrase]]
    """The most frequent words, pairs and triples of words."""
    cloud: list[CloudWord]


class TextProfile(TypedDict):
    """One column of texts, by class of the target."""

    column: str
    texts: int
    """How many texts were read."""
    length_edges: list[float]
    groups: list[TextGroup]
    """All texts first, then those of each class."""
    notes: list[str]


class Token(TypedDict):
    """What a person gets for their password."""

    access_token: str
    token_type: NotRequired[Literal["bearer"]]
    expires_in: int
    role: Role


class TrafficHour(TypedDict):
    """One hour."""

    at: str
    """When it begins."""
    predictions: int
    latency_ms: Latency | None
    """Null for an hour without predictions."""


class TrainingPicture(TypedDict):
    """A labelled picture: whoever the label names is known by it from now on."""

    label: str
    image: str
    """A picture in the store, by its name."""


class UnreadableCell(TypedDict):
    """A cell that cannot be read as the rest of its column."""

    row: int
    """Counted from 1 below the header."""
    text: str


class Upload(TypedDict):
    """The request that uploads a picture."""

    method: NotRequired[Literal["PUT"]]
    url: str
    """With a host: needs no credential. A path only: of this API, and needs the usual one."""
    headers: dict[str, str]


class User(TypedDict):
    """A person who signs in."""

    username: str
    role: Role
    created_at: str
    created_by: str
    signed_in_at: str | None


class UserChange(TypedDict):
    """What to change about a user; to change one's own password takes the current one too."""

    role: NotRequired[Role | None]
    password: NotRequired[str | None]
    current_password: NotRequired[str | None]


class VectorizerRequest(TypedDict):
    """How texts become numbers, and the hyperparameters that are fixed instead of searched."""

    name: str
    """By its name in `GET /v1/tasks`."""
    params: NotRequired[dict[str, bool | int | float | str | None]]


class VersionMemory(TypedDict):
    """Whether a version is kept in memory, and how much room is left for others."""

    model: str
    version: str
    loaded: bool
    places: int
    """How many versions of all models may be in memory beside the stage's own."""
    taken: int
    """How many of these places are taken."""


class VersionShort(TypedDict):
    """One trained version."""

    version: str
    created_at: str
    metrics: dict[str, float]
    """On the holdout rows."""
    candidate: dict[str, Any]
    preparation: dict[str, Any]
    """The options, what fitting made of them for each column, and the columns left out."""
    engine: Literal["onnx", "scikit-learn", "arrays"]
    lineage: Lineage
    receipt: dict[str, Any] | None
    stages: list[str]
    """The stages that serve it now."""
    barred: str | None
    """Why the platform may not promote it automatically, if so."""
    loaded: bool
    """Whether it is kept in memory, whatever the stage serves."""
    problem: NotRequired[str | None]
    """Why it is not loaded, whoever asks, and the remedy: it is not signed by this stage."""


class VersionsDeleted(TypedDict):
    """The versions that were deleted: all that nothing needed."""

    deleted: list[str]


class WordContribution(TypedDict):
    """How far a word, or several consecutive words, of a text moved an answer."""

    text: str
    start: int
    """Where it starts in the text, in characters."""
    end: int
    contribution: float


class DataProcessorGallerySchemasPictureRequest(TypedDict):
    """A picture of a person, or of somebody who must not be taken for them."""

    image: str
    """A picture in the store, by its name."""


class DataProcessorPicturesSchemasPictureRequest(TypedDict):
    """A picture that is to be uploaded."""

    folder: Literal["query-images", "train-images"]
    label: NotRequired[str | None]
    """Of `train-images` alone: the label of the person whom it shows."""
    content_type: NotRequired[Literal["image/jpeg", "image/png", "image/webp"]]


class Associations(TypedDict):
    """Every pair of the columns that are most strongly associated with the target."""

    columns: list[str]
    left_out: int
    """Columns that were left out because there are too many."""
    pairs: list[Pair]


class CandidateRequest(TypedDict):
    """One candidate to try: an estimator, and the hyperparameters that are fixed instead of searched."""

    estimator: str
    """By its name in `GET /v1/tasks`."""
    params: NotRequired[dict[str, bool | int | float | str | None]]
    vectorizer: NotRequired[str | VectorizerRequest | None]
    """Texts only; if left out, every vectorizer is tried."""


class ColumnProfile(TypedDict):
    """One column."""

    name: str
    kind: Literal["numeric", "categorical", "text", "datetime", "identifier", "ignored"]
    type: Literal["integer", "number", "date", "text"]
    missing: int
    """Missing values in all rows."""
    distinct: int
    """Distinct values in the sampled rows."""
    statistics: NotRequired[Statistics | None]
    distribution: NotRequired[Histogram | Counts | Periods | None]
    """Null for free text and identifiers."""
    by_target: NotRequired[ByTarget | None]
    strength: NotRequired[Strength | None]
    """How strongly it is associated with the target."""


class DatasetPreparation(TypedDict):
    """What is done to the rows before they are stored, and what the dataset's models begin with."""

    numeric_missing: NotRequired[
        Literal["automatic", "median", "mean", "most_frequent", "extreme", "drop_row"]
    ]
    """What replaces a missing number. automatic: nothing if the estimator can learn from the gap itself, else the median; extreme: a value below all others, which suits time series; drop_row: rows with a gap are not used for training."""
    categorical_missing: NotRequired[Literal["own_category", "most_frequent", "drop_row"]]
    """What replaces a missing category. own_category: missing is a value like any other; drop_row: rows with a gap are not used for training."""
    scaling: NotRequired[Literal["standard", "min_max", "none"]]
    """How numbers are scaled. standard: to mean 0 and deviation 1; min_max: to between 0 and 1. Only linear models need it; trees use the order of numbers and get them unscaled."""
    datetime: NotRequired[Literal["calendar", "ignore"]]
    """What a model learns from. calendar: year, month, day, weekday, day of the year, days since 1970, hour, minute and second in UTC, as numbers; ignore: nothing."""
    drop_duplicates: NotRequired[bool]
    """Leave out rows that repeat an earlier one."""
    rare_classes: NotRequired[RareClasses]
    """What becomes of classes with fewer than 10 rows."""


class Divergence(TypedDict):
    """Why a run cannot learn on."""

    epoch: int
    reason: str
    fork: ForkOffer


class DriftReport(TypedDict):
    """One comparison with every feature."""

    id: str
    model: str
    stage: str
    version: str
    at: str
    verdict: Literal["drift", "no_drift", "no_verdict"]
    reason: str
    rows: int
    """Recent predictions compared."""
    reference_rows: int
    drifted: list[str]
    news: list[str]
    """Of these, what no earlier report on the version named."""
    consequence: str
    """What followed from it, in words; may be empty."""
    run: str | None
    """The training run that it opened, if it did."""
    features: list[FeatureDrift]
    """Empty without a verdict."""
    left_out: dict[str, str]
    """Inputs that are not compared, and why."""


class Estimator(TypedDict):
    """Something that learns or prepares, and what can be set for it."""

    name: str
    title: str
    help: str
    hyperparameters: list[Hyperparameter]


class Explanation(TypedDict):
    """Which inputs moved a prediction most: baseline and contributions add up to the value."""

    prediction: str
    model: str
    version: str
    explained: str
    """What is explained, in words, e.g. the probability of the predicted class."""
    label: str | None
    """Classification: the predicted class."""
    unit: str
    """The unit of baseline, value and contributions: `probability`, or the target's name."""
    method: str
    background_rows: int
    """Training rows that the input is compared with; 0 for texts: a blank text."""
    evaluations: int
    """How many rows the version predicted for it."""
    milliseconds: float
    """How long it took to compute."""
    baseline: float
    """The version's mean answer to its background rows."""
    value: float
    """The version's answer to this input."""
    contributions: list[Contribution]
    """The largest first, in either direction."""
    words: NotRequired[list[WordContribution] | None]
    """For a text, in order; they add up to its contribution. Null for tables."""


class FileSource(TypedDict):
    """How the file was read."""

    format: Literal["csv", "parquet", "xlsx", "json"]
    header: bool
    encoding: str | None
    delimiter: str | None
    decimal: str | None
    notes: list[str]
    """What was recognised and what was left out."""
    choices: NotRequired[list[ReadingChoice]]
    """Other ways to read it."""


class InferRequest(TypedDict):
    """What to predict: one tensor per column."""

    id: NotRequired[str | None]
    parameters: NotRequired[dict[str, Any] | None]
    inputs: list[RequestTensor]
    outputs: NotRequired[list[RequestedOutput] | None]
    """The outputs to return, in this order; none: all of them."""


class InferResponse(TypedDict):
    """What was predicted."""

    model_name: str
    model_version: str
    id: NotRequired[str | None]
    outputs: list[ResponseTensor]


class Key(TypedDict):
    """A credential of a program, without its secret."""

    id: str
    name: str
    role: Role
    requests_per_second: float | None
    trusted: bool
    created_at: str
    created_by: str
    expires_at: str


class LiveRun(TypedDict):
    """Where a live run stands."""

    id: str
    model: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    state: Literal["waiting", "preparing", "running", "paused", "ended"]
    why: str | None
    """Why it paused or ended."""
    estimator: str
    vectorizer: str | None
    hyperparameters: dict[str, bool | int | float | str | None]
    """Those in force."""
    adjustable: list[str]
    """Those that may be changed while it runs."""
    declared: list[Hyperparameter]
    epoch: int
    """Epochs learnt."""
    epochs: int
    """It ends after so many."""
    metric: str | None
    """What epochs are compared by."""
    lower_is_better: bool
    best: BestEpoch | None
    changes: list[Change]
    pending: list[Pending]
    diverged: Divergence | None
    parent: str | None
    """The live run that it was forked from."""
    parent_epoch: int | None
    paused_until: str | None
    """When a paused run is stopped."""
    kept_by: list[str]
    """The training runs that took its weights to the gate."""
    last_seq: int
    """The number of its last event."""
    subject: str
    created_at: str


class MadeKey(TypedDict):
    """A key that was just created: its secret is shown only once."""

    id: str
    name: str
    role: Role
    requests_per_second: float | None
    trusted: bool
    created_at: str
    created_by: str
    expires_at: str
    key: str


class Me(TypedDict):
    """Whose credential made the request."""

    subject: str
    role: Role
    kind: Literal["token", "key"]
    trusted: bool
    expires_at: str


class ModelMetadata(TypedDict):
    """A model's input and output tensors."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelRequest(TypedDict):
    """A model to create from a dataset."""

    name: str
    dataset: NotRequired[str | None]
    """What it learns from; required but for a task that takes pictures, whose models make a dataset of their own, with the model's name."""
    task: NotRequired[str | None]
    """If given, it must be the task of the dataset."""
    selection_metric: NotRequired[
        Literal["accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2"] | None
    ]
    candidates: NotRequired[list[CandidateRequest] | None]
    """What the first run tries instead of every estimator."""
    policy: NotRequired[dict[str, Any]]
    """Fields of the policy that differ from the defaults."""
    preparation: NotRequired[Preparation | None]
    """How its columns are prepared, in every run; if left out, as confirmed for the dataset."""


class ModelScore(TypedDict):
    """How often a stage's version has been right lately, and what the controller concludes from it."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """Predictions with feedback that count."""
    window: int
    """How many predictions with feedback the score looks back over."""
    threshold: float
    version: str | None
    state: Literal["collecting", "healthy", "degraded", "retraining", "watching", "paused"]
    reason: str
    asked: ShareOfRight | None
    """Over the predictions that people were asked about."""
    volunteered: ShareOfRight
    estimate: EstimatedShare | None
    """Estimated without labels; null where there is none."""
    estimate_reason: NotRequired[str]
    """What the estimate cannot see, or why there is none."""
    believe: NotRequired[Literal["asked", "volunteered", "estimate", "none"]]
    """Which of these numbers to believe."""
    believe_reason: NotRequired[str]
    """Why, and what it means if they contradict each other."""


class ModelShort(TypedDict):
    """One model in a list."""

    name: str
    task: str
    takes: Literal["rows", "pictures"]
    """What it answers: rows of a table, or pictures."""
    built_in: bool
    """A default model of the platform: it cannot be deleted."""
    version: str | None
    """The version that the stage serves; null before the first promotion."""
    stage: str
    score: ModelScore | None
    state: Literal["collecting", "healthy", "degraded", "retraining", "watching", "paused"]


class NewKey(TypedDict):
    """A key to create."""

    name: str
    role: NotRequired[Role]
    expires_in_days: NotRequired[int]
    requests_per_second: NotRequired[float | None]
    trusted: NotRequired[bool]


class NewUser(TypedDict):
    """A user to add."""

    username: str
    password: str
    role: NotRequired[Role]


class PictureOffer(TypedDict):
    """The name of a new picture, and how to upload it."""

    image: str
    upload: Upload
    expires_at: str
    """Until when it may be uploaded."""


class Policy(TypedDict):
    """Everything a maintainer can set for one model."""

    threshold: NotRequired[float]
    window: NotRequired[int]
    min_feedback: NotRequired[int]
    check_every: NotRequired[int]
    trigger_z: NotRequired[float]
    recovery_margin: NotRequired[float]
    cooldown_s: NotRequired[float]
    min_new_labels: NotRequired[int]
    breaker_after: NotRequired[int]
    max_rater_share: NotRequired[float]
    min_raters: NotRequired[int]
    use_pinned: NotRequired[bool]
    ask_rate: NotRequired[float]
    tolerance: NotRequired[float]
    unseen_category: NotRequired[Literal["flag", "reject"]]
    selection_metric: NotRequired[
        Literal["accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2"] | None
    ]
    preparation: NotRequired[Preparation]
    budget_s: NotRequired[float]
    recent_share: NotRequired[float]
    gate_alpha: NotRequired[float]
    max_recall_loss: NotRequired[float]
    min_class_rows: NotRequired[int]
    max_reference_loss: NotRequired[float | None]
    watch_alpha: NotRequired[float]
    watch_looks: NotRequired[list[WatchLook]]
    drift_every: NotRequired[int]
    drift_window: NotRequired[int]
    drift_run: NotRequired[bool]
    max_unlabelled_share: NotRequired[float]
    auto_promote: NotRequired[bool]


class PolicyChanged(TypedDict):
    """A model's policy after a change."""

    name: str
    policy: Policy


class PossibleReading(TypedDict):
    """One way to read a column's cells."""

    reading: Reading
    unreadable: int
    """Cells that cannot be read so."""
    cells: list[UnreadableCell]
    """The first of them."""
    texts: NotRequired[dict[str, int]]
    """How many of them hold each text, the most frequent ones first."""


class PredictionDetail(TypedDict):
    """One prediction with everything that is known about it."""

    id: str
    label: NotRequired[str | None]
    """Classification: the most probable class. Faces: whose it is; null: not recognised."""
    probabilities: NotRequired[dict[str, float] | None]
    """Classification: the probability of every class."""
    value: NotRequired[float | None]
    """Regression: the predicted value."""
    person: NotRequired[str | None]
    """Faces: the id of the person with the label."""
    distance: NotRequired[float | None]
    """Faces: how far the nearest face of the gallery is that comes into question; null if none does: nobody is enrolled, or feedback said of all who are that they are not this face."""
    threshold: NotRequired[float | None]
    """Faces: farther than this, nobody is recognised."""
    confidence: NotRequired[float | None]
    """Faces: how sure the answer is of the nearest face: 0.5 at the threshold, 1 at most."""
    faces: NotRequired[int | None]
    """Faces: how many were seen; the largest one was taken."""
    flags: list[str]
    """What was unusual about the input: `<column>: missing`, `<column>: unseen category …` or `<column>: out of range …`, `<column>: no whole number …`, or `<column>: no input of the model, ignored`."""
    ask: bool
    """The platform asks for feedback on this prediction."""
    model: str
    version: str
    stage: str
    pinned: bool
    """Whether the caller chose the version."""
    subject: str
    at: str
    inputs: dict[str, Any]
    latency_ms: float
    trace_id: str
    feedback: list[GivenFeedback]
    """The latest feedback of each person, the most recent last."""
    lineage: PredictionLineage | None
    """The lineage of its version; null once the version has been deleted."""


class Profile(TypedDict):
    """A dataset version, described for people who want to understand it before they train on it."""

    state: NotRequired[Literal["ready"]]
    dataset: str
    version: int
    task: str
    target: str
    classes: list[str]
    """The most frequent first; of many, only the first are listed."""
    rows: Rows
    columns: list[ColumnProfile]
    associations: Associations
    texts: list[TextProfile]
    notes: list[str]
    """What was left out, and why."""
    made_at: str


class ProposedColumn(TypedDict):
    """One column, and what it seems to be."""

    name: str
    kind: Literal["numeric", "categorical", "text", "datetime", "identifier", "ignored"]
    reason: str
    """Why this kind is proposed."""
    type: str
    """What its values are: integer, number, boolean, datetime or text."""
    missing: int
    distinct: int
    """Distinct values, missing ones not counted."""
    examples: list[Any]
    counts: dict[str, int]
    """How often each value occurs; empty if there are many."""
    minimum: NotRequired[float | None]
    maximum: NotRequired[float | None]
    mean: NotRequired[float | None]
    renamed: NotRequired[str | None]
    """What the previous version calls it."""
    reading: NotRequired[Reading | None]
    """How its cells are read."""
    readings: NotRequired[list[PossibleReading]]
    """Every way that its cells can be read, the proposed one first."""
    nullable: NotRequired[bool | None]
    """Whether predictions may leave it out, if confirmed."""
    marks: NotRequired[dict[str, int]]
    """How many cells hold each text that usually stands for a missing value."""


class RunDetail(TypedDict):
    """One run with everything that is known about it."""

    id: str
    kind: str
    """What it does: training, dataset, evaluation, profile …"""
    model: str | None
    """Null for a run that belongs to a dataset."""
    dataset: str | None
    """The dataset it works on."""
    stage: str
    trigger: Literal["score", "manual", "upload", "drift", "initial"]
    status: Literal["queued", "running", "succeeded", "failed", "cancelled"]
    step: str | None
    """The step it is in, or was in last."""
    progress: float
    """The share of its steps that are done, 0 to 1."""
    reason: str
    subject: str
    dataset_version: int | None
    champion: str | None
    """The version it was compared with."""
    version: str | None
    """The version it registered."""
    error: str | None
    cancel_requested: bool
    trace_id: str | None
    """The trace it is part of, 32 hex digits: that of the request that asked for it."""
    created_at: str
    started_at: str | None
    finished_at: str | None
    options: dict[str, Any]
    leaderboard: list[dict[str, Any]]
    gate: dict[str, Any] | None
    """The receipt of the gate."""
    steps: list[StepDuration]
    result: dict[str, Any] | None
    """Its result, if that is not a version."""


class RunRequest(TypedDict):
    """A training run to start; everything has a default in the model's policy."""

    budget_s: NotRequired[float | None]
    """Seconds that the search may take."""
    candidates: NotRequired[list[CandidateRequest] | None]
    """What to try instead of every estimator."""
    reason: NotRequired[str]
    """Why the run is started."""


class SchemaConfirmation(TypedDict):
    """What a dataset's columns are, and which of them is to be predicted."""

    target: str
    """The column to predict, by its old or its new name."""
    columns: NotRequired[dict[str, ColumnConfirmation]]
    """By the name in the proposal; columns left out stay as proposed."""
    task: NotRequired[str | None]
    """If left out, it follows from the target's values and the inputs' kinds."""
    preparation: NotRequired[DatasetPreparation]
    holdout: NotRequired[Holdout]
    """What decides which rows are held out: single rows, the groups in a column (an engine, a patient), or the time in one. Columns go by their old or their new names. The group is no input unless its column's kind is given."""


class TaskDescription(TypedDict):
    """One task: what it can be measured by, what can be tried, what can be set, and what pages need."""

    task: str
    title: str
    label: str
    """What kind of problem it is, in a word or two."""
    meaning: str
    """What it is for, in one sentence."""
    takes: NotRequired[Literal["rows", "pictures"]]
    """What it answers: rows of a table, or pictures."""
    answer: Literal["label", "value"]
    """What it answers with: one of the target's classes, or a number."""
    suits: Suitable | None
    """Which tables it is proposed for, the most particular task wins; null: none."""
    metrics: list[Literal["accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2"]]
    default_metric: Literal["accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2"]
    """What candidates are ranked by if nothing is said."""
    estimators: list[Estimator]
    vectorizers: NotRequired[list[Estimator]]
    """How texts become numbers; [] for tables."""
    live_estimators: NotRequired[list[LiveEstimator]]
    """What can be trained in a live run; [] for pictures."""
    preparation: NotRequired[list[Hyperparameter]]
    """What is done to the columns before an estimator sees them."""
    lower_is_better: list[
        Literal["accuracy", "balanced_accuracy", "f1", "roc_auc", "log_loss", "mae", "rmse", "r2"]
    ]
    """Of its metrics, those of which less is better; of the others more is."""


class Traffic(TypedDict):
    """What a model was asked lately."""

    model: str
    predictions: int
    """Answered in all these hours."""
    latency_ms: Latency | None
    """Over all these hours, of up to 500 predictions of each."""
    hours: list[TrafficHour]
    """Oldest first; the last one is not over."""
    refused: dict[str, int]
    """Requests without an answer, by reason, as the replica that was asked counted them."""
    refused_since: str
    """When that replica started."""


class DatasetProposal(TypedDict):
    """What an uploaded file seems to contain."""

    name: str
    state: Literal["proposed", "storing", "ready", "failed"]
    rows: int
    columns: list[ProposedColumn]
    target: str | None
    """The column that is probably to be predicted."""
    warnings: list[DatasetWarning]
    """Those about the target assume the proposed one."""
    source: FileSource
    difference: DatasetDifference | None
    holdout: NotRequired[ProposedHoldout | None]
    """What the leak audit found; null for files that were read before there was one."""


class ModelDetail(TypedDict):
    """One model with everything that its form and its pages need."""

    name: str
    task: str
    takes: Literal["rows", "pictures"]
    """What it answers: rows of a table, or pictures."""
    built_in: bool
    """A default model of the platform: it cannot be deleted."""
    version: str | None
    """The version that the stage serves; null before the first promotion."""
    stage: str
    score: ModelScore | None
    state: Literal["collecting", "healthy", "degraded", "retraining", "watching", "paused"]
    dataset: str
    schema: dict[str, Any]
    """The JSON Schema of one input."""
    columns: list[str]
    """The names of the inputs, in the table's order."""
    target: str
    classes: list[str]
    policy: Policy
    versions: list[VersionShort]
    ready: bool
    """Whether it answers predictions: false until its first version is trained and loaded."""
    refusals: NotRequired[list[AliasRefusal]]
    """Aliases that were moved in MLflow and moved back, the last first."""
    problem: str | None
    """Why the version that the ledger names is not being served, or why none is."""


class DatasetDetail(TypedDict):
    """One dataset with everything that is known about it."""

    name: str
    state: Literal["proposed", "storing", "ready", "failed"]
    """State of the newest file; meanwhile `version` can be used."""
    version: int | None
    """The newest stored version."""
    rows: int
    task: str | None
    target: str | None
    created_at: str
    classes: dict[str, int]
    """How many rows each class has; empty for a regression."""
    columns: list[DatasetColumn]
    """As confirmed; before that, as proposed."""
    holdout: NotRequired[Holdout | None]
    """What decides which rows are held out; null before that."""
    warnings: list[DatasetWarning]
    proposal: DatasetProposal | None
    """The proposal for the newest file."""
    tables: list[str]
    """Its tables in the warehouse."""
    models: list[str]
    """The models that use it."""
    error: str | None
    """Why the newest file could not be stored, if so."""
    run: str | None
    """The run that stores or stored the newest file; null before that."""
