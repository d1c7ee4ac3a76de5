"""Write a number as Grafana would, near enough."""

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_STEPS = ((_DAY, "d"), (_HOUR, "h"), (_MINUTE, "min"))
_SIZES = ("B", "KiB", "MiB", "GiB")
_KIB = 1024


def written(value: float, unit: str) -> str:
    """Return a value in its unit."""
    match unit:
        case "s":
            return _duration(value)
        case "bytes":
            return _size(value)
        case "percentunit":
            return f"{_short(value * 100)} %"
        case "ops" | "reqps":
            return f"{_short(value)}/s"
        case _:
            return _short(value)


def _duration(seconds: float) -> str:
    for length, name in _STEPS:
        if seconds >= length:
            return f"{_short(seconds / length)} {name}"
    return f"{_short(seconds)} s" if seconds >= 1 or not seconds else f"{_short(seconds * 1000)} ms"


def _size(value: float) -> str:
    for name in _SIZES:
        if value < _KIB or name == _SIZES[-1]:
            return f"{_short(value)} {name}"
        value /= _KIB
    raise AssertionError("the last size takes all")


def _short(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"  # noqa: PLR2004
