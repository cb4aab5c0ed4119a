"""What the attribute models do, each on every runtime."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest

from streamer.config import InferenceConfig, ModelsConfig
from streamer.errors import ModelError
from streamer.inference.attributes import AttributeModel, attribute_files, open_attribute_model
from streamer.inference.calibrated import CalibratedAttributes
from streamer.inference.calibration import calibration_of
from streamer.inference.detectors import open_detector
from streamer.inference.model_store import ModelStore
from streamer.inference.nets import DlibNets, FaceResNet
from streamer.inference.runtime import Runtime, available_runtimes, has_int8, open_session
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.types import Detections, FaceReading
from tests.benchmarks.machine import read_picture
from tests.nets import constant_net
from tests.weights import model_store, weights

pytestmark = pytest.mark.models


WOMEN = [False, True, False, True, True]  # of the demo picture, left to right


NAMES = ("dlib", "faceres", "pair")


def attribute_model(name: str = "pair", runtime: str = "onnxruntime") -> AttributeModel:
    for file in attribute_files(name):
        weights(file)
    config = ModelsConfig.model_validate({"attributes": name, "runtime": runtime, "precision": "float32"})
    model = open_attribute_model(config, model_store())
    assert model is not None
    return model


@pytest.fixture(scope="module")
def crowd() -> Pixels:
    return read_picture(weights("demo-crowd"))


@pytest.fixture(scope="module")
def faces(crowd: Pixels) -> Detections:
    """The five people of the demo picture, left to right: two men and three women around thirty."""
    weights("yunet")
    config = ModelsConfig(detector="yunet", runtime="onnxruntime")
    found = open_detector(config, InferenceConfig(detect_width=1000), model_store()).detect(ArrayPicture(crowd))
    return found.select(np.argsort(found.boxes[:, 0]))


@pytest.fixture(params=[(name, runtime) for name in NAMES for runtime in available_runtimes()], ids="-".join)
def model(request: pytest.FixtureRequest) -> AttributeModel:
    return attribute_model(*request.param)


def assert_equal(one: list[FaceReading], other: list[FaceReading]) -> None:
    for a, b in zip(one, other, strict=True):
        assert a.age == pytest.approx(b.age, abs=0.1)
        assert a.age_spread == pytest.approx(b.age_spread, abs=0.1)
        assert a.p_female == pytest.approx(b.p_female, abs=0.005)
        assert a.quality == pytest.approx(b.quality, abs=1e-6)


def test_age_and_gender_of_clear_faces(model: AttributeModel, crowd: Pixels, faces: Detections) -> None:
    readings = model.read(crowd, faces)
    assert [reading.p_female > 0.5 for reading in readings] == WOMEN
    assert all(16 < reading.age < 45 for reading in readings)
    assert all(reading.quality > 0.5 for reading in readings)


def test_no_faces_give_no_readings(model: AttributeModel, crowd: Pixels) -> None:
    assert model.read(crowd, Detections.none()) == []


def test_runtimes_agree_in_float32(model: AttributeModel, crowd: Pixels, faces: Detections) -> None:
    assert_equal(model.read(crowd, faces), attribute_model(model.name).read(crowd, faces))


def test_runtimes_agree_in_float32_on_real_frames(model: AttributeModel, shared: Path) -> None:
    weights("yunet")
    reference = attribute_model(model.name)
    finder = open_detector(ModelsConfig(detector="yunet", runtime="onnxruntime"), InferenceConfig(), model_store())
    read = 0
    for path in sorted((shared / "detection").glob("*.jpg"))[::7]:
        pixels = read_picture(path)
        found = finder.detect(ArrayPicture(pixels))
        assert_equal(model.read(pixels, found), reference.read(pixels, found))
        read += len(found)
    assert read > 15


def test_many_faces_are_read_as_each_alone(model: AttributeModel, crowd: Pixels, faces: Detections) -> None:
    many = faces.select(np.arange(37) % len(faces))
    alone = [model.read(crowd, faces.select(np.array([i])))[0] for i in range(len(faces))]
    assert_equal(model.read(crowd, many), [alone[i % len(faces)] for i in range(37)])


def test_face_partly_outside_is_read_like_the_whole_one(crowd: Pixels, faces: Detections) -> None:
    model = attribute_model()
    face = faces.select(np.array([4]))
    x0, _, x1, _ = face.boxes[0]
    cut = np.ascontiguousarray(crowd[:, : int(x0 + 0.75 * (x1 - x0))])
    (whole,), (part,) = model.read(crowd, face), model.read(cut, face)
    assert abs(whole.age - part.age) < 15
    assert (whole.p_female > 0.5) == (part.p_female > 0.5)


@pytest.mark.parametrize(
    "landmarks",
    [
        np.full((5, 2), 100),  # all in one place
        np.array([(3000, 3000), (3040, 3000), (3020, 3020), (3005, 3040), (3035, 3040)]),  # wholly outside
        np.array([(1e9, 0), (2e9, 0), (1e9, 1e9), (0, 1e9), (1e9, 2e9)]),  # nowhere
    ],
)
def test_face_that_cannot_be_cut_out_has_no_quality(crowd: Pixels, landmarks: np.ndarray) -> None:
    face = Detections(np.array([[90, 90, 200, 200]], np.float32), np.ones(1, np.float32), landmarks[None].astype("f4"))
    (reading,) = attribute_model().read(crowd, face)
    assert reading.quality == 0


def test_threads_that_share_a_model_read_the_same(crowd: Pixels, faces: Detections) -> None:
    model = attribute_model()
    alone = model.read(crowd, faces)
    with ThreadPoolExecutor(4) as pool:
        for readings in pool.map(lambda _: model.read(crowd, faces), range(8)):
            assert_equal(readings, alone)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ([float("nan"), 0.5], "no probabilities"),
        ([-0.5, 1.5], "no probabilities"),
        ([0.9, 0.9], "no probabilities"),  # no softmax at the end
        ([0.2, 0.3, 0.5], "returned"),  # of another net
    ],
)
def test_net_that_says_nonsense_is_an_error(
    crowd: Pixels, faces: Detections, tmp_path: Path, values: list[float], problem: str
) -> None:
    age = constant_net(tmp_path / "age.onnx", [1 / 81] * 81, 64)
    gender = constant_net(tmp_path / "gender.onnx", values, 32)
    nets = DlibNets(*(open_session(path, runtime="onnxruntime") for path in (age, gender)))
    model = CalibratedAttributes("dlib", [nets], calibration_of("dlib"))
    with pytest.raises(ModelError, match=problem):
        model.read(crowd, faces)


def test_auto_reads_with_both_nets_where_both_can_be_had() -> None:
    weights("faceres")
    model = open_attribute_model(ModelsConfig(runtime="onnxruntime"), model_store())
    assert model is not None
    assert model.name == "pair"


def test_auto_reads_with_one_net_where_the_other_cannot_be_had_and_says_so(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("dlib-age", "dlib-gender"):
        (tmp_path / model_store().entry(name).file).symlink_to(weights(name))
    config = ModelsConfig(runtime="onnxruntime", offline=True)
    model = open_attribute_model(config, ModelStore(config, folder=tmp_path, cache=tmp_path / "cache"))
    assert model is not None
    assert model.name == "dlib"
    assert "one net (dlib) instead of two" in caplog.text
    assert "faceres.bin is not on this machine and models.offline forbids fetching it" in caplog.text


def test_out_of_focus_faces_are_not_read(crowd: Pixels, faces: Detections) -> None:
    blurred = np.asarray(cv2.GaussianBlur(crowd, (0, 0), 12), np.uint8)
    assert [reading.quality for reading in attribute_model().read(blurred, faces)] == [0.0] * len(faces)


@pytest.mark.parametrize("runtime", [runtime for runtime in available_runtimes() if runtime != "opencv"])
def test_faceres_in_8_bits_reads_as_in_float32(runtime: Runtime, crowd: Pixels, faces: Detections) -> None:
    whole = open_session(weights("faceres-int8"), runtime=runtime, quantized=True)
    model = CalibratedAttributes("faceres", [FaceResNet(whole)], calibration_of("faceres"))
    exact = attribute_model("faceres", runtime)
    for one, other in zip(model.read(crowd, faces), exact.read(crowd, faces), strict=True):
        assert one.age == pytest.approx(other.age, abs=3)
        assert one.p_female == pytest.approx(other.p_female, abs=0.1)


@pytest.mark.parametrize(("precision", "expected"), [("auto", "int8"), ("float32", "float32")])
def test_faceres_computes_in_8_bits_where_it_may_and_the_processor_can(precision: str, expected: str) -> None:
    weights("faceres-int8")
    config = ModelsConfig.model_validate({"attributes": "faceres", "runtime": "onnxruntime", "precision": precision})
    model = open_attribute_model(config, model_store())
    assert model is not None
    assert model.sessions[0].precision == (expected if has_int8() else "float32")


def test_none_opens_no_model() -> None:
    assert open_attribute_model(ModelsConfig(attributes="none"), model_store()) is None
