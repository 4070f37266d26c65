"""What the work folder keeps is made anew where it would come out otherwise."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.kept import kept  # noqa: E402


def test_it_is_made_anew_where_a_source_changes(tmp_path: Path):
    program, path, made = tmp_path / "program", tmp_path / "work/thing", []
    program.write_bytes(b"first")

    def ask(option: str) -> None:
        kept(path, [program, option], lambda: (path.write_text(option), made.append(option)))

    ask("a")
    ask("a")
    assert made == ["a"]
    ask("b")
    program.write_bytes(b"second")
    ask("b")
    assert made == ["a", "b", "b"]
    path.unlink()
    ask("b")
    assert made == ["a", "b", "b", "b"]


def test_what_failed_is_tried_again(tmp_path: Path):
    path = tmp_path / "thing"

    def fail() -> None:
        path.write_text("half")
        raise OSError

    kept(path, ["a"], lambda: path.write_text("whole"))
    with pytest.raises(OSError):
        kept(path, ["b"], fail)
    kept(path, ["a"], lambda: path.write_text("whole again"))
    assert path.read_text() == "whole again"
