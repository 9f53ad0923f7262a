"""Opening an address in a browser: where there is one to be seen, and never in this terminal."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from pathlib import PurePath

_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1]))"
_WAIT_S = 5.0
"""How long an opener may take to fail; one that still runs then is the browser itself."""

_LOOK_S = 0.05
_IN_TERMINAL = frozenset({"www-browser", "links", "elinks", "lynx", "w3m", "browsh", "carbonyl"})
_REMOTE = ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")


def no_browser(environ: Mapping[str, str], platform: str = sys.platform) -> str:
    """Return why no browser can be opened here, or "" when one can.

    Args:
        environ: The environment. $BROWSER wins: editors that work on another machine set it to
            a program that opens the page on the machine at which the person sits.
        platform: As `sys.platform`.
    """
    chosen = environ.get("BROWSER", "").strip()
    if chosen:
        words = chosen.split()
        name = PurePath(words[0]).name
        return f"$BROWSER is {name}, for the terminal" if name in _IN_TERMINAL else ""
    if any(environ.get(name) for name in _REMOTE):
        return "this is an SSH session"
    if platform != "darwin" and not any(environ.get(name) for name in _DISPLAYS):
        return "there is no display here"
    return ""


async def open_in_browser(address: str, environ: Mapping[str, str]) -> bool:
    """Hand an address to the person's browser; return whether something took it.

    It runs in a process of its own without our terminal, which neither blocks the screen nor ends
    with it. Without TERM no browser of the terminal is tried behind the person's back.
    """
    variables = {name: text for name, text in environ.items() if name != "TERM"}
    try:
        opener = subprocess.Popen(  # noqa: ASYNC220 - asyncio would kill it when the screen ends
            [sys.executable, "-P", "-c", _OPEN, address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=variables,
            cwd="/",
            start_new_session=True,
        )
    except OSError:
        return False
    for _ in range(round(_WAIT_S / _LOOK_S)):
        status = opener.poll()
        if status is not None:
            return status == 0
        await asyncio.sleep(_LOOK_S)
    return True
