"""Plausible wrong answers to the exercises, lesson by lesson; each breaks a promise, which it names."""

import pkgutil
from importlib import import_module

from wrong_answers.wrong import Wrong

__all__ = ["WRONG_ANSWERS", "Wrong"]

LESSONS = sorted(module.name for module in pkgutil.iter_modules(__path__) if module.name.startswith("lesson"))
WRONG_ANSWERS: list[Wrong] = [
    wrong for name in LESSONS for wrong in import_module(f"{__name__}.{name}").WRONG_ANSWERS
]
