"""What must not stand in the program: shells, pickles, code from text, unsafe YAML, TLS without certificates' check."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "streamer"
# Whoever starts programs does it with a list of arguments; the test below says so of each.
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "marshal", "shelve", "jsonpickle", "joblib", "torch"}
CALLS = {
    "eval", "exec", "compile", "__import__",
    "os.system", "os.popen", "subprocess.getoutput", "subprocess.getstatusoutput", "asyncio.create_subprocess_shell",
    "yaml.load", "yaml.load_all", "yaml.full_load", "yaml.unsafe_load", "yaml.Loader", "yaml.UnsafeLoader",
    "ssl._create_unverified_context", "tempfile.mktemp",
}  # fmt: skip


def dangers_in(code: str) -> Iterator[str]:
    """What is dangerous in a module, and where."""
    for node in ast.walk(ast.parse(code)):
        found = ""
        if isinstance(node, ast.Import | ast.ImportFrom):
            source = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names = [*source, *(alias.name for alias in node.names)]
            whole = {f"{source[0]}.{alias.name}" for alias in node.names} if source else set()
            found = ", ".join(sorted({name for name in names if name.split(".")[0] in MODULES} | (whole & CALLS)))
        elif isinstance(node, ast.Call | ast.Attribute):
            name = ast.unparse(node.func if isinstance(node, ast.Call) else node)
            arguments = {word.arg: word.value for word in node.keywords} if isinstance(node, ast.Call) else {}
            if name in CALLS:
                found = name
            for word, harmless in (("shell", False), ("allow_pickle", False), ("verify", True)):
                value = arguments.get(word)
                if isinstance(value, ast.Constant) and value.value is not harmless and isinstance(value.value, bool):
                    found = f"{word}={value.value}"
        if found:
            yield f"line {getattr(node, 'lineno', 0)}: {found}"


def test_no_module_has_any_of_it() -> None:
    modules = sorted(SOURCE.rglob("*.py"))
    assert len(modules) > 100
    found = [f"{path.relative_to(SOURCE)}, {what}" for path in modules for what in dangers_in(path.read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from torch import load",
        "from os import system",
        "subprocess.run('ls', shell=True)",
        "yaml.load(text, Loader=yaml.SafeLoader)",
        "loader = yaml.UnsafeLoader",
        "eval('1')",
        "numpy.load(file, allow_pickle=True)",
        "httpx.get(url, verify=False)",
    ],
)
def test_each_of_it_would_be_found(code: str) -> None:
    assert list(dangers_in(code))
