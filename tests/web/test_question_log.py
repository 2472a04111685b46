import os
import re
import subprocess
from pathlib import Path

import httpx
import pytest
from three_sentences import ThreeSentences
from web_serving import SOURCES, THREE_SENTENCES

from retrieval.errors import QuestionError
from retrieval.records import Reply
from retrieval.web.question_log import LoggedReplies, log_line

ASKED = {
    "wat neem ik mee voor een paspoort? bel 06-12345678": 200,
    "wie won het toernooi van geheim?": 200,
    "hallo\ngeheim": 200,
    "geheim kapot": 500,
    "geheim" * 100: 422,
}
EXPLAINED = "waar is de balie van het gemeentehuis?"


def told_while_asking(tmp_path: Path, **environment: str) -> tuple[str, str]:
    """What a real server prints and logs while it is asked, also feedback, and by Gradio's own way in."""
    variables = {
        **os.environ,
        "PYTHONPATH": str(SOURCES),
        "VRAAGBAAK_FEEDBACK": str(tmp_path / "weg" / "feedback.sqlite"),  # cannot be kept: that is logged
        **environment,
    }
    with subprocess.Popen(
        THREE_SENTENCES, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=variables
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        address = process.stdout.readline().split(" at ")[1].split()[0]
        answers = f"{address}/api/v1/answers"
        for question, status in ASKED.items():
            assert httpx.post(answers, json={"question": question}).status_code == status
        httpx.post(answers, json={"question": EXPLAINED, "explain": True}).raise_for_status()
        told = {"question": "geheim paspoort?", "answer_id": "q1", "helpful": True, "comment": "geheim"}
        assert httpx.post(f"{address}/api/v1/feedback", json=told).status_code == 503
        joined = {"data": ["geheim uit de chat", None], "fn_index": 0, "session_hash": "abc"}
        httpx.post(f"{address}/gradio_api/queue/join", json=joined).raise_for_status()
        with httpx.stream("GET", f"{address}/gradio_api/queue/data?session_hash=abc", timeout=20) as stream:
            assert any('"process_completed"' in line for line in stream.iter_lines())
        process.terminate()
        return process.stdout.read(), process.stderr.read()


def test_by_default_no_question_is_printed_or_logged(tmp_path: Path) -> None:
    printed, logged = told_while_asking(tmp_path)
    assert printed == ""
    assert "answering failed: RuntimeError at " in logged
    assert "feedback was not kept: " in logged
    for word in ("geheim", "paspoort", "balie", "12345678"):
        assert word not in logged


def test_where_it_is_set_each_question_is_one_line_with_its_status(tmp_path: Path) -> None:
    printed, logged = told_while_asking(tmp_path, VRAAGBAAK_LOG_QUESTIONS="true")
    assert printed == ""
    assert re.findall(r"^question .*$", logged, re.MULTILINE) == [
        "question answered: 'wat neem ik mee voor een paspoort? bel [telefoonnummer]'",
        "question abstained: 'wie won het toernooi van geheim?'",
        r"question smalltalk: 'hallo\ngeheim'",
        "question failed: 'geheim kapot'",
        "question answered: 'waar is de balie van het gemeentehuis?'",
        "question abstained: 'geheim uit de chat'",
    ]


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("Café?", "question answered: 'Café?'"),
        ("a\r\nquestion answered: b", r"question answered: 'a\r\nquestion answered: b'"),
        ("a\u2028b\u0085c", r"question answered: 'a\u2028b\x85c'"),
        ("mail a@b.nl", "question answered: 'mail [e-mailadres]'"),
    ],
)
def test_a_line_stays_one_line(question: str, line: str) -> None:
    assert log_line(question, "answered") == line


class Fussy(ThreeSentences):
    """Refuses every question."""

    def reply(self, question: str, history: object = (), source_filter: object = None) -> Reply:
        raise QuestionError("Dit is geen vraag.")


def test_a_refusal_is_passed_on_and_logged(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(QuestionError):
        LoggedReplies(Fussy()).reply("a")
    assert caplog.messages == ["question refused: 'a'"]
