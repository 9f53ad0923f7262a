"""Puts this folder on the path: what stands in it serves tests of several folders.

Also gives signals back their meaning: a check that was started in the background, or by nohup,
ignores some, and the programs that the tests start and end by these signals would inherit that.

And lets Hypothesis choose the same examples every time, so that a change is judged by what it
changes; `system/long/journal_model.py` looks further, each time elsewhere.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import tempfile

from hypothesis import HealthCheck, settings

# A busy machine is slow: how long an example takes, or its making, says nothing.
settings.register_profile(
    "check", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("check")

# what the screens of tests keep for their next start is nobody's
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="evaltui-tests-cache-")
atexit.register(shutil.rmtree, os.environ["XDG_CACHE_HOME"], ignore_errors=True)

# what programs print lies in buffers, as it does where people start them
os.environ.pop("PYTHONUNBUFFERED", None)

for _number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
    if signal.getsignal(_number) is signal.SIG_IGN:
        _usual = signal.default_int_handler if _number == signal.SIGINT else signal.SIG_DFL
        signal.signal(_number, _usual)
