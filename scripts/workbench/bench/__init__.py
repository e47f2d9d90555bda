"""The bench judges a learner's program by what happens when it is killed and its connections are cut.

A lesson's check.py says what is demanded: promises, and scenarios that put them to the test. The program runs
behind the wire, supervised: when it ends, it is started again. What it does to the world are rows in a SQLite
file that LEDGER names.
"""

from workbench.bench.bench import Bench, Broken, CannotJudge, Copy, Promise, happened
from workbench.message import name_in, order_in
from workbench.wire import Cut, CutAfter, Down, Fault, FaultPlan, Kill, When

__all__ = [
    "Bench",
    "Broken",
    "CannotJudge",
    "Copy",
    "Cut",
    "CutAfter",
    "Down",
    "Fault",
    "FaultPlan",
    "Kill",
    "Promise",
    "When",
    "happened",
    "name_in",
    "order_in",
]
