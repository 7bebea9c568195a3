"""Deliberate faults in the fold, the order and the books; the tests must catch each of them.

`python -m tests.mutants` puts one at a time into a copy of the program and runs a few tests, the
quick ones first. It tells which test caught which, and leaves with 1 if one of them lives.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
SOURCE = REPO / "src"
PACKAGE = "support_lakehouse"
FOLD = ("tests/transforms/test_fold.py", "tests/transforms/test_outcomes.py")
ORDER = ("tests/model",)
STORY = ("tests/product/test_story.py",)


@dataclass(frozen=True)
class Mutant:
    """A fault: in a file of the package, one text that stands there once becomes another."""

    fault: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]

    def put_into(self, source: Path) -> None:
        """Change the file below a source folder; ValueError where its text is not there once."""
        path = source / PACKAGE / self.file
        text = path.read_text(encoding="utf-8")
        if text.count(self.old) != 1:
            raise ValueError(f"{self.fault}: {self.file} holds it {text.count(self.old)} times")
        path.write_text(text.replace(self.old, self.new), encoding="utf-8")


MUTANTS = (
    Mutant(
        "the first line of a key wins",
        "transforms/fold.py",
        "F.col(name).desc_nulls_last() for name in order",
        "F.col(name).asc_nulls_first() for name in order",
        FOLD,
    ),
    Mutant(
        "a change is not seen",
        "model/merge.py",
        'f"{now} IS DISTINCT FROM {new}"',
        'f"{now} IS NULL AND {now} IS DISTINCT FROM {new}"',
        FOLD,
    ),
    Mutant(
        "a delete of an absent key inserts it",
        "model/merge.py",
        """f"{sides.source.format(self.action)} <> 'delete'\"""",
        '"true"',
        FOLD,
    ),
    Mutant(
        "the extract is sorted among the months",
        "model/period.py",
        "return (period != INITIAL, ",
        "return (True, ",
        ORDER,
    ),
    Mutant(
        "files of a period go by arrival, not by path",
        "model/timeline.py",
        "return (period_order(entry.period), entry.file.encode())",
        'return (period_order(entry.period), b"")',
        ORDER,
    ),
    Mutant(
        "a late month is folded on top of later ones",
        "model/timeline.py",
        "return Timeline(None if on_top else rewound, tuple(again), replays)",
        "return Timeline(None, tuple(again), replays)",
        ORDER,
    ),
    Mutant(
        "as of the month that changed, the old version stands",
        "model/plan.py",
        "if t not in now or period_order(period) < first[t]",
        "if t not in now or period_order(period) <= first[t]",
        ORDER,
    ),
    Mutant(
        "a corrected file's old rows stay in the books",
        "stages/plan.py",
        "if entry.place not in left),",
        "if entry.place not in set()),",
        STORY,
    ),
    Mutant(
        "rows that came back are still counted as rejected",
        "stages/books.py",
        'rejected[file] += row["rejected"] if row["admission"] in first else -row["rows"]',
        'rejected[file] += row["rejected"] if row["admission"] in first else 0',
        ("tests/transforms/test_counting.py", *STORY),
    ),
    Mutant(
        "the chain of releases is not linked",
        "stages/release.py",
        'previous=last.hash if last else "",',
        'previous="",',
        STORY,
    ),
    Mutant(
        "a rollback forgets what it holds",
        "model/held.py",
        'aside |= {e.content: _put(e, "held") for e in stays}',
        'aside |= {e.content: _put(e, "withdrawn") for e in stays}',
        ("tests/model/test_held.py", "tests/product/test_back.py"),
    ),
)


def caught_by(mutant: Mutant) -> str | None:
    """The first test that fails with the fault; None where the fault lives."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(shutil.copytree(SOURCE, Path(folder) / "src"))
        mutant.put_into(source)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-x", "-q", "-o", f"pythonpath={source} {REPO}"]
            + ["-p", "no:cacheprovider", *mutant.tests],
            cwd=REPO,
            capture_output=True,
            text=True,
            check=False,
        )
    found = re.search(r"^(?:FAILED|ERROR) (\S+)", done.stdout, re.MULTILINE)
    if done.returncode == 0:
        return None
    return found[1] if found else done.stdout[-300:] + done.stderr[-300:]


def main(words: Sequence[str]) -> int:
    """Try all mutants, or those whose fault holds a word."""
    alive = 0
    for mutant in (m for m in MUTANTS if not words or any(word in m.fault for word in words)):
        test = caught_by(mutant)
        alive += test is None
        print(f"{mutant.fault}: {f'caught by {test}' if test else 'ALIVE'}", flush=True)
    print(f"{alive} of the mutants live." if alive else "All mutants were caught.")
    return 1 if alive else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
