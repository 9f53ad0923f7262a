"""The parts of the README that are made from the code; run as a program, it renews them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from evaltui import errors
from evaltui.cli.parser import COMMANDS
from evaltui.errors import EvaltuiError, ExitCode
from evaltui.settings import document
from evaltui.ui.keys import ALL_KEYS, Key

README = Path(__file__).resolve().parent.parent / "README.md"

EXIT_CODES: Mapping[ExitCode, str] = {
    ExitCode.OK: "all is well",
    ExitCode.REGRESSION: "a regression (gates only; `compare` is a read)",
    ExitCode.USAGE: "usage or configuration, a run name that does not resolve, the journal, output",
    ExitCode.REPORT: "a report that cannot be read, or nothing to compare",
    ExitCode.STORE: "the store is unreachable or refused; reports wait in the journal",
    ExitCode.INTERNAL: "a bug of evaltui; the log has the traceback",
    ExitCode.INTERRUPTED: "interrupted (128 + n when another signal n ended it)",
}

EXAMPLES: Mapping[str, str] = {
    "demo": "evaltui demo",
    "watch": "evaltui watch --once runs",
    "log": "evaltui log evaluation_report.json --mode mcp",
    "run": "evaltui run --mode mcp -- ./run_eval.sh",
    "runs": "evaltui runs --format csv",
    "compare": "evaltui compare latest~1 latest",
    "gate": "evaltui gate --policy gate.toml --format md",
    "trend": "evaltui trend tests_pass_rate --last 10 --mode mcp",
    "baseline": "evaltui baseline set latest",
    "journal": "evaltui journal retry --all",
    "doctor": "evaltui doctor",
    "config": "evaltui config --template",
    "completion": "evaltui completion bash",
    "version": "evaltui version",
}

ERRORS: Mapping[str, tuple[str, str]] = {
    "ConfigError": (
        "a flag, variable or key is wrong, or names something that is not there",
        "the hint names what is allowed; `evaltui config` shows where a value comes from",
    ),
    "JournalError": (
        "the journal cannot be opened or written: disk full, permissions, a newer version's",
        "free space, correct the permissions, or set EVALTUI_STATE_DIR",
    ),
    "OutputError": (
        "what a command prints cannot be written: the disk behind its output is full",
        "send it to a place with room",
    ),
    "ReportError": (
        "a file cannot be read as a report",
        "the line says where; repair or rewrite the file: it is tried again when it changes",
    ),
    "ReportSyntaxError": (
        "broken JSON, another encoding than UTF-8, or a text that ends too early",
        "have it written again, to a temporary name that is renamed when it is whole",
    ),
    "ReportSchemaError": (
        "well-formed, but a value is not what the format says; the pointer tells which",
        "correct the script that writes it",
    ),
    "ReportTooLargeError": (
        "the file is over the limit it is read up to",
        "raise max_report_mb if there is memory for it, or split it",
    ),
    "UnknownFormatError": (
        "no reader recognises the content",
        "write evaltui.report/1 (above) from your own format",
    ),
    "StoreError": (
        "the tracking store did not do what was asked",
        "`evaltui doctor` finds out which part",
    ),
    "StoreUnreachableError": (
        "no usable answer: down, hanging, overloaded, a proxy's page",
        "nothing is lost: reports wait in the journal and are tried again for seven days",
    ),
    "StoreBusyError": (
        "more requests than a Databricks workspace allows, yours and your colleagues' (HTTP 429)",
        "none needed: polls come slower until it is calm; raise poll_interval_s where many watch",
    ),
    "StoreAuthError": (
        "the credential is refused or lacks a permission",
        "renew the token or have the permission granted; waiting reports are logged then",
    ),
    "StoreRejectedError": (
        "the store understood and refused: a deleted experiment, a name it does not take",
        "do what the line says, such as restoring the experiment or choosing another",
    ),
    "RunNotFoundError": (
        "no run, or more than one, is meant by a name",
        "the hint lists candidates; `evaltui runs` lists them all",
    ),
}

CHECKS: Mapping[str, tuple[str, str]] = {
    "target": (
        "the chosen store has something odd about it, such as a host without a credential",
        "complete the credential, or name the store with --tracking-uri",
    ),
    "credentials": (
        "there is no usable credential, or two that contradict each other",
        "keep one: a token, or client id and secret, or a profile",
    ),
    "reachable": (
        "the store does not answer",
        "check the address, the network, a proxy, and that the server runs",
    ),
    "authorised": (
        "the store answers, but not to this credential",
        "renew or correct it, or ask for the permission",
    ),
    "store-version": (
        "the store is of another MLflow than the one installed here",
        "`mlflow db upgrade URI` for an older database, or install the server's version",
    ),
    "token-expiry": (
        "a Databricks token ends within a week",
        "make a new one and put it into the profile or env file: it is taken over while running",
    ),
    "rights": (
        "you may read the experiment or its folder in Databricks, but not write",
        "ask its owner for CAN_EDIT, name another experiment, or use --read-only",
    ),
    "rate-limit": (
        "the workspace answered 429 while it was asked",
        "raise `poll_interval_s`, here or where colleagues poll",
    ),
    "clock-skew": (
        "the clocks of this machine and the server differ by more than a minute",
        "set the clock (NTP): trends are ordered by time",
    ),
    "experiment": (
        "the experiment is deleted or a folder, or its own folder does not exist",
        "restore it, let --create-parents make the folder, or name another with --experiment",
    ),
    "artifacts": (
        "the place of the artifacts cannot be written from here",
        "correct its permissions, or start the server with --serve-artifacts",
    ),
    "permissions": (
        "the database or its directory is not writable for you",
        "chmod u+w, or look with --read-only",
    ),
    "write": (
        "with --write: the store did not take a run or its artifact, or did not give it back",
        "ask for the right to write to the experiment",
    ),
    "state-directory": (
        "journal and log have no place, or one that others can write or that is on a network",
        "correct it, or set EVALTUI_STATE_DIR to a local directory of yours",
    ),
    "data-directory": (
        "the embedded store has no place, or an unsafe one",
        "correct it, or set EVALTUI_DATA_DIR",
    ),
    "journal": (
        "the journal cannot be read",
        "correct its permissions; a damaged one is set aside and begun anew by itself",
    ),
    "mirror": (
        "the cache cannot be written, so that every start waits for the store",
        "correct its permissions, set XDG_CACHE_HOME, or switch it off: mirror = false",
    ),
    "env-file": (
        "a `.env` names DATABRICKS_ or MLFLOW_ variables that are not used",
        "if it is meant: --env-file .env",
    ),
    "terminal": (
        "TERM or the encoding does not fit a screen",
        "use a UTF-8 locale, --glyphs ascii, or `evaltui watch DIR` without the screen",
    ),
    "display": (
        "this Textual is not the one the lean display knows, so Textual draws by itself",
        "install the Textual that pyproject.toml names; all works, but sends more bytes",
    ),
    "clipboard": (
        "tmux keeps copied text for itself",
        "tmux set -s set-clipboard on",
    ),
    "versions": ("a package is missing", "install evaltui again"),
    "bytecode": (
        "Python's compiled modules are not kept, so every start is slow",
        "unset PYTHONDONTWRITEBYTECODE, or run compileall as the remedy says",
    ),
}


def tables() -> dict[str, str]:
    """Return the generated parts by the name of their markers."""
    makers: Mapping[str, Callable[[], str]] = {
        "keys": _keys,
        "commands": _commands,
        "exit-codes": _exit_codes,
        "settings": _settings,
        "errors": _errors,
        "doctor": _doctor,
    }
    return {name: make() for name, make in makers.items()}


def part_of(readme: str, name: str) -> str:
    """Return what stands between the markers of `name`.

    Raises:
        ValueError: The markers are not there.
    """
    found = re.search(rf"<!-- {name} -->\n(.*?)<!-- /{name} -->", readme, re.DOTALL)
    if found is None:
        raise ValueError(f"README.md has no markers for {name}")
    return found[1]


def error_classes() -> list[str]:
    """Return the names of every class of the exception tree but its root."""
    return [
        name
        for name, item in vars(errors).items()
        if isinstance(item, type) and issubclass(item, EvaltuiError) and item is not EvaltuiError
    ]


def _keys() -> str:
    parts = []
    seen: dict[str, list[Key]] = {}
    for key in ALL_KEYS:
        seen.setdefault(key.pane, []).append(key)
    for pane, keys in seen.items():
        rows = ((f"`{key.show or key.keys}`", key.help, f"`{key.id}`") for key in keys)
        parts.append(f"**{pane}**\n\n{_table(('Key', 'Does', 'Id'), rows)}")
    return "\n".join(parts)


def _commands() -> str:
    rows = [("`evaltui`", "the screen; `--watch DIR` watches too", "`evaltui --watch runs`")]
    rows += [(f"`{name}`", text, f"`{EXAMPLES[name]}`") for name, (_, text) in COMMANDS.items()]
    return _table(("Command", "Does", "Example"), rows)


def _exit_codes() -> str:
    return _table(("Code", "Means"), ((str(code.value), EXIT_CODES[code]) for code in ExitCode))


def _settings() -> str:
    rows = (
        (
            f"`{item.key}`",
            item.type,
            f"`{item.default}`" if item.default else "",
            f"`{item.env}`" if item.env else "",
            item.text.replace("\n", " "),
        )
        for item in document()
    )
    return _table(("Key", "Takes", "Default", "Variable", "What for"), rows)


def _errors() -> str:
    rows = ((f"`{name}`", *ERRORS[name]) for name in error_classes())
    return _table(("Error", "Cause", "Remedy"), rows)


def _doctor() -> str:
    rows = ((f"`{name}`", *texts) for name, texts in CHECKS.items())
    return _table(("Check", "Warns or fails when", "Remedy"), rows)


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *([_cell(text) for text in row] for row in rows)]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def renew(readme: str) -> str:
    """Return the README with its generated parts as the code has them now."""
    for name, text in tables().items():
        marked = f"<!-- {name} -->\n{text}<!-- /{name} -->"
        pattern = rf"<!-- {name} -->\n.*?<!-- /{name} -->"
        readme = re.sub(pattern, lambda _, new=marked: new, readme, flags=re.DOTALL)
    return readme


if __name__ == "__main__":
    README.write_text(renew(README.read_text(encoding="utf-8")), encoding="utf-8")
