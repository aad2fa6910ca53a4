"""What the tests of reading a batch's rows share: ten languages, and a file that is read."""

from __future__ import annotations

from pathlib import Path

from limner.agent.batch.reading import Format, read_rows
from limner.agent.batch.rows import BadRow, BatchRow

LANGUAGES = (
    "a red cat on the grass",
    "一只可爱的小猫正在玩耍",
    "草の上の赤い猫",
    "풀밭 위의 빨간 고양이",
    "красная кошка на траве",
    "قطة حمراء على العشب",
    "חתול אדום על הדשא",
    "घास पर लाल बिल्ली",
    "μια κόκκινη γάτα στο γρασίδι",
    "một con mèo đỏ trên cỏ",
    "🐈‍⬛ on 🌱 with a 🎈",
)


def rows(
    folder: Path, content: str | bytes, name: str = "in.csv", form: Format | None = None
) -> list[BatchRow | BadRow]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_rows(path, form))


def good(found: list[BatchRow | BadRow]) -> list[BatchRow]:
    assert not [row for row in found if isinstance(row, BadRow)]
    return [row for row in found if isinstance(row, BatchRow)]


def requests(found: list[BatchRow | BadRow]) -> list[str]:
    return [row.request for row in good(found)]
