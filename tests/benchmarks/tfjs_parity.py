"""Whether the converted net says what TensorFlow.js says: python -m tests.benchmarks.tfjs_parity [--json].

Installs @tensorflow/tfjs with npm in a temporary folder, runs the original graph model on Node.js on ten faces of the
labelled photographs, and the converted one on every runtime here, on the same pixels: at 224 pixels, as TensorFlow.js
runs the graph at no other size. Not part of the tests: it needs npm, Node.js and the package index of npm.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from streamer.config import InferenceConfig
from streamer.inference.align import upright_chip
from streamer.inference.detectors import open_detector
from streamer.inference.runtime import open_session
from streamer.inference.tfjs import graph_model_to_onnx
from streamer.pictures.picture import ArrayPicture
from tests.benchmarks.machine import Way, model_store, models_config, read_picture, ways
from tests.benchmarks.photographs import central, photographs_parser, read_labels

_TFJS = "@tensorflow/tfjs@4.22.0"
_FACES = 10
_SIDE = 224  # pixels, of the graph's own input
_MEAN = np.array([103.939, 116.779, 123.68], np.float32)
_SCRIPT = """
const tf = require('@tensorflow/tfjs');
const fs = require('fs');
(async () => {
  const json = JSON.parse(fs.readFileSync(process.argv[2]));
  const bin = fs.readFileSync(process.argv[3]);
  const input = fs.readFileSync(process.argv[4]);
  const model = await tf.loadGraphModel({load: async () => ({
    modelTopology: json.modelTopology, weightSpecs: json.weightsManifest[0].weights,
    weightData: bin.buffer.slice(bin.byteOffset, bin.byteOffset + bin.byteLength), format: json.format,
    signature: json.signature})});
  const x = new Float32Array(input.buffer.slice(input.byteOffset, input.byteOffset + input.byteLength));
  const faces = tf.tensor4d(x, [x.length / (224 * 224 * 3), 224, 224, 3]);
  const [age, gender] = await model.executeAsync(faces, ['age_pred/Softmax', 'gender_pred/Sigmoid']);
  console.log(JSON.stringify({version: tf.version.tfjs, age: await age.array(), gender: await gender.array()}));
})();
"""


def cut_faces(folder: Path) -> NDArray[np.uint8]:
    """(10, 224, 224, 3): the central faces of photographs spread over all ages."""
    store = model_store()
    detector = open_detector(models_config(Way("onnxruntime", "float32")), InferenceConfig(), store)
    labels = read_labels(folder)
    names = sorted(labels, key=lambda name: (labels[name].age_min, name))
    faces: list[NDArray[np.uint8]] = []
    for name in names[:: len(names) // (_FACES + 2)]:
        pixels = read_picture(folder / name)
        found = detector.detect(ArrayPicture(pixels))
        if len(found) and len(faces) < _FACES:
            i = central(found.boxes, pixels.shape[1], pixels.shape[0])
            faces.append(upright_chip(pixels, found.boxes[i], found.landmarks[i], _SIDE))
    return np.stack(faces)


def originals() -> tuple[Path, Path]:
    """The graph and its weights, as they came."""
    store = model_store()
    store.path("faceres")
    layers = store.path("faceres-layers")
    return layers, layers.with_name(store.entry("faceres").file)


def run_tfjs(blob: NDArray[np.float32]) -> dict[str, Any]:
    """The original's outputs for (N, 224, 224, 3)."""
    layers, weights = originals()
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error", "--ignore-scripts", _TFJS],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        script, faces = Path(folder) / "run.js", Path(folder) / "faces.bin"
        script.write_text(_SCRIPT)
        faces.write_bytes(np.ascontiguousarray(blob, "<f4").tobytes())
        answer = subprocess.run(
            ["node", str(script), str(layers), str(weights), str(faces)], cwd=folder, check=True, capture_output=True
        )
    said: dict[str, Any] = json.loads(answer.stdout.splitlines()[-1])
    return said


def main() -> None:
    options = photographs_parser(__doc__).parse_args()
    cv2.setNumThreads(1)
    blob = cut_faces(options.faces).astype(np.float32) - _MEAN
    theirs = run_tfjs(blob)
    outcomes: dict[str, Any] = {"faces": len(blob), "tfjs": theirs["version"]}
    conversion = model_store().entry("faceres").convert
    assert conversion is not None
    layers, weights = originals()
    with tempfile.TemporaryDirectory() as folder:
        net = Path(folder) / "net.onnx"
        net.write_bytes(graph_model_to_onnx(layers.read_bytes(), weights.read_bytes(), conversion.outputs))
        for way in ways():
            session = open_session(net, runtime=way.runtime, precision=way.precision)
            ours = session.run(np.ascontiguousarray(blob.transpose(0, 3, 1, 2)))
            outcomes[str(way)] = {
                name: float(np.abs(ours[name] - np.array(theirs[name], np.float32)).max()) for name in ("age", "gender")
            }
    if options.json:
        print(json.dumps(outcomes, indent=2))
        return
    print(f"{outcomes.pop('faces')} faces, TensorFlow.js {outcomes.pop('tfjs')}; largest difference of a probability:")
    for name, row in outcomes.items():
        print(f"{name:20} age {row['age']:.1e}  gender {row['gender']:.1e}")


if __name__ == "__main__":
    main()
