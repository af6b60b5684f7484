"""One quantiser of ONNX Runtime or PyTorch on one matrix: prints seconds, peak memory and error as JSON.

    python theirs.py QUANTISER BITS matrices.safetensors TENSOR

compare.ts runs it, each time in a process of its own, so that the peak is that of one job. Block size 32, weights
[outputs, inputs], one thread. What a quantiser wants transposed is transposed before the clock starts.
"""

import json
import sys
import time

import numpy as np

BLOCK = 32


def unpack(packed, bits):
    """uint8 [.., bytes] -> integers 0..15 or 0..255, low nibble first."""
    if bits == 8:
        return packed.astype(np.float32)
    return np.stack([packed & 15, packed >> 4], axis=-1).reshape(*packed.shape[:-1], -1).astype(np.float32)


def onnxruntime_default(weight, bits):
    """What MatMulNBitsQuantizer does unless told otherwise, symmetric: C++, the largest value of a block to -2^(bits-1)."""
    from onnxruntime.quantization.matmul_nbits_quantizer import (
        DefaultWeightOnlyQuantConfig,
        DefaultWeightOnlyQuantizer,
    )

    config = DefaultWeightOnlyQuantConfig(block_size=BLOCK, is_symmetric=True, bits=bits)
    quantiser = DefaultWeightOnlyQuantizer(config)
    transposed = np.ascontiguousarray(weight.T)
    return lambda: quantiser.qbits_block_quant(transposed), lambda result: (
        (unpack(result[0], bits) - 2 ** (bits - 1)) * result[1][..., None]
    )


def onnxruntime_k_quant(weight, bits):
    """Its `k_quant`: a search over 20 scales for each block, with a zero point as well (NumPy, packing not included)."""
    from onnxruntime.quantization.neural_compressor.weight_only import quant_tensor_k_quant_cpu

    return lambda: quant_tensor_k_quant_cpu(weight, bits, BLOCK), lambda result: (
        (result[0] - result[2].astype(np.float64)) * result[1]
    )


def torch_groups(weight, bits):
    """PyTorch's `quantize_per_channel_group` with symmetric scales, the largest value to 2^(bits-1) - 1, then packed."""
    import torch
    import torch.ao.quantization.fx._decomposed  # noqa: F401  registers the operator

    torch.set_num_threads(1)
    tensor = torch.from_numpy(weight)
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1

    def run():
        scales = tensor.view(len(tensor), -1, BLOCK).abs().amax(-1) / high
        zeros = torch.zeros_like(scales, dtype=torch.int8)
        quantise = torch.ops.quantized_decomposed.quantize_per_channel_group
        integers = (quantise(tensor, scales, zeros, low, high, torch.int8, BLOCK) - low).view(torch.uint8)
        if bits == 4:
            integers = integers[:, ::2] | (integers[:, 1::2] << 4)
        return integers.numpy().reshape(len(tensor), -1, BLOCK * bits // 8), scales.numpy()

    return run, lambda result: (unpack(result[0], bits) + low) * result[1][..., None]


QUANTISERS = {
    "onnxruntime": onnxruntime_default,
    "onnxruntime-k-quant": onnxruntime_k_quant,
    "torch": torch_groups,
}


def main():
    name, bits, path, tensor = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4]
    from safetensors.numpy import load_file

    weight = np.array(load_file(path)[tensor])
    run, restore = QUANTISERS[name](weight, bits)
    forget_peak()
    before = resident("VmRSS")
    wall, cpu = time.perf_counter(), time.process_time()
    result = run()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    after = resident("VmHWM")
    restored = np.asarray(restore(result), dtype=np.float64).reshape(weight.shape)
    error = np.sqrt(np.square(restored - weight).sum() / np.square(weight.astype(np.float64)).sum())
    facts = {"seconds": cpu, "wall": wall, "before": before, "peak": after, "error": float(error)}
    print(json.dumps(facts))


def resident(field):
    """Megabytes of this process as Linux has them: `VmRSS` now, `VmHWM` at most."""
    with open("/proc/self/status") as status:
        line = next(line for line in status if line.startswith(field))
    return int(line.split()[1]) * 1024 / 1e6


def forget_peak():
    """Makes what is resident now the peak so far."""
    with open("/proc/self/clear_refs", "w") as file:
        file.write("5")


if __name__ == "__main__":
    main()
