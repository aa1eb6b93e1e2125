# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Arrays go in where they lie, and the caller's kind comes out."""

import array

import numpy as np
import pytest

import weir
from weir import arrays


def address(values):
    return values.__array_interface__["data"][0]


def test_numpy_goes_in_without_a_copy(rows):
    taken, kind = arrays.rows_of(rows, 20)
    assert address(taken) == address(rows)
    assert isinstance(kind(taken), np.ndarray)
    images = np.zeros((3, 28, 28), np.uint8)
    assert address(arrays.rows_of(images)[0]) == address(images)
    assert arrays.rows_of(images)[0].shape == (3, 784)


def test_the_buffer_protocol_goes_in_without_a_copy(rows):
    values = array.array("f", range(40))
    assert address(arrays.floats(values)) == values.buffer_info()[0]
    assert address(arrays.floats(memoryview(rows))) == address(rows)


def test_read_only_memory_goes_in(rows, network):
    rows.flags.writeable = False
    assert address(arrays.rows_of(rows, 20)[0]) == address(rows)
    assert network.predict(rows).shape == (50,)


def test_dlpack_goes_in_without_a_copy_and_its_kind_comes_out(rows, labels, network):
    torch = pytest.importorskip("torch")
    tensor = torch.from_numpy(rows.copy())
    taken, kind = arrays.rows_of(tensor, 20)
    assert address(taken) == tensor.data_ptr()
    out = network.predict_proba(tensor)
    assert isinstance(out, torch.Tensor) and out.dtype == torch.float32
    assert np.array_equal(out.numpy(), network.predict_proba(rows))
    made = kind(taken)
    assert made.data_ptr() == tensor.data_ptr()
    data = weir.Data((tensor, torch.from_numpy(labels)))
    assert int(weir._native.ffi.cast("uintptr_t", data._arrays.train.values)) == tensor.data_ptr()


def test_any_library_that_speaks_dlpack(rows, network):
    """A class that has nothing but DLPack and an array namespace."""

    class Space:
        @staticmethod
        def from_dlpack(values):
            return Mine(np.from_dlpack(values))

    class Mine:
        def __init__(self, values):
            self.values = values

        def __dlpack__(self, **how):
            return self.values.__dlpack__(**how)

        def __dlpack_device__(self):
            return self.values.__dlpack_device__()

        def __array_namespace__(self):
            return Space

    assert address(arrays.numpy_of(Mine(rows))) == address(rows)
    out = network.predict_proba(Mine(rows))
    assert isinstance(out, Mine) and np.array_equal(out.values, network.predict_proba(rows))


def test_a_tensor_that_requires_a_gradient_is_refused(network):
    torch = pytest.importorskip("torch")
    with pytest.raises(TypeError, match="requires a gradient.*tensor.detach"):
        network.predict(torch.zeros(2, 20, requires_grad=True))


def test_data_sets_share_the_callers_memory(rows, labels):
    data = weir.Data((rows, labels), (rows, labels))
    assert data.part("train")[0][3, 4] == rows[3, 4]
    rows[3, 4] = 12.5  # it is the caller's array that the library reads
    assert data.part("train")[0][3, 4] == 12.5
    assert int(weir._native.ffi.cast("uintptr_t", data._arrays.train.values)) == address(rows)
    assert int(weir._native.ffi.cast("uintptr_t", data._arrays.train.labels)) == address(labels)


def test_fit_reads_the_callers_memory(blobs, monkeypatch):
    X, y = blobs
    seen = []
    made = weir.Data.__init__

    def spy(self, *parts, **options):
        made(self, *parts, **options)
        seen.append(int(weir._native.ffi.cast("uintptr_t", self._arrays.train.values)))

    monkeypatch.setattr(weir.Data, "__init__", spy)
    weir.Classifier(epochs=1, random_state=0).fit(X, y)
    assert seen == [address(X)]


def test_other_numbers_and_orders_are_converted(rows, network):
    wanted = network.predict_proba(rows)
    for same in (rows.astype(np.float64), np.asfortranarray(rows), rows.tolist(), np.repeat(rows, 2, axis=0)[::2]):
        assert np.array_equal(network.predict_proba(same), wanted)


def test_tables(rows, network):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(rows, columns=[f"c{k}" for k in range(20)])
    assert np.array_equal(network.predict_proba(table), network.predict_proba(rows))


def test_a_table_says_where_it_has_no_number(network, rows):
    pandas = pytest.importorskip("pandas")
    table = pandas.DataFrame(rows, columns=[f"c{k}" for k in range(20)])
    with pytest.raises(ValueError, match="row 0, column 'c7': could not convert string to float: 'red'"):
        network.predict(table.assign(c7="red"))
    holed = table.astype("Float32")
    holed.loc[3, "c5"] = pandas.NA
    with pytest.raises(ValueError, match="row 3, column 'c5' has no value"):
        network.predict(holed)
    with pytest.raises(TypeError, match="row 0, column 'c2'.*Timestamp"):
        network.predict(table.assign(c2=pandas.Timestamp("2020-01-01")))
    with pytest.raises(TypeError, match="dates"):
        network.predict(pandas.DataFrame({f"c{k}": [pandas.Timestamp("2020-01-01")] for k in range(20)}))
    with pytest.raises(ValueError, match="row 1, column 2: could not"):
        network.predict([[0.0] * 20, [0.0, 0.0, "red"] + [0.0] * 17])
    assert network.predict(table.assign(c7="1.5")).shape == (50,)  # texts that say numbers


@pytest.mark.parametrize("shape", [(20, 0), (3, 19), (19,), ()])
def test_wrong_shapes_are_told(network, shape):
    with pytest.raises(ValueError, match="rows"):
        network.predict(np.zeros(shape, np.float32))


def test_one_row_and_no_row(rows, network):
    assert np.allclose(network.predict_proba(rows[0]), network.predict_proba(rows)[:1], atol=1e-6)
    assert network.predict_proba(rows[:0]).shape == (0, 3)
    assert network(rows[:0]).shape == (0, 3)
