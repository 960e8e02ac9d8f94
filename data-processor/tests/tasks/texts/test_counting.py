import numpy as np
import pytest
from scipy.sparse import csr_matrix

from data_processor.features.split import Split
from data_processor.tasks.candidates import TooFewRowsError, Vectorizer
from data_processor.tasks.texts.counting import Counted
from data_processor.tasks.texts.families import complete
from data_processor.tasks.texts.vectorizers import PLAIN_WORDS, make_vectorizer

CHOICES = [
    ("bag-of-words", {"max_df": 0.5}),
    ("bag-of-words", {"binary": True, "min_df": 3, "ngrams": "1-3"}),
    ("tf-idf", {"sublinear": False, "stop_words": "english"}),
    ("tf-idf", {"lemmas": "en", "lowercase": False}),
    ("character-tf-idf", {"max_df": 0.6}),
]


@pytest.mark.parametrize(("name", "params"), CHOICES)
@pytest.mark.parametrize("most", [50_000, 40])
def test_features_from_counts_are_those_of_a_fit_to_the_same_texts(
    comments_split: Split, name: str, params: dict[str, object], most: int
) -> None:
    texts = comments_split.fitting.frame["comment"].tolist()
    fitted = np.arange(0, len(texts), 2)
    vectorizer = make_vectorizer(complete(Vectorizer(name=name, params=params)), PLAIN_WORDS)
    vectorizer.set_params(max_features=most)
    counted = Counted(vectorizer, texts).features(vectorizer, fitted)
    expected: csr_matrix = vectorizer.fit([texts[place] for place in fitted]).transform(texts)

    np.testing.assert_allclose(counted.toarray(), expected.toarray(), atol=1e-12)


def test_texts_without_a_usable_term_are_refused(comments_split: Split) -> None:
    texts = comments_split.fitting.frame["comment"].tolist()
    rare = make_vectorizer(complete(Vectorizer(name="tf-idf", params={"min_df": 5000})), PLAIN_WORDS)

    with pytest.raises(TooFewRowsError, match="No term"):
        Counted(rare, texts).features(rare, np.arange(len(texts)))
    with pytest.raises(TooFewRowsError, match="No term"):
        Counted(rare, ["", "?!"])
