from pathlib import Path

from include_order import DIRECT, violations

ROOT = Path(__file__).parents[2]


def test_includes_follow_the_order_of_the_rooms():
    assert violations(ROOT / "src") == []


def test_an_include_against_the_order_is_found(tmp_path):
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "a.hpp").write_text('#include "graph/graph.hpp"\n#include <vector>\n')
    (tmp_path / "emulate" / "kernels").mkdir(parents=True)
    (tmp_path / "emulate" / "kernels" / "b.cpp").write_text('#include "base/tensor.hpp"\n#  include "ort/session.hpp"\n')
    (tmp_path / "attic").mkdir()
    (tmp_path / "attic" / "c.cpp").write_text("")
    assert violations(tmp_path) == [
        "attic/c.cpp: the room `attic` has no row in the order of the rooms",
        "base/a.hpp: `base` must not include `graph/graph.hpp`",
        "emulate/kernels/b.cpp: `emulate` must not include `ort/session.hpp`",
    ]


def test_the_order_has_no_cycle():
    seen = []
    for room, direct in DIRECT.items():
        assert set(direct) <= set(seen), room
        seen.append(room)


def test_the_architecture_page_has_every_room():
    page = (ROOT / "docs" / "architecture.md").read_text()
    missing = [folder.name for folder in (ROOT / "src").iterdir() if folder.is_dir() and f"`{folder.name}`" not in page]
    assert missing == []
