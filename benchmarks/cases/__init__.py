"""What is measured, one file a subject. A new subject is a new file and a line here."""

import importlib

from harness.case import Case

SUBJECTS = (
    "resize",
    "rgba",
    "guided",
    "trimap",
    "closed",
    "foreground",
    "rmbg",
    "birefnet",
    "vitmatte",
    "node",
    "detailer",
    "cut",
)


def all_cases() -> list[Case]:
    """Returns every case of every subject. Making the list imports no peer."""
    return [case for name in SUBJECTS for case in importlib.import_module(f"cases.{name}").cases()]
