"""Every row of the fault model has tests of its required behaviour."""

import pytest
from fault_model import ROWS, collected, defined, lines, read_rows

READ = read_rows()


def test_the_model_has_every_row_once():
    assert [row.number for row in READ] == list(range(1, ROWS + 1))


@pytest.mark.parametrize("row", READ, ids=lambda row: f"{row.number}")
def test_a_row_names_tests_that_exist(row):
    assert row.tests
    assert [test for test in row.tests if not defined(test)] == []


# other files are imported for it: slow on a busy machine
@pytest.mark.timeout(300)
def test_pytest_collects_a_test_of_every_row(capsys):
    counts = collected(sorted({test.partition("::")[0] for row in READ for test in row.tests}))
    with capsys.disabled():
        print("\nFault model\n" + "\n".join(lines(READ, counts)))
    assert [row.number for row in READ if not any(counts.get(test) for test in row.tests)] == []


def test_a_test_that_was_renamed_would_be_noticed():
    assert not defined("tests/faults/test_fault_model.py::test_that_is_not_here")
    assert not defined("tests/faults/no_such_file.py::test_the_model_has_every_row_once")
    assert defined("tests/faults/test_fault_model.py::test_the_model_has_every_row_once")
