"""A state dict as `torch.save` writes it, with everything that those of LAVIS and of old repositories have: torch/state.pth,
and its values in torch/values.json.

    python make_torch.py
"""

import json
from collections import OrderedDict
from pathlib import Path

import torch

FOLDER = Path(__file__).parent / "torch"


def main() -> None:
    torch.manual_seed(1)
    layer = torch.nn.Linear(5, 3)
    state = OrderedDict(layer.state_dict())
    state["half"] = torch.randn(2, 4).half()
    state["bfloat"] = torch.randn(4, 2, 1).bfloat16()
    state["part"] = torch.arange(12.0).reshape(4, 3)[1:3]  # shares a storage that is larger than itself
    state["same"] = state["weight"]
    state["scalar"] = torch.tensor(2.5)
    state["ids"] = torch.arange(300)[None]
    steps = {"state": {0: {"step": torch.tensor(7.0), "exp_avg": torch.zeros(2)}}, "param_groups": [{"lr": 1e-5, "betas": (0.9, 0.98), "params": [0, 300, -1, 70000, 2**40]}]}
    FOLDER.mkdir(exist_ok=True)
    torch.save({"model": state, "optimizer": steps, "config": {"arch": "blip2_opt", "amp": True, "none": None}, "scaler": None, "epoch": 9}, FOLDER / "state.pth")
    torch.save({"weight": layer.weight.detach().T}, FOLDER / "transposed.pth")
    torch.save({"model": {"weight": layer.weight.detach()}, "args": Path("x")}, FOLDER / "hostile.pth")
    torch.save(state, FOLDER / "old.pth", _use_new_zipfile_serialization=False)
    values = {name: {"shape": list(t.shape), "values": t.float().flatten().tolist()} for name, t in state.items() if name != "ids"}
    (FOLDER / "values.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
