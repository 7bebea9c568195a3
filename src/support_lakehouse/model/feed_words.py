"""Owns what people are told of a feed's keys where the model itself says nothing."""

from pydantic import BaseModel
from pydantic.fields import FieldInfo

_WORDS = {
    "Feed.name": "The feed's name; also that of its silver table, unless `silver` says another.",
    "Feed.files": "Where its files lie: a path, a list of paths, or a mapping.",
    "Feed.delimiter": "CSV: the one character between cells.",
    "Feed.file": "What a file must be before it is opened.",
    "Feed.header": "How a file's columns must be.",
    "Feed.delivery": "Gates, which refuse a run unless it is accepted.",
    "Feed.columns": "The columns in the order of the file: a type each, or a mapping.",
    "Feed.rules": "What a row must be, each rule a mapping.",
    "Feed.final": "What the published `<feed>_final` adds to silver.",
    "FileRules.max_bytes": "The largest size a file may have.",
    "column": "The column that is judged, and that the reason names.",
    "Length.min": "The fewest characters.",
    "Length.max": "The most characters.",
    "Pattern.matches": "The regular expression.",
    "Allowed.values": "The values, as texts.",
    "Allowed.case": "Whether upper and lower case differ.",
    "Range.min": "The least value.",
    "Range.max": "The greatest value.",
    "NotBefore.other": "The column it is compared with, of the same type or a number as well.",
    "NotBefore.equal": "Whether both may be the same.",
    "Expression.name": "What its reasons are counted under, as `expression:<name>`.",
    "Expression.sql": "One expression over the row's columns, true for a good row.",
    "Expression.message": "What people are told.",
}


def words(model: type[BaseModel], name: str, field: FieldInfo) -> str:
    """What a key means, for people."""
    return field.description or _WORDS.get(f"{model.__name__}.{name}") or _WORDS.get(name, "")
