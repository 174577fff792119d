"""Queue files: hashes, loops, messages, and any rubbish."""

import json
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labctl.core.clock import VirtualClock
from labctl.core.errors import ConfigError, UsageError
from labctl.core.items import ItemState
from labctl.service.queue import Queue, StationDatabase, read_queue_file, write_queue_file
from labctl.service.queue.files import parse_queue

OVERNIGHT = Path("configs/queues/overnight.toml")
NOW = datetime(2026, 3, 1, 18, 0, tzinfo=UTC)
CONTENT = {"procedure", "parameters", "label", "conditions", "kind"}


def parse(text: str, name: str = "queue.toml"):
    return parse_queue(text, Path(name), NOW)


def refusal(text: str, name: str = "queue.toml") -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, name)
    return caught.value.message


def content(item, renamed):
    plain = item.model_dump(include=CONTENT)
    plain["conditions"]["after"] = renamed.get(item.conditions.after)
    return plain


@pytest.mark.parametrize("name", ["queue.toml", "queue.json"])
def test_an_exported_queue_comes_back_as_it_was(tmp_path, name):
    clock = VirtualClock(NOW)
    items = read_queue_file(OVERNIGHT, clock)
    back = read_queue_file(write_queue_file(tmp_path / name, items), clock)
    numbers = {item.id: number for number, item in enumerate(items)}
    back_numbers = {item.id: number for number, item in enumerate(back)}
    assert [content(i, numbers) for i in items] == [content(i, back_numbers) for i in back]
    assert {item.state for item in back} == {ItemState.WAITING}
    assert not {item.id for item in items} & {item.id for item in back}


@pytest.mark.parametrize("name", ["queue.toml", "queue.json"])
def test_a_hand_edited_item_is_quarantined_and_the_rest_runs(tmp_path, name):
    clock = VirtualClock(NOW)
    path = write_queue_file(tmp_path / name, read_queue_file(OVERNIGHT, clock))
    path.write_text(path.read_text().replace("300 uW", "900 uW", 1))
    items = read_queue_file(path, clock)
    (bad,) = [item for item in items if item.state is ItemState.QUARANTINED]
    assert bad.label == "power series intermediate"
    assert "hash does not fit" in bad.reason
    assert str(path) in bad.reason
    assert len([item for item in items if item.state is ItemState.WAITING]) == len(items) - 1
    with StationDatabase(tmp_path / "s.sqlite") as database:
        queue = Queue(database, clock)
        queue.add(items)
        started = []
        while item := queue.claim():
            started.append(item.label)
            queue.finish(item.id, ItemState.FINISHED)
        assert bad.label not in started
        assert "power series mono" in started


def test_an_exported_item_broken_by_hand_is_quarantined_with_its_line(tmp_path):
    clock = VirtualClock(NOW)
    path = write_queue_file(tmp_path / "q.toml", read_queue_file(OVERNIGHT, clock))
    path.write_text(path.read_text().replace("on_failure", "on_failur", 1))
    items = read_queue_file(path, clock)
    (bad,) = [item for item in items if item.state is ItemState.QUARANTINED]
    line = next(
        number
        for number, text in enumerate(path.read_text().splitlines(), 1)
        if text.startswith("on_failur ")
    )
    assert f"q.toml:{line}: item.1.conditions.on_failur" in bad.reason
    assert "did you mean 'on_failure'?" in bad.reason


def test_quarantine_survives_an_export(tmp_path):
    clock = VirtualClock(NOW)
    path = write_queue_file(tmp_path / "q.toml", read_queue_file(OVERNIGHT, clock))
    path.write_text(path.read_text().replace("300 uW", "900 uW", 1))
    again = write_queue_file(tmp_path / "again.json", read_queue_file(path, clock))
    states = [item.state for item in read_queue_file(again, clock)]
    assert states.count(ItemState.QUARANTINED) == 1


def test_formatting_by_an_editor_does_not_change_the_content(tmp_path):
    clock = VirtualClock(NOW)
    path = write_queue_file(tmp_path / "q.json", read_queue_file(OVERNIGHT, clock))
    path.write_text(json.dumps(json.loads(path.read_text()), sort_keys=True))
    assert {item.state for item in read_queue_file(path, clock)} == {ItemState.WAITING}


def test_loops_are_nested_and_parameters_of_one_loop_change_together():
    items = parse(
        """
        [[item]]
        procedure = "dual_beam"
        label = "{region} {seed}"
        parameters = { pairs = 3 }
        [[item.loop]]
        region = ["mono", "weak"]
        [[item.loop]]
        pump_power = [1e-5, 2e-5, 3e-5]
        seed = [1, 2, 3]
        """
    )
    assert [item.label for item in items] == [
        "mono 1", "mono 2", "mono 3", "weak 1", "weak 2", "weak 3",
    ]  # fmt: skip
    assert items[4].parameters == {"pairs": 3, "region": "weak", "pump_power": 2e-5, "seed": 2}


def test_a_label_without_places_gets_the_values():
    text = '[[item]]\nprocedure = "p"\nlabel = "a"\n[[item.loop]]\nx = [0.5, [1, 2]]'
    assert [item.label for item in parse(text)] == ["a x=0.5", "a x=1 2"]


def test_an_item_after_a_loop_waits_for_its_end():
    items = parse(
        """
        [[item]]
        procedure = "p"
        label = "many"
        [[item.loop]]
        x = [1, 2, 3]
        [[item]]
        procedure = "q"
        conditions = { after = "many" }
        """
    )
    assert items[3].conditions.after == items[2].id


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[[item]]\nprocedur = "p"', "queue.toml:2: item.0.procedur: unknown key; did you mean "),
        ("[[items]]\n", "queue.toml:1: items: unknown key; did you mean 'item'?"),
        ("format = 2", "queue.toml:1: format: format 2 is not known"),
        ("item = 3", "queue.toml:1: item: write each item as a table"),
        ("item = [3]", "queue.toml:1: item.0: an item is a table"),
        ("[[item]]\nlabel = 'x'", "queue.toml:1: item.0: a 'procedure' is required"),
        ("[[item]]\nprocedure = ''", "a 'procedure' is required"),
        (
            "[[item]]\nprocedure = 'p'\n[item.conditions]\non_failure = 'no'",
            "queue.toml:4: item.0.conditions.on_failure: Input should be 'skip', 'pause' or 'stop'",
        ),
        (
            "[[item]]\nprocedure = 'p'\n[item.conditions]\nonfailure = 'skip'",
            "queue.toml:4: item.0.conditions.onfailure: unknown key; did you mean 'on_failure'?",
        ),
        (
            "[[item]]\nprocedure = 'p'\n[item.conditions]\nretry = { mots = 1 }",
            "item.0.conditions.retry.mots: unknown key; did you mean 'most'?",
        ),
        (
            "[[item]]\nprocedure = 'p'\n[item.conditions]\nnot_before = 2026-01-01T22:00:00",
            "the zone is missing",
        ),
        ("[[item]]\nprocedure = 'p'\n[item.conditions]\nnot_before = '22:00'", "zone is missing"),
        ("[[item]]\nprocedure = 'p'\n[item.conditions]\nnot_before = '+2 apples'", "+2 apples"),
        ("[[item]]\nprocedure = 'p'\n[item.conditions]\nnot_before = 5", "not_before"),
        ("[[item]]\nprocedure = 'p'\n[item.conditions]\nnot_before = 'soon'", "date and time"),
        (
            "[[item]]\nprocedure = 'p'\nlabel = 'axis'\n[[item]]\nprocedure = 'q'\n"
            "[item.conditions]\nafter = 'axes'",
            "queue.toml:7: item.1.conditions.after: no item has the label or id 'axes'; "
            "did you mean 'axis'?",
        ),
        ("[[item]]\nprocedure='p'\nlabel='a'\nconditions={after='a'}", "wait for itself"),
        (
            "[[item]]\nprocedure='p'\nlabel='a'\n[[item]]\nprocedure='p'\nlabel='a'\n"
            "[[item]]\nprocedure='p'\nconditions={after='a'}",
            "2 items are called 'a'",
        ),
        ("[[item]]\nprocedure='p'\nparameters={x=nan}", "nan is no finite number"),
        ("[[item]]\nprocedure='p'\nparameters={x=1e999}", "inf is no finite number"),
        ("[[item]]\nkind='pause'\nprocedure='p'", "a pause has a label"),
        (
            "[[item]]\nprocedure='p'\n[[item.loop]]\na=[1]\n[[item.loop]]\nb=[1,2]\nc=[1]",
            "item.0.loop.1: parameters of one loop change together and need as many "
            "values: b has 2, c has 1",
        ),
        ("[[item]]\nprocedure='p'\nparameters={a=1}\n[[item.loop]]\na=[1]", "a is given twice"),
        ("[[item]]\nprocedure='p'\n[[item.loop]]\na=[]", "at least one value"),
        (f"[[item]]\nprocedure='p'\n[[item.loop]]\na={list(range(20001))}", "more than 20000"),
        ("[[item]]\nprocedure = ", "not valid TOML"),
        ("x = " + "[" * 5000, "nested too deeply"),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_line_and_key(text, told):
    assert told in refusal(text)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[1]", "holds one object"),
        ('{"item": [{"procedure": "p", "x": NaN}]}', "NaN is no finite number"),
        ('{"item": [], "item": []}', "'item' is given twice"),
        ('{"item": [\n}', "queue.json:2: not valid JSON"),
        (
            '{"item": [\n{"procedure": "p"},\n{"procedure": "p",\n "lable": "x"}]}',
            "queue.json:4: item.1.lable: unknown key; did you mean 'label'?",
        ),
        ('{"item": [{"procedure": "\\ud800"}]}', "lone surrogate"),
        ('{"item": ' * 20000, "nested too deeply"),
    ],
)
def test_a_wrong_json_file_is_refused_with_line_and_key(text, told):
    assert told in refusal(text, "queue.json")


def test_many_problems_are_told_at_once_but_not_all():
    message = refusal("[[item]]\nx = 1\n" * 30)
    assert message.count("unknown key") == 10
    assert "and 20 more" in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("+2 h", NOW + timedelta(hours=2)),
        ("22:00Z", NOW.replace(hour=22)),
        ("22:00+05:00", NOW + timedelta(days=1, hours=-1)),
        ("07:30 +01:00", NOW.replace(hour=6, minute=30) + timedelta(days=1)),
        ("2026-03-01T22:00:00+01:00", NOW.replace(hour=21)),
    ],
)
def test_times_mean_the_next_such_moment(text, expected):
    (item,) = parse(f"[[item]]\nprocedure = 'p'\nconditions = {{ not_before = '{text}' }}")
    assert item.conditions.not_before == expected
    assert item.conditions.not_before.tzinfo is UTC


def test_a_missing_file_a_folder_and_another_ending_are_refused(tmp_path):
    clock = VirtualClock(NOW)
    (tmp_path / "binary.toml").write_bytes(b"a = 1\n\xff")
    for name in ("none.toml", ".", "queue.yaml", "nul\0.toml", "binary.toml"):
        with pytest.raises(ConfigError):
            read_queue_file(f"{tmp_path}/{name}", clock)
    with pytest.raises(UsageError):
        write_queue_file(tmp_path / "queue.yaml", [])


def test_toml_cannot_hold_an_empty_value_and_says_so(tmp_path):
    (item,) = parse('{"item": [{"procedure": "p", "parameters": {"x": null}}]}', "q.json")
    with pytest.raises(UsageError, match=r"\.json"):
        write_queue_file(tmp_path / "q.toml", [item])
    (back,) = read_queue_file(write_queue_file(tmp_path / "q.json", [item]), VirtualClock(NOW))
    assert back.parameters == {"x": None}


# ---- Fuzzing ------------------------------------------------------------------------------------

words = st.sampled_from(
    ["item", "procedure", "label", "parameters", "conditions", "loop", "hash", "id", "kind",
     "pause", "run", "after", "not_before", "deadline", "retry", "most", "wait_s", "only_if",
     "on_failure", "skip", "quarantined", "format", "+1 h", "22:00Z", "2026-01-01T00:00:00Z",
     "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "+1e300 h", "{x}"]
)  # fmt: skip
scalars = (
    words
    | st.text(max_size=8)
    | st.integers()
    | st.floats()
    | st.booleans()
    | st.none()
    | st.datetimes(timezones=st.none() | st.just(UTC)).map(lambda when: when.isoformat())
)
values = st.recursive(
    scalars,
    lambda part: st.lists(part, max_size=4) | st.dictionaries(words | st.text(max_size=4), part),
    max_leaves=8,
)
entries = st.fixed_dictionaries(
    {"procedure": words},
    optional={
        "label": values, "parameters": values, "conditions": st.dictionaries(words, values),
        "loop": st.lists(st.dictionaries(words, st.lists(values, max_size=3)), max_size=3),
        "hash": values, "kind": words, "id": values, "quarantined": values,
    },
)  # fmt: skip


def survives(text: str, name: str) -> None:
    try:
        items = parse(text, name)
    except ConfigError as error:
        str(error).encode()
        return
    for item in items:
        item.model_dump_json()
        assert item.conditions.deadline is None or item.conditions.deadline.tzinfo is UTC


@settings(max_examples=60, deadline=None)
@given(
    document=st.dictionaries(words, values)
    | st.fixed_dictionaries({"item": st.lists(entries, max_size=4)})
)
def test_any_json_is_read_or_refused(document):
    survives(json.dumps(document), "queue.json")


@settings(max_examples=100, deadline=None)
@given(text=st.text(max_size=200))
def test_any_text_is_read_or_refused(text):
    survives(text, "queue.toml")
    survives(text, "queue.json")


@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_any_change_of_an_exported_file_is_read_quarantined_or_refused(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("mutated")
    suffix = data.draw(st.sampled_from([".toml", ".json"]))
    items = read_queue_file(OVERNIGHT, VirtualClock(NOW))[:3]
    path = write_queue_file(folder / f"queue{suffix}", items)
    text = path.read_text()
    at = data.draw(st.integers(0, len(text)))
    end = min(len(text), at + data.draw(st.integers(0, 12)))
    changed = text[:at] + data.draw(st.text(max_size=6)) + text[end:]
    survives(changed, path.name)


@settings(max_examples=40, deadline=None)
@given(
    parameters=st.dictionaries(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
        st.recursive(
            st.text(st.characters(exclude_categories=["Cs"]))
            | st.integers()
            | st.floats(allow_nan=False, allow_infinity=False)
            | st.booleans(),
            lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), max_size=3), part, max_size=3),  # noqa: E501
            max_leaves=6,
        ),
        max_size=4,
    )
)  # fmt: skip
def test_any_parameters_survive_both_formats(tmp_path_factory, parameters):
    folder = tmp_path_factory.mktemp("formats")
    document = {"item": [{"procedure": "p", "parameters": parameters}]}
    (item,) = parse(json.dumps(document), "q.json")
    for name in ("q.toml", "q.json"):
        (back,) = read_queue_file(write_queue_file(folder / name, [item]), VirtualClock(NOW))
        assert back.state is ItemState.WAITING
        assert back.parameters == parameters
        assert all(
            math.copysign(1, a) == math.copysign(1, b)
            for a, b in zip(_floats(parameters), _floats(back.parameters), strict=True)
        )


def _floats(value):
    if isinstance(value, float):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [number for part in parts for number in _floats(part)]
