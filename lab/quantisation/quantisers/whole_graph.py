"""ONNX Runtime's quantiser on whole graphs, as its users run it: python whole_graph.py OUT BITS graph.onnx..."""

import os
import sys

import onnx
from onnxruntime.quantization.matmul_nbits_quantizer import MatMulNBitsQuantizer

out, bits, *paths = sys.argv[1:]
os.makedirs(out, exist_ok=True)
for path in paths:
    quantiser = MatMulNBitsQuantizer(onnx.load(path), bits=int(bits), block_size=32, is_symmetric=True)
    quantiser.process()
    name = os.path.basename(path)
    onnx.save(quantiser.model.model, f"{out}/{name}", save_as_external_data=True, location=f"{name}.data")
