"""Age groups, as footfall is asked for by."""

from __future__ import annotations

__all__ = ["UNKNOWN", "age_group"]

UNKNOWN = "unknown"
_YOUNGEST_OF = (0, 13, 18, 25, 35, 45, 55, 65)  # years


def age_group(age: float | None) -> str:
    """Of an age in years, such as `25-34`; `unknown` of None."""
    if age is None:
        return UNKNOWN
    place = max(i for i, youngest in enumerate(_YOUNGEST_OF) if youngest <= max(age, 0))
    is_oldest = place == len(_YOUNGEST_OF) - 1
    return f"{_YOUNGEST_OF[place]}+" if is_oldest else f"{_YOUNGEST_OF[place]}-{_YOUNGEST_OF[place + 1] - 1}"
