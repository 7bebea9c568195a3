"""Owns the reading of `conf/`: the only place that knows YAML."""

import difflib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from support_lakehouse.errors import ConfigError
from support_lakehouse.model.feed import ColumnType, Feed
from support_lakehouse.model.settings import Settings

Model = TypeVar("Model", bound=BaseModel)


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
    """Read and check `conf/`; ConfigError names file, place and what was meant."""
    root = root or find_root()
    settings = _read(root / "conf" / "pipeline.yml", Settings)
    folder = root / "conf" / "feeds"
    read = {path: _read(path, Feed) for path in sorted(folder.glob("*.yml"))}
    if not read:
        raise ConfigError(
            "no feed is declared", where=str(folder), expected="a file like agents.yml"
        )
    _check_names(read)
    feeds = tuple(sorted(read.values(), key=lambda feed: feed.name))
    return Config(root=root, settings=settings, feeds=feeds)


def _read(path: Path, model: type[Model]) -> Model:
    told: Any = None
    try:
        told = yaml.load(path.read_text(encoding="utf-8"), Loader=_UniqueKeys)
        return model.model_validate({} if told is None else told)
    except FileNotFoundError as error:
        raise ConfigError("the file is not there", where=str(path)) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"not readable as YAML: {_one_line(error)}", where=str(path)) from error
    except ValidationError as error:
        raise ConfigError(_told(error, model, told), where=str(path)) from error


class _UniqueKeys(yaml.SafeLoader):
    """YAML in which a key that stands twice is a mistake, not a silent last word."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {str(key) for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.YAMLError(f"{', '.join(sorted(twice))}: the key stands twice")
        return super().construct_mapping(node, deep)


def _told(error: ValidationError, model: type[BaseModel], told: Any) -> str:
    return "; ".join(_one_error(detail, model, told) for detail in error.errors())


def _one_error(detail: ErrorDetails, model: type[BaseModel], told: Any) -> str:
    where, owner = _place(detail["loc"], model, told)
    if detail["type"] != "extra_forbidden":
        return f"{where}: {_one_line(detail['msg'].removeprefix('Value error, '))}"
    known = [field.alias or name for name, field in owner.model_fields.items()]
    near = difflib.get_close_matches(str(detail["loc"][-1]), known, n=1)
    return f"{where}: no such key" + (f"; did you mean {near[0]}?" if near else "")


def _place(
    loc: tuple[int | str, ...], model: type[BaseModel], told: Any
) -> tuple[str, type[BaseModel]]:
    """Where a mistake stands, in the words of the file, and the model whose keys belong there."""
    parts: list[str] = []
    owner = model
    for part in loc:
        if isinstance(part, int) and isinstance(told, dict) and part < len(told):
            part = list(told)[part]  # a mapping that was read as a list
        told = told.get(part) if isinstance(told, dict) else None
        field = _field(owner, str(part))
        owner = field or owner
        if not (part == "name" and owner is ColumnType):  # `type: int` has no key of its own
            parts.append(str(part))
    return ".".join(parts) or "the file", owner


def _field(owner: type[BaseModel], name: str) -> type[BaseModel] | None:
    """The model that a key of a model holds, itself or as the items of a tuple."""
    for key, field in owner.model_fields.items():
        if name in (key, field.alias):
            kinds = (field.annotation, *get_args(field.annotation))
            return next(
                (k for k in kinds if isinstance(k, type) and issubclass(k, BaseModel)), None
            )
    return None


def _check_names(feeds: dict[Path, Feed]) -> None:
    names = [feed.name for feed in feeds.values()]
    for path, feed in feeds.items():
        if names.count(feed.name) > 1:
            raise ConfigError(f"two feeds are called {feed.name}", where=str(path))
        for column, target in feed.references.items():
            if target not in names:
                near = difflib.get_close_matches(target, names, n=1)
                meant = f"; did you mean {near[0]}?" if near else ""
                what = f"columns.{column}.references: no feed is called {target}{meant}"
                raise ConfigError(what, where=str(path))


def _one_line(error: object) -> str:
    return " ".join(str(error).split())
