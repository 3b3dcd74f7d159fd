from __future__ import annotations

import pytest

from fusion_graph.tables import LazyTable


def test_an_entry_is_its_modules_constant() -> None:
    table: LazyTable[object] = LazyTable("fusion_graph.tools", "TOOL", ("finish", "council"))
    assert list(table) == ["finish", "council"]
    assert len(table) == 2
    assert "finish" in table
    assert "bash" not in table
    assert table["finish"].name == "finish"  # type: ignore[attr-defined]
    with pytest.raises(KeyError):
        table["bash"]
