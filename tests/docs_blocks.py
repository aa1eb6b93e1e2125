# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""Runs the code blocks of pages as a reader would: those of a page one after the other, in one folder.

The folder looks like a checkout: docs/ and tests/, which blocks write, are copies, all else links to the sources, and
build/ is the build that is tested. Blocks of shell run by sh -eu, those of Python in one session. Fragments of C must stand in the program that the page names beside them;
whole programs are compiled and run by tests/install.sh. A word behind the language says what a block needs: "mnist"
(WEIR_MNIST names the folder with MNIST's files), "install" and "installed" (what tests of the package and tests/install.sh
do), "torch". A block whose need is not met is left out, with a line that says so. Text without a language is no code.

Usage: docs_blocks.py PAGE...
"""

import contextlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

SOURCE, BUILD = Path(os.environ["WEIR_SOURCE"]), Path(os.environ["WEIR_BUILD"])
BLOCK = re.compile(r"^(?P<fence>```+)(?P<language>\w+)(?P<needs>[ \w]*)\n(?P<code>.*?)^(?P=fence)$", re.M | re.S)
OWN_FOLDERS, WRITTEN = {"build", "runs", "data"}, {"docs", "tests"}


class Missing(Exception):
    """What a block needs is not there."""


def has(module):
    return subprocess.run([sys.executable, "-c", f"import {module}"], capture_output=True).returncode == 0


def check_needs(words, folder):
    for word in words:
        if word == "mnist":
            if not os.environ.get("WEIR_MNIST"):
                raise Missing("MNIST (WEIR_MNIST names its folder)")
            (folder / "data").mkdir(exist_ok=True)
            if not (folder / "data" / "mnist").exists():
                (folder / "data" / "mnist").symlink_to(os.environ["WEIR_MNIST"])
        elif word in ("install", "installed"):
            raise Missing("an installation, which other tests make")
        elif word == "torch":
            if not has("torch"):
                raise Missing("PyTorch")
        else:
            raise ValueError(f"a block needs '{word}', which nobody knows")


def checkout(folder):
    """Makes a folder look like one."""
    for entry in SOURCE.iterdir():
        if entry.name in WRITTEN:
            shutil.copytree(entry, folder / entry.name)
        elif entry.name not in OWN_FOLDERS and not entry.name.startswith("."):
            (folder / entry.name).symlink_to(entry)
    (folder / "build").symlink_to(BUILD)


def run_shell(code, folder):
    environment = {**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}", "COLUMNS": "80"}
    done = subprocess.run(["sh", "-euc", code], cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise AssertionError(f"exit status {done.returncode}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


def run_python(code, names):
    output = io.StringIO()
    with contextlib.redirect_stdout(output):
        exec(compile(code, "block", "exec"), names)
    return output.getvalue()


def check_fragment(code, before):
    """A fragment of C stands, line by line, in the last program that the text before it names."""
    named = re.findall(r"examples/(\w+\.c)", before)
    assert named, "no program is named before this fragment"
    program = (SOURCE / "examples" / named[-1]).read_text()
    lines = [line.strip() for line in program.splitlines()]
    wanted = [line.strip() for line in code.splitlines() if line.strip()]
    places = [i for i, line in enumerate(lines) if line == wanted[0]]
    found = any([line for line in lines[i:] if line][: len(wanted)] == wanted for i in places)
    assert found, f"this fragment does not stand in examples/{named[-1]}"


def run_page(page):
    """Runs the blocks of a page; how many ran, were left out, and failed."""
    text, counts = (SOURCE / page).read_text(), [0, 0, 0]
    names = {"__name__": "__main__"}
    with tempfile.TemporaryDirectory(prefix="weir-docs-") as place:
        folder = Path(place)
        checkout(folder)
        os.chdir(folder)
        for block in BLOCK.finditer(text):
            language, code = block["language"], block["code"]
            line = text.count("\n", 0, block.start()) + 1
            started = time.monotonic()
            try:
                check_needs(block["needs"].split(), folder)
                if language == "sh":
                    run_shell(code, folder)
                elif language == "python":
                    run_python(code, names)
                elif language == "c" and "int main(" not in code:
                    check_fragment(code, text[: block.start()])
                elif language != "c":
                    raise AssertionError(f"nobody knows how to run a block of {language}")
                counts[0] += 1
                print(f"{page}:{line}: {language}, {time.monotonic() - started:.1f} s", flush=True)
            except Missing as missing:
                counts[1] += 1
                print(f"{page}:{line}: left out, it needs {missing}", flush=True)
            except Exception as reason:  # a block may raise anything
                counts[2] += 1
                what = reason if isinstance(reason, AssertionError) else traceback.format_exc(limit=-2)
                print(f"{page}:{line}: FAILED: {what}", flush=True)
        os.chdir(SOURCE)
    return counts


def main(pages):
    ran, left_out, failed = map(sum, zip(*map(run_page, pages)))
    print(f"{ran} blocks ran, {left_out} left out, {failed} failed")
    return 1 if failed or not ran else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
