"""Django over ASGI: views of both kinds, streaming, uploads, sessions. It has no lifespan."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import (
    FileResponse,
    HttpRequest,
    HttpResponse,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import path

settings.configure(
    ALLOWED_HOSTS=["127.0.0.1", "localhost"],
    DEBUG=False,
    INSTALLED_APPS=["django.contrib.sessions"],
    MIDDLEWARE=[
        "django.middleware.security.SecurityMiddleware",
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.common.CommonMiddleware",
    ],
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for tests",
    SESSION_ENGINE="django.contrib.sessions.backends.signed_cookies",
)
django.setup()


async def _async_view(request: HttpRequest) -> HttpResponse:
    await asyncio.sleep(0)
    return JsonResponse(
        {
            "path": request.path,
            "script": request.META["SCRIPT_NAME"],
            "query": request.GET.getlist("q"),
            "address": request.META["REMOTE_ADDR"],
            "secure": request.is_secure(),
        }
    )


def _sync_view(_request: HttpRequest) -> HttpResponse:
    main = threading.current_thread() is threading.main_thread()
    return JsonResponse({"main": main})


async def _stream(_request: HttpRequest) -> StreamingHttpResponse:
    async def pieces() -> AsyncIterator[str]:
        for index in range(50):
            yield f"{index};"
            await asyncio.sleep(0)

    return StreamingHttpResponse(pieces())


def _sync_stream(_request: HttpRequest) -> StreamingHttpResponse:
    def pieces() -> Iterator[str]:
        for index in range(50):
            yield f"{index};"

    return StreamingHttpResponse(pieces())


def _upload(request: HttpRequest) -> HttpResponse:
    file = request.FILES["file"]
    return JsonResponse({"name": file.name, "size": file.size, "note": request.POST["note"]})


async def _body(request: HttpRequest) -> HttpResponse:
    return HttpResponse(str(len(request.body)))


def _count(request: HttpRequest) -> HttpResponse:
    count = request.session.get("count", 0) + 1
    request.session["count"] = count
    response = HttpResponse(str(count))
    response.set_cookie("other", "crumb")
    return response


def _file(_request: HttpRequest) -> FileResponse:
    return FileResponse(open(__file__, "rb"))  # the response closes it


def _raises(_request: HttpRequest) -> HttpResponse:
    raise LookupError("in the view")


urlpatterns = [
    path("async/", _async_view),
    path("sync/", _sync_view),
    path("stream/", _stream),
    path("sync-stream/", _sync_stream),
    path("upload/", _upload),
    path("body/", _body),
    path("count/", _count),
    path("file/", _file),
    path("raises/", _raises),
]

app = get_asgi_application()
