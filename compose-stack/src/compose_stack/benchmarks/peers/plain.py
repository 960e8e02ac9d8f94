"""A plain endpoint, as in most tutorials: FastAPI, a joblib file, a data frame per request."""

import os
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI

pipeline = joblib.load(os.environ["PEER_MODEL"])
app = FastAPI()


@app.post("/predict")
async def predict(row: dict[str, Any]) -> dict[str, Any]:
    """Return the label of one row, and the probability of each class."""
    probabilities = pipeline.predict_proba(pd.DataFrame([row]))[0]
    classes = pipeline.classes_
    return {
        "label": str(classes[probabilities.argmax()]),
        "probabilities": {str(name): float(p) for name, p in zip(classes, probabilities, strict=True)},
    }
