"""The HTTP interface: answers, feedback, their OpenAPI description, and the two health checks."""

import logging
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from retrieval.errors import BusyError, FeedbackError, QuestionError
from retrieval.feedback import Feedback, FeedbackFile
from retrieval.serialization import explained_reply_to_json, reply_to_json
from retrieval.web.answering import (
    RETRY_AFTER_BUSY,
    Answering,
    AnsweringError,
    RateLimit,
    too_many,
    too_much_feedback,
)
from retrieval.web.bodies import AnswerRequest, FeedbackRequest
from retrieval.web.openapi import ANSWER, DESCRIBE, FEEDBACK, openapi_document
from retrieval.web.problems import BASE_PATH, VERSION_HEADERS, Problem
from retrieval.web.reading import Asked, MalformedJsonError, is_json, read_json, read_request

RETRY_AFTER_START = 30
"""Seconds after which to look again whether there is an index."""

RETRY_AFTER_NOT_KEPT = 60
"""Seconds after which the feedback file may be free, or have room, again."""

_NOT_KEPT = "Uw beoordeling kon niet bewaard worden. Probeer het later opnieuw."
_FAILED = "Er ging iets mis bij het beantwoorden van de vraag. Probeer het later opnieuw."
_NO_INDEX = "De bronnen zijn nog niet klaar om te doorzoeken. Probeer het later opnieuw."


_log = logging.getLogger(__name__)


class RefusedError(Exception):
    """A request is not answered; ``problem`` is what is sent instead."""

    def __init__(self, problem: Problem):
        super().__init__(problem.status_code)
        self.problem = problem


def add_api(app: FastAPI, answering: Answering | None, rate_limit: RateLimit) -> None:
    """Serve the interface from ``app``; without ``answering`` there is no index, and all is 503."""
    router = APIRouter()

    @router.post(f"{BASE_PATH}/answers", **ANSWER)
    async def answer(request: Request) -> Response:
        asked = await _read(request, AnswerRequest)
        content = await _answered(answering, rate_limit, asked, _address(request))
        return JSONResponse(content, headers={**VERSION_HEADERS, "Cache-Control": "no-store"})

    @app.get("/healthz", include_in_schema=False)
    async def is_alive() -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})

    @app.get("/readyz", include_in_schema=False)
    async def is_ready() -> Response:
        if answering is None:
            return Problem(503, _NO_INDEX, headers={"Retry-After": str(RETRY_AFTER_START)})
        return JSONResponse({"status": "ready"}, headers={"Cache-Control": "no-store"})

    @router.get(f"{BASE_PATH}/openapi.json", **DESCRIBE)
    async def description() -> JSONResponse:
        return JSONResponse(openapi_document(app), headers=VERSION_HEADERS)

    app.include_router(router)
    app.add_exception_handler(RefusedError, _refused)


def add_feedback(app: FastAPI, file: FeedbackFile, rate_limit: RateLimit) -> None:
    """Take feedback too; ``rate_limit`` is of its own, so that it costs a visitor no questions."""
    router = APIRouter()

    @router.post(f"{BASE_PATH}/feedback", **FEEDBACK)
    async def take_feedback(request: Request) -> Response:
        told = await _read(request, FeedbackRequest)
        if seconds := rate_limit.seconds_to_wait(_address(request)):
            raise RefusedError(
                Problem(429, too_much_feedback(seconds), headers={"Retry-After": str(seconds)})
            )
        feedback = Feedback(
            told.question.strip(), told.answer_id, told.helpful, told.reason.strip(), told.comment.strip()
        )
        try:
            id_ = await run_in_threadpool(file.add, feedback)
        except FeedbackError as error:
            _log.error("feedback was not kept: %s", error)
            headers = {"Retry-After": str(RETRY_AFTER_NOT_KEPT)}
            raise RefusedError(Problem(503, _NOT_KEPT, headers=headers)) from error
        return JSONResponse({"id": id_}, 201, {**VERSION_HEADERS, "Cache-Control": "no-store"})

    app.include_router(router)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _read(request: Request, model: type[Asked]) -> Asked:
    """What is sent. Raises RefusedError where it is not what the model says."""
    if not is_json(request.headers.get("content-type", "")):
        raise RefusedError(Problem(415, "Stuur het verzoek als application/json."))
    try:
        body = read_json(await request.body())
    except MalformedJsonError as malformed:
        raise RefusedError(Problem(400, str(malformed))) from malformed
    asked = read_request(model, body)
    if isinstance(asked, list):
        raise RefusedError(Problem(422, " ".join(error["detail"] for error in asked), asked))
    return asked


async def _answered(
    answering: Answering | None, rate_limit: RateLimit, asked: AnswerRequest, address: str
) -> dict[str, Any]:
    """The body of the response."""
    if answering is None:
        raise RefusedError(Problem(503, _NO_INDEX, headers={"Retry-After": str(RETRY_AFTER_START)}))
    if seconds := rate_limit.seconds_to_wait(address):
        raise RefusedError(Problem(429, too_many(seconds), headers={"Retry-After": str(seconds)}))
    history = [earlier.strip() for earlier in asked.history if earlier.strip()]
    question, source_filter = asked.question.strip(), asked.filter.source_filter()
    try:
        if asked.explain:
            explained = await answering.answer_explained(question, history, source_filter)
            return explained_reply_to_json(*explained)
        return reply_to_json(await answering.answer(question, history, source_filter))
    except QuestionError as error:
        problem = Problem(422, str(error), [{"field": "question", "detail": str(error)}])
    except BusyError as error:
        problem = Problem(503, str(error), headers={"Retry-After": str(RETRY_AFTER_BUSY)})
    except AnsweringError:
        problem = Problem(500, _FAILED)
    raise RefusedError(problem)


async def _refused(_: Request, error: Exception) -> Response:
    if not isinstance(error, RefusedError):
        raise error
    return error.problem
