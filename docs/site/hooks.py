# SPDX-FileCopyrightText: 2026 The weir authors
# SPDX-License-Identifier: MIT
"""What mkdocs calls while it builds the site (see mkdocs.yml).

- README.md is the first page; links to files beyond docs/ lead to the page that shows them, or become plain text.
- Each header of include/weir is a page: its comments as text, its declarations as code.
- The Python pages list the names that the package exports; mkdocstrings fills in their docstrings.
"""

import ast
import os
import re
import textwrap
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[2]
HEADERS = sorted((ROOT / "include" / "weir").glob("*.h"))
LICENCE = re.compile(r"(//|#|<!--) ?SPDX-.*\n|<!-- Written by.*-->\n")


# ---- C ---------------------------------------------------------------------------------------------------------------


def declarations(text):
    """Pairs (comment, code) of a header: each run of lines with ///, and the code up to the next one."""
    body = text[text.index("\n#define WEIR_") + 1 : text.rindex("#endif")].replace("\n}\n#endif", "")
    body = re.sub(r"^#(define WEIR_\w+_H|include .*|ifdef __cplusplus|endif)$|^extern \"C\" \{$", "", body, flags=re.M)
    comment, code = [], []
    for line in [*body.splitlines(), "///"]:
        if line.startswith("///"):
            if code and (not "".join(code).strip() or closed(code)):
                yield comment, "\n".join(code).strip()
                comment, code = [], []
            if not code:
                comment.append(line[4:])
                continue
        code.append(line)


def closed(code):
    """Whether lines of code end with a declaration that is complete."""
    words = re.sub(r" *///.*", "", "\n".join(code)).rstrip()
    return words.count("{") == words.count("}") and (words.endswith(";") or words.splitlines()[-1].startswith("#define"))


def narrow(code):
    """Comments behind members as comments before them: a page is narrower than a source file."""
    lines, comment = [], []
    for line in code.splitlines():
        member, mark, words = line.partition("///<")
        if mark and member.strip():
            comment = [len(lines), words.strip()]
            lines += ["", member.rstrip()]
        elif mark:
            comment[1] += " " + words.strip()
        else:
            lines.append(line)
        if mark:
            indent = re.match(r" *", lines[comment[0] + 1])[0]
            lines[comment[0]] = textwrap.fill(comment[1], 76, initial_indent=indent + "// ", subsequent_indent=indent + "// ")
    return "\n".join(lines)


def declared(code):
    """The names that lines of code declare."""
    code = re.sub(r"///.*", "", code)
    found = re.findall(r"^typedef (?:struct|enum|union) (weir_\w+)", code, re.M)
    found += re.findall(r"^typedef [^{;]*?\(\*?(weir_\w+)\)?\(", code, re.M) if not found else []
    found += re.findall(r"^WEIR_API [^(;]*?(weir_\w+)\(", code, re.M) + re.findall(r"^struct (weir_\w+) \{", code, re.M)
    return found or re.findall(r"^#define (WEIR_\w+)", code, re.M)


PLACES = {}  # of a declared name: the header that has it
for header in HEADERS:
    for _, block in declarations(header.read_text()):
        for name in declared(block):
            PLACES.setdefault(name, header.stem)


def linked(text, here):
    """Comments as Markdown: names of the library lead to where they are declared."""

    def link(match):
        place = PLACES.get(match[0])
        return f"[`{match[0]}`]({place}.md#{match[0]})" if place else match[0]

    escaped = re.sub(r"([\[\]*<>_|])", r"\\\1", text)
    return re.sub(r"\b[Ww][Ee][Ii][Rr](?:\\_\w+?)+\b", lambda m: link(re.match(r".*", m[0].replace("\\_", "_"))), escaped)


def header_page(path):
    text = path.read_text()
    about = re.search(r"/// \\file .*\n((?:///.*\n)*)", text)[1]
    about = "\n".join(line[4:] for line in about.splitlines())
    lines = [f"# {path.name}", "", linked(about, path.stem), "", "```c", f"#include <weir/{path.name}>", "```", ""]
    for comment, code in declarations(text):
        names = declared(code)
        if names:
            lines += ["## " + ", ".join(f"`{name}`" for name in names) + f" {{ #{names[0]} }}", ""]
            lines += [f'<a id="{name}"></a>' for name in names[1:]]
        lines += ["", linked("\n".join(comment), path.stem), ""]
        lines += ["```c", narrow(code), "```", ""] if code else []
    return "\n".join(lines)


def summary_of(path):
    about = re.search(r"/// \\file .*\n/// (.*(?:\n/// .*)*)", path.read_text())[1].replace("\n/// ", " ")
    return re.split(r"(?<=[.:]) | \(", about)[0].rstrip(":.")


def header_index():
    rows = [f"| [{h.name}]({h.stem}.md) | {linked(summary_of(h), 'index')} |" for h in HEADERS]
    top = "# C\n\n`#include <weir/weir.h>` has them all. What holds for every call is said in [weir.h](weir.md).\n\n"
    return top + "| header | what it has |\n|---|---|\n" + "\n".join(rows) + "\n"


# ---- Python ------------------------------------------------------------------------------------------------------------


def exported(module):
    """The names in a module's __all__, without importing it."""
    for node in ast.parse((ROOT / "python" / module).read_text()).body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__":
            return [name for name in ast.literal_eval(node.value) if not name.startswith("__")]
    return []


def python_page():
    lines = ["# Python", "", "::: weir", "    options: {members: [], show_root_heading: false, show_root_toc_entry: false}", ""]
    for name in exported("weir/__init__.py"):
        lines += [f"::: weir.{name}", ""]
        if name in ("Classifier", "Regressor"):
            lines[-1:] = ["    options: {inherited_members: true, show_bases: false}", ""]
    for name in exported("weir/torch/__init__.py") if (ROOT / "python/weir/torch/__init__.py").exists() else []:
        lines += [f"::: weir.torch.{name}", "    options: {docstring_style: google, show_bases: false}", ""]
    return "\n".join(lines)


def numpy_page():
    lines = ["---", "hide: [toc]", "---", "", "# Rules in NumPy", "", "::: weir.reference"]
    lines += ["    options: {members: [], show_root_heading: false, show_root_toc_entry: false}", ""]
    for module in ("noise", "base", "pathwise", "straight_through", "score_function", "coordinates", "control_variates", "draws", "model"):
        path = ROOT / "python" / "weir" / "reference" / f"{module}.py"
        text = LICENCE.sub("", path.read_text())
        about = ast.get_docstring(ast.parse(text)).split("\n")[0]
        lines += [f"## {module}.py", "", about, "", "```python", text.rstrip(), "```", ""]
    return "\n".join(lines)


FORMULA = {r"\odot": "⊙", r"^\top": "ᵀ", r"\partial": "∂", r"\sigma": "σ", r"\text{logit}": "logit", r"\,": "", r"\cdot": "·"}


def plain(formula):
    """The few words of TeX in docstrings, as the rest of the documentation writes them."""
    for tex, sign in FORMULA.items():
        formula = formula.replace(tex, sign)
    return re.sub(r"_(\d)", lambda m: chr(0x2080 + int(m[1])), formula)


# ---- mkdocs ------------------------------------------------------------------------------------------------------------


def on_config(config):
    reference = next(part["Reference"] for part in config.nav if "Reference" in part)
    place = next(i for i, part in enumerate(reference) if "C" in part)
    reference[place] = {"C": ["reference/c/index.md"] + [f"reference/c/{h.stem}.md" for h in HEADERS]}
    return config


def on_files(files, config):
    made = {"index.md": (ROOT / "README.md").read_text(), "reference/python.md": python_page(),
            "reference/numpy.md": numpy_page(), "reference/c/index.md": header_index()}  # fmt: skip
    made["assets/weir.css"] = (ROOT / "docs" / "site" / "weir.css").read_text()
    made.update({f"reference/c/{h.stem}.md": header_page(h) for h in HEADERS})
    for path, text in made.items():
        files.append(File.generated(config, path, content=text))
    return files


def on_page_markdown(markdown, page, config, files):
    path = page.file.src_uri
    markdown = LICENCE.sub("", markdown)
    markdown = re.sub(r"^(```\w+) .*$", r"\1", markdown, flags=re.M)  # words for the test of code blocks
    folder = "" if path == "index.md" else os.path.dirname(os.path.join("docs", path))
    return re.sub(r"(\[[^\]]*\])\(([^)\s]+)\)", lambda match: target(match, folder, path, files), markdown)


def target(match, folder, page, files):
    """A link of a page as one of the site."""
    words, link = match[1], match[2]
    file, _, anchor = link.partition("#")
    if not file or ":" in file or page.startswith("reference/"):
        return match[0]
    full = os.path.normpath(os.path.join(folder, file))
    anchor = "#" + anchor if anchor else ""
    if full == "README.md":
        goal = "index.md"
    elif full.startswith("docs/"):
        goal = full[len("docs/") :]
        goal += "/README.md" if files.get_file_from_path(goal + "/README.md") else ""
    elif full.startswith("include/weir/"):
        goal = f"reference/c/{Path(full).stem}.md"
    else:
        return words[1:-1]
    if not files.get_file_from_path(goal):
        return words[1:-1]
    return f"{words}({os.path.relpath(goal, os.path.dirname(page) or '.')}{anchor})"


def on_page_content(html, page, config, files):
    return re.sub(r":math:<code>(.*?)</code>", lambda match: f"<code>{plain(match[1])}</code>", html)
