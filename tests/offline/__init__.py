"""The guard of `sitecustomize.py`, once a process: one that was started by a guarded one has it from its beginning."""

import sys

guard = sys.modules.get("sitecustomize")
if not hasattr(guard, "AnotherMachine"):
    from tests.offline import sitecustomize as guard

AnotherMachine: type[BaseException] = guard.AnotherMachine
