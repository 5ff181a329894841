"""Writing the files an import test needs: model.onnx, reference.json, calibration.json."""

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch

OPSET = 20


def rounded(tensor: torch.Tensor) -> list:
    """Nested lists; floats keep the 7 significant digits an f32 has."""
    if not tensor.is_floating_point():
        return tensor.tolist()
    array = np.array([float(f"{v:.7g}") for v in tensor.double().flatten().tolist()])
    return array.reshape(tensor.shape).tolist()


def write_json(path: Path, value) -> None:
    path.write_text(json.dumps(value, separators=(",", ":")) + "\n")


def export_model(path: Path, model: torch.nn.Module, inputs: dict, output: str, opset: int = OPSET,
                 **options) -> None:
    """One self-contained file, without the exporter's stack traces and source paths."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model.eval(), tuple(inputs.values()), str(path), input_names=list(inputs),
            output_names=[output], dynamo=True, opset_version=opset, external_data=False,
            verbose=False, **options,
        )
    proto = onnx.load(path)
    for thing in [proto.graph, *proto.graph.node, *proto.graph.input, *proto.graph.output,
                  *proto.graph.value_info, *proto.graph.initializer]:
        del thing.metadata_props[:]
    onnx.save(proto, path)


@torch.no_grad()
def export(folder: Path, model: torch.nn.Module, output: str, samples: list[dict],
           reference: int = 3, opset: int = OPSET) -> float:
    """All three files; returns the largest difference between PyTorch and onnxruntime.

    The reference holds PyTorch's numbers, so that an import is checked against a second program.
    """
    export_model(folder / "model.onnx", model, samples[0], output, opset)
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    worst, cases = 0.0, []
    for sample in samples[:reference]:
        want = model(*sample.values())
        (got,) = session.run(None, {name: t.numpy() for name, t in sample.items()})
        worst = max(worst, float((torch.from_numpy(got) - want).abs().max()))
        cases.append({"inputs": {n: rounded(t) for n, t in sample.items()},
                      "outputs": {output: rounded(want)}})
    if worst > 1e-4:
        raise RuntimeError(f"{folder}: onnxruntime differs from PyTorch by {worst}")
    write_json(folder / "reference.json", cases)
    write_json(folder / "calibration.json",
               [{"inputs": {n: rounded(t) for n, t in s.items()}} for s in samples])
    return worst
