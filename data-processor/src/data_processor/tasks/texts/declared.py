"""What can be set of a model for texts: how texts become numbers, and what learns from them.

A search looks where a few hundred texts have something to say. Words compile to ONNX exactly; lemmas and
characters do not, and are served by scikit-learn.
"""

from data_processor.features.hyperparameters import Estimator, Hyperparameter
from data_processor.statistics.measures import CLASSIFICATION_METRICS
from data_processor.tasks.incremental.declared import LIVE_TEXT_CLASSIFIERS
from data_processor.tasks.task import Suitable, TaskDescription

WORD_NGRAMS = ("1-1", "1-2", "1-3", "2-2", "2-3", "3-3")
CHARACTER_NGRAMS = ("2-4", "2-5", "2-6", "3-4", "3-5", "3-6", "4-6")
LEMMA_LANGUAGES = ("en", "de", "fr", "es", "it", "pt", "nl", "pl", "sv", "da", "cs", "ru", "uk", "tr")
"""Languages whose dictionaries `simplemma` brings along, by their ISO 639-1 code."""
NONE = "none"
YES_OR_NO = ("yes", "no")


def _ngrams(choices: tuple[str, ...], default: str, search: tuple[str, ...], of: str) -> Hyperparameter:
    return Hyperparameter(
        name="ngrams",
        title="Length of a term",
        help=f"From how many to how many {of} following each other count as one term.",
        kind="choice",
        default=default,
        choices=choices,
        search=search,
    )


_MIN_DF = Hyperparameter(
    name="min_df",
    title="Fewest texts",
    help="A term that fewer texts have is left out: more makes a smaller, steadier model.",
    kind="integer",
    default=2,
    low=1,
    high=10_000,
    search=(1, 4),
)
_MAX_DF = Hyperparameter(
    name="max_df",
    title="Largest share of the texts",
    help="A term that a larger share of the texts has is left out: it tells nothing apart.",
    kind="number",
    default=1.0,
    low=0.01,
    high=1.0,
    search=(0.3, 1.0),
)
_LOWERCASE = Hyperparameter(
    name="lowercase",
    title="Ignore capitals",
    help="Capital and small letters are the same.",
    kind="flag",
    default=True,
    search=YES_OR_NO,
)
_STOP_WORDS = Hyperparameter(
    name="stop_words",
    title="Leave out",
    help="English words such as `the` and `of` that carry little meaning.",
    kind="choice",
    default=NONE,
    choices=(NONE, "english"),
    search=(NONE, "english"),
)
_LEMMAS = Hyperparameter(
    name="lemmas",
    title="Dictionary forms",
    help="`was` and `is` count as `be`: the language of the texts; none leaves words as they are.",
    kind="choice",
    default=NONE,
    choices=(NONE, *LEMMA_LANGUAGES),
    search=(NONE, "en"),
)
_SUBLINEAR = Hyperparameter(
    name="sublinear",
    title="Damp repetition",
    help="The tenth time a text uses a term counts less than the first (1 + log of the count).",
    kind="flag",
    default=True,
    search=YES_OR_NO,
)
_WORDS = (
    _ngrams(WORD_NGRAMS, "1-2", ("1-1", "1-2", "1-3"), "words"),
    _MIN_DF,
    _MAX_DF,
    _LOWERCASE,
    _STOP_WORDS,
    _LEMMAS,
)

VECTORIZERS = (  # what is likeliest to be best comes first, because it is tried first
    Estimator(
        name="character-tf-idf",
        title="Weighted characters (tf-idf)",
        help="Pieces of words: best on short texts with odd spellings; answers a little slower.",
        hyperparameters=(
            _ngrams(CHARACTER_NGRAMS, "3-5", ("2-4", "2-5", "3-5", "3-6"), "characters of a word"),
            _MIN_DF,
            _MAX_DF,
            _LOWERCASE,
            _SUBLINEAR,
        ),
    ),
    Estimator(
        name="tf-idf",
        title="Weighted words (tf-idf)",
        help="Words that few texts use weigh more: better than plain counts on most texts.",
        hyperparameters=(*_WORDS, _SUBLINEAR),
    ),
    Estimator(
        name="bag-of-words",
        title="Bag of words",
        help="How often a text uses each word: simple, and easy to explain.",
        hyperparameters=(
            *_WORDS,
            Hyperparameter(
                name="binary",
                title="Presence only",
                help="Whether a text uses a word counts, and not how often.",
                kind="flag",
                default=False,
                search=YES_OR_NO,
            ),
        ),
    ),
)

_CLASS_WEIGHT = Hyperparameter(
    name="class_weight",
    title="Weight of the classes",
    help="`balanced`: a rare class counts as much as a frequent one, so it is answered more often; "
    "probabilities are then no frequencies.",
    kind="choice",
    default=NONE,
    choices=(NONE, "balanced"),
    search=(NONE, "balanced"),
)


def _freedom(default: float, search: tuple[float, float]) -> Hyperparameter:
    return Hyperparameter(
        name="C",
        title="Freedom (C)",
        help="The inverse of caution: less draws the weights of the terms towards nothing.",
        kind="number",
        default=default,
        low=1e-6,
        high=1e6,
        log=True,
        search=search,
    )


ESTIMATORS = (  # in the same order
    Estimator(
        name="logistic-regression",
        title="Logistic regression",
        help="A weighted sum of the terms: steady, with probabilities that mean what they say.",
        hyperparameters=(_freedom(1.0, (0.01, 100.0)), _CLASS_WEIGHT),
    ),
    Estimator(
        name="linear-svc",
        title="Linear support vectors",
        help="Looks only at the texts that are hard to tell apart; its probabilities are calibrated.",
        hyperparameters=(_freedom(0.3, (0.003, 30.0)), _CLASS_WEIGHT),
    ),
    Estimator(
        name="naive-bayes",
        title="Naive Bayes",
        help="Counts what each class says: fitted at once, good on few texts, rough probabilities.",
        hyperparameters=(
            Hyperparameter(
                name="alpha",
                title="Caution (alpha)",
                help="How often every term is taken to have been seen in each class beforehand.",
                kind="number",
                default=0.1,
                low=1e-6,
                high=1e3,
                log=True,
                search=(0.01, 10.0),
            ),
            Hyperparameter(
                name="fit_prior",
                title="Learn how frequent classes are",
                help="Else every class is taken to be equally frequent.",
                kind="flag",
                default=True,
                search=None,
            ),
        ),
    ),
)

DESCRIPTION = TaskDescription(
    task="text-classification",
    title="Tell classes apart by a text",
    label="Text classification",
    meaning="Tell classes of texts apart.",
    answer="label",
    suits=Suitable(target="classes", inputs=("text",)),
    metrics=CLASSIFICATION_METRICS,
    default_metric="roc_auc",
    estimators=ESTIMATORS,
    vectorizers=VECTORIZERS,
    live_estimators=LIVE_TEXT_CLASSIFIERS,
)
