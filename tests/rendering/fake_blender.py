"""A stand-in for Blender in tests: ``fake_blender.py SCRIPT`` behaves like the script's real server.

Written as a program of its own, since what is tested is the traffic between processes. What it should do
wrong is in the environment variable FAKE_BLENDER (JSON); ``state`` there is a folder for counting.
"""

import json
import os
import sys
import time
from pathlib import Path

SETTINGS = json.loads(os.environ.get("FAKE_BLENDER", "{}"))


def say(**answer):
    print("@syrip " + json.dumps(answer), flush=True)


def count(name):
    path = Path(SETTINGS["state"]) / name
    number = int(path.read_text()) + 1 if path.exists() else 1
    path.write_text(str(number))
    return number


def render(path):
    """Answer with a red disc whose size depends on the scene, and nothing of Blender's quality."""
    import numpy as np

    scene = json.loads(Path(path).read_text())
    number = count("renders") if "state" in SETTINGS else 1
    if number in SETTINGS.get("die_at", ()) or number >= SETTINGS.get("die_from", 10**9):
        os.kill(os.getpid(), 9)
    time.sleep(SETTINGS.get("seconds", 0.0))
    with np.load(scene["mesh"]) as mesh:
        radius = 0.2 + 0.1 * float(np.abs(mesh["vertices"]).mean())
    x0, y0, x1, y1 = scene["region"]
    y, x = np.mgrid[-1 : 1 : 1j * (y1 - y0), -1 : 1 : 1j * (x1 - x0)]
    alpha = (x * x + y * y < radius).astype(np.float32)
    rgba = np.stack([alpha, 0 * alpha, 0 * alpha, alpha], axis=-1)
    np.savez(scene["result"], rgba=rgba, depth=np.where(alpha > 0, 1.0, np.inf))
    say(ok=True, result=scene["result"], seconds=0.1, memory_mb=1.0)


def main():
    if "--version" in sys.argv:
        print(SETTINGS.get("version", "Blender 5.0.1"))
        return
    print("Blender chatter at the start")
    if SETTINGS.get("crash_at_start"):
        print("Error: the script is broken", file=sys.stderr)
        sys.exit(7)
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "hello":
            say(ok=True, blender="5.0.1", engine=SETTINGS.get("engine", ["CYCLES"]), devices=["CPU"],
                protocol=SETTINGS.get("protocol", 1))  # fmt: skip
        elif request["do"] == "quit":
            return
        elif request["do"] == "echo":
            print("Fra:1 some chatter")
            say(ok=True, value=request["value"], pid=os.getpid())
        elif request["do"] == "refuse":
            say(ok=False, error="no such mesh")
        elif request["do"] == "render":
            render(request["scene"])
        elif request["do"] == "die":
            if count("deaths") <= request.get("times", 10**9):
                print("Error: out of memory", flush=True)
                os.kill(os.getpid(), 9)
            say(ok=True, value="alive")
        elif request["do"] == "hang":
            time.sleep(600)
        elif request["do"] == "nonsense":
            print("@syrip [1, 2", flush=True)


if __name__ == "__main__":
    main()
