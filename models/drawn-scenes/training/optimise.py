"""The training loop that all parts share: resumable within an epoch from (seed, step), progress, two optimisers."""

import json
import time
from pathlib import Path
from typing import Callable

import numpy as np
import torch
from torch import nn


# Without instructions of its own for bfloat16 a processor multiplies it three times as slowly as float32.
FAST = torch.bfloat16 if torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported() else torch.float32


def fast_arithmetic() -> torch.autocast:
    """bfloat16 where the processor has it, else float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=FAST == torch.bfloat16)


class Muon(torch.optim.Optimizer):
    """Momentum whose update is made orthogonal by Newton-Schulz steps (Jordan et al. 2024), scaled to the size of
    AdamW's (Liu et al. 2025, arXiv 2502.16982, section 2.2), so that both take the same learning rate. A fused
    query-key-value matrix counts as three."""

    def __init__(self, params, lr: float, weight_decay: float, momentum: float = 0.95):
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                state = self.state[p]
                if not state:
                    state["momentum"] = torch.zeros_like(p)
                average = state["momentum"]
                average.lerp_(p.grad, 1 - group["momentum"])
                update = p.grad.lerp(average, group["momentum"])
                rows, columns = p.shape
                parts = 3 if rows == 3 * columns else 1
                update = orthogonal(update.view(parts, rows // parts, columns)).view_as(p)
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * 0.2 * max(rows // parts, columns) ** 0.5)


def orthogonal(matrices: torch.Tensor) -> torch.Tensor:
    """The nearest (semi-)orthogonal matrices, roughly: five steps of a quintic iteration; [N, rows, columns]."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = matrices.to(FAST)
    turned = x.shape[1] > x.shape[2]
    if turned:
        x = x.mT
    x = x / (x.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = x @ x.mT
        x = a * x + (b * square + c * square @ square) @ x
    return (x.mT if turned else x).to(matrices.dtype)


def train(
    name: str, model: nn.Module, loss: Callable, count: int, steps: int, batch: int, peak: float, work: Path,
    seed: int, every: int = 250, watch: Callable | None = None, adam_only: tuple[str, ...] = (), floor: float = 0.02,
) -> None:
    """`steps` steps of `loss(indices, report, random)` in `fast_arithmetic`: linear warm-up, cosine decay to `floor`;
    weight decay 0.05 on matrices only. Batches and all draws are made from (seed, step), so a run that was interrupted
    goes on exactly where it was. `watch(step)` is called after every `every` steps and gives numbers for the log."""
    path, log = work / f"{name}.pt", work / f"{name}.jsonl"
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    hidden = [p for n, p in trained.items() if p.ndim == 2 and not any(part in n for part in adam_only)]
    rest = [p for p in trained.values() if not any(p is h for h in hidden)]
    optimisers: list[torch.optim.Optimizer] = [
        torch.optim.AdamW(
            [
                {"params": [p for p in rest if p.ndim > 1], "weight_decay": 0.05},
                {"params": [p for p in rest if p.ndim <= 1], "weight_decay": 0.0},
            ],
            lr=peak, betas=(0.9, 0.98), fused=True,
        ),
    ]
    if hidden:
        optimisers.append(Muon(hidden, peak, 0.05))
    done = 0
    if path.exists():
        saved = torch.load(path, weights_only=False)
        model.load_state_dict(saved["model"])
        done = saved["steps"]
        for optimiser, state in zip(optimisers, saved.get("optimisers", [])):
            optimiser.load_state_dict(state)
    if done >= steps:
        return
    model.train()
    started, sums = time.time(), {}
    first = done
    per_epoch = count // batch
    for step in range(done, steps):
        torch.manual_seed(seed * 1_000_003 + step)
        random = np.random.default_rng((seed, step))
        order = epoch_order(count, seed, step // per_epoch)
        i = step % per_epoch
        rate = peak * min(1.0, (step + 1) / 200) * (floor + (1 - floor) * 0.5 * (1 + np.cos(np.pi * step / steps)))
        report: dict = {}
        with fast_arithmetic():
            value = loss(order[i * batch : (i + 1) * batch], report, random)
        for optimiser in optimisers:
            for group in optimiser.param_groups:
                group["lr"] = float(rate)
            optimiser.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(list(trained.values()), 1.0)
        for optimiser in optimisers:
            optimiser.step()
        for key, number in {"loss": value.item(), **report}.items():
            sums.setdefault(key, []).append(number)
        if (step + 1) % 50 == 0:
            parts = " ".join(f"{k} {np.mean(v):.4f}" for k, v in sums.items())
            pace = (time.time() - started) / (step + 1 - first)
            print(f"{name} {step + 1}/{steps} {parts} ({pace:.3f} s a step, {pace * (steps - step - 1) / 60:.1f} min left)", flush=True)
            with log.open("a") as lines:
                lines.write(json.dumps({"step": step + 1, **{k: round(float(np.mean(v)), 5) for k, v in sums.items()}}) + "\n")
            sums = {}
        if (step + 1) % every == 0 or step + 1 == steps:
            last = step + 1 == steps
            saved = {"model": model.state_dict(), "steps": step + 1}
            torch.save(saved if last else saved | {"optimisers": [o.state_dict() for o in optimisers]}, path)
            if watch is not None:
                model.eval()
                with torch.no_grad():
                    numbers = watch(step + 1)
                model.train()
                with (work / f"{name}-watched.jsonl").open("a") as lines:
                    lines.write(json.dumps({"step": step + 1, **numbers}) + "\n")
                print(f"{name} {step + 1}: {numbers}", flush=True)


_orders: dict = {}


def epoch_order(count: int, seed: int, epoch: int) -> torch.Tensor:
    if (seed, epoch) not in _orders:
        _orders.clear()
        _orders[seed, epoch] = torch.randperm(count, generator=torch.Generator().manual_seed(seed * 1000 + epoch))
    return _orders[seed, epoch]
