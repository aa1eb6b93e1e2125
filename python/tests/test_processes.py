# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Processes and threads: forks, pools, and PyTorch in the same process, in either order of import."""

import glob
import hashlib
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import weir
from networks import gated_nodes

SECONDS = 500  # a child that needs longer hangs, however busy the machine is


def _work(seed=1):
    """A training and a prediction that use threads, CBLAS and the pool; bytes that say what came of it."""
    generator = np.random.default_rng(seed)
    X, y = generator.standard_normal((400, 64)).astype(np.float32), generator.integers(0, 3, 400)
    model = weir.Classifier(hidden=256, epochs=2, random_state=seed).fit(X, y)
    return model.predict_proba(X).tobytes()


def _network_bytes(network):
    return network.predict_proba(np.ones((300, 20), np.float32)).tobytes()


@pytest.fixture(scope="module")
def wanted():
    return _work()


def test_after_fork(wanted):
    """The parent's threads are not there in the child; the child starts its own."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(theirs, b"same" if _work() == wanted else b"other")
        os._exit(0)
    os.close(theirs)
    assert os.read(ours, 10) == b"same"
    os.close(ours)
    assert os.waitpid(child, 0)[1] == 0
    assert _work() == wanted


@pytest.mark.parametrize("start", ["fork", "spawn", "forkserver"])
def test_multiprocessing(wanted, start):
    with multiprocessing.get_context(start).Pool(2) as pool:
        assert pool.map_async(_work, [1, 1, 1]).get(SECONDS) == [wanted] * 3


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_networks_go_to_other_processes(start):
    network = weir.Network(gated_nodes(), seed=5)
    wanted = _network_bytes(network)
    with multiprocessing.get_context(start).Pool(2) as pool:
        assert pool.map_async(_network_bytes, [network] * 4).get(SECONDS) == [wanted] * 4


def test_a_fork_while_another_thread_is_inside():
    """Nothing of the library, and no lock of a network, is held in the child by a thread that is not there."""
    network = weir.Network(gated_nodes(), seed=5)
    wanted = _network_bytes(network)
    with ThreadPoolExecutor(2) as pool:
        busy = [pool.submit(lambda: [_network_bytes(network) for _ in range(200)]) for _ in range(2)]
        for _ in range(5):
            child = os.fork()
            if child == 0:
                fresh = weir.Network(gated_nodes(), seed=5)
                os._exit(0 if _network_bytes(fresh) == wanted and network._lock.acquire(timeout=5) else 1)
            assert os.waitpid(child, 0)[1] == 0
        assert all(found == wanted for each in busy for found in each.result())


def test_a_thread_pool(wanted):
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: _work(), range(6))) == [wanted] * 6


ORDERS = {
    "weir": "import weir",
    "weir, torch": "import weir, torch",
    "torch, weir": "import torch, weir",
    "torch at work, weir": "import torch; torch.ones(600, 600) @ torch.ones(600, 600); import weir",
}

#: What a process does: its bits, and the time of passes and of PyTorch's product, each the least of many.
CHILD = """
import hashlib, json, sys, time
sys.path.insert(0, {tests!r})
import numpy as np
from test_processes import _work
found = hashlib.sha256(_work()).hexdigest()
if "torch" in sys.modules:
    torch.set_num_threads(2)
    square = torch.ones(400, 400)
    for _ in range(5):
        (square @ square).sum().item()
        assert hashlib.sha256(_work()).hexdigest() == found
network = weir.Network([{{"kind": "input", "size": 512}}, {{"kind": "affine", "size": 512}}, {{"kind": "tanh"}},
                        {{"kind": "affine", "size": 512}}])
rows, times = np.ones((256, 512), np.float32), []
for _ in range(60):
    if "torch" in sys.modules:
        square @ square
    started = time.perf_counter()
    network(rows)
    times.append(time.perf_counter() - started)
print(json.dumps([found, min(times)]))
"""


def _child(order):
    words = ORDERS[order] + CHILD.format(tests=os.path.dirname(__file__))
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=SECONDS, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_pytorch_in_the_same_process(wanted):
    """Either order of import, PyTorch at work between the calls: the same bits, no hang, no slowdown."""
    pytest.importorskip("torch")
    least = {order: float("inf") for order in ORDERS}
    for _ in range(4):  # other programs only add to a time
        for order in ORDERS:
            bits, seconds = _child(order)
            assert bits == hashlib.sha256(wanted).hexdigest()
            least[order] = min(least[order], seconds)
        if max(least.values()) < 1.3 * least["weir"]:
            break
    print("\nmilliseconds of a pass: " + ", ".join(f"{order}: {1e3 * seconds:.2f}" for order, seconds in least.items()))
    assert max(least.values()) < 2 * least["weir"]


def _runtimes():
    """OpenMP runtimes of this machine, by what they are of: GNU's, that of scikit-learn's wheel, Intel's, LLVM's."""
    found, site = {}, [path for path in sys.path if path.endswith("-packages")]
    places = {
        "GNU": ["/usr/lib/x86_64-linux-gnu/libgomp.so.1", "/usr/lib64/libgomp.so.1"],
        "GNU of scikit-learn": [f"{path}/scikit_learn.libs/libgomp*" for path in site],
        "Intel": [f"{sys.prefix}/lib/libiomp5.so"],
        "LLVM": ["/usr/lib/llvm-*/lib/libomp.so.5", "/usr/lib/x86_64-linux-gnu/libomp.so.5", f"{sys.prefix}/lib/libomp.so"],
    }
    for name, patterns in places.items():
        files = [file for pattern in patterns for file in sorted(glob.glob(pattern))]
        if files:
            found[name] = files[-1]
    return found


RUNTIMES = _runtimes()

#: A program of OpenMP: how many threads a parallel region has, and the sum that they find.
PROGRAM = """
#include <omp.h>
double work(int *threads) {
    double sum = 0;
#pragma omp parallel for reduction(+ : sum)
    for (int i = 0; i < 2000000; i++) {
        if (i == 0) *threads = omp_get_num_threads();
        sum += 1.0 / (1 + i);
    }
    return sum;
}
"""

#: weir and a program of OpenMP in turns, in threads, and after a fork.
WITH_OPENMP = """
import ctypes, hashlib, json, os, sys, time
sys.path.insert(0, {tests!r})
def load():
    global program, theirs
    ctypes.CDLL({runtime!r}, ctypes.RTLD_GLOBAL)
    program = ctypes.CDLL({program!r})
    program.work.restype, theirs = ctypes.c_double, ctypes.c_int()
    return program.work(ctypes.byref(theirs))
if {first}:
    load()
import weir
from test_processes import _work
bits = hashlib.sha256(_work()).hexdigest()
sums = {{round(load(), 9)}}
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as pool:
    ours = [pool.submit(_work) for _ in range(2)]
    sums |= {{round(program.work(ctypes.byref(theirs)), 9) for _ in range(5)}}
    assert {{hashlib.sha256(each.result()).hexdigest() for each in ours}} == {{bits}}
child = os.fork()
if child == 0:
    os._exit(0 if hashlib.sha256(_work()).hexdigest() == bits else 1)
assert os.waitpid(child, 0)[1] == 0
with open("/proc/self/maps") as maps:
    assert os.path.realpath({runtime!r}) in maps.read()
print(json.dumps([bits, len(sums), theirs.value]))
"""


@pytest.mark.parametrize("order", ["runtime, weir", "weir, runtime"])
@pytest.mark.parametrize("name", ["GNU", "GNU of scikit-learn", "Intel", "LLVM"])
def test_any_openmp_runtime(wanted, name, order, tmp_path):
    """Beside each OpenMP runtime, loaded before or after: the same bits, both at work at once, also after a fork."""
    runtime, compiler = RUNTIMES.get(name), shutil.which("cc")
    if runtime is None or compiler is None:
        pytest.skip("no compiler" if compiler is None else f"no OpenMP runtime: {name} (pip: intel-openmp; Debian: libomp5-14)")
    source, made, program = tmp_path / "program.c", tmp_path / "program.o", tmp_path / "program.so"
    source.write_text(PROGRAM)
    subprocess.run([compiler, "-O1", "-fPIC", "-fopenmp", "-c", source, "-o", made], check=True)
    subprocess.run([compiler, "-shared", made, runtime, "-o", program], check=True)
    words = WITH_OPENMP.format(tests=os.path.dirname(__file__), runtime=runtime, program=str(program), first=order[0] == "r")
    environment = {**os.environ, "OMP_NUM_THREADS": "2", "LD_LIBRARY_PATH": os.path.dirname(runtime)}
    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, timeout=SECONDS, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    bits, sums, threads = json.loads(done.stdout)
    assert (bits, threads) == (hashlib.sha256(wanted).hexdigest(), 2) and sums == 1


def test_pytorchs_threads_after_weirs():
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    _work()
    assert torch.get_num_threads() == before
    assert torch.allclose(torch.ones(300, 300) @ torch.ones(300, 300), torch.full((300, 300), 300.0))
