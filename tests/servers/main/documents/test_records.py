import os
import time
from pathlib import Path

import pytest
from docgen_main.documents import records


def test_the_oldest_records_and_old_leftovers_make_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "RECORDS_MOST", 3)
    for age, name in ((9_000, ".a.part"), (10, ".b.part")):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (time.time() - age,) * 2)
    for number in range(6):
        records._write(tmp_path, f"{number}.json", "{}")
        os.utime(tmp_path / f"{number}.json", (1_000 + number,) * 2)
    records._write(tmp_path, "new.json", "{}")
    assert {path.name for path in tmp_path.iterdir()} == {".b.part", "4.json", "5.json", "new.json"}
