"""Makes a target's corpus of what fuzzing has found: scripts/fuzz --keep.

libFuzzer's own merge keeps a file for every feature, which is hundreds. Here files are taken one
after the other, each time the one that adds most, until nothing is added or there are enough.
"""

import hashlib
import os
import re
import subprocess
import sys
import tempfile

FILES_MAX = 40
BYTES_MAX = 4096


def main():
    binary, target = sys.argv[1:]
    corpus = f"fuzz/corpus/{target}"
    # A file with a name of its own was put there by somebody, and stays.
    named = [name for name in sorted(os.listdir(corpus)) if not re.fullmatch("[0-9a-f]{40}", name)]
    inputs = features(binary, [corpus, f"fuzz/working/{target}"])
    kept = [os.path.join(corpus, name) for name in named]
    edges, counters = set(), set()
    for path in kept:
        add(inputs.get(path, (set(), set())), edges, counters)
    left = {path: found for path, found in inputs.items() if path not in kept and os.path.getsize(path) <= BYTES_MAX}
    while left and len(kept) < FILES_MAX:
        def gain(path):
            found, counted = left[path]
            return len(found - edges), len(counted - counters), -os.path.getsize(path), path
        best = max(left, key=gain)
        if gain(best)[:2] == (0, 0):
            break
        add(left.pop(best), edges, counters)
        kept.append(best)
    contents = {}
    for path in kept:
        with open(path, "rb") as file:
            content = file.read()
        name = os.path.basename(path) if os.path.basename(path) in named else hashlib.sha1(content).hexdigest()
        contents[name] = content
    for name in os.listdir(corpus):
        os.remove(os.path.join(corpus, name))
    for name, content in contents.items():
        with open(os.path.join(corpus, name), "wb") as file:
            file.write(content)
    everything = set().union(*(found for found, _ in inputs.values()))
    print(f"{target}: {len(contents)} of {len(inputs)} files kept, {len(edges)} of {len(everything)} edges")


def add(found, edges, counters):
    edges |= found[0]
    counters |= found[1]


def features(binary, folders):
    """What each input reaches: edges, and edges with how often."""
    with tempfile.TemporaryDirectory() as folder:
        control, merged = os.path.join(folder, "control"), os.path.join(folder, "merged")
        os.mkdir(merged)
        command = [binary, "-merge=1", f"-merge_control_file={control}", "-timeout=20", merged, *folders]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(control) as file:
            lines = file.read().splitlines()
    count = int(lines[0])
    paths = lines[2:2 + count]
    edges, counters = {}, {}
    for line in lines[2 + count:]:
        kind, number, *numbers = line.split()
        if kind in ("FT", "COV"):
            (counters if kind == "FT" else edges)[paths[int(number)]] = set(map(int, numbers))
    return {path: (edges.get(path, set()), counters.get(path, set())) for path in paths}


main()
