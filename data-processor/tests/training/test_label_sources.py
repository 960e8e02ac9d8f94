from collections import Counter
from typing import Any

import numpy as np
import pytest

from data_processor.features.split import Rows, Split, prepare_data
from data_processor.models.policy import Policy
from data_processor.statistics.gate import decide
from data_processor.statistics.measures import Answers
from data_processor.statistics.raters import Source
from data_processor.statistics.receipt import Receipt
from data_processor.training.label_sources import LISTED, PARTS, Raters, Sources, limit

POLICY = Policy()


def sources_of(*raters: str, trusted: bool = False) -> Sources:
    """Let these raters have labelled predictions 1, 2, 3 … of the drifted snapshot."""
    return Sources(
        {f"prediction-{n}": (n, Source((who,), trusted=trusted)) for n, who in enumerate(raters, start=1)}
    )


LIAR = sources_of(*["mallory"] * 310, *(f"honest-{n % 9}" for n in range(90)))


def parts(split: Split) -> list[Rows]:
    return [getattr(split, name) for name in PARTS]


def labels(split: Split, sources: Sources, *, recent: bool) -> Counter[str]:
    """Return how many rows of feedback each rater has in a split."""
    every = (rows.predictions[rows.recent == recent].tolist() for rows in parts(split))
    return Counter(r for some in every for source in sources.rows(filter(None, some)) for r in source.raters)


@pytest.mark.parametrize("by_recent", [True, False])
def test_no_rater_supplies_more_than_their_share_of_the_recent_rows(
    drifted_snapshot: Any, *, by_recent: bool
) -> None:
    frame, schema = drifted_snapshot
    whole = prepare_data(frame, schema, "salt", 0, validate_on_recent=by_recent)
    limited = limit(whole, LIAR, POLICY)
    found = labels(limited, LIAR, recent=True)
    assert found["mallory"] == 22
    assert sum(found.values()) == 112
    old = [int((rows.predictions == "").sum()) for rows in parts(whole)]
    assert [int((rows.predictions == "").sum()) for rows in parts(limited)] == old


def test_nor_of_the_feedback_that_the_champion_knew(drifted_snapshot: Any) -> None:
    frame, schema = drifted_snapshot
    whole = prepare_data(frame, schema, "salt", 400, validate_on_recent=False)
    found = labels(limit(whole, LIAR, POLICY), LIAR, recent=False)
    assert (found["mallory"], sum(found.values())) == (22, 112)


def test_of_a_rater_with_too_many_labels_the_newest_count(drifted_split: Split) -> None:
    kept = {p for rows in parts(limit(drifted_split, LIAR, POLICY)) for p in rows.predictions.tolist()}
    assert {f"prediction-{n}" for n in range(289, 311)} <= kept
    assert not {f"prediction-{n}" for n in range(1, 289)} & kept


def test_what_the_trusted_say_is_not_limited(drifted_split: Split) -> None:
    limited = limit(drifted_split, sources_of(*["eve"] * 400, trusted=True), POLICY)
    assert len(limited) == len(drifted_split)


def vouched(split: Split, sources: Sources, policy: Policy = POLICY) -> Receipt:
    """Let a challenger that is always right meet a champion that always is not, on the test rows."""
    truth = split.test.target
    other = np.where(truth == "<=50K", ">50K", "<=50K").astype(object)

    def judge(rows: Any) -> Receipt:
        return decide(
            slice="recent",
            labels=truth[rows],
            champion=Answers(labels=other[rows]),
            challenger=Answers(labels=truth[rows]),
            metric="accuracy",
            policy=policy,
            k=1,
            seed=1,
            classes=("<=50K", ">50K"),
        )

    everything = judge(np.ones(len(truth), np.bool_))
    return Raters(sources, split).vouch(everything, split.test, judge, split, policy)


def test_the_receipt_lists_who_labelled_the_rows(drifted_split: Split) -> None:
    receipt = vouched(drifted_split, LIAR)
    first = receipt.raters[0]
    assert (first.rater, first.trusted, first.labels, first.used) == ("mallory", False, 310, 310)
    assert len(receipt.raters) == 10
    assert sum(line.deciding for line in receipt.raters) == receipt.n
    assert receipt.without is not None
    assert (receipt.without.rater, receipt.without.rows) == ("mallory", first.deciding)
    assert (receipt.without.verdict, receipt.waits) == ("promote", None)


def test_a_receipt_lists_no_more_raters_than_people_read(drifted_split: Split) -> None:
    receipt = vouched(drifted_split, sources_of(*(f"rater-{n % 50}" for n in range(400))))
    assert (len(receipt.raters), receipt.more_raters) == (LISTED, 50 - LISTED)


def test_a_promotion_waits_if_too_few_raters_who_are_not_trusted_bring_it_about(drifted_split: Split) -> None:
    receipt = vouched(drifted_split, sources_of(*(f"rater-{n % 4}" for n in range(400))))
    assert receipt.verdict == "promote"
    assert receipt.waits == (
        f"Raters who are not trusted labelled {receipt.n} of the {receipt.n} deciding rows, and only 4 of "
        "the 5 raters it takes have spoken. Without those rows the verdict would not be promote, so a "
        "maintainer has to promote this version."
    )
    assert vouched(drifted_split, sources_of(*["eve"] * 400, trusted=True)).waits is None


def test_rows_of_which_nobody_knows_who_labelled_them_are_trusted_by_nobody(drifted_split: Split) -> None:
    receipt = vouched(drifted_split, Sources({}))
    assert receipt.waits is not None
    assert [line.rater for line in receipt.raters] == [""]
