"""Candidates for texts, fitted to the folds of a search and asked about the rest."""

import time
from collections import OrderedDict

import numpy as np
import optuna
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from sklearn.feature_extraction.text import CountVectorizer

from data_processor.features.schema import Schema
from data_processor.statistics.measures import SelectionMetric
from data_processor.tasks.candidates import Candidate, RecentShare, TooFewRowsError, Vectorizer
from data_processor.tasks.texts.counting import Counted
from data_processor.tasks.texts.families import TextArm, make_estimator
from data_processor.tasks.texts.fitting import rows_of_rarest
from data_processor.tasks.texts.vectorizers import make_vectorizer, words_of
from data_processor.training.leaderboard import Tried, as_answers
from data_processor.training.texts.folds import Fold, Material
from data_processor.training.texts.measuring import Measured

COUNTED = 12
"""Ways of counting that are kept."""
_SHAPING = ("ngrams", "lowercase", "stop_words", "lemmas")
"""What decides which terms there are; all else can be changed afterwards."""

Floats = NDArray[np.float64]


class _LateError(Exception):
    """There is no time left for this trial."""


class _BehindError(Exception):
    """This trial is not worth more fits."""


class Trials:
    """Fits candidates to the folds and asks them about the rest."""

    def __init__(
        self, material: Material, schema: Schema, metric: SelectionMetric, seed: int, budget_s: float
    ) -> None:
        """Try candidates on these rows until the budget is over."""
        self._began, self._budget_s, self._seed = time.monotonic(), budget_s, seed
        self._metric, self._schema, self._material = metric, schema, material
        self._texts: list[str] = material.rows.frame[schema.strings[0].name].tolist()
        self._words = words_of(self._texts)
        self._counted: OrderedDict[str, Counted] = OrderedDict()
        self._slowest: dict[tuple[str, str], float] = {}
        self.measured = Measured(metric, material.rows.target[material.asked], schema)
        self.tried: list[Tried] = []
        self.said: list[Floats] = []
        """What each said in every division, shape (divisions, rows, classes)."""
        self.begun = 0
        self.late = False
        """There was no time for the last trial."""
        self.why_not = "there is no row to choose by."

    @property
    def used(self) -> float:
        """Seconds since the search began."""
        return time.monotonic() - self._began

    def run(
        self, trial: optuna.Trial, study: optuna.Study, arm: TextArm, share: RecentShare, *, must: bool
    ) -> Tried | None:
        """Try what a trial draws; None if it cannot be fitted, is behind, or does not end in time."""
        candidate = arm.draw(trial, share)
        self.begun, self.late = self.begun + 1, False
        try:
            tried, said = self._try(trial, candidate, must=must)
        except TooFewRowsError as error:
            self.why_not = str(error)
        except _BehindError:
            study.tell(trial, state=optuna.trial.TrialState.PRUNED)
            return None
        except _LateError:
            self.late = True
        else:
            if self._metric in tried.metrics:
                study.tell(trial, tried.metrics[self._metric])
                self.tried.append(tried)
                self.said.append(said)
                return tried
            self.why_not = f"{self._metric} has no value on the rows to choose by."
        study.tell(trial, state=optuna.trial.TrialState.FAIL)
        return None

    def _try(self, trial: optuna.Trial, candidate: Candidate, *, must: bool) -> tuple[Tried, Floats]:
        chosen = required(candidate.vectorizer)
        vectorizer = make_vectorizer(chosen, self._words)
        counted = self._count(chosen, vectorizer)
        key, divisions = (candidate.estimator, chosen.name), len(self._material.divisions)
        said = np.zeros((divisions, len(self._texts), len(self._schema.classes)))
        done, seconds = 0, []
        while done < divisions and not (must and done and self.used > self._budget_s):
            for fold in self._material.fits(done, candidate.recent_share):
                if not must and self.used + self._slowest.get(key, 0.0) > self._budget_s:
                    raise _LateError
                began = time.monotonic()
                features = counted.features(vectorizer, fold[0])
                said[done, fold[2]] = self._fit(candidate, features, fold)
                seconds.append(time.monotonic() - began)
                self._slowest[key] = max(seconds[-1], self._slowest.get(key, 0.0))
            done += 1
            if done < divisions and not must:
                self._prune(trial, said[done - 1 : done], done)
        said = said[:done, self._material.asked]
        tried = Tried(
            candidate=candidate,
            answers=as_answers(said.mean(axis=0), self._schema),
            metrics=self.measured.of(said),
            fit_seconds=float(np.mean(seconds)) + counted.seconds_per_text * len(fold[0]),
            ms_per_row=1000 * counted.seconds_per_text,
            bytes=8 * features.shape[1] * (len(self._schema.classes) + 1),
        )
        return tried, said

    def _prune(self, trial: optuna.Trial, said: Floats, done: int) -> None:
        """Give a trial up that is behind what others were after as many divisions."""
        found = self.measured.of(said[:, self._material.asked]).get(self._metric)
        if found is not None:
            trial.report(found, done)
            if trial.should_prune():
                raise _BehindError

    def _fit(self, candidate: Candidate, features: csr_matrix, fold: Fold) -> Floats:
        """Return what a candidate, fitted to some rows, says of others."""
        fitted, weights, asked = fold
        target = self._material.rows.target[fitted]
        model = make_estimator(candidate, self._seed, rows_of_rarest(target, self._schema))
        model.fit(features[fitted], target, sample_weight=weights)
        return np.asarray(model.predict_proba(features[asked]), np.float64)

    def _count(self, chosen: Vectorizer, vectorizer: CountVectorizer) -> Counted:
        shape = chosen.name == "character-tf-idf", *(chosen.params.get(name) for name in _SHAPING)
        key = repr(shape)
        if key not in self._counted:
            self._counted[key] = Counted(vectorizer, self._texts)
        self._counted.move_to_end(key)
        while len(self._counted) > COUNTED:
            self._counted.popitem(last=False)
        return self._counted[key]


def required(vectorizer: Vectorizer | None) -> Vectorizer:
    """Return the vectorizer that every candidate for texts has."""
    if vectorizer is None:
        raise AssertionError("Every candidate for texts has a vectorizer.")
    return vectorizer
