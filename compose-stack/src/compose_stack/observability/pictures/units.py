"""Numbers as Grafana writes them, for the units that the dashboards use."""

import math

DIGITS = 3
RATES = {"reqps": "req/s", "cps": "/s", "ops": "ops/s", "cpm": "/min"}
DURATIONS = ((86_400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
BYTES = ((1024.0**3, "GiB"), (1024.0**2, "MiB"), (1024.0, "KiB"), (1.0, "B"))
THOUSANDS = ((1e9, "Bil"), (1e6, "Mil"), (1e3, "K"))


def written(value: float, unit: str) -> str:
    """Return a finite value with its unit: `written(0.25, "s")` is `250 ms`."""
    match unit:
        case "percentunit":
            return f"{_short(100 * value)}%"
        case "s" | "ms":
            return _scaled(value if unit == "s" else value / 1000, DURATIONS)
        case "bytes":
            return _scaled(value, BYTES)
        case _:
            return f"{_large(value)} {RATES.get(unit, '')}".strip()


def _large(value: float) -> str:
    for size, name in THOUSANDS:
        if abs(value) >= size:
            return f"{_short(value / size)} {name}"
    return _short(value)


def _scaled(value: float, sizes: tuple[tuple[float, str], ...]) -> str:
    if value == 0:
        return f"0 {'B' if sizes is BYTES else 's'}"
    for size, name in sizes:
        if abs(value) >= size:
            return f"{_short(value / size)} {name}"
    return f"{_short(value / sizes[-1][0])} {sizes[-1][1]}"


def _short(value: float) -> str:
    """Return a value with three significant digits, and no zeros that say nothing."""
    if value == 0:
        return "0"
    decimals = max(0, DIGITS - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:.{min(decimals, 9)}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
