"""Writes dates and times as PostgreSQL prints them; as values.py does for all else."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation

from alembic_operator.importing.facts.unfit import Unfit, UnfitError
from alembic_operator.importing.mapping.values import Convert, Stored, text_of

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FINER = re.compile(r"[.,]\d{6}\d*[1-9]")
"""What Python cuts off without a word."""
MICROSECONDS = 6
"""Digits of a second that PostgreSQL keeps."""
UNITS = {"seconds": 1, "milliseconds": 1_000, "microseconds": 1_000_000}
"""Readings of a number as a time since 1970, and how many of them a second has."""


def _moment(storage: str, stored: Stored, reading: str) -> datetime:
    """Return a time; without time zone where the text has none."""
    if storage in ("integer", "real"):
        if reading not in UNITS or isinstance(stored, bytes):
            raise UnfitError(Unfit.EPOCH)
        try:
            exact = Decimal(stored) if isinstance(stored, int) else Decimal(repr(stored))
            micros = exact * 1_000_000 / UNITS[reading]
            return (_EPOCH + timedelta(microseconds=round(micros))).replace(tzinfo=None)
        except (OverflowError, InvalidOperation) as error:
            raise UnfitError(Unfit.DATE) from error
    if storage != "text":
        raise UnfitError(Unfit.TYPE)
    if stored == b"":
        raise UnfitError(Unfit.EMPTY)
    written = text_of(stored)
    try:
        moment = datetime.fromisoformat(written)
    except ValueError as error:
        raise UnfitError(Unfit.DATE) from error
    if "W" in written:
        raise UnfitError(Unfit.DATE)
    _keeps_all_of(written)
    return moment


def _keeps_all_of(written: str) -> None:
    if _FINER.search(written):
        raise UnfitError(Unfit.PRECISION)


def within(digits: int, convert: Convert) -> Convert:
    """Return a conversion that keeps so many digits of a second, and refuses more."""

    def kept(storage: str, stored: Stored) -> str:
        written = convert(storage, stored)
        fraction = written.partition(".")[2].removesuffix("+00")
        if len(fraction.rstrip("0")) > digits:
            raise UnfitError(Unfit.PRECISION)
        return written

    return kept


def _written(moment: datetime) -> str:
    return _short(moment.replace(tzinfo=None).isoformat(" ", "microseconds"))


def _short(written: str) -> str:
    return written.rstrip("0").rstrip(".")


def timestamp(reading: str = "") -> Convert:
    """Return the conversion to timestamp without time zone."""

    def convert(storage: str, stored: Stored) -> str:
        moment = _moment(storage, stored, reading)
        if moment.utcoffset():
            raise UnfitError(Unfit.ZONE)
        return _written(moment)

    return convert


def instant(reading: str = "") -> Convert:
    """Return the conversion to timestamp with time zone, written in UTC; text without an offset is UTC."""

    def convert(storage: str, stored: Stored) -> str:
        moment = _moment(storage, stored, reading)
        try:
            return _written(moment.astimezone(UTC) if moment.tzinfo else moment) + "+00"
        except OverflowError as error:
            raise UnfitError(Unfit.DATE) from error

    return convert


def day(reading: str = "") -> Convert:
    """Return the conversion to a date; a time that is not midnight would be lost."""

    def convert(storage: str, stored: Stored) -> str:
        moment = _moment(storage, stored, reading)
        if moment.time() != time() and reading not in UNITS:
            raise UnfitError(Unfit.PRECISION)
        return date.isoformat(moment.date())

    return convert


def clock(storage: str, stored: Stored) -> str:
    """Write a time of the day."""
    if storage != "text" or stored == b"":
        raise UnfitError(Unfit.EMPTY if stored == b"" else Unfit.TYPE)
    try:
        moment = time.fromisoformat(text_of(stored))
    except ValueError as error:
        raise UnfitError(Unfit.DATE) from error
    _keeps_all_of(text_of(stored))
    if moment.tzinfo:
        raise UnfitError(Unfit.ZONE)
    return _short(moment.isoformat("microseconds"))


def interval(reading: str = "") -> Convert:
    """Return the conversion to an interval in seconds; SQLAlchemy keeps one as the time since 1970."""

    def convert(storage: str, stored: Stored) -> str:
        moment = _moment(storage, stored, reading).replace(tzinfo=UTC)
        micros = (moment - _EPOCH) // timedelta(microseconds=1)
        sign = "-" if micros < 0 else ""
        return f"{sign}{abs(micros) // 1_000_000}.{abs(micros) % 1_000_000:06d}"

    return convert
