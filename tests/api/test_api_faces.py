"""What a window needs to know of a table: its description, its procedures, its record."""

import json

import pytest
from scripted_table import write_calibration, write_run

from labctl.core.items import ItemState
from labctl.core.procedure import find_procedures

QUANTITY = {"name", "unit", "settable", "low", "high", "choices", "kind"}


def test_a_table_is_described(served):
    found = served.get("/table").json
    channels = {one["name"]: one for one in found["channels"]}
    assert all(set(one) == QUANTITY for one in channels.values())
    power = channels["probe.power"]
    assert (power["unit"], power["settable"], power["high"]) == ("W", True, 0.002)
    assert channels["stage.position"]["choices"][:2] == ["substrate", "mono"]
    assert channels["probe.interlock"]["kind"] == "boolean"
    assert channels["stage.x"]["low"] == -995.0
    probe, pump = found["beams"]
    assert (probe["name"], probe["wavelength_nm"]) == ("probe", 532.0)
    assert 0 < probe["power_low_w"] < probe["power_high_w"] <= 0.002
    assert pump["reason"] == ""
    assert found["positions"]["mono"] == {"x": 30.0, "y": 0.0}
    assert found["windows"]["pl"] == {"grating": 3, "centre_nm": 770.0}
    assert [one["number"] for one in found["gratings"]] == [1, 3]
    assert found["camera"]["adc_max"] == 65535
    assert found["camera"]["rows"] is None
    assert found["notch_nm"] == [530.3, 533.7]
    assert (found["ambient_k"], found["simulated"]) == (298.0, True)


def test_every_parameter_of_every_procedure_is_described(served):
    found = {one["name"]: one for one in served.get("/procedures").json["procedures"]}
    assert set(found) == set(find_procedures())
    for name, procedure in find_procedures().items():
        lines = found[name]["parameters"]
        assert [one["name"] for one in lines] == list(procedure.Parameters.model_fields)
        assert all(one["description"] or one["name"] == "sample" for one in lines), name
        # a form that changes nothing gives what the procedure does by itself
        given = {one["name"]: one["default"] for one in lines if one["default"] is not None}
        required = [one["name"] for one in lines if one["required"]]
        if not required:
            assert procedure.Parameters.model_validate(given) == procedure.Parameters()


def test_a_parameter_has_unit_bounds_choices_and_kind(served):
    procedures = {one["name"]: one for one in served.get("/procedures").json["procedures"]}
    lines = {one["name"]: one for one in procedures["power_series"]["parameters"]}
    powers, exposure = lines["powers"], lines["exposure_s"]
    assert (powers["kind"], powers["unit"], powers["low"], powers["high"]) == ("list", "W", 0, 1)
    assert powers["default"] == [30e-6, 100e-6, 200e-6, 300e-6]
    assert (exposure["kind"], exposure["unit"], exposure["high"]) == ("number", "s", 86400)
    assert (lines["order"]["kind"], lines["order"]["choices"]) == ("choice", ["shuffled", "given"])
    assert lines["windows"]["choices"] == ["raman", "pl"]
    assert lines["accumulations"]["kind"] == "integer"
    assert lines["refocus"]["kind"] == "boolean"
    assert lines["control"]["kind"] == "text"


def test_an_item_is_measured_now(served, scripted):
    answer = served.post("/control/run", {"item": {"procedure": "power_series", "label": "now"}})
    assert answer.status == 200, answer
    name, item = scripted.calls[-1]
    assert (name, item.label, item.state) == ("run_now", "now", ItemState.WAITING)
    assert answer.json["id"] == item.id


def test_a_live_view_shows_spectra_or_images(served, scripted):
    for mode in ("spectrum", "image"):
        body = {"exposure_s": 0.1, "beams": ["probe"], "mode": mode}
        assert served.post("/table/live", body).status == 200
        assert scripted.calls[-1][2]["mode"] == mode
    assert served.post("/table/live", {"exposure_s": 0.1, "mode": "film"}).status == 422


# ---- notes


def test_notes_stand_beside_the_record_and_say_who_wrote_them(served, scripted):
    folder = write_run(scripted)
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    address = f"/runs/{folder.name}/notes"
    assert served.get(address).json["text"] == ""
    body = {"text": "bright spot\nsecond line", "tags": ["good", "flake 7"], "rating": 4}
    answer = served("PUT", f"/api/v1{address}", body)
    assert answer.status == 200, answer
    assert served.get(address).json | body == served.get(address).json
    assert "uid" in served.get(address).json["changed_by"]
    line = served.get("/runs").json["runs"][0]
    assert (line["tags"], line["rating"]) == (["good", "flake 7"], 4)
    now = {one.name: one.read_bytes() for one in folder.iterdir()}
    assert now.keys() - before.keys() == {"notes.json"}
    assert all(now[name] == content for name, content in before.items())
    assert served.get("/audit").json["entries"][0]["command"] == f"runs.{folder.name}.notes"


@pytest.mark.parametrize(
    "body",
    [
        {"rating": 6}, {"rating": -1}, {"rating": "x"}, {"text": "x" * 20_001}, {"tags": [""]},
        {"tags": ["x"] * 51}, {"text": "\u0000"}, {"tags": ["a\nb"]}, {"stars": 3},
    ],
)  # fmt: skip
def test_notes_that_make_no_sense_are_refused(served, scripted, body):
    folder = write_run(scripted)
    assert served("PUT", f"/api/v1/runs/{folder.name}/notes", body).status == 422
    assert not (folder / "notes.json").exists()


def test_notes_of_no_run_are_refused(served):
    assert served("PUT", "/api/v1/runs/0009_x/notes", {"text": "x"}).status == 404
    assert served.get("/runs/0009_x/notes").status == 404


def test_notes_that_are_damaged_are_told_and_the_run_is_still_listed(served, scripted):
    folder = write_run(scripted)
    (folder / "notes.json").write_text("{")
    assert served.get(f"/runs/{folder.name}/notes").status == 507
    line = served.get("/runs").json["runs"][0]
    assert "notes" in line["problem"]


# ---- calibrations


def statuses(served, kind):
    listed = served.get("/calibrations").json["calibrations"]
    return [(one["status"], one["active"]) for one in listed if one["kind"] == kind]


def test_calibrations_of_the_station_are_listed(served):
    listed = {one["kind"]: one for one in served.get("/calibrations").json["calibrations"]}
    probe = listed["power.probe"]
    assert (probe["subject"], probe["status"], probe["active"]) == ("probe", "station", True)
    assert probe["made_utc"] < probe["expires_utc"]
    assert probe["identity"].startswith("sha256:")
    assert probe["values"]


def test_what_a_run_found_acts_at_the_table_once_it_is_accepted(served, scripted):
    run = write_run(scripted)
    write_calibration(scripted, run, "wavelength")
    assert statuses(served, "wavelength") == [("found", False), ("station", True)]
    answer = served.post("/calibrations/accept", {"run": run.name})
    assert answer.status == 200, answer
    assert len(answer.json["identities"]) == 1
    assert statuses(served, "wavelength") == [("accepted", True), ("station", False)]
    assert served.post("/calibrations/discard", {"run": run.name}).status == 200
    assert statuses(served, "wavelength") == [("discarded", False), ("station", True)]


def test_a_thermometer_that_a_run_found_is_used_until_it_is_discarded(served, scripted):
    run = write_run(scripted)
    write_calibration(scripted, run, "thermometry.probe")
    assert statuses(served, "thermometry.probe") == [("found", True)]
    assert served.post("/calibrations/discard", {"run": run.name}).status == 200
    assert statuses(served, "thermometry.probe") == [("discarded", False)]


def test_a_run_that_found_no_calibration_has_none_to_accept(served, scripted):
    run = write_run(scripted)
    assert served.post("/calibrations/accept", {"run": run.name}).status == 422
    assert served.post("/calibrations/accept", {"run": "0077_x"}).status == 404
    assert served.post("/calibrations/accept", {"run": "../x"}).status == 422


def test_a_decision_that_was_cut_short_is_none(served, scripted):
    run = write_run(scripted)
    write_calibration(scripted, run, "wavelength")
    served.post("/calibrations/accept", {"run": run.name})
    path = scripted.place.data / "calibrations" / "decisions.jsonl"
    with path.open("a") as file:
        file.write('{"identity": "sha256:cut')
    assert statuses(served, "wavelength")[0] == ("accepted", True)
    served.post("/calibrations/discard", {"run": run.name})
    assert statuses(served, "wavelength")[0] == ("discarded", False)
    assert all(json.loads(line) for line in path.read_text().splitlines())


def test_decisions_that_are_damaged_are_told(served, scripted):
    run = write_run(scripted)
    write_calibration(scripted, run, "wavelength")
    (scripted.place.data / "calibrations" / "decisions.jsonl").write_text("{}\n")
    answer = served.get("/calibrations")
    assert answer.status == 409
    assert "line 1" in answer.json["message"]
