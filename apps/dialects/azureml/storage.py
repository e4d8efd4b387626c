"""The little of Azure's blob protocol that clients speak: files into a container of an upload, files of jobs out again.

Both are opened by a signature in the query, as a SAS is; no token comes with these requests.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as xml
from collections.abc import Iterator
from typing import IO, Any
from urllib.parse import unquote

from django.http import FileResponse, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.decorators import method_decorator
from django.utils.http import http_date
from django.views import View
from django.views.decorators.csrf import csrf_exempt

from apps.artifacts import paths, store
from apps.artifacts.paths import BadPath
from apps.dialects.azureml import inputs
from apps.dialects.azureml.datastores import FILES
from apps.dialects.azureml.files import JobFile, listed, opened
from apps.dialects.azureml.models import Upload, UploadedFile
from apps.dialects.azureml.signed import Expired, Grant, read

MOST_FILE = 512 * 1024 * 1024
MOST_LIST = 64 * 1024
MOST_FILES = 10_000
META = "x-ms-meta-"
_RANGE = re.compile(r"bytes=(\d{1,18})-(\d{1,18})?")


class Problem(Exception):
    """What the protocol answers when something is wrong."""

    def __init__(self, status: int, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.status, self.code = status, code


@method_decorator(csrf_exempt, name="dispatch")
class BlobView(View):
    """One container; errors are XML with their code in a header."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            if any("\0" in unquote(str(one)) for one in (request.path, *request.GET.values())):
                raise Problem(400, "InvalidUri")  # no database keeps it
            response = super().dispatch(request, *args, **kwargs)
        except Problem as problem:
            response = _error(problem)
        response["x-ms-version"] = request.headers.get("x-ms-version", "2021-12-02")
        return response

    def grant(self) -> Grant:
        """What the signature in the query allows."""
        try:
            return read(self.request.GET.get("sig", ""))
        except Expired:
            raise Problem(403, "AuthenticationFailed") from None

    def http_method_not_allowed(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return _error(Problem(405, "UnsupportedHttpVerb"))


class Intake(BlobView):
    """Where files come in: whole, or in blocks."""

    def place(self, container: str, path: str) -> tuple[Upload, str]:
        """The upload that a file belongs to and its path there, when the signature allows it."""
        raise NotImplementedError

    def head(self, request: HttpRequest, container: str, path: str) -> HttpResponseBase:
        upload, path = self.place(container, path)
        row = upload.files.filter(path=path, block="").first() if upload.pk else None
        if row is None or not store.has(row.sha256):
            raise Problem(404, "BlobNotFound")
        response = HttpResponse(status=200, headers={"x-ms-blob-type": "BlockBlob", "ETag": f'"{row.sha256}"'})
        response["Content-Length"] = str(row.size)
        response["Last-Modified"] = http_date()
        for name, value in row.metadata.items():
            response[f"{META}{name}"] = value
        return response

    def put(self, request: HttpRequest, container: str, path: str) -> HttpResponse:
        upload, path = self.place(container, path)
        if upload.pk is None:
            known = {"workspace_id": upload.workspace_id, "name": upload.name}
            upload, _ = Upload.objects.get_or_create(container=upload.container, defaults=known)
        part = request.GET.get("comp", "")
        if part == "metadata":
            given = {name.lower(): value for name, value in request.headers.items()}
            # names of metadata have no dashes; Django made one of each underscore
            metadata = {
                name.removeprefix(META).replace("-", "_"): value
                for name, value in given.items()
                if name.startswith(META)
            }
            if not upload.files.filter(path=path, block="").update(metadata=metadata):
                raise Problem(404, "BlobNotFound")
            return HttpResponse(status=200, headers={"Last-Modified": http_date()})
        if part == "block":
            self.keep(upload, path, request, request.GET.get("blockid", "")[:128] or "?")
        elif part == "blocklist":
            self.join(upload, path, request)
        elif part:
            raise Problem(400, "InvalidQueryParameterValue", "comp")
        else:
            self.keep(upload, path, request)
        return HttpResponse(status=201, headers={"Last-Modified": http_date(), "ETag": f'"{upload.container}"'})

    def keep(self, upload: Upload, path: str, source: Any, block: str = "") -> None:
        if upload.files.count() >= MOST_FILES:
            raise Problem(409, "ContainerFull", f"at most {MOST_FILES} files")
        try:
            blob = store.put(source, most=MOST_FILE)
        except store.TooLarge:
            raise Problem(413, "RequestBodyTooLarge", f"at most {MOST_FILE} bytes") from None
        content = {"sha256": blob.sha256, "size": blob.size, "metadata": {}}
        UploadedFile.objects.update_or_create(upload=upload, path=path, block=block, defaults=content)

    def join(self, upload: Upload, path: str, request: HttpRequest) -> None:
        """Make a file of the blocks that the list names, in its order."""
        text = request.read(MOST_LIST)
        if b"<!" in text:
            raise Problem(400, "InvalidXmlDocument")  # no entities from strangers
        try:
            names = [one.text or "" for one in xml.fromstring(text)]
        except xml.ParseError:
            raise Problem(400, "InvalidXmlDocument") from None
        known = dict(upload.files.filter(path=path).exclude(block="").values_list("block", "sha256"))
        if not set(names) <= set(known):
            raise Problem(400, "InvalidBlockList")
        self.keep(upload, path, _chunks(known[name] for name in names))
        upload.files.filter(path=path).exclude(block="").delete()


class UploadContainer(Intake):
    """Where the files of one code version come in."""

    def get(self, request: HttpRequest, container: str, path: str) -> HttpResponse:
        raise Problem(404, "BlobNotFound")

    def place(self, container: str, path: str) -> tuple[Upload, str]:
        grant = self.grant()
        if grant.what != container or not grant.actor.may("create", grant.workspace.pk):
            raise Problem(403, "AuthenticationFailed")
        found = Upload.objects.filter(container=container, workspace=grant.workspace).first()
        if found is None:
            raise Problem(404, "ContainerNotFound")
        return found, _path(path)


class JobFiles(Intake):
    """A workspace's default datastore: what trials left and wrote, to be read; and folders for the inputs of jobs."""

    def get(self, request: HttpRequest, container: str, path: str = "") -> HttpResponseBase:
        grant = self.shelf(container)
        if request.GET.get("comp") == "list":
            return _listing(container, listed(grant.actor, grant.workspace, request.GET.get("prefix", "")))
        found = opened(grant.actor, grant.workspace, unquote(path))
        if found is None:
            raise Problem(404, "BlobNotFound")
        return _file(request, *found)

    def head(self, request: HttpRequest, container: str, path: str = "") -> HttpResponseBase:
        if inputs.is_upload(unquote(path)):
            return super().head(request, container, path)
        return self.get(request, container, path)

    def place(self, container: str, path: str) -> tuple[Upload, str]:
        """A folder that a client uploads the inputs of jobs to; nothing else in here can be written."""
        grant = self.shelf(container)
        if not grant.actor.may("create", grant.workspace.pk):
            raise Problem(403, "AuthorizationPermissionMismatch")
        found = inputs.upload_of(grant.workspace, _path(unquote(path)))
        if found is None:
            raise Problem(403, "AuthorizationFailure", f"only files below {inputs.FOLDER}/<hash>/ can be written")
        return found

    def shelf(self, container: str) -> Grant:
        """What is allowed in the datastore of that workspace."""
        grant = self.grant()
        if grant.workspace.slug != container or grant.what != FILES:
            raise Problem(403, "AuthorizationFailure")
        return grant


def _path(path: str) -> str:
    try:
        return paths.checked(path)
    except BadPath as error:
        raise Problem(400, "InvalidResourceName", str(error)) from None


def _chunks(hashes: Iterator[str]) -> Iterator[bytes]:
    for sha256 in hashes:
        with store.open(sha256) as file:
            while chunk := file.read(store.CHUNK):
                yield chunk


def _file(request: HttpRequest, file: IO[bytes], size: int) -> HttpResponseBase:
    """The bytes, or the part of them that was asked for."""
    asked = _RANGE.fullmatch(request.headers.get("x-ms-range") or request.headers.get("range") or "")
    headers = {"x-ms-blob-type": "BlockBlob", "Accept-Ranges": "bytes", "ETag": f'"{size}"'}
    headers |= {"Last-Modified": http_date(0), "Content-Type": "application/octet-stream"}
    headers |= {"Content-Disposition": "attachment"}
    if asked is None:
        response = FileResponse(file, headers=headers)
        response["Content-Length"] = str(size)
        return response
    start, end = int(asked[1]), min(int(asked[2] or size - 1), size - 1)
    if start > end:
        file.close()
        raise Problem(416, "InvalidRange")
    headers |= {"Content-Range": f"bytes {start}-{end}/{size}", "Content-Length": str(end - start + 1)}
    return StreamingHttpResponse(_part(file, start, end - start + 1), status=206, headers=headers)


def _part(file: IO[bytes], start: int, left: int) -> Iterator[bytes]:
    """So many bytes of a file from a place on, in pieces: a part may be the whole of a large file."""
    with file:
        file.seek(start)
        while left and (chunk := file.read(min(left, store.CHUNK))):
            left -= len(chunk)
            yield chunk


def _listing(container: str, files: list[JobFile]) -> HttpResponse:
    root = xml.Element("EnumerationResults", ContainerName=container)
    blobs = xml.SubElement(root, "Blobs")
    for one in files:
        blob = xml.SubElement(blobs, "Blob")
        xml.SubElement(blob, "Name").text = one.path
        facts = xml.SubElement(blob, "Properties")
        xml.SubElement(facts, "Content-Length").text = str(one.size)
        xml.SubElement(facts, "BlobType").text = "BlockBlob"
        xml.SubElement(facts, "Last-Modified").text = http_date(0)
        xml.SubElement(facts, "Etag").text = str(one.size)
    xml.SubElement(root, "NextMarker")
    return HttpResponse(xml.tostring(root, encoding="utf-8", xml_declaration=True), content_type="application/xml")


def _error(problem: Problem) -> HttpResponse:
    root = xml.Element("Error")
    xml.SubElement(root, "Code").text = problem.code
    xml.SubElement(root, "Message").text = str(problem)
    text = xml.tostring(root, encoding="utf-8", xml_declaration=True)
    headers = {"x-ms-error-code": problem.code}
    return HttpResponse(text, status=problem.status, content_type="application/xml", headers=headers)
