"""A few hundred made-up comments: some rude, most polite."""

import numpy as np
import pandas as pd

from data_processor.datasets.inference import infer_schema
from data_processor.datasets.tables import keepable
from data_processor.features.split import Split, prepare_data

POLITE = ["thank", "you", "for", "this", "article,", "I", "agree", "mayor", "was", "saying", "new", "schools"]
RUDE = ["you", "are", "an", "idiot", "and", "liar,", "stupid", "fools", "were", "never", "this", "dumb"]
COMMON = ["people", "think", "that", "it", "is", "the", "best", "or", "worst", "of", "all", "ideas"]


def make_comments(rows: int, seed: int) -> pd.DataFrame:
    """Return comments of which a quarter are rude, with the words of both kinds mixed in."""
    draw = np.random.default_rng(seed)
    rude = draw.random(rows) < 0.25
    texts = [
        " ".join([*draw.choice(COMMON, 8), *draw.choice(RUDE if bad else POLITE, 5), f"No{number}!"])
        for number, bad in enumerate(rude)
    ]
    return pd.DataFrame({"comment": texts, "toxic": np.where(rude, "yes", "no")})


def divide(table: pd.DataFrame) -> Split:
    """Return comments without feedback, divided."""
    schema = infer_schema(table, "toxic", task="text-classification", kinds={"comment": "text"})
    return prepare_data(keepable(table, schema), schema, "salt", None, validate_on_recent=False)
