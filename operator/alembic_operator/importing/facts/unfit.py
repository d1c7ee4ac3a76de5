"""What can be wrong with a value that SQLite keeps and PostgreSQL will not."""

import enum


class Unfit(enum.StrEnum):
    """A class of values that cannot be carried over as they are."""

    NULL = "null"
    TYPE = "type"
    RANGE = "range"
    PRECISION = "precision"
    LENGTH = "length"
    NUL = "nul-byte"
    ENCODING = "encoding"
    BYTES = "bytes-in-text"
    EPOCH = "epoch"
    DATE = "date"
    ZONE = "time-zone"
    EMPTY = "empty"
    JSON = "json"
    UUID = "uuid"
    LABEL = "label"


SENTENCES = {
    Unfit.NULL: "NULL, which PostgreSQL's column refuses; fill it in",
    Unfit.TYPE: "another type than the column's; correct them",
    Unfit.RANGE: "outside of the type's range; correct them, or widen the column in a revision",
    Unfit.PRECISION: "more digits than the type keeps; round them, or widen the column in a revision",
    Unfit.LENGTH: "longer than the type allows; shorten them, or widen the column in a revision",
    Unfit.NUL: "text with a NUL byte; remove it",
    Unfit.ENCODING: "text that is not UTF-8; correct it, or make the column LargeBinary in a revision",
    Unfit.BYTES: "bytes in a text column; --column {column}=text if they are UTF-8, =hex to keep them as hex digits",
    Unfit.EPOCH: "a number in a column of times; say --column {column}=seconds, =milliseconds or =microseconds",
    Unfit.DATE: "no date or time that PostgreSQL's type holds; correct them",
    Unfit.ZONE: "a time with an offset in a column without time zone; correct them, or use DateTime(timezone=True)",
    Unfit.EMPTY: "an empty string where the type needs a value; write NULL",
    Unfit.JSON: "no JSON that PostgreSQL accepts; correct them",
    Unfit.UUID: "no UUID; a number here was damaged when SQLite took its digits for one",
    Unfit.LABEL: "no label of the enumeration; correct them, or add the label in a revision",
}


class UnfitError(ValueError):
    """A value cannot be carried over; its own text is never part of a message."""

    def __init__(self, unfit: Unfit) -> None:
        super().__init__(unfit)
        self.unfit = unfit
