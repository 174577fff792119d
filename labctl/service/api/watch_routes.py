"""Offer what there is to see: status, spectrum, trend, runs, points."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from labctl.core.status import StationStatus
from labctl.service.api import schemas as s
from labctl.service.api.access import Viewer
from labctl.service.api.problems import Missing
from labctl.service.api.table import Table
from labctl.service.api.views import (
    TrendKeeper,
    find_run_folder,
    point_line,
    run_lines,
    spectrum_view,
)
from labctl.service.archive import describe_run
from labctl.store.reader import RunReader

MOST = 1000
RunPath = Annotated[s.RunName, Path()]
First = Annotated[int, Query(ge=0, le=100_000_000)]
Count = Annotated[int, Query(ge=1, le=MOST)]
Pixels = Annotated[int, Query(ge=16, le=4096)]


def watch_router(table: Table, trends: TrendKeeper) -> APIRouter:
    """Return the addresses that only read."""
    router = APIRouter(tags=["watch"])
    _add_now(router, table, trends)
    _add_runs(router, table)
    return router


def _add_now(router: APIRouter, table: Table, trends: TrendKeeper) -> None:
    @router.get("/me")
    def me(identity: Viewer) -> s.Me:
        """Say who asks."""
        return s.Me(name=identity.name, role=identity.role, is_present=identity.is_present)

    @router.get("/status")
    def status(_: Viewer) -> StationStatus:
        """Return a snapshot; its `seq` is where the events go on."""
        return table.status()

    @router.get("/spectrum")
    def spectrum(_: Viewer, most: Pixels = 1340) -> s.SpectrumView:
        """Return the newest exposure, thinned to `most` pixels."""
        live = table.latest_spectrum()
        if live is None:
            raise Missing("nothing was exposed yet")
        return spectrum_view(live, most)

    @router.get("/trend")
    def trend(_: Viewer) -> s.Trend:
        """Return how slow values went since the service was started."""
        return trends.trend()


def _add_runs(router: APIRouter, table: Table) -> None:
    @router.get("/runs")
    def list_runs(_: Viewer, first: First = 0, most: Count = 50) -> s.RunPage:
        """List runs, the newest first."""
        lines, total = run_lines(table.place.data, first, most)
        return s.RunPage(runs=lines, total=total)

    @router.get("/runs/{run}")
    def show_run(run: RunPath, _: Viewer) -> s.RunDetail:
        """Return what is known of a run: parameters, states, result, folder."""
        folder = find_run_folder(table.place.data, run)
        return s.RunDetail(**describe_run(table.place.data, str(folder)))

    @router.get("/runs/{run}/points")
    def list_points(run: RunPath, _: Viewer, first: First = 0, most: Count = 100) -> s.PointPage:
        """Return committed points in order: what a client that was away has missed."""
        with RunReader(find_run_folder(table.place.data, run)) as reader:
            total = len(reader)
            numbers = range(first, min(first + most, total))
            points = [point_line(reader.point(number)) for number in numbers]
        return s.PointPage(points=points, total=total)
