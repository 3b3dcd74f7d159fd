from __future__ import annotations

import asyncio
import os
import pty
import signal

import pytest

from fusion_graph.chat.interrupts import on_interrupt


async def test_ctrl_c_is_ours_until_it_is_given_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    stopped = asyncio.Event()
    calm = on_interrupt(stopped.set)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(stopped.wait(), 10)
    calm()
    assert signal.getsignal(signal.SIGINT) == before


async def test_elsewhere_than_in_the_main_thread_it_stays_where_it_is() -> None:
    def work() -> None:
        async def scene() -> None:
            on_interrupt(lambda: None)()

        asyncio.run(scene())

    await asyncio.to_thread(work)


async def test_nothing_is_echoed_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    main, side = pty.openpty()
    with os.fdopen(side, "r") as keys:
        monkeypatch.setattr("sys.stdin", keys)
        calm = on_interrupt(lambda: None)
        os.write(main, b"typed ahead\n")
        assert keys.readline() == "typed ahead\n"
        calm()
        os.write(main, b"seen\n")
        assert keys.readline() == "seen\n"
        assert os.read(main, 100) == b"seen\r\n"
    os.close(main)
