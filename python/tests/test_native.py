# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""The bridge: declarations are those of the headers, errors are exceptions, callbacks hold what they raise."""

import pickle
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import weir
from weir import errors
from weir._native import NULL, Held, Keep, call, ffi, lib, text

HEADERS = Path(__file__).resolve().parents[2] / "include" / "weir"


def test_every_public_function_is_declared_and_there():
    if not HEADERS.is_dir():
        pytest.skip("no headers beside the package")
    names = set()
    for header in HEADERS.glob("*.h"):
        names.update(re.findall(r"^WEIR_API [^;(]*?(\w+)\(", header.read_text(), re.MULTILINE))
    assert len(names) > 150
    assert [name for name in sorted(names) if not hasattr(lib, name)] == []


def test_functions_may_be_looked_up_in_any_order():
    # cffi realises types where it first meets them: one that leads to itself ended the process in some orders
    names = [name for name in dir(lib) if name.startswith("weir_")]
    for first in ("weir_unit_draw", "weir_unit_learn", "weir_rule_at", "weir_graph_create"):
        program = f"from weir._native import lib; lib.{first}; [getattr(lib, name) for name in {names!r}]"
        subprocess.run([sys.executable, "-c", program], check=True)


def test_version_is_that_of_the_headers():
    assert weir.__version__.startswith(f"{lib.WEIR_VERSION_MAJOR}.{lib.WEIR_VERSION_MINOR}.")


def test_each_status_has_its_exception():
    names = {text(lib.weir_status_name(k)) for k in range(1, lib.WEIR_STATUS_COUNT)}
    assert names == set(errors.BY_STATUS)


@pytest.mark.parametrize("expected", [weir.Error, errors.NotFoundError, KeyError, FileNotFoundError])
def test_errors_are_what_python_expects(expected):
    with pytest.raises(expected, match="did you mean 'rloo'"):
        weir.units("rlo")


def test_errors_have_status_and_text_and_can_be_pickled():
    with pytest.raises(weir.Error) as caught:
        weir.load("/nowhere/model.safetensors")
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again), again.status) == (errors.NotFoundError, str(caught.value), "NOT_FOUND")
    assert "/nowhere/model.safetensors" in str(again)


def test_a_callback_holds_what_it_raises():
    class Mine(Exception):
        pass

    calls = []

    def loss(h, example):
        calls.append(1)
        raise Mine("held")

    with pytest.raises(Mine, match="held"):
        weir.Estimator("rloo", 4)(np.zeros((2, 4)), loss)
    assert len(calls) == 1


def test_ctrl_c_ends_a_training():
    def told(epoch):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        weir.train("digits", settings={"data.train": 200, "data.valid": 50, "data.test": 50}, progress=told)


def test_an_end_that_was_asked_for_is_no_error():
    epochs = []
    small = {"data.train": 200, "data.valid": 50, "data.test": 50}
    weir.train("digits", settings=small, repeats=0, progress=lambda epoch: epochs.append(epoch.epoch) or epoch.epoch == 2)
    assert epochs == [1, 2]


def test_the_gil_is_released():
    """Another thread counts while the library works for a second or so."""
    counted, working = [0], [True]

    def count():
        while working[0]:
            counted[0] += 1
            time.sleep(0.001)

    thread = threading.Thread(target=count)
    thread.start()
    started = time.perf_counter()
    weir.lab.exactness("relax", draws=5e4)
    seconds = time.perf_counter() - started
    working[0] = False
    thread.join()
    assert counted[0] > 20 * seconds


def test_strings_of_structs_are_kept():
    keep = Keep()
    options = keep.fill(ffi.new("weir_data_options *", lib.weir_data_options_default()), source="digits", train=20)
    place = ffi.new("weir_data **")
    call(lib.weir_data_load, place, options)
    assert lib.weir_data_train(place[0]).count == 20
    lib.weir_data_free(place[0])


def test_held_callbacks_fail_after_the_first():
    held = Held()
    seen = []

    def once(_, share):
        seen.append(share)
        raise ValueError

    pointer = held.callback("weir_lab_progress", once, failed=1)
    assert pointer(NULL, 0.1) == 1 and pointer(NULL, 0.2) == 1
    assert seen == [0.1] and isinstance(held.exception, ValueError)
