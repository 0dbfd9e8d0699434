"""Style and layer rules, checked on the text of the sources; each finding is FILE:LINE: sentence.

Run by ctest and by `./twinbed lint`. The rules are those of core/DESIGN.md.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MAX_COLUMNS = 100
MAX_FILE = {"tests": 800, "": 500}
MAX_FUNCTION = 70

# Folder, what of the project it may include, and which headers beside the standard library's.
CORE = ("core/base/", "core/io/", "core/wire/")
LAYERS = [
    ("core/base/", ("core/base/",), ()),
    ("core/io/", ("core/base/", "core/io/"), ()),
    ("core/wire/", CORE, ()),
    ("core/crypto/", ("core/base/", "core/crypto/"), ("sodium", "boost/uuid/")),
    ("core/fec/", ("core/base/", "core/fec/"), ("isa-l/",)),
    (
        "core/protocols/",
        (*CORE, "core/crypto/", "core/fec/", "core/protocols/"),
        ("nlohmann/",),
    ),
    (
        "sim/medium/",
        (*CORE, "sim/medium/", "sim/duty_cycle.h", "sim/network/link_effects.h",
         "sim/payload_pool.h", "sim/radio_medium.h", "sim/world.h"),
        ("ns3/",),
    ),
    (
        "sim/ns3/",
        (*CORE, "sim/medium/", "sim/ns3/", "sim/duty_cycle.h", "sim/payload_pool.h",
         "sim/radio_medium.h", "sim/world.h"),
        ("ns3/",),
    ),
    ("sim/", (*CORE, "core/crypto/", "sim/"), ("boost/",)),
    ("backends/testbed/", (*CORE, "core/crypto/", "backends/", "sim/"), ("boost/", "POSIX")),
    (
        "backends/",
        (*CORE, "core/crypto/", "backends/", "sim/network/", "sim/faults/plan.h"),
        ("boost/", "sqlite3.h", "pcap", "POSIX"),
    ),
    (
        "scenarios/",
        ("core/", "sim/", "backends/", "scenarios/"),
        ("yaml-cpp/", "nlohmann/", "CLI/", "editline/", "histedit.h", "systemd/sd-daemon.h",
         "zlib.h", "POSIX"),
    ),
    ("bindings/", ("core/", "sim/", "backends/", "scenarios/", "bindings/"), ("pybind11/",)),
]
# A protocol may build on another one only where it is listed here.
PROTOCOL_USES: dict[str, tuple[str, ...]] = {"imagestore": ("election", "raft", "secure")}

POSIX = re.compile(
    r"^(asm/|sys/|net/|netinet/|arpa/|linux/)"
    r"|^(unistd|fcntl|poll|signal|spawn|pty|termios|sched|errno|time|netdb|dirent|pwd|ifaddrs)\.h$"
)

# What would break determinism in core and sim, and why.
BANNED = [
    (r"\bstd::(random_device|mt19937|default_random_engine)\b", "random numbers come from Random"),
    (r"\bstd::\w+_distribution\b", "standard distributions differ between libraries"),
    (r"\bstd::chrono::(system|steady|high_resolution)_clock\b", "time is an argument"),
    (r"\bstd::unordered_(map|set)\b", "unordered iteration differs between libraries"),
    (r"\bstd::(thread|async|mutex)\b", "core and sim know no threads"),
    (r"(?<![\w.:>])(std::)?(rand|srand|gettimeofday|clock_gettime)\s*\(|\bstd::(time|clock)\s*\(",
     "no clock and no C random numbers here"),
    (r"\bstd::(log|exp|pow|sin|cos|tan|log2|log10)\s*\(", "libm differs; use portable_math.h"),
]

WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def tracked(*patterns: str) -> list[Path]:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", *patterns],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout.split("\n")
    return sorted(ROOT / name for name in names if name and (ROOT / name).is_file())


def layer_of(name: str):
    return next((layer for layer in LAYERS if name.startswith(layer[0])), None)


def check_include(name: str, included: str, quoted: bool) -> str | None:
    layer = layer_of(name)
    if layer is None:
        return None
    folder, allowed, outside = layer
    if quoted:
        if included.startswith("core/protocols/") and name.startswith("core/protocols/"):
            mine, other = name.split("/")[2], included.split("/")[2]
            if mine != other and other not in PROTOCOL_USES.get(mine, ()):
                return f"protocol {mine} may not include protocol {other}"
        if not included.startswith(allowed):
            return f"{folder} may not include {included}"
        return None
    if "/" not in included and not included.endswith(".h"):
        return None  # the standard library
    if POSIX.match(included):
        return None if "POSIX" in outside else f"{folder} may not include <{included}>"
    if not included.startswith(tuple(o for o in outside if o != "POSIX")):
        return f"{folder} may not include <{included}>"
    return None


def check_function_lengths(name: str, lines: list[str]):
    """A function is what stands between a line ending in '{' at the outermost level and its '}'."""
    start = None
    for number, line in enumerate(lines, 1):
        if start is None and re.match(r"^[A-Za-z].*[){]\s*(const|override|noexcept)*\s*\{$", line):
            if not re.match(r"^(namespace|class|struct|enum|union|extern)\b", line):
                start = number
        elif line.startswith("}") and start is not None:
            if number - start + 1 > MAX_FUNCTION:
                yield start, f"function of {number - start + 1} lines, at most {MAX_FUNCTION}"
            start = None


def check_cpp(path: Path, name: str, lines: list[str]):
    deterministic = name.startswith(("core/", "sim/"))
    for number, line in enumerate(lines, 1):
        found = re.match(r'#include ([<"])([^>"]+)[>"]', line)
        if found:
            problem = check_include(name, found[2], found[1] == '"')
            if problem:
                yield number, problem
        code = line.split("//")[0]
        if deterministic:
            for pattern, why in BANNED:
                if re.search(pattern, code):
                    yield number, f"'{re.search(pattern, code)[0]}' is banned here: {why}"
    if path.suffix == ".h" and "#pragma once" not in lines:
        yield 1, "a header needs #pragma once"
    if not name.startswith("tests/") and path.suffix == ".h" and not lines[0].startswith("//"):
        yield 1, "a header begins with a comment that says what it is for"
    yield from check_function_lengths(name, lines)


def check_python(lines: list[str]):
    start, indent, title = None, 0, ""
    for number, line in enumerate([*lines, "end"], 1):
        found = re.match(r"^(\s*)(async )?def (\w+)", line)
        depth = len(line) - len(line.lstrip())
        if start is not None and line.strip() and depth <= indent and number > start:
            if not line.strip().startswith(")") and number - start > MAX_FUNCTION:
                yield start, f"function {title} of {number - start} lines, at most {MAX_FUNCTION}"
            if not line.strip().startswith(")"):
                start = None
        if found and start is None:
            start, indent, title = number, len(found[1]), found[3]


def check_file(path: Path):
    name = path.relative_to(ROOT).as_posix()
    lines = path.read_text(encoding="utf-8").split("\n")
    limit = MAX_FILE["tests" if name.startswith("tests/") else ""]
    if len(lines) - 1 > limit:
        yield 1, f"file of {len(lines) - 1} lines, at most {limit}"
    for number, line in enumerate(lines, 1):
        if len(line) > MAX_COLUMNS:
            yield number, f"line of {len(line)} columns, at most {MAX_COLUMNS}"
        if line != line.rstrip():
            yield number, "white space at the end of the line"
        if WORDS.search(line) and name != "tests/lint.py":
            yield number, "unfinished work is described in an issue, not in the source"
    if path.suffix in (".h", ".cc"):
        yield from check_cpp(path, name, lines)
    elif path.suffix == ".py":
        yield from check_python(lines)


def main() -> int:
    findings = 0
    files = tracked("*.h", "*.cc", "*.py")
    for path in files:
        for number, sentence in check_file(path):
            print(f"{path.relative_to(ROOT).as_posix()}:{number}: {sentence}")
            findings += 1
    print(f"{len(files)} files, {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
