"""The link to the engine, with engines that die, hang and talk nonsense: real processes all."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import fake_engine
import pytest

from evaltui import hosting
from evaltui.engine.link import Noticed, StoreChanged, Verb
from evaltui.settings import Settings
from evaltui.ui import client, engine_spawn
from evaltui.ui.app import EvaltuiApp
from evaltui.ui.client import EngineDown, EngineLink, EngineUp, LinkEvent
from evaltui.ui.conductor import Conductor
from evaltui.ui.engine_process import attach
from evaltui.ui.engine_spawn import EarlyEngine

WAIT_S = 120.0


class Conversation:
    """A link that runs, and everything it delivered."""

    def __init__(self, settings: Settings, command: list[str]) -> None:
        self.heard: list[LinkEvent] = []
        self.pids: list[int] = []
        self.link = EngineLink(settings, self._hear, command=command)
        self.running = asyncio.ensure_future(self.link.run())

    def _hear(self, event: LinkEvent) -> None:
        self.heard.append(event)
        if isinstance(event, EngineUp):
            assert self.link._process is not None
            self.pids.append(self.link._process.pid)

    def of(self, kind: type) -> list[LinkEvent]:
        return [event for event in self.heard if isinstance(event, kind)]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(WAIT_S):
        while not condition():  # noqa: ASYNC110 - the conditions are of processes too
            await asyncio.sleep(0.005)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state", data_dir=tmp_path / "data")


@asynccontextmanager
async def talk(settings: Settings, *words: str) -> AsyncIterator[Conversation]:
    conversation = Conversation(settings, fake_engine.command(*words))
    try:
        yield conversation
    finally:
        await conversation.link.close()
        async with asyncio.timeout(WAIT_S):
            await conversation.running


def group_is_gone(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def engine_pid(conversation: Conversation) -> int:
    """Return the pid of the first engine, which may have ended by now."""
    await until(lambda: conversation.pids)
    return conversation.pids[0]


async def test_a_question_is_answered_with_its_own_answer(settings: Settings) -> None:
    async with talk(settings, "echo") as it:
        await until(lambda: it.link.alive)
        replies = await asyncio.gather(
            *(it.link.request(Verb.DETAIL, {"run_id": str(at)}) for at in range(50))
        )
    assert [reply.payload["args"] for reply in replies if reply] == [
        {"run_id": str(at)} for at in range(50)
    ]


async def test_the_first_frame_carries_the_settings(settings: Settings, tmp_path: Path) -> None:
    told = tmp_path / "told"
    script = (
        "import os, sys; from evaltui.engine.link import FrameReader\n"
        "request = next(FrameReader().feed(os.read(0, 65536)))\n"
        "from evaltui.settings import Settings\n"
        "said = f'{request.verb} {Settings.from_json(request.args[\"settings\"])}'\n"
        f"open({str(told)!r}, 'w').write(said)\n"
    )
    it = Conversation(settings, [sys.executable, "-c", script])
    await until(lambda: it.of(EngineDown))
    await it.link.close()
    await it.running
    assert told.read_text() == f"{Verb.START} {settings}"


async def test_a_newer_question_of_a_slot_supersedes_the_older_one(settings: Settings) -> None:
    async with talk(settings, "slow") as it:
        await until(lambda: it.link.alive)
        old = asyncio.ensure_future(it.link.request(Verb.DETAIL, {"run_id": "old"}, slot="d"))
        other = asyncio.ensure_future(it.link.request(Verb.SURVEY, {"path": "/"}, slot="s"))
        await asyncio.sleep(0)
        new = asyncio.ensure_future(it.link.request(Verb.DETAIL, {"run_id": "new"}, slot="d"))
        assert await old is None
        assert not new.done()
        answer, other_answer = await new, await other
    assert answer is not None
    assert answer.payload["args"] == {"run_id": "new"}
    assert other_answer is not None


async def test_a_question_to_no_engine_has_no_answer(settings: Settings) -> None:
    link = EngineLink(settings, lambda _: None, command=["/nonexistent"])
    assert await link.request(Verb.REFRESH) is None
    assert link.tell(Verb.REFRESH) is False


async def test_an_engine_that_dies_is_said_and_started_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY_S", 0.01)
    async with talk(settings, "die") as it:
        await until(lambda: len(it.of(EngineUp)) >= 3)
        downs = it.of(EngineDown)
    assert [down.reason for down in downs] == ["the engine ended with status 3"] * len(downs)
    assert it.of(EngineUp)[:2] == [EngineUp(again=False), EngineUp(again=True)]


async def test_the_delay_doubles_up_to_its_limit(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY_S", 0.001)
    monkeypatch.setattr(client, "LONGEST_DELAY_S", 0.004)
    it = Conversation(settings, ["/nonexistent/engine"])
    await until(lambda: len(it.of(EngineDown)) >= 5)
    await it.link.close()
    await it.running
    delays = [down.retry_in_s for down in it.of(EngineDown) if isinstance(down, EngineDown)]
    assert delays[:5] == [0.001, 0.002, 0.004, 0.004, 0.004]


async def test_a_person_need_not_wait_for_the_delay(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY_S", 3600.0)
    monkeypatch.setattr(client, "LONGEST_DELAY_S", 3600.0)
    async with talk(settings, "die") as it:
        await until(lambda: it.of(EngineDown))
        it.link.retry_now()
        await until(lambda: len(it.of(EngineUp)) == 2)


async def test_an_engine_that_lived_long_starts_the_delay_anew(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY_S", 0.01)
    monkeypatch.setattr(client, "STEADY_S", 0.0)
    async with talk(settings, "die") as it:
        await until(lambda: len(it.of(EngineDown)) >= 3)
        delays = {down.retry_in_s for down in it.of(EngineDown) if isinstance(down, EngineDown)}
    assert delays == {0.01}


@pytest.mark.parametrize("word", ["nonsense", "late-nonsense"])
async def test_an_engine_that_talks_nonsense_is_killed_and_said(
    settings: Settings, word: str
) -> None:
    async with talk(settings, word) as it:
        pid = await engine_pid(it)
        await until(lambda: it.of(EngineDown))
        assert group_is_gone(pid)
        down = it.of(EngineDown)[0]
        assert isinstance(down, EngineDown)
        assert down.reason.startswith("the engine spoke nonsense")
        assert len(it.of(StoreChanged)) == (word == "late-nonsense")


async def test_why_the_engine_refused_to_start_reaches_the_person(settings: Settings) -> None:
    async with talk(settings, "refuse") as it:
        await until(lambda: it.of(EngineDown))
        down = it.of(EngineDown)[0]
        assert isinstance(down, EngineDown)
        assert down.reason == "the journal is locked"
        notice = it.of(Noticed)[0]
        assert isinstance(notice, Noticed)
        assert (notice.notice.level, notice.notice.hint) == ("error", "unlock it")


async def test_open_questions_are_answered_with_nothing_when_the_engine_dies(
    settings: Settings,
) -> None:
    async with talk(settings, "hang") as it:
        pid = await engine_pid(it)
        question = asyncio.ensure_future(it.link.request(Verb.DETAIL, {"run_id": "x"}))
        await asyncio.sleep(0)
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(WAIT_S):
            assert await question is None
        await until(lambda: it.of(EngineDown))
        down = it.of(EngineDown)[0]
        assert isinstance(down, EngineDown)
        assert down.reason == "the engine was ended by SIGKILL"


@pytest.mark.parametrize("word", ["orphan", "mute"])
async def test_an_engine_that_ends_by_halves_is_ended_whole(settings: Settings, word: str) -> None:
    async with talk(settings, word) as it:
        pid = await engine_pid(it)
        await until(lambda: it.of(EngineDown))
        await until(lambda: group_is_gone(pid))


@pytest.mark.parametrize("word", ["echo", "hang", "deaf", "nonsense", "die", "slow"])
async def test_quitting_waits_for_no_engine_and_leaves_none(settings: Settings, word: str) -> None:
    it = Conversation(settings, fake_engine.command(word))
    pid = await engine_pid(it)
    async with asyncio.timeout(client.STOP_GRACE_S + client.REAP_S + WAIT_S):
        await it.link.close()
        await it.running
    assert client.STOP_GRACE_S + client.REAP_S < 0.5
    await until(lambda: group_is_gone(pid))
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)  # no zombie either


async def test_an_engine_may_finish_its_work_after_the_screen_is_gone(
    settings: Settings, tmp_path: Path
) -> None:
    done, go_on = tmp_path / "done", tmp_path / "go on"
    script = (
        "import os, sys, time\n"
        "sys.stdin.buffer.read()\n"
        f"while not os.path.exists({str(go_on)!r}): time.sleep(0.01)\n"
        f"open({str(done)!r}, 'w').write('whole')\n"
    )
    it = Conversation(settings, [sys.executable, "-c", script])
    pid = await engine_pid(it)
    await it.link.close(finish=True)
    await it.running
    assert it.link.left_pid == pid
    assert not it.link.alive
    it.link.kill()  # what the end of the program does in every case
    go_on.touch()
    await until(done.exists)
    await until(lambda: done.read_text() == "whole")


async def test_an_engine_that_stops_by_itself_is_not_killed(settings: Settings) -> None:
    it = Conversation(settings, fake_engine.command("echo"))
    await until(lambda: it.link.alive)
    assert await it.link.request(Verb.REFRESH) is not None
    process = it.link._process
    assert process is not None
    await it.link.close(grace_s=WAIT_S)
    await it.running
    assert process.how_it_ended() == "the engine ended with status 0"
    assert not it.of(EngineDown)


async def test_stopping_during_the_delay_starts_no_other_engine(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "FIRST_DELAY_S", 3600.0)
    async with talk(settings, "die") as it:
        await until(lambda: it.of(EngineDown))
        before = time.monotonic()
    assert time.monotonic() - before < WAIT_S
    assert len(it.of(EngineUp)) == 1


async def test_what_the_engine_prints_lands_in_the_log(settings: Settings, tmp_path: Path) -> None:
    script = "import sys; print('a warning of some library', file=sys.stderr)"
    it = Conversation(settings, [sys.executable, "-c", script])
    await until(lambda: it.of(EngineDown))
    await it.link.close()
    await it.running
    log = tmp_path / "state" / "evaltui.log"
    assert "a warning of some library" in log.read_text()
    assert log.stat().st_mode & 0o777 == 0o600


async def test_a_state_directory_that_cannot_be_made_does_not_keep_the_engine_from_starting(
    tmp_path: Path,
) -> None:
    (tmp_path / "state").write_text("a file is in the way")
    async with talk(Settings(state_dir=tmp_path / "state"), "echo") as it:
        await until(lambda: it.link.alive)
        assert await it.link.request(Verb.REFRESH) is not None


async def test_a_file_in_the_current_directory_is_not_run_as_a_module(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("json", "numpy", "evaltui"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    assert engine_spawn.ENGINE_COMMAND[1:3] == ("-P", "-m")
    it = Conversation(settings, [sys.executable, "-m", "json"])
    await until(lambda: it.of(EngineDown))
    await it.link.close()
    await it.running
    assert not (tmp_path / "run").exists()


async def test_the_loop_stays_free_while_frames_pour_in(settings: Settings) -> None:
    async with talk(settings, "serve", "--runs", "5000", "--files", "3000") as it:
        turns = 0
        while not any(type(event).__name__ == "RunsChanged" for event in it.heard):
            turns += 1
            await asyncio.sleep(0)
        reply = await it.link.request(Verb.DETAIL, {"run_id": f"{3:032x}"})
    assert reply is not None
    assert reply.payload["run_id"] == f"{3:032x}"
    assert turns > 3


# -- an engine that was started before there is a link --------------------------------------------


async def test_an_engine_that_was_started_early_is_the_first_one(settings: Settings) -> None:
    early = EarlyEngine(settings, fake_engine.command("echo"))
    heard: list[LinkEvent] = []
    link = EngineLink(settings, heard.append, command=["/nonexistent"])
    link.early = early
    running = asyncio.ensure_future(link.run())
    await until(lambda: link.alive)
    assert await link.request(Verb.REFRESH) is not None
    assert link.pid is not None
    early.drop()  # it was taken: that is no longer its affair
    assert await link.request(Verb.REFRESH) is not None
    os.killpg(link.pid, signal.SIGKILL)
    await until(lambda: any(isinstance(event, EngineDown) for event in heard))
    link.retry_now()  # the next one is started as usual
    await until(lambda: sum(isinstance(event, EngineDown) for event in heard) >= 2)
    await link.close()
    await running


async def test_a_request_that_no_pipe_takes_at_once_waits_for_the_link(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, watch=tuple(f"{tmp_path}/{n}" for n in range(2000)))
    early = EarlyEngine(settings, fake_engine.command("echo"))
    assert not early.asked
    link = EngineLink(settings, lambda _: None, command=["/nonexistent"])
    link.early = early
    running = asyncio.ensure_future(link.run())
    await until(lambda: link.alive)
    assert await link.request(Verb.REFRESH) is not None
    await link.close()
    await running


async def test_the_engine_gives_way_to_the_screen(settings: Settings) -> None:
    process = engine_spawn.spawn(settings)
    try:
        own = os.getpriority(os.PRIO_PROCESS, 0)
        lower = min(own + hosting.GIVES_WAY, 19)
        await until(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == lower)
        assert os.getsid(process.pid) == os.getsid(0), "processors go to sessions first"
        assert os.getpgid(process.pid) == process.pid, "ctrl+c goes to a whole group"
    finally:
        engine_spawn.kill_group(process.pid)
        process.wait()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            stream.close()


async def test_an_engine_that_was_asked_to_start_early_is_asked_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):  # it is the real engine: it would look where they point
        if name.startswith(("MLFLOW_", "DATABRICKS_", "EVALTUI_")):
            monkeypatch.delenv(name)
    heard: list[LinkEvent] = []
    link = EngineLink(settings, heard.append, command=["/nonexistent"])
    link.early = EarlyEngine(settings)
    running = asyncio.ensure_future(link.run())
    await until(lambda: any(isinstance(event, StoreChanged) for event in heard))
    assert await link.request(Verb.REFRESH) is not None
    assert not [event for event in heard if isinstance(event, Noticed)]  # "runs already"
    await link.close()
    await running


async def test_an_early_engine_that_cannot_be_started_is_told_of_as_any(settings: Settings) -> None:
    heard: list[LinkEvent] = []
    link = EngineLink(settings, heard.append, command=fake_engine.command("echo"))
    link.early = EarlyEngine(settings, ["/nonexistent"])
    running = asyncio.ensure_future(link.run())
    await until(lambda: heard)
    assert isinstance(heard[0], EngineDown)
    assert "cannot start the engine" in heard[0].reason
    await link.close()
    await running


@pytest.mark.parametrize("given", [False, True])
async def test_an_early_engine_that_nobody_wants_is_killed(
    settings: Settings, *, given: bool
) -> None:
    early = EarlyEngine(settings, fake_engine.command("echo"))
    assert early._process is not None
    process = await attach(early._process)
    if given:
        link = EngineLink(settings, lambda _: None)
        link.early = early
        await link.close()
        await link.run()  # was asked to stop: starts nothing
    else:
        early.drop()
        early.drop()
    async with asyncio.timeout(WAIT_S):
        await process.exited.wait()
    await until(lambda: group_is_gone(process.pid))
    process.close()


class HeldApp(EvaltuiApp):
    """A screen that fetches its parts until it is told to go on."""

    go_on = threading.Event()

    def _prepare(self) -> type[Conductor]:
        assert self.go_on.wait(WAIT_S)
        return super()._prepare()


async def test_a_screen_that_is_left_before_its_parts_are_there_leaves_no_engine(
    settings: Settings,
) -> None:
    held = HeldApp(settings, early=EarlyEngine(settings, fake_engine.command("echo")))
    async with held.run_test() as pilot:
        await until(lambda: held._early)
        assert held._early is not None
        assert held._early._process is not None
        process = await attach(held._early._process)
        await held.leave()
        held.go_on.set()
        await pilot.pause()
        async with asyncio.timeout(WAIT_S):
            await process.exited.wait()
    assert held.conductor is None
    assert group_is_gone(process.pid)
