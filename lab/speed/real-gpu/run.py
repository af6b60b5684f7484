"""Runs everything on a machine with a GPU, each step under its own time limit; what is measured is written at once.

    python3 run.py --out results [--size full] [--tokens 64] [--device cuda] [--only step,step]

Needs python3 with torch and transformers, an NVIDIA driver with Vulkan, libvulkan.so.1. Ends with results/summary.json:
our decoder and encoder on WebGPU beside transformers at fp16. Under ten minutes at full size.
"""

import argparse
import array
import json
import lzma
import math
import shutil
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent


def unpack(work: Path) -> None:
    for packed in HERE.glob("*.xz"):
        target = work / packed.stem
        with lzma.open(packed) as source, target.open("wb") as sink:
            shutil.copyfileobj(source, sink)
    if (work / "node").exists():
        (work / "node").chmod(0o755)
    for script in HERE.glob("*.mjs"):
        shutil.copy(script, work / script.name)


def run(name: str, command: list[str], limit: int, out: Path) -> dict:
    """Runs one step; its output goes to a log, its end is noted whatever it was."""
    started = time.time()
    with (out / f"{name}.log").open("w") as log:
        try:
            code = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, timeout=limit).returncode
        except subprocess.TimeoutExpired:
            code = "time limit"
    step = {"step": name, "exit": code, "seconds": round(time.time() - started, 1)}
    print(json.dumps(step), flush=True)
    return step


def read(path: Path) -> dict:
    try:
        return json.loads(path.read_text())
    except (OSError, ValueError):
        return {}


def relative_error(path: Path, reference: Path) -> float | None:
    """Root mean square difference of two files of float32, relative to the reference."""
    if not (path.exists() and reference.exists()):
        return None
    a, b = array.array("f", path.read_bytes()), array.array("f", reference.read_bytes())
    difference = sum((x - y) ** 2 for x, y in zip(a, b, strict=True))
    return math.sqrt(difference / max(1e-30, sum(y * y for y in b)))


def best(result: dict) -> float | None:
    decode = result.get("decode", {})
    return (decode.get("recorded") or decode.get("plain") or {}).get("tokensPerSecond")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--work", type=Path, default=Path("/tmp/pictalk-real-gpu"))
    parser.add_argument("--size", default="full")
    parser.add_argument("--tokens", default="64")
    parser.add_argument("--device", default="cuda", help="of PyTorch")
    parser.add_argument("--dtype", default="float16", help="of PyTorch")
    parser.add_argument("--adapter", default="", help="part of the WebGPU adapter's name")
    parser.add_argument("--only", default="", help="steps, separated by commas")
    options = parser.parse_args()
    out, work = options.out.resolve(), options.work
    out.mkdir(parents=True, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    unpack(work)
    node = str(work / "node") if (work / "node").exists() else "node"
    webgpu = [node, "--max-old-space-size=24000", str(work / "measure.mjs"), "--size", options.size]
    webgpu += ["--tokens", options.tokens, "--adapter", options.adapter]

    def case(name: str, *more: str) -> list[str]:
        return [*webgpu, "--out", str(out / f"{name}.json"), "--logits", str(work / f"{name}.logits"), *more]

    torch_command = [sys.executable, str(HERE / "torch_baseline.py"), "--size", options.size, "--device", options.device]
    torch_command += ["--dtype", options.dtype, "--tokens", options.tokens, "--out", str(out / "torch.json")]
    # The most telling first: should time run out, the least is lost.
    plan = {
        "level0": (case("level0", "--level", "0"), 170),
        "torch": (torch_command, 150),
        "level4-subgroups": (case("level4-subgroups", "--level", "4", "--subgroups"), 120),
        "level0-subgroups": (case("level0-subgroups", "--level", "0", "--subgroups"), 120),
    }
    wanted = [name for name in plan if options.only == "" or name in options.only.split(",")]
    steps = []
    for name in wanted:
        steps.append(run(name, *plan[name], out))
        results = {name: read(out / f"{name}.json") for name in plan}
        ours, theirs = best(results["level0"]), results["torch"].get("decodeTokensPerSecond")
        reference = work / "level0.logits"
        summary = {
            "steps": steps,
            "decodeTokensPerSecond": {name: best(results[name]) for name in plan if name != "torch"} | {"torch": theirs},
            "oursRelativeToTorch": ours / theirs if ours and theirs else None,
            "logitsRelativeToLevel0": {
                name: relative_error(work / f"{name}.logits", reference) for name in plan if name not in ("torch", "level0")
            },
            "results": results,
        }
        (out / "summary.json").write_text(json.dumps(summary, indent=2))
    sys.exit(0 if all(step["exit"] == 0 for step in steps) else 1)


main()
