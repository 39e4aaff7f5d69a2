"""Makes a target's corpus of what fuzzing has found: scripts/fuzz --keep.

libFuzzer's own merge keeps a file for every feature, which is hundreds. Here files are taken one
after the other, each time the one that adds most, until nothing is added or there are enough.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

FILES_MAX = 40
BYTES_MAX = 4096


def main():
    binary, target = sys.argv[1:]
    corpus = f"fuzz/corpus/{target}"
    # A file with a name of its own was put there by somebody, and stays.
    named = [name for name in sorted(os.listdir(corpus)) if not re.fullmatch("[0-9a-f]{40}", name)]
    inputs = features(binary, [corpus, f"fuzz/working/{target}"])
    everything = set().union(*(found for found, _ in inputs.values()))
    # Of those that add something, and are small, all that they reach: each is run by itself.
    chosen = [path for path, found in inputs.items() if found[0] or os.path.basename(path) in named]
    chosen = [path for path in chosen if os.path.getsize(path) <= BYTES_MAX]
    with ThreadPoolExecutor(2) as pool:
        inputs = dict(zip(chosen, pool.map(lambda path: alone(binary, path), chosen)))
    kept = [os.path.join(corpus, name) for name in named]
    edges, counters = set(), set()
    for path in kept:
        add(inputs.get(path, (set(), set())), edges, counters)
    left = {path: found for path, found in inputs.items() if path not in kept}
    sizes = {path: os.path.getsize(path) for path in left}

    def gain(path):
        found, counted = left[path]
        return len(found - edges), len(counted - counters), -sizes[path], path

    while left and len(kept) < FILES_MAX:
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
    print(f"{target}: {len(contents)} files kept, {len(edges)} of {len(everything)} edges")


def add(found, edges, counters):
    edges |= found[0]
    counters |= found[1]


def alone(binary, path):
    """All that one input reaches."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)
        (reached,) = features(binary, [folder]).values()
        return reached


def features(binary, folders):
    """What each input reaches and those before it, which are smaller, do not: edges, and edges
    with how often.
    """
    with tempfile.TemporaryDirectory() as folder:
        control, merged = os.path.join(folder, "control"), os.path.join(folder, "merged")
        os.mkdir(merged)
        command = [binary, "-merge=1", f"-merge_control_file={control}", "-timeout=20", merged, *folders]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(control) as file:
            lines = file.read().splitlines()
    count = int(lines[0])
    paths = lines[2:2 + count]
    found = {path: (set(), set()) for path in paths}
    for line in lines[2 + count:]:
        kind, number, *numbers = line.split()
        if kind == "FT":
            # Eight numbers for each edge: how often it was taken, in steps.
            counters = set(map(int, numbers))
            found[paths[int(number)]] = ({counter // 8 for counter in counters}, counters)
    return found


main()
