"""What the doctor asks a Databricks workspace: who we are, how long, what we may, how often."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator, Mapping
from typing import Any

from evaltui.domain.check import Check, CheckState
from evaltui.domain.run import Experiment
from evaltui.errors import EvaltuiError
from evaltui.tracking.credential import CredentialKind
from evaltui.tracking.identity import ask_me, user_of
from evaltui.tracking.target import Target
from evaltui.tracking.transport import Transport
from evaltui.tracking.workspace_folders import parent_of
from evaltui.tracking.workspace_objects import FOLDER, object_at

_SOON_S = 7 * 86_400
_WRITING = frozenset({"CAN_EDIT", "CAN_MANAGE", "IS_OWNER"})
_SEARCHES = "searches are limited to 7 a second for the whole workspace"


def check_workspace(
    target: Target, transport: Transport, experiment: Experiment | None
) -> Iterator[Check]:
    """Yield who we are, when the token ends, what we may in the experiment, and the rate limit.

    Args:
        target: The workspace.
        transport: The connection, on which the experiment was looked up.
        experiment: The experiment, or None when there is none yet.
    """
    me, trouble = _ourselves(transport)
    name = user_of(me)
    unknown = "experiments can be read; the workspace does not tell who" + trouble
    shown = f"as {name}" if name else unknown
    yield Check("authorised", CheckState.OK, f"{shown}, by {target.credential.origin}")
    yield _token_end(target, transport)
    if target.experiment or experiment is not None:
        yield _permission(target, transport, experiment, me)
    yield rate_check(transport)


def _ourselves(transport: Transport) -> tuple[Mapping[str, Any], str]:
    """Return what the workspace knows of us, and what kept it from telling."""
    try:
        return ask_me(transport), ""
    except EvaltuiError as error:
        return {}, f" ({error.message})"


def folder_remedy(target: Target, transport: Transport) -> tuple[str, str]:
    """Return what hinders a new experiment, and what to do; "" and "" when nothing does."""
    parent = parent_of(target.experiment)
    try:
        here = object_at(transport, target.experiment)
        there = object_at(transport, parent) if parent else (FOLDER, "")
    except EvaltuiError:
        return "", ""  # it may well be there: logging will tell
    if here is not None and here[0] == FOLDER:
        remedy = f"name an experiment in it: --experiment {target.experiment}/evaluations"
        return "is a folder, not an experiment", remedy
    if there is None and not target.create_parents:
        return (
            "does not exist, and neither does its folder",
            f"--create-parents makes the folder {parent}, or name another experiment",
        )
    return "", ""


def _asked(
    transport: Transport, path: str, doing: str, query: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Return an answer, an empty one where the workspace does not want to tell."""
    try:
        return transport.get_json(path, query or {}, doing)
    except EvaltuiError:
        return {}


# -- how long the token lasts ---------------------------------------------------------------------


def _token_end(target: Target, transport: Transport) -> Check:
    end_s, what = _claimed_end(transport), "the token"
    if end_s is None and target.credential.kind is CredentialKind.PAT:
        answer = _asked(transport, "/api/2.0/token/list", "list tokens")
        infos = answer.get("token_infos")
        ends = [_end_of(item) for item in infos] if isinstance(infos, list) else []
        known = [end for end in ends if end is not None]
        if ends and not known:
            return Check("token-expiry", CheckState.OK, "no token of this user ends")
        end_s = min(known, default=None)
        what = "the token" if len(ends) == 1 else f"the first of {len(ends)} tokens of this user"
    if end_s is None:
        return Check("token-expiry", CheckState.OK, "the workspace does not tell when it ends")
    left_s = end_s - time.time()
    moment = time.strftime("%Y-%m-%d %H:%M", time.localtime(end_s))
    renewed = target.credential.kind in {CredentialKind.OAUTH, CredentialKind.SDK}
    if renewed:
        return Check(
            "token-expiry", CheckState.OK, f"{what} ends {moment} and is renewed by itself"
        )
    state = CheckState.WARN if left_s < _SOON_S else CheckState.OK
    remedy = (
        "" if state is CheckState.OK else "make a new one in the workspace: Settings, Developer"
    )
    return Check("token-expiry", state, f"{what} ends {moment}", remedy)


def _end_of(info: object) -> float | None:
    """Return when a listed token ends in epoch seconds, None for never."""
    end = info.get("expiry_time") if isinstance(info, dict) else None
    return end / 1000 if isinstance(end, int | float) and end > 0 else None


def _claimed_end(transport: Transport) -> float | None:
    """Return the end that a token claims itself, in epoch seconds; None when it does not."""
    try:
        token = transport.authorisation().partition(" ")[2]
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
        return float(claims["exp"])
    except (EvaltuiError, IndexError, KeyError, TypeError, ValueError):
        return None


# -- what we may ----------------------------------------------------------------------------------


def _permission(
    target: Target, transport: Transport, experiment: Experiment | None, me: Mapping[str, Any]
) -> Check:
    """Say whether we may write to the experiment, or to its folder where there is none yet."""
    if experiment is not None:
        where, path = "the experiment", f"experiments/{experiment.experiment_id}"
    else:
        folder = parent_of(target.experiment)
        where = f"the folder {folder}"
        try:
            found = object_at(transport, folder)
        except EvaltuiError:
            found = None
        path = f"directories/{found[1]}" if found else ""
    answer = _asked(transport, f"/api/2.0/permissions/{path}", f"ask about {where}") if path else {}
    levels = _levels(answer, me)
    if not levels:
        detail = f"the workspace does not tell what may be done in {where}: try --write"
        return Check("rights", CheckState.OK, detail)
    detail = f"{', '.join(sorted(levels))} in {where}"
    if levels & _WRITING or target.read_only:
        return Check("rights", CheckState.OK, detail)
    remedy = "ask its owner for CAN_EDIT, name another experiment, or use --read-only"
    return Check("rights", CheckState.FAIL, detail, remedy)


def _levels(answer: Mapping[str, Any], me: Mapping[str, Any]) -> set[str]:
    """Return the permission levels that a list of rights gives to us or our groups."""
    groups = me.get("groups")
    names = {str(me.get("userName", "")), str(me.get("applicationId", ""))}
    names |= {str(item.get("display")) for item in groups} if isinstance(groups, list) else set()
    found: set[str] = set()
    entries = answer.get("access_control_list")
    for entry in entries if isinstance(entries, list) else []:
        whom = {str(entry[key]) for key in entry if key.endswith("_name") and key != "display_name"}
        if whom & (names - {""}):
            rights = entry.get("all_permissions", [])
            found |= {str(right.get("permission_level", "")) for right in rights}
    return found - {""}


def rate_check(transport: Transport) -> Check:
    """Say whether the workspace asked for fewer requests while it was asked here."""
    if transport.busy_answers:
        detail = f"{transport.busy_answers} of {transport.requests} requests got 429"
        if transport.longest_wait_s:
            detail += f", asking to wait {transport.longest_wait_s:g} s"
        detail += f"; {_SEARCHES}"
        return Check(
            "rate-limit", CheckState.WARN, detail, "raise poll_interval_s, here or elsewhere"
        )
    return Check(
        "rate-limit", CheckState.OK, f"no 429 in {transport.requests} requests; {_SEARCHES}"
    )
