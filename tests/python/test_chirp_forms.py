"""Forms: multipart piece by piece, urlencoded, uploads, and what passes the limits."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from browsing import Browser
from chirp import App, AppConfig, HTTPError, PayloadTooLarge, Request
from chirp.http.forms import parse_urlencoded
from chirp.http.multipart import MultipartParser, PartBegin, PartData, PartEnd

HEAD = b'Content-Disposition: form-data; name="a"\r\n\r\n'
WHOLE = (
    b"preamble\r\n--B\r\n"
    b'Content-Disposition: form-data; name="text"\r\n\r\n'
    b"one\r\n--Bx two\r\n--\r\n"
    b"\r\n--B  \r\n"
    b'content-disposition: form-data; filename="..\\dir/n\xc3\xa4me.txt"; name="file"\r\n'
    b"Content-Type: image/png\r\n\r\n"
    b"\r\n--B\r\n" + HEAD + b"\r\n\r\n--B--\r\nepilogue"
).replace(b"\r\n--Bx two", b"\r\n-- two")


def parse(pieces: list[bytes], boundary: str = "B") -> list[tuple[PartBegin, bytes]]:
    """Parts with their contents, as the parser gives them for these pieces."""
    parser = MultipartParser(boundary)
    parts: list[tuple[PartBegin, bytes]] = []
    contents = b""
    for piece in pieces:
        for event in parser.feed(piece):
            if isinstance(event, PartBegin):
                begun, contents = event, b""
            elif isinstance(event, PartData):
                contents += event.data
            else:
                assert isinstance(event, PartEnd)
                parts.append((begun, contents))
    assert parser.complete
    return parts


def test_a_body_is_split_alike_wherever_it_is_cut() -> None:
    expected = [
        (PartBegin("text", None, "text/plain"), b"one\r\n-- two\r\n--\r\n"),
        (PartBegin("file", "n\u00e4me.txt", "image/png"), b""),
        (PartBegin("a", None, "text/plain"), b"\r\n"),
    ]
    assert parse([WHOLE]) == expected
    assert parse([bytes([byte]) for byte in WHOLE]) == expected
    for at in range(len(WHOLE)):
        assert parse([WHOLE[:at], WHOLE[at:]]) == expected


def test_a_boundary_may_come_first_and_hold_anything_of_ascii() -> None:
    assert parse([b"--a'()+_,-./:=? b\r\n" + HEAD + b"x\r\n--a'()+_,-./:=? b--"], "a'()+_,-./:=? b")


def test_no_more_is_held_back_than_a_boundary() -> None:
    parser = MultipartParser("B")
    parser.feed(b"--B\r\n" + HEAD)
    given = sum(
        len(event.data)
        for _ in range(100)
        for event in parser.feed(b"\r" * 1000)
        if isinstance(event, PartData)
    )
    assert 100_000 - given < len(b"\r\n--B")


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"x" * 70_000, "boundary"),
        (b"--Bx\r\n" + HEAD, "followed"),
        (b"--B" + b" " * 100, "end its line"),
        (b"--B\r\n\r\nx", "colon"),
        (b"--B\r\nContent-Type: text/plain\r\n\r\nx", "name"),
        (b'--B\r\nContent-Disposition: file; name="a"\r\n\r\nx', "form-data"),
        (b'--B\r\nContent-Disposition: form-data; name="\xff"\r\n\r\nx', "UTF-8"),
        (b"--B\r\nX: " + b"x" * 20_000, "too long"),
    ],
)
def test_a_malformed_body_is_refused(body: bytes, word: str) -> None:
    with pytest.raises(HTTPError, match=word) as caught:
        MultipartParser("B").feed(body)
    assert caught.value.status == 400


@pytest.mark.parametrize("boundary", ["", "x" * 71, "\u00e4"])
def test_a_wrong_boundary_is_refused(boundary: str) -> None:
    with pytest.raises(HTTPError, match="boundary"):
        MultipartParser(boundary)


def test_a_urlencoded_form() -> None:
    form = parse_urlencoded("a=1&b=%C3%A4+x&a=2&c&d=ä".encode(), 10)
    assert form.get_list("a") == ["1", "2"]
    assert (form["b"], form["c"], form["d"]) == ("ä x", "", "ä")
    assert (form.get_int("a"), form.get_int("b"), form.get_bool("a")) == (1, None, True)
    assert "ä x" not in repr(form)
    with pytest.raises(PayloadTooLarge):
        parse_urlencoded(b"a=1&b=2&c=3", 2)
    with pytest.raises(HTTPError, match="UTF-8"):
        parse_urlencoded(b"a=%ff", 2)


def uploads(**limits: Any) -> Browser:
    """An app that tells what a form holds."""
    app = App(AppConfig(**limits))

    @app.route("/", methods=["POST"])
    async def tell(request: Request) -> dict[str, Any]:
        form = await request.form()
        assert await request.form() is form
        files = {
            name: (file.filename, file.content_type, file.size, (await file.read()).decode("utf-8"))
            for name, file in form.files.items()
        }
        on_disk = {name: file._on_disk for name, file in form.files.items()}
        return {"fields": dict(form), "files": files, "on_disk": on_disk}

    return Browser(app)


def test_a_form_with_files_over_http() -> None:
    browser = uploads(upload_spool_threshold=5)
    response = browser.post(
        "/",
        data={"title": "käse"},
        files={
            "small": ("../../etc/passwd", b"1234", "text/x"),
            "large": ("l.txt", b"12345"),
        },
    )
    assert response.json() == {
        "fields": {"title": "käse"},
        "files": {
            "small": ["passwd", "text/x", 4, "1234"],
            "large": ["l.txt", "text/plain", 5, "12345"],
        },
        "on_disk": {"small": False, "large": True},
    }


def test_a_file_field_without_a_choice_is_none() -> None:
    part = b'--B\r\nContent-Disposition: form-data; name="f"; filename=""\r\n\r\n\r\n--B--'
    headers = {"Content-Type": 'multipart/form-data; boundary="B"'}
    response = uploads().post("/", content=part, headers=headers)
    assert response.json() == {"fields": {}, "files": {}, "on_disk": {}}


def test_what_passes_a_limit_is_413() -> None:
    for limits, sent in (
        ({"max_request_body_size": 100}, {"files": {"f": b"x" * 100}}),
        ({"max_request_body_size": 100}, {"data": {"f": "x" * 100}}),
        ({"max_upload_size": 100}, {"files": {"f": b"x" * 101}}),
        ({"max_upload_parts": 2}, {"files": dict.fromkeys("abc", b"x")}),
        ({"max_upload_parts": 2}, {"data": dict.fromkeys("abc", "x")}),
    ):
        response = uploads(**limits).post("/", **sent)
        assert response.status_code == 413, (limits, response.text)
    assert uploads(max_upload_size=100).post("/", files={"f": b"x" * 100}).status_code == 200


def test_a_body_that_is_no_whole_form_is_told() -> None:
    browser = uploads()
    assert browser.post("/", json={}).status_code == 415
    assert browser.post("/", content=b"x").status_code == 415
    cut = {"Content-Type": "multipart/form-data; boundary=B"}
    response = browser.post("/", content=b"--B\r\n" + HEAD + b"x", headers=cut)
    assert (response.status_code, "closing boundary" in response.text) == (400, True)


def test_an_upload_is_saved_and_then_gone(tmp_path: Path) -> None:
    app = App()
    kept: list[Any] = []

    @app.route("/", methods=["POST"])
    async def save(request: Request) -> None:
        (file,) = (await request.form()).get_files("f")
        await file.save(tmp_path / file.filename)
        await file.save(tmp_path / "copy")
        kept.append(file)

    assert Browser(app).post("/", files={"f": ("a.txt", b"text")}).status_code == 204
    assert (tmp_path / "a.txt").read_bytes() == (tmp_path / "copy").read_bytes() == b"text"
    with pytest.raises(ValueError, match="closed"):
        asyncio.run(kept[0].read())
