"""How numbers are written in the sentences that people read: as the pages show them."""

_METRICS = {"f1": "F1", "roc_auc": "ROC AUC", "mae": "MAE", "rmse": "RMSE", "r2": "R²"}


def metric_name(metric: str) -> str:
    """Return a metric as it is written in a sentence: `roc_auc` is ROC AUC, `log_loss` is log loss."""
    return _METRICS.get(metric, metric.replace("_", " "))


def percent(share: float) -> str:
    """Return a share as a percentage; what is not quite certain is never 0 % or 100 %."""
    shown = f"{100 * share:.1f}"
    if share > 0 and float(shown) == 0:
        return "< 0.1 %"
    if share < 1 and float(shown) == 100:  # noqa: PLR2004  # a hundred per cent
        return "> 99.9 %"
    return f"{shown} %"
