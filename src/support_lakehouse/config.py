"""Owns the reading of `conf/`: the only place that knows YAML."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from support_lakehouse.errors import ConfigError
from support_lakehouse.model.complaints import complaints, did_you_mean, printable
from support_lakehouse.model.feed import Feed
from support_lakehouse.model.settings import Settings

try:  # a tenth of the time, but not there where PyYAML was built without libyaml
    from yaml import CSafeLoader as _Yaml
except ImportError:
    from yaml import SafeLoader as _Yaml  # type: ignore[assignment]

Model = TypeVar("Model", bound=BaseModel)
_MOST_BYTES = 1_000_000
_MOST_DEEP = 100
_MOST_TOLD = 3
_PLAIN_VALUES = [
    (f"tag:yaml.org,2002:{tag}", re.compile(rf"(?:{shape})\Z"))
    for tag, shape in (
        ("bool", "true|True|TRUE|false|False|FALSE"),
        ("null", "~|null|Null|NULL|"),
        ("int", "[-+]?(?:0|[1-9][0-9]{0,17})"),
        ("float", r"[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?"),
    )
]


@dataclass(frozen=True)
class Config:
    """All of `conf/`: the settings, and the feeds in order of name. `root` holds `conf/`."""

    root: Path
    settings: Settings
    feeds: tuple[Feed, ...]

    @property
    def data(self) -> Path:
        return self.root / self.settings.data

    @property
    def lakehouse(self) -> Path:
        return self.root / self.settings.lakehouse

    def feed(self, name: str) -> Feed:
        return next(feed for feed in self.feeds if feed.name == name)

    @property
    def fingerprint(self) -> str:
        """The sha256 of what is declared, however the files are laid out or commented."""
        told = [self.settings.model_dump_json(exclude={"data", "lakehouse"})]
        told += [feed.model_dump_json() for feed in self.feeds]
        return hashlib.sha256("\n".join(told).encode()).hexdigest()


def find_root() -> Path:
    """The folder that holds `conf/`.

    The variable SUPPORT_LAKEHOUSE_HOME, the working folder, or the checkout this package lies
    in. Raises ConfigError where none of them has a `conf/pipeline.yml`.
    """
    named = os.environ.get("SUPPORT_LAKEHOUSE_HOME")
    checkout = Path(__file__).resolve().parents[2]
    candidates = [Path(named)] if named else [Path.cwd(), checkout]
    for root in candidates:
        if (root / "conf" / "pipeline.yml").is_file():
            return root.resolve()
    raise ConfigError(
        "no conf/pipeline.yml",
        where=str(candidates[0]),
        expected="a folder with conf/pipeline.yml and conf/feeds/",
        hint="Run from the project's folder, or set SUPPORT_LAKEHOUSE_HOME to it.",
    )


def load_config(root: Path | None = None) -> Config:
    """Read and check `conf/`; ConfigError names file, place and what was meant.

    Of several mistakes it tells the first ones of the first file, and how many there are more.
    """
    config, mistakes = read_config(root or find_root())
    if config is not None:
        return config
    if len(mistakes) == 1:
        raise mistakes[0]
    told = [m.what for m in mistakes if m.where == mistakes[0].where][:_MOST_TOLD]
    more = len(mistakes) - len(told)
    raise ConfigError(
        "; ".join(told),
        where=mistakes[0].where,
        hint=f"And {more} more: `support-lakehouse config check` tells all." if more else "",
    )


def read_config(root: Path) -> tuple[Config | None, list[ConfigError]]:
    """The configuration, if it has no mistake, and all mistakes of all its files."""
    folder = root / "conf" / "feeds"
    settings, mistakes = _read(root / "conf" / "pipeline.yml", Settings)
    feeds: dict[Path, Feed] = {}
    broken: list[str] = []
    for path in sorted(folder.glob("*.yml")):
        feed, found = _read(path, Feed)
        mistakes += found
        if feed is None:
            broken.append(path.stem)
        else:
            feeds[path] = feed
    mistakes += [
        ConfigError("not read: the name of a feed's file ends in .yml", where=str(path))
        for path in sorted(folder.glob("*.yaml"))
    ]
    if not mistakes and not feeds:
        mistakes.append(
            ConfigError("no feed is declared", where=str(folder), expected="a file like agents.yml")
        )
    mistakes += _disagreements(feeds, broken)
    if mistakes or settings is None:
        return None, mistakes
    by_name = tuple(sorted(feeds.values(), key=lambda feed: feed.name))
    return Config(root=root, settings=settings, feeds=by_name), []


def _read(path: Path, model: type[Model]) -> tuple[Model | None, list[ConfigError]]:
    told: Any = None
    try:
        text = _text(path)
        _check_plain(text)
        told = yaml.load(text, Loader=_PlainYaml)
        if told is None and model is Feed:
            return None, [ConfigError("the file is empty", where=str(path))]
        return model.model_validate({} if told is None else told), []
    except ConfigError as error:
        return None, [error]
    except ValidationError as error:
        return None, [ConfigError(c, where=str(path)) for c in complaints(error, model, told)]
    except (yaml.YAMLError, ValueError) as error:
        what = f"not readable as YAML: {_problem(error)}"
        return None, [ConfigError(what, where=str(path))]


def _text(path: Path) -> str:
    if not path.is_file():
        what = "is no file" if path.exists() else "the file is not there"
        raise ConfigError(what, where=str(path))
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", where=str(path)) from error
    if len(content) > _MOST_BYTES:
        raise ConfigError("is larger than 1 MB, which no configuration is", where=str(path))
    return content.decode("utf-8")


def _problem(error: Exception) -> str:
    """What a YAML reader complains of, on one line, with the line of the file if it is known."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark:
        return printable(f"line {error.problem_mark.line + 1}: {error.problem}")
    return printable(str(error))


def _check_plain(text: str) -> None:
    """YAMLError for aliases and tags, and for a depth at which the reader would be no more."""
    depth = 0
    event: Any
    for event in yaml.parse(text, Loader=_Yaml):
        what = f"line {event.start_mark.line + 1}: "
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MOST_DEEP:
            raise yaml.YAMLError(f"{what}nested too deep")
        if isinstance(event, yaml.AliasEvent):
            raise yaml.YAMLError(f"{what}*{event.anchor}: aliases are not read; write it out")
        if getattr(event, "tag", None):
            raise yaml.YAMLError(f"{what}{event.tag}: tags are not read; leave it out")


class _PlainYaml(_Yaml):
    """YAML without its traps: nothing but texts, numbers, true, false, null, lists and mappings.

    Plain values are those of YAML 1.2, as editors read them: `no`, `12:30:00` and `2025-01-31`
    stay texts. Tags and aliases are refused, and so is a key that is no text or stands twice.
    """

    yaml_implicit_resolvers = {None: _PLAIN_VALUES}  # noqa: RUF012 - PyYAML's own attribute

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[str] = set()
        for key, _ in node.value:
            name, line = self.construct_object(key, deep=True), key.start_mark.line + 1
            if not isinstance(name, str):
                raise yaml.YAMLError(f"line {line}: the key {name!r} is no text; put it in quotes")
            if name in seen:
                raise yaml.YAMLError(f"line {line}: {name}: the key stands twice")
            seen.add(name)
        return super().construct_mapping(node, deep)


_MADE = ("silver/roster_agents", "silver/agent_status_history")
"""Tables that the product makes of others (stages.gold)."""


def _disagreements(feeds: dict[Path, Feed], broken: list[str]) -> Iterator[ConfigError]:
    """What feeds say of each other that cannot be; `broken` ones are not known to be missing."""
    names = [feed.name for feed in feeds.values()]
    tables = [table for feed in feeds.values() for table in feed.tables]
    by_name = {feed.name: feed for feed in feeds.values()}
    for path, feed in feeds.items():
        if names.count(feed.name) > 1:
            yield ConfigError(f"two feeds are called {feed.name}", where=str(path))
        for table in feed.tables:
            if names.count(feed.name) == 1 and tables.count(table) > 1:
                yield ConfigError(f"silver: two feeds write {table}", where=str(path))
            if table in _MADE:
                yield ConfigError(f"silver: {table} is made of other tables", where=str(path))
        for column, name in feed.references.items():
            key = by_name[name].key if name in by_name else None
            if name in by_name and (key is None or by_name[name].kind == "log"):
                what = f"columns.{column}.references: a log like {name} has no key to refer to"
                yield ConfigError(what, where=str(path))
            elif key and by_name[name].column(key).type != feed.column(column).type:
                types = f"{feed.column(column).type} and {by_name[name].column(key).type}"
                what = f"columns.{column}.references: {column} and {name}.{key} are {types}"
                yield ConfigError(what, where=str(path))
        targets = {f"columns.{column}.references": name for column, name in feed.references.items()}
        targets["delivery.together_with"] = feed.delivery.together_with or feed.name
        for place, target in targets.items():
            if target not in (*names, *broken):
                what = f"{place}: no feed is called {target}{did_you_mean(target, names)}"
                yield ConfigError(printable(what), where=str(path))
