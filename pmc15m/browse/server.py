"""`pmc15m browse`: a page for one person, on the loopback address alone, from the workspace as it lies there.

    /figures, /pairs               the gallery; what is chosen stands in the address
    /figures/keys.txt, …/recipe.toml    the selection to take away
    /figures/17                    the story of the row at that place of the selection
    /things/KEY                    the story of a figure, picture or pair
    /pictures/KEY                  its pixels: whole, or `side` px
    /articles/PMC17                what was tried with an article, and where it ended
    /lost                          the articles that were lost whole, by step and reason
    /marks                         what was marked; POST adds one

Nobody else is answered: the Host must be ours (a page elsewhere may point a name of its own here), what another site
asks for is refused, and marks come as JSON from our own pages only. Scripts and styles are two files; no text of the
dataset reaches a page unescaped, and the policy would run none.
"""

import contextlib
import json
import logging
import re
import socket
import webbrowser
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import jinja2
import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import (
    FileResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    Response,
    StreamingResponse,
)
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pmc15m.browse import articles, marks
from pmc15m.browse.cards import cards, keys
from pmc15m.browse.index import Index
from pmc15m.browse.pictures import SIDES, Pictures, Pointer
from pmc15m.browse.selection import FACETS, Order, Selection, View
from pmc15m.browse.story import exists, find_pointer, story
from pmc15m.errors import ExitCode, UsageError
from pmc15m.workspace import Workspace

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
_PMCID = re.compile(r"PMC[0-9]{1,20}")
_HERE = Path(__file__).parent
_PAGE = 24  # cards
_LONGEST_BODY = 16_384  # bytes of a mark
_HEADERS = {
    "content-security-policy": "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


def browse(workspace: Workspace, port: int, *, show: bool = False) -> ExitCode:
    """Serve the workspace until Ctrl-C; `show` opens the page. Raises `UsageError` where there is nothing to show."""
    workspace.require_data()
    index = Index(workspace)
    if not any(index.sizes.values()):
        raise UsageError(f"there is nothing to look at in {workspace} yet; `pmc15m run` makes figures and pairs")
    listening = listen(port)
    address = f"http://{HOST}:{listening.getsockname()[1]}/"
    print(address, flush=True)
    log.info("browse: %s shows %s; Ctrl-C ends it", address, workspace)
    if show:
        webbrowser.open(address)
    with contextlib.suppress(KeyboardInterrupt):  # the way to end it
        serve(index, listening).run(sockets=[listening])
    return ExitCode.COMPLETE


def listen(port: int) -> socket.socket:
    """A socket on the loopback address; port 0 takes a free one. Raises `UsageError`."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((HOST, port))
        listening.listen()
    except OSError as error:
        listening.close()
        raise UsageError(f"cannot listen on port {port}: {error.strerror}; choose another with --port N") from None
    return listening


def serve(index: Index, listening: socket.socket) -> uvicorn.Server:
    """A server for a listening socket, not yet running."""
    guarded = Guard(application(index), listening.getsockname()[1])
    config = uvicorn.Config(
        guarded,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        timeout_graceful_shutdown=1,
    )
    return uvicorn.Server(config)


class Guard:
    """Lets through what our own pages, or a person's address bar, ask for, and gives every answer its headers."""

    def __init__(self, app: ASGIApp, port: int) -> None:
        self._app = app
        self._hosts = {f"{name}:{port}" for name in (HOST, "localhost")}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(_HEADERS)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        app: ASGIApp = self._app
        if (complaint := self._complaint(scope["method"], Headers(scope=scope))) is not None:
            app = PlainTextResponse(complaint, 403)
        await app(scope, receive, guarded)

    def _complaint(self, method: str, headers: Headers) -> str | None:
        host = headers.get("host", "")
        if host not in self._hosts:
            return "this server answers at its own address only"
        typed = headers.get("sec-fetch-mode", "navigate") == "navigate" and method == "GET"  # or a link followed
        if headers.get("sec-fetch-site", "none") not in ("none", "same-origin") and not typed:
            return "this server answers its own pages only"
        if method not in ("GET", "HEAD") and headers.get("origin") != f"http://{host}":
            return "this server takes marks from its own pages only"
        return None


def application(index: Index) -> Starlette:
    """The pages of an index."""
    site = _Site(index)
    application = Starlette(
        routes=[
            Route("/", site.home),
            *(
                route
                for view in View
                for route in (
                    Route(f"/{view}", site.gallery, name=view),
                    Route(f"/{view}/keys.txt", site.keys, name=f"{view} keys"),
                    Route(f"/{view}/recipe.toml", site.recipe, name=f"{view} recipe"),
                    Route(f"/{view}/{{n:int}}", site.at, name=f"{view} at"),
                )
            ),
            Route("/things/{key}", site.thing),
            Route("/pictures/{key}", site.picture),
            Route("/articles/{pmcid}", site.article),
            Route("/lost", site.lost),
            Route("/marks", site.marks, methods=["GET"]),
            Route("/marks", site.mark, methods=["POST"]),
            *(Route(f"/assets/{path.name}", _asset(path)) for path in sorted((_HERE / "assets").iterdir())),
        ],
        exception_handlers={UsageError: site.refused, HTTPException: site.refused},
    )
    application.router.redirect_slashes = False  # one address a page
    return application


def _asset(path: Path) -> Callable[[Request], Response]:
    return lambda request: FileResponse(path, headers={"cache-control": "no-cache"})


class _Site:
    """What the pages share: the index, the pictures, the templates. Endpoints run in threads."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self._workspace = index.workspace
        self._pictures = Pictures(index.workspace)
        self._pages = jinja2.Environment(
            loader=jinja2.FileSystemLoader(_HERE / "templates"),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._pages.filters |= {"words": _words, "whole": "{:,}".format}
        self._pages.globals |= {
            "workspace": index.workspace.name,
            "sizes": index.sizes,
            "View": View,
            "Order": Order,
            "FACETS": FACETS,
            "Verdict": marks.Verdict,
            "picture": self._picture_address,
            "thing": _thing_address,
        }

    def home(self, request: Request) -> Response:
        view = View.FIGURES if self._index.sizes[View.FIGURES] else View.PAIRS
        return RedirectResponse(f"/{view}", 302)

    def gallery(self, request: Request) -> Response:
        selection, page = self._selection(request), _number(request, "page", 1)
        if _PMCID.fullmatch(pmcid := selection.words.upper()) and articles.is_known(self._index, pmcid):
            return RedirectResponse(f"/articles/{pmcid}", 303)
        counts = self._index.counts(selection)
        places = self._index.select(selection, _PAGE, (page - 1) * _PAGE)
        return self._page(
            "gallery.html",
            selection=selection,
            counts=counts,
            cards=cards(self._index, selection.view, places),
            start=(page - 1) * _PAGE,
            page=page,
            pages=max(1, -(-counts.total // _PAGE)),
            marked=marks.latest(self._workspace),
        )

    def keys(self, request: Request) -> Response:
        selection = self._selection(request)
        return StreamingResponse(
            (f"{key}\n" for key in keys(self._index, selection)),
            media_type="text/plain",
            headers={"content-disposition": f'attachment; filename="{selection.view}.txt"'},
        )

    def recipe(self, request: Request) -> Response:
        text = self._selection(request).recipe(_verdicts(marks.latest(self._workspace)))
        headers = {"content-disposition": 'attachment; filename="chosen.toml"'}
        return Response(text, media_type="application/toml", headers=headers)

    def at(self, request: Request) -> Response:
        selection, n = self._selection(request), request.path_params["n"]
        found = cards(self._index, selection.view, self._index.select(selection, 1, max(n - 1, 0)))
        if not found:
            return RedirectResponse(selection.address(), 303)
        return RedirectResponse(_thing_address(found[0].key, selection, n), 303)

    def thing(self, request: Request) -> Response:
        key = request.path_params["key"]
        told = story(self._index, key)
        if told is None:
            raise HTTPException(404, f"there is no {key} in this workspace")
        within = request.query_params.get("in", "")
        selection = None
        if within in list(View):
            choices = [(name, value) for name, value in request.query_params.multi_items() if name not in ("in", "n")]
            selection = Selection.of(View(within), choices)
        mark = marks.latest(self._workspace).get(key)
        return self._page("thing.html", story=told, selection=selection, n=_number(request, "n", 0), mark=mark)

    def article(self, request: Request) -> Response:
        pmcid = request.path_params["pmcid"]
        versions = articles.versions(self._index, pmcid) if _PMCID.fullmatch(pmcid) else []
        if not versions:
            raise HTTPException(404, f"there is no article {pmcid} in this workspace")
        return self._page("article.html", pmcid=pmcid, versions=versions)

    def lost(self, request: Request) -> Response:
        step, reason = (request.query_params.get(name, "") for name in ("step", "reason"))
        page = _number(request, "page", 1)
        losses = articles.losses(self._index)
        n = next((row["n"] for row in losses if (row["step"], row["reason"]) == (step, reason)), 0)
        if (step or reason) and not n:
            raise HTTPException(404, f"no article was lost when {step or 'nothing'} for {reason or 'nothing'}")
        return self._page(
            "lost.html",
            losses=losses,
            step=step,
            reason=reason,
            found=articles.lost(self._index, step, reason, (page - 1) * articles.PAGE) if n else [],
            page=page,
            pages=-(-n // articles.PAGE),
        )

    def picture(self, request: Request) -> Response:
        key, side = request.path_params["key"], _number(request, "side", 0)
        if side and side not in SIDES:
            raise HTTPException(404, f"side is one of {', '.join(map(str, SIDES))}")
        pointer = find_pointer(self._index, key)
        if pointer is None:
            raise HTTPException(404, f"there is no picture {key} in this workspace")
        found = self._pictures.small(pointer, side) if side else self._pictures.whole(pointer)
        if isinstance(found, str):
            raise HTTPException(404, f"{key}: {found}")
        return Response(found.content, media_type=found.media_type, headers={"cache-control": "private, max-age=86400"})

    def marks(self, request: Request) -> Response:
        found = marks.latest(self._workspace)
        self._index.take_marks(_verdicts(found))
        return self._page(
            "marks.html",
            summaries=[(summary, _selection_of(summary.seen_in)) for summary in marks.summaries(found.values())],
            everything=[(Selection(view=view), self._index.counts(Selection(view=view))) for view in View],
            latest=[*found.values()][::-1],
            file=marks.file_of(self._workspace).name,
        )

    async def mark(self, request: Request) -> Response:
        if request.headers.get("content-type", "").partition(";")[0] != "application/json":
            raise HTTPException(415, "a mark is JSON")
        body = b""
        async for piece in request.stream():
            body += piece
            if len(body) > _LONGEST_BODY:
                raise HTTPException(413, "a mark is not that long")
        return JSONResponse(await run_in_threadpool(self._add, body))

    def _add(self, body: bytes) -> Mapping[str, Any]:
        try:
            facts = json.loads(body)
            key, note, seen_in = (facts.get(name, "") for name in ("key", "note", "seen_in"))
            verdict = marks.Verdict(facts["verdict"])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise HTTPException(400, f"a mark has a key, and a verdict of {', '.join(marks.Verdict)}") from None
        if not all(isinstance(text, str) for text in (key, note, seen_in)) or not exists(self._index, key):
            raise HTTPException(400, "a mark is of a figure, picture or pair of this workspace")
        return asdict(marks.add(self._workspace, marks.Mark(key=key, verdict=verdict, note=note, seen_in=seen_in)))

    def refused(self, request: Request, error: Exception) -> Response:
        status, told = (error.status_code, error.detail) if isinstance(error, HTTPException) else (400, str(error))
        if request.method == "GET" and "text/html" in request.headers.get("accept", ""):
            return self._page("error.html", status, told=told, status=status)
        headers = error.headers if isinstance(error, HTTPException) else None
        return PlainTextResponse(told, status, headers=headers)

    def _page(self, template: str, status_code: int = 200, **facts: Any) -> Response:
        return Response(self._pages.get_template(template).render(facts), status_code, media_type="text/html")

    def _selection(self, request: Request) -> Selection:
        view = View(request.url.path.split("/")[1])
        self._index.take_marks(_verdicts(marks.latest(self._workspace)))
        return Selection.of(view, [item for item in request.query_params.multi_items() if item[0] != "page"])

    def _picture_address(self, key: str, pointer: Pointer | None, side: int = 0) -> str | None:
        """Address of a picture whose bytes are here; with the hash, as a browser keeps it for a day."""
        if pointer is None or not self._workspace.tar(pointer.shard).is_file():
            return None
        return f"/pictures/{key}?v={pointer.sha256[:12]}" + (f"&side={side}" if side else "")


def _thing_address(key: str, selection: Selection | None = None, n: int = 0) -> str:
    return (
        f"/things/{key}" if selection is None else selection.address(f"/things/{key}", **{"in": selection.view, "n": n})
    )


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, str(default))
    if not (text.isdecimal() and len(text) < 10 and int(text) >= min(default, 1)):
        raise HTTPException(400, f"{name} is a number, not {text!r}")
    return int(text)


def _verdicts(found: Mapping[str, marks.Mark]) -> dict[str, str]:
    return {key: mark.verdict for key, mark in found.items()}


def _selection_of(address: str) -> Selection | None:
    """The selection of a gallery's address; None for any other text."""
    path, _, query = address.partition("?")
    with contextlib.suppress(UsageError, ValueError):
        return Selection.of(View(path.removeprefix("/")), parse_qsl(query, keep_blank_values=True))
    return None


def _words(name: str) -> str:
    """A value as a person reads it."""
    return name.replace("_", " ")
