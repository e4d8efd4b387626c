"""Which columns the catalog shows: as the address says, else as somebody chose last, else the usual ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

COLUMNS: Mapping[str, str] = {
    "best": "Best",
    "trials": "Trials",
    "running": "Running",
    "succeeded": "Succeeded",
    "failed": "Failed",
    "metric": "Metric",
    "sampler": "Sampler",
    "owner": "Owner",
    "updated": "Updated",
    "created": "Created",
}
"""What can be left out, in the order of the table. Status and name always stand there."""
USUAL = ("best", "trials", "running", "owner", "updated", "created")
NONE = "name"
"""Stands in the address so that a choice of no column is one too."""
COOKIE = "catalog_columns"
YEAR = 31_536_000


def shown(request: HttpRequest) -> tuple[str, ...]:
    """The columns to show, in the order of the table."""
    if "col" in request.GET:
        return known(request.GET.getlist("col"))
    return known(request.COOKIES.get(COOKIE, "").split("."))


def known(names: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that are columns; the usual ones where nothing can be made of the names."""
    asked = set(names)
    if not asked & {NONE, *COLUMNS}:
        return USUAL
    return tuple(name for name in COLUMNS if name in asked)


def choose(request: HttpRequest) -> HttpResponse | None:
    """Remember what the form of columns sent, or forget it; None where it was not sent.

    The address that it leads to has the columns but not the wish to remember them: who is sent it keeps their own.
    """
    if "choose" not in request.GET and "usual" not in request.GET:
        return None
    rest = request.GET.copy()
    for name in ("choose", "usual"):
        rest.pop(name, None)
    if "usual" in request.GET:
        rest.pop("col", None)
    response = redirect(f"{request.path}?{rest.urlencode()}" if rest else request.path)
    if "usual" in request.GET:
        response.delete_cookie(COOKIE, path=request.path, samesite="Lax")
    else:
        kept = ".".join([NONE, *shown(request)])
        response.set_cookie(COOKIE, kept, max_age=YEAR, path=request.path, samesite="Lax", httponly=True)
    return response
