"""The call-centre log as the bytes of its two published files (contracts: Group D, Writing)."""

from collections.abc import Iterable, Mapping

from .call_log import COLUMNS, CallLogResult
from .render import FORMULA_STARTS, NEEDS_QUOTES, PLAIN_NUMBER
from .verdicts import Row, Value

ACCEPTED = (*COLUMNS, "call_duration_seconds")
REJECTED = (*COLUMNS, "reject_reasons", "file", "line", "raw")


def call_log_csv(result: CallLogResult) -> bytes:
    """The bytes of `call_center_log.csv`."""
    return _csv(ACCEPTED, result.rows)


def rejected_csv(result: CallLogResult, messages: Mapping[tuple[str, int], str]) -> bytes:
    """The bytes of `call_center_log_rejected.csv`; `messages` are reject_reasons by file and line.

    What the messages say is not calculated here.
    """
    places = [(rejected.file, rejected.line) for rejected in result.rejected]
    rows: list[Row] = [
        {**row, "reject_reasons": messages[place]}
        for row, place in zip(result.rejected_rows, places, strict=True)
    ]
    return _csv(REJECTED, rows)


def _csv(columns: tuple[str, ...], rows: Iterable[Row]) -> bytes:
    lines = [",".join(columns)]
    lines += [",".join(_cell(row[column]) for column in columns) for row in rows]
    return "".join(f"{line}\n" for line in lines).encode()


def _cell(value: Value) -> str:
    """Null as nothing; a text that a spreadsheet would run gets one `'` in front."""
    text = "" if value is None else str(value)
    if text.startswith(FORMULA_STARTS) and not PLAIN_NUMBER.fullmatch(text):
        text = f"'{text}"
    return '"' + text.replace('"', '""') + '"' if NEEDS_QUOTES.search(text) else text
