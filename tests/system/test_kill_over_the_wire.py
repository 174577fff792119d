"""kill -9 of a run against emulators in another process: the short form of `make kill-test`."""

import random

import pytest
from kill_campaign import BISECTION, POWER_SERIES, Campaigns, prepare
from kill_test import SPEED, pulls
from table_process import TableProcess

MOMENTS = ("committed", "exposing")
"""Before the last point in any case, however fast the machine is."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kills")


@pytest.fixture(scope="module")
def table(folder):
    with TableProcess(folder, SPEED) as table:
        prepare(table, folder)
        yield table


@pytest.fixture(scope="module")
def power_series(table, folder):
    return Campaigns(table, folder, "power_series", POWER_SERIES)


@pytest.mark.parametrize("number", [1, 2])
def test_a_killed_power_series_loses_and_doubles_nothing(power_series, number):
    campaign = power_series.run(number, random.Random(number), kills=2, moments=MOMENTS)
    assert campaign.kills
    found = pulls(campaign, power_series)
    assert len(found) == 8
    # 4.5 σ: once in 10^4 runs by chance
    assert max(map(abs, found)) < 4.5


def test_a_killed_plan_that_chooses_its_points_loses_and_doubles_nothing(table, folder):
    campaigns = Campaigns(table, folder, "bisection", BISECTION)
    campaign = campaigns.run(1, random.Random(3), kills=2, moments=MOMENTS)
    assert campaign.kills
    powers = [point.data["asked_w"] for point in campaign.points if point.kind == "measurement"]
    assert len(set(powers)) == len(powers) == BISECTION["steps"]
