"""The widget for other websites: its script, and a page that shows it with the lines to copy."""

from fastapi import APIRouter, FastAPI
from fastapi.responses import HTMLResponse, Response
from starlette.requests import Request

from retrieval.web.assets import KEPT, REFRESHED, assemble_widget, asset_response, static_folder
from retrieval.web.pages import own_address, render_page


def add_widget(app: FastAPI, frame_ancestors: str, takes_feedback: bool) -> None:
    """Serve ``/widget.js``, its current version at an address of its own, and ``/widget``."""
    widget = assemble_widget(static_folder(), takes_feedback)
    router = APIRouter(include_in_schema=False)

    def script(request: Request, cache_control: str) -> Response:
        response = asset_response(widget.asset, request, cache_control)
        response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        return response

    @router.get("/widget.js")
    async def newest(request: Request) -> Response:
        return script(request, REFRESHED)

    @router.get("/widget-{version}.js")
    async def one_version(version: str, request: Request) -> Response:
        """The script that is served now, whichever version is asked for; an older one is not kept.

        A site that names an older version with its ``integrity`` asked for those bytes or nothing: its
        browser refuses this script and says why in the console. A site that left ``integrity`` out keeps
        a widget that works. Neither may keep it under the older name.
        """
        return script(request, KEPT if version == widget.version else "no-cache")

    @router.get("/widget")
    async def page(request: Request) -> Response:
        address = own_address(request)
        plain = f'<script src="{address}/widget.js" async></script>'
        html = render_page(
            "widget.html",
            address=address,
            plain=plain,
            inline=f"<vraagbaak-chat></vraagbaak-chat>\n{plain}",
            pinned=(
                f'<script src="{address}{widget.path}" integrity="{widget.asset.integrity}"'
                ' crossorigin="anonymous" async></script>'
            ),
            script=widget.path,
        )
        # the address in it is what this request called the host: nobody may keep that for others
        headers = {"Cache-Control": "no-store", "Content-Security-Policy": widget_policy(frame_ancestors)}
        return HTMLResponse(html, headers=headers)

    app.include_router(router)


def widget_policy(frame_ancestors: str) -> str:
    """The Content-Security-Policy of the page: as strict as that of any site that the widget stands on."""
    return (
        "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; "
        "font-src data:; require-trusted-types-for 'script'; trusted-types 'none'; base-uri 'none'; "
        f"form-action 'none'; frame-ancestors {frame_ancestors}"
    )
