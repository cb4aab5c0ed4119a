"""The classic profile computes what programs around `cv2.dnn` computed with the same nets, on the same pictures."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from streamer.config import CameraConfig, Config, InferenceConfig, ModelsConfig
from streamer.drawing.annotate import label_text
from streamer.errors import ModelError
from streamer.inference.attributes import AttributeModel, open_attribute_model
from streamer.inference.described import described
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.inference.levi_hassner import VOCABULARY
from streamer.inference.levi_hassner_net import layers, open_levi_hassner_net
from streamer.inference.manifest import Manifest
from streamer.inference.model_store import ModelStore
from streamer.inference.runtime import Runtime, available_runtimes
from streamer.inference.runtimes.caffe import missing_importer
from streamer.inference.ssd import decode_ssd
from streamer.offline import OfflineAnalysis
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.server.encoding import result_object
from streamer.tracking.smoothing import AttributeSmoother
from streamer.types import Detections, Result, Track
from tests.benchmarks.machine import read_picture
from tests.caffe_nets import classic_attribute_nets
from tests.weights import model_store, weights

needs_weights = pytest.mark.models

SSD = ModelsConfig(detector="ssd-res10")
CLASSIC = ModelsConfig(detector="ssd-res10", attributes="levi-hassner")
MIDDLES = (1, 5, 10, 17.5, 28.5, 40.5, 50.5, 80)


class Nets(NamedTuple):
    """The attribute nets with random weights, and the store that knows them."""

    store: ModelStore
    manifest: Manifest
    age: Path
    gender: Path

    def model(self, runtime: Runtime = "auto") -> AttributeModel:
        """As the program opens it, but in float32 everywhere."""
        config = CLASSIC.model_copy(update={"runtime": runtime, "precision": "float32"})
        model = open_attribute_model(config, self.store)
        assert model is not None
        return model


def make_nets(folder: Path, *, old_format: bool = False) -> Nets:
    manifest = classic_attribute_nets(folder, old_format=old_format)
    store = ModelStore(CLASSIC, folder=folder, cache=folder / "cache", manifest=manifest)
    return Nets(store, manifest, folder / "age_net.caffemodel", folder / "gender_net.caffemodel")


@pytest.fixture(scope="module")
def nets(tmp_path_factory: pytest.TempPathFactory) -> Nets:
    return make_nets(tmp_path_factory.mktemp("nets"))


def detector() -> Detector:
    weights("ssd-res10-layers")
    weights("ssd-res10-weights")
    return open_detector(SSD, InferenceConfig(), model_store())


@pytest.fixture(scope="module")
def crowd() -> Pixels:
    return read_picture(weights("demo-crowd"))


def made_up_picture(seed: int = 0, size: tuple[int, int] = (400, 300)) -> Pixels:
    """Smooth noise, (height, width, 3)."""
    coarse = np.random.default_rng(seed).integers(0, 255, (12, 16, 3), np.uint8)
    return cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)  # type: ignore[return-value]


BOXES = np.array([(20, 30, 120.7, 150.2), (-15.5, 200, 90, 320), (250, 100, 262, 114), (300, -40, 450, 80)], np.float32)


def faces(boxes: NDArray[np.float32] = BOXES) -> Detections:
    """In boxes, of which some reach out of the picture, with no landmarks seen."""
    size = boxes[:, None, 2:] - boxes[:, None, :2]
    points = np.array([(0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.3, 0.75), (0.7, 0.75)], np.float32)
    score = np.full(len(boxes), 0.95, np.float32)
    return Detections(boxes, score, boxes[:, None, :2] + points * size, landmarks_seen=False)


def directly(net: cv2.dnn.Net, pixels: Pixels, box: NDArray[np.float32]) -> NDArray[np.float32]:
    """What a net says about one box of a picture, the way that the classic programs asked it."""
    x0, y0, x1, y1 = box.astype(int)
    roi = pixels[max(y0, 0) : y1, max(x0, 0) : x1]
    mean = (78.4263377603, 87.7689143744, 114.895847746)
    net.setInput(cv2.dnn.blobFromImage(roi, 1.0, (227, 227), mean, swapRB=False))
    return np.array(net.forward()[0], np.float32)


def read_net(path: Path, classes: int, folder: Path) -> cv2.dnn.Net:
    """On `cv2.dnn` itself."""
    prototxt = folder / f"{classes}.prototxt"
    prototxt.write_text(layers(classes))
    return cv2.dnn.readNetFromCaffe(str(prototxt), str(path))


@pytest.mark.parametrize("runtime", available_runtimes())
def test_age_and_gender_are_what_the_nets_say_in_opencv(nets: Nets, tmp_path: Path, runtime: Runtime) -> None:
    age, gender = read_net(nets.age, 8, tmp_path), read_net(nets.gender, 2, tmp_path)
    model = nets.model(runtime)
    assert {session.runtime for session in model.sessions} == {runtime}
    said = set()
    for seed in range(3):
        pixels = made_up_picture(seed)
        readings = model.read(pixels, faces())
        for reading, box in zip(readings, BOXES, strict=True):
            groups, genders = directly(age, pixels, box), directly(gender, pixels, box)
            np.testing.assert_allclose(reading.p_groups, groups, atol=1e-5)
            assert reading.p_female == pytest.approx(float(genders[1]), abs=1e-5)
            assert reading.age == pytest.approx(float(groups @ MIDDLES), abs=1e-3)
            spread = np.sqrt(groups @ (np.array(MIDDLES) - groups @ MIDDLES) ** 2)
            assert reading.age_spread == pytest.approx(float(spread), abs=1e-3)
            assert 1e-3 < reading.p_female < 0.999  # neither net is sure of everything,
            said.add(round(reading.p_groups[3], 4))
    assert len(said) == 3 * len(BOXES)  # and they tell these boxes apart


def test_layers_are_found_in_files_of_the_time_of_the_trained_nets(nets: Nets, tmp_path: Path) -> None:
    pixels = made_up_picture()
    assert make_nets(tmp_path, old_format=True).model().read(pixels, faces()) == nets.model().read(pixels, faces())


def test_layers_are_the_published_ones(nets: Nets, tmp_path: Path) -> None:
    net = read_net(nets.age, 8, tmp_path)
    shapes = {name: net.getParam(name, 0).shape for name in ("conv1", "conv2", "conv3", "fc6", "fc7", "fc8")}
    assert shapes == {
        "conv1": (96, 3, 7, 7),
        "conv2": (256, 96, 5, 5),
        "conv3": (384, 256, 3, 3),
        "fc6": (512, 18816),
        "fc7": (512, 512),
        "fc8": (8, 512),
    }
    # the published file is 45,661,480 bytes: these weights and, for the rest, names and settings
    parameters = sum(net.getParam(name, i).size for name in shapes for i in (0, 1))
    assert 0 < 45_661_480 - 4 * parameters < 2000


def test_threads_that_share_the_model_read_the_same(nets: Nets) -> None:
    model = nets.model()
    pictures = [made_up_picture(seed) for seed in range(3)]
    two = faces(BOXES[:2])
    alone = [model.read(pixels, two) for pixels in pictures]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda pixels: model.read(pixels, two), pictures * 3))
    for i, readings in enumerate(together):
        assert readings == alone[i % 3]


def test_every_face_that_was_read_has_one_of_the_eight_labels_and_a_gender(nets: Nets) -> None:
    model = nets.model()
    groups, genders = set(), set()
    clear = faces(BOXES[:2])
    for seed in range(4):
        for reading in model.read(made_up_picture(seed), clear):
            blank = Track(1, (0, 0, 9, 9), np.zeros((5, 2), np.float32), 0.9, 0.0, 0.0)
            track = described(blank, AttributeSmoother().add(reading, 0.0), reading)
            assert track.age_label == VOCABULARY.age_groups[int(np.argmax(reading.p_groups))]
            assert track.gender_label == ("Female" if reading.p_female >= 0.5 else "Male")
            groups.add(track.age_label)
            genders.add(track.gender_label)
    labels = {"(0-2)", "(4-6)", "(8-12)", "(15-20)", "(25-32)", "(38-43)", "(48-53)", "(60-100)"}
    assert set(VOCABULARY.age_groups) == labels
    assert groups <= labels
    assert genders <= {"Male", "Female"}


def test_face_outside_of_the_picture_has_no_quality(nets: Nets) -> None:
    outside = np.array([(500, 500, 600, 600), (-90, -90, -10, -10), (10, 10, 10.4, 200)], np.float32)
    assert [reading.quality for reading in nets.model().read(made_up_picture(), faces(outside))] == [0, 0, 0]


def test_missing_nets_are_asked_for_with_all_that_is_to_know(tmp_path: Path) -> None:
    store = ModelStore(CLASSIC, folder=tmp_path / "models", cache=tmp_path / "cache")
    with pytest.raises(ModelError) as caught:
        open_attribute_model(CLASSIC, store)
    for part in (
        "age_net.caffemodel is not on this machine",
        "research use only",
        "talhassner.github.io",
        str(tmp_path / "models"),
        "45661480 bytes",
        "6dde5d07df5ca1d66ff39e525693f05ccfb9d2c437e188fdd1a10d42e57fabd6",
    ):
        assert part in str(caught.value)
    assert "yours to bring" in store.verify("levi-hassner-gender").detail


def test_other_nets_under_these_names_are_refused(tmp_path: Path) -> None:
    classic_attribute_nets(tmp_path)  # and the program's own manifest
    with pytest.raises(ModelError, match=r"age_net\.caffemodel is damaged or another file: expected SHA-256 6dde5d07"):
        open_attribute_model(CLASSIC, ModelStore(CLASSIC, folder=tmp_path, cache=tmp_path / "cache"))


@pytest.mark.parametrize("damage", ["empty", "truncated", "text"])
def test_damaged_caffemodel_is_an_error_that_names_it(nets: Nets, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "broken.caffemodel"
    whole = nets.gender.read_bytes()
    path.write_bytes({"empty": b"", "truncated": whole[: len(whole) // 2], "text": b"version https://git"}[damage])
    blob = np.zeros((1, 3, 227, 227), np.float32)
    for runtime in available_runtimes():
        with pytest.raises(ModelError, match=r"broken\.caffemodel"):
            open_levi_hassner_net(path, 2, runtime=runtime, precision="float32").run(blob)


@pytest.mark.parametrize("version", ["5.0.0", "5.1.0-dev", "12.0"])
def test_opencv_5_is_told_what_to_install(version: str) -> None:
    problem = missing_importer(version)
    assert problem is not None
    assert version in problem
    assert "pip install 'opencv-python-headless>=4.10,<5'" in problem


@pytest.mark.parametrize("version", ["4.10.0", "4.14.0", "4.13.0-dev", cv2.__version__])
def test_opencv_4_reads_caffe_nets(version: str) -> None:
    assert missing_importer(version) is None


# --- the detector


@pytest.fixture(scope="module")
def ssd() -> cv2.dnn.Net:
    return cv2.dnn.readNetFromCaffe(str(weights("ssd-res10-layers")), str(weights("ssd-res10-weights")))


def ssd_directly(net: cv2.dnn.Net, pixels: Pixels) -> NDArray[np.float64]:
    """(N, 5): score, x0 y0 x1 y1 of the faces, in pixels, the way that the classic programs found them."""
    height, width = pixels.shape[:2]
    net.setInput(cv2.dnn.blobFromImage(cv2.resize(pixels, (300, 300)), 1.0, (300, 300), (104.0, 177.0, 123.0)))
    rows = net.forward()[0, 0]
    rows = rows[rows[:, 2] > 0.5]
    boxes = rows[:, 3:7] * (width, height, width, height)
    seen = [pixels[max(int(y0), 0) : int(y1), max(int(x0), 0) : int(x1)].size > 0 for x0, y0, x1, y1 in boxes]
    return np.hstack([rows[:, 2:3], boxes])[seen]


def assert_same_faces(found: Detections, rows: NDArray[np.float64]) -> None:
    rows = rows[np.argsort(-rows[:, 0], kind="stable")]
    assert len(found) == len(rows)
    np.testing.assert_allclose(found.scores, rows[:, 0], atol=1e-5)
    np.testing.assert_allclose(found.boxes, rows[:, 1:], atol=0.01)


@needs_weights
def test_ssd_finds_what_opencv_finds_in_the_demo_picture(ssd: cv2.dnn.Net, crowd: Pixels) -> None:
    found = detector().detect(ArrayPicture(crowd))
    assert len(found) == 5
    assert_same_faces(found, ssd_directly(ssd, crowd))


@needs_weights
def test_ssd_finds_what_opencv_finds_in_real_frames(ssd: cv2.dnn.Net, shared: Path) -> None:
    paths = sorted((shared / "detection").glob("*.jpg"))[::4] + sorted((shared / "faces").glob("*.jpg"))[::8]
    pictures = [read_picture(path) for path in paths]
    finder = detector()
    with ThreadPoolExecutor(3) as pool:  # several at once
        together = list(pool.map(lambda pixels: finder.detect(ArrayPicture(pixels)), pictures))
    for found, pixels in zip(together, pictures, strict=True):
        assert_same_faces(found, ssd_directly(ssd, pixels))
    assert sum(map(len, together)) > 30


@needs_weights
def test_ssd_says_that_it_has_seen_no_landmarks_and_puts_them_into_the_box(crowd: Pixels) -> None:
    found = detector().detect(ArrayPicture(crowd))
    assert not found.landmarks_seen
    assert not found.select(np.array([0])).landmarks_seen
    assert (found.boxes[:, None, :2] < found.landmarks).all()
    assert (found.landmarks < found.boxes[:, None, 2:]).all()


def test_rows_of_no_use_are_left_out() -> None:
    rows = np.array(
        [
            (0, 1, 0.6, 0.1, 0.1, 0.2, 0.3),
            (0, 1, 0.9, 0.5, 0.5, 0.7, 0.8),
            (0, 1, 0.4, 0.1, 0.1, 0.2, 0.2),  # below the threshold
            (0, 1, 0.8, 1.1, 0.1, 1.3, 0.4),  # outside
            (0, 1, 0.8, 0.6, 0.1, 0.5, 0.4),  # inside out
            (0, 1, 0.8, np.inf, 0.1, 0.5, 0.4),
            (0, 1, 0.7, -0.1, 0.2, 0.1, 0.4),  # reaches out
        ],
        np.float32,
    )
    found = decode_ssd(rows[None, None], 200, 100, 0.5)
    np.testing.assert_allclose(found.scores, [0.9, 0.7, 0.6])
    np.testing.assert_allclose(found.boxes[1], [-20, 20, 20, 40], atol=1e-4)


@pytest.mark.parametrize("shape", [(1, 8), (1, 1, 5, 6)])
def test_other_nets_are_no_ssd(shape: tuple[int, ...]) -> None:
    with pytest.raises(ModelError, match="not an SSD"):
        decode_ssd(np.zeros(shape, np.float32), 10, 10, 0.5)


def test_scores_that_are_no_numbers_are_an_error() -> None:
    with pytest.raises(ModelError, match="not numbers"):
        decode_ssd(np.full((1, 1, 3, 7), np.nan, np.float32), 10, 10, 0.5)


# --- the profile as a whole


@needs_weights
def test_the_profile_labels_pictures_and_answers_in_the_nets_own_words(nets: Nets, tmp_path: Path) -> None:
    weights("ssd-res10-layers")
    folder = weights("ssd-res10-weights").parent
    config = Config(cameras=(CameraConfig(id="c", source="demo"),), models=CLASSIC)
    models = CLASSIC.model_copy(update={"search_path": (nets.age.parent, folder)})
    store = ModelStore(models, folder=tmp_path, cache=tmp_path / "cache", manifest=nets.manifest)
    ((_, _, result),) = OfflineAnalysis(config, store).pictures([weights("demo-crowd")])
    assert isinstance(result, Result)
    document = result_object(result, "levi-hassner")
    assert len(document["objects"]) == 5
    for face, track in zip(document["objects"], result.tracks, strict=True):
        assert face["age"]["label"] in VOCABULARY.age_groups
        assert face["age"]["low"] <= face["age"]["years"] <= face["age"]["high"]
        assert face["gender"]["label"] in {"Male", "Female"}
        assert face["gender"]["model"] == face["age"]["model"] == {"name": "levi-hassner"}
        assert label_text(track) == f"#{track.id} {face['gender']['label']} {face['age']['label']}"
