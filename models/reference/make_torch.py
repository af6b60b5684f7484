"""A state dict as `torch.save` writes it, with everything that those of LAVIS and of old repositories have: torch/state.pth,
and its values in torch/values.json.

    python make_torch.py
"""

import argparse
import collections
import json
import sys
import types
from collections import OrderedDict
from pathlib import Path

import torch

FOLDER = Path(__file__).parent / "torch"


def pickled_as(module: str, name: str, **attributes: object) -> object:
    """An object whose pickle says that it is of `module.name`, a library that need not be installed."""
    made = type(name, (), {"__module__": module})
    for path in (module.split(".")[0], module):
        sys.modules.setdefault(path, types.ModuleType(path))
    setattr(sys.modules[module], name, made)
    result = made()
    result.__dict__.update(attributes)
    return result


def save_with_objects(layer: torch.nn.Linear) -> None:
    """What forks of LAVIS save beside the weights: the command line and a configuration as objects."""
    flags = argparse.Namespace(cfg_path="train.yaml", options=None, device=torch.device("cpu"), dtype=torch.float16)
    metadata = pickled_as("omegaconf.base", "ContainerMetadata", ref_type=dict, object_type=dict, key_type=str, optional=True)
    leaf = pickled_as("omegaconf.nodes", "AnyNode", _val=1e-5, _parent=None)
    config = pickled_as("omegaconf.dictconfig", "DictConfig", _content={"lr": leaf}, _metadata=metadata)
    extra = {"args": flags, "config": config, "sizes": layer.weight.shape, "counts": collections.defaultdict(int, a=1)}
    torch.save({"model": {"weight": layer.weight}, **extra}, FOLDER / "objects.pth")


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
    save_with_objects(layer)
    torch.save(state, FOLDER / "old.pth", _use_new_zipfile_serialization=False)
    values = {name: {"shape": list(t.shape), "values": t.float().flatten().tolist()} for name, t in state.items() if name != "ids"}
    (FOLDER / "values.json").write_text(json.dumps(values, indent=1) + "\n")


if __name__ == "__main__":
    main()
