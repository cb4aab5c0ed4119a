"""What is installed and passed on: no stranger's package is named, and the source archive is complete."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
TEXTS = (".py", ".md", ".yaml", ".html", ".js", ".toml")
DOCUMENTS = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


def package_of(requirement: str) -> str:
    return re.split(r"[\[<>=;,\s]", requirement, maxsplit=1)[0].lower()


def advice() -> Iterator[tuple[str, str]]:
    """Each package that a text says to install, by where it says so."""
    files = [path for path in sorted((REPOSITORY / "streamer").rglob("*")) if path.suffix in TEXTS]
    for path in [*files, REPOSITORY / "config.yaml", REPOSITORY / "models" / "README.md", *DOCUMENTS]:
        for words in re.findall(r"pip install ((?:-\S+ )*)['\"]?([^'\"\s`)]+)", path.read_text("utf-8")):
            yield f"{path.relative_to(REPOSITORY)}: {words[1]}", words[1]


def test_only_packages_that_are_ours_to_name_are_told_to_be_installed() -> None:
    project = PROJECT["project"]
    extras = project["optional-dependencies"]
    known = {package_of(each) for needed in (project["dependencies"], *extras.values()) for each in needed}
    found = dict(advice())
    assert len(found) >= 10
    # PyPI's `streamer` is somebody else's: this project is installed from its folder
    strange = [where for where, what in found.items() if not what.startswith(".") and package_of(what) not in known]
    assert strange == []
    named = {extra for what in found.values() if what.startswith(".[") for extra in what[2:-1].split(",")}
    assert (len(named) >= 5, named - set(extras)) == (True, set())


def in_source_archive(path: Path) -> bool:
    included = PROJECT["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]
    return any(path.is_relative_to(REPOSITORY / each) for each in included)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_what_a_document_links_to_is_there_and_in_the_source_archive(document: Path) -> None:
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", document.read_text("utf-8"))
    linked = [(document.parent / link).resolve() for link in links]
    assert [path for path in [document, *linked] if not path.exists() or not in_source_archive(path)] == []


def test_the_source_archive_holds_what_its_tests_read() -> None:
    parts = ("Dockerfile", "compose.yaml", "container.yaml", "config.yaml", "docs/security.md", "models/manifest.yaml")
    assert [name for name in (*parts, ".ci/run", "CHANGELOG.md") if not in_source_archive(REPOSITORY / name)] == []
