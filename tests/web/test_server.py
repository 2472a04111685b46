import os
import re
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from three_sentences import ThreeSentences
from web_serving import SOURCES, THREE_SENTENCES, hosts_outside, served, watch_works, watched_by

from retrieval.errors import SettingsError
from retrieval.settings import Settings
from retrieval.web.server import serve


def test_a_port_in_use_is_one_clear_error() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError) as error:
            serve(ThreeSentences(), Settings(port=port))
    assert str(error.value) == (
        f"cannot serve on 127.0.0.1 port {port}: Address already in use; "
        "stop what uses it, or choose another with --port (and --host)"
    )


def test_a_host_that_is_not_found() -> None:
    with pytest.raises(SettingsError, match=r"cannot serve on a\.invalid port 7860: .*--host"):
        serve(ThreeSentences(), Settings(host="a.invalid"))


def test_a_host_that_is_not_of_this_machine() -> None:
    with pytest.raises(SettingsError, match=r"cannot serve on 192\.0\.2\.1 port 7860: Cannot assign"):
        serve(ThreeSentences(), Settings(host="192.0.2.1"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_as_it_should_with_a_chat_open(number: signal.Signals) -> None:
    variables = {**os.environ, "PYTHONPATH": str(SOURCES)}
    with subprocess.Popen(
        THREE_SENTENCES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().split(" at ")[1].split()[0]
        with httpx.stream("GET", f"{address}/gradio_api/heartbeat/abc", timeout=20) as heartbeat:
            lines = heartbeat.iter_lines()
            assert next(lines) == "data: ALIVE"
            process.send_signal(number)
            list(lines)  # until the server ends it
        assert process.wait(timeout=10) == 0
        assert process.stdout.read() == ""
        assert process.stderr.read() == ""


def test_failures_stand_in_the_log_without_what_was_asked() -> None:
    variables = {**os.environ, "PYTHONPATH": str(SOURCES)}
    with subprocess.Popen(
        THREE_SENTENCES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().split(" at ")[1].split()[0]
        page = httpx.get(f"{address}/bronnen/kapot-geheim")
        answer = httpx.post(f"{address}/api/v1/answers", json={"question": "kapot geheim"})
        joined = {"data": ["geheim"], "fn_index": 0, "session_hash": "abc"}
        httpx.post(f"{address}/gradio_api/queue/join", json=joined)
        with suppress(httpx.RemoteProtocolError):  # Gradio breaks off for a session that it doesn't know
            httpx.get(f"{address}/gradio_api/queue/data?session_hash=geheim")
        process.terminate()
        logged = process.stderr.read()
    assert (page.status_code, answer.status_code) == (500, 500)
    assert "Er ging iets mis" in page.text
    assert "geheim" not in page.text
    assert "geheim" not in logged
    assert "Traceback" not in logged
    assert len(re.findall("a request failed: RuntimeError at .* in document", logged)) == 1
    assert len(re.findall("answering failed: RuntimeError at .* in reply", logged)) == 1


def test_without_an_index_it_serves_and_says_so() -> None:
    with served(*THREE_SENTENCES, "--without-index") as address:
        assert httpx.get(f"{address}/healthz").status_code == 200
        assert httpx.get(f"{address}/readyz").status_code == 503


def test_starting_and_answering_look_up_and_reach_no_other_host(tmp_path: Path) -> None:
    with served(*THREE_SENTENCES, environment=watched_by(tmp_path)) as address:
        httpx.get(address).raise_for_status()
        httpx.post(f"{address}/api/v1/answers", json={"question": "paspoort?"}).raise_for_status()
    assert watch_works(tmp_path)
    assert hosts_outside(tmp_path) == []


def test_gradio_s_own_way_in_takes_no_question_that_is_too_long(address: str) -> None:
    asked = {"data": ["x" * 100_000, None], "fn_index": 0, "session_hash": "lang", "trigger_id": None}
    httpx.post(f"{address}/gradio_api/queue/join", json=asked).raise_for_status()
    with httpx.stream("GET", f"{address}/gradio_api/queue/data?session_hash=lang", timeout=20) as told:
        done = next(line for line in told.iter_lines() if '"process_completed"' in line)
    assert "Uw vraag is 100000 tekens lang." in done
    assert "blockquote" not in done


def test_questions_asked_at_once_are_all_answered(address: str) -> None:
    statuses: list[int] = []

    def ask() -> None:
        statuses.append(httpx.post(f"{address}/api/v1/answers", json={"question": "paspoort?"}).status_code)

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 20


def test_gradio_is_imported_by_nothing_but_the_web(tmp_path: Path) -> None:
    program = "import sys, retrieval.web.answering; print('gradio' in sys.modules)"
    told = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(SOURCES)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout.strip() == "False"
