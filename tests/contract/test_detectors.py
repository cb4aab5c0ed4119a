"""What every face detector does, whichever it is; and that its decoding is right."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import cv2
import numpy as np
import pytest

from streamer.config import InferenceConfig, ModelsConfig
from streamer.errors import ModelError
from streamer.inference.boxes import Letterbox
from streamer.inference.centerface import CenterFace
from streamer.inference.detector import Detector
from streamer.inference.detectors import open_detector
from streamer.inference.runtime import available_runtimes, open_session
from streamer.inference.yunet import YuNet
from streamer.pictures.picture import ArrayPicture, Pixels
from streamer.types import Detections
from tests.benchmarks.machine import box_overlap, read_picture
from tests.nets import convolution_net
from tests.weights import model_store, weights

pytestmark = pytest.mark.models

Name = Literal["yunet", "centerface"]
NAMES: tuple[Name, ...] = ("yunet", "centerface")
# The five people of the demo picture, left to right: where their noses are, pixels.
NOSES = np.array([(267, 131), (370, 303), (478, 267), (570, 376), (732, 362)])


def detector(name: Name, *, runtime: str = "onnxruntime", width: int = 1000, threshold: float = 0.6) -> Detector:
    weights(name)
    config = ModelsConfig.model_validate({"detector": name, "runtime": runtime, "precision": "float32"})
    return open_detector(config, InferenceConfig(detect_width=width, detect_threshold=threshold), model_store())


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> Name:
    chosen: Name = request.param
    return chosen


@pytest.fixture(scope="module")
def crowd() -> Pixels:
    """1000 × 667 pixels, five people who look into the camera."""
    return read_picture(weights("demo-crowd"))


def by_column(found: Detections) -> Detections:
    return found.select(np.argsort(found.boxes[:, 0]))


def test_every_face_is_found_once_with_landmarks_in_order(name: Name, crowd: Pixels) -> None:
    found = by_column(detector(name).detect(ArrayPicture(crowd)))
    assert len(found) == 5
    right_eye, left_eye, nose, right_mouth, left_mouth = found.landmarks.transpose(1, 0, 2)
    np.testing.assert_allclose(nose, NOSES, atol=10)
    assert (right_eye[:, 0] < left_eye[:, 0]).all()
    assert (right_mouth[:, 0] < left_mouth[:, 0]).all()
    assert (np.maximum(right_eye, left_eye)[:, 1] < nose[:, 1]).all()
    assert (nose[:, 1] < np.minimum(right_mouth, left_mouth)[:, 1]).all()
    assert (found.boxes[:, None, :2] < found.landmarks).all()
    assert (found.landmarks < found.boxes[:, None, 2:]).all()


def test_faces_come_best_first_and_reach_the_threshold(name: Name, crowd: Pixels) -> None:
    found = detector(name, threshold=0.3).detect(ArrayPicture(crowd))
    assert (np.diff(found.scores) <= 0).all()
    assert found.scores.min() >= 0.3
    assert found.scores.max() <= 1


def test_coordinates_are_pixels_of_the_picture_whatever_size_is_looked_at(name: Name, crowd: Pixels) -> None:
    small = by_column(detector(name, width=512).detect(ArrayPicture(crowd)))
    large = by_column(detector(name, width=512).detect(ArrayPicture(cv2.resize(crowd, None, fx=2, fy=2))))  # type: ignore[arg-type]
    full = by_column(detector(name, width=1000).detect(ArrayPicture(crowd)))
    assert len(small) == len(large) == len(full) == 5
    assert np.diag(box_overlap(small.boxes, full.boxes)).min() > 0.8
    np.testing.assert_allclose(large.boxes / 2, small.boxes, atol=2)


def test_picture_without_a_face_gives_none(name: Name) -> None:
    grey = np.full((480, 640, 3), 127, np.uint8)
    assert len(detector(name).detect(ArrayPicture(grey))) == 0


@pytest.mark.parametrize("size", [(1, 1), (33, 7), (20, 3000), (3000, 20), (479, 641)])
def test_any_size_of_picture_can_be_looked_at(name: Name, size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8)
    assert isinstance(detector(name, width=320).detect(ArrayPicture(pixels)), Detections)


def test_face_cut_by_the_edge_is_found_with_its_landmarks_in_place(name: Name, crowd: Pixels) -> None:
    whole = by_column(detector(name).detect(ArrayPicture(crowd)))
    x0, _, x1, _ = whole.boxes[4]
    cut = crowd[:, : int(x0 + 0.8 * (x1 - x0))]
    found = by_column(detector(name).detect(ArrayPicture(np.ascontiguousarray(cut))))
    assert len(found) == 5
    np.testing.assert_allclose(found.landmarks[4], whole.landmarks[4], atol=0.15 * (x1 - x0))


@pytest.mark.parametrize("tiles", ["auto", "2x2", "3x1"])
def test_tiles_find_the_faces_of_a_large_picture_once(crowd: Pixels, tiles: str) -> None:
    weights("yunet")
    large = cv2.resize(crowd, None, fx=2, fy=2)
    config = ModelsConfig(detector="yunet", runtime="onnxruntime", precision="float32")
    found = open_detector(config, InferenceConfig(detect_width=640, tiles=tiles), model_store()).detect(
        ArrayPicture(large)  # type: ignore[arg-type]
    )
    whole = detector("yunet", width=2000).detect(ArrayPicture(large))  # type: ignore[arg-type]
    assert len(found) == len(whole) == 5
    assert np.diag(box_overlap(by_column(found).boxes, by_column(whole).boxes)).min() > 0.7


@pytest.mark.parametrize(
    ("width", "tiles", "found"),
    [(640, "none", 0), (640, "auto", 5), (1920, "none", 5)],  # 5 pixels of 640; as they are
)
def test_faces_of_16_pixels_are_found_where_they_are_looked_at_as_they_are(
    crowd: Pixels, width: int, tiles: str, found: int
) -> None:
    weights("yunet")
    seen = cv2.resize(crowd, None, fx=0.135, fy=0.135, interpolation=cv2.INTER_AREA)  # faces of 13-18 pixels
    street = np.full((1080, 1920, 3), 120, np.uint8)
    street[500 : 500 + len(seen), 900 : 900 + len(seen[0])] = seen
    config = ModelsConfig(detector="yunet", runtime="onnxruntime", precision="float32")
    look = open_detector(config, InferenceConfig(detect_width=width, tiles=tiles), model_store())
    assert len(look.detect(ArrayPicture(street))) == found


def test_threads_that_share_a_detector_see_the_same(name: Name, crowd: Pixels) -> None:
    shared = detector(name, width=320)
    pictures = [ArrayPicture(np.ascontiguousarray(crowd[: 667 - 60 * i])) for i in range(4)]
    alone = [shared.detect(picture) for picture in pictures]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(shared.detect, pictures * 4))
    for i, found in enumerate(together):
        np.testing.assert_allclose(found.boxes, alone[i % 4].boxes, atol=0.01)


@pytest.mark.parametrize("runtime", available_runtimes())
def test_runtimes_agree_in_float32(name: Name, runtime: str, crowd: Pixels) -> None:
    reference = detector(name).detect(ArrayPicture(crowd))
    found = detector(name, runtime=runtime).detect(ArrayPicture(crowd))
    np.testing.assert_allclose(by_column(found).boxes, by_column(reference).boxes, atol=1)
    np.testing.assert_allclose(by_column(found).scores, by_column(reference).scores, atol=0.01)
    np.testing.assert_allclose(by_column(found).landmarks, by_column(reference).landmarks, atol=1)


@pytest.mark.parametrize("runtime", available_runtimes())
def test_runtimes_agree_in_float32_on_real_frames(name: Name, runtime: str, shared: Path) -> None:
    one, other = detector(name, width=640), detector(name, runtime=runtime, width=640)
    faces = 0
    for path in sorted((shared / "detection").glob("*.jpg"))[::5]:
        picture = ArrayPicture(read_picture(path))
        a, b = one.detect(picture), other.detect(picture)
        for these, those in ((a, b), (b, a)):
            for box, score, landmarks in zip(these.boxes, these.scores, these.landmarks, strict=True):
                if score < 0.61:  # so near to the threshold, one of them may say yes and the other one no
                    continue
                match = int(box_overlap(box[None], those.boxes)[0].argmax())
                np.testing.assert_allclose(those.boxes[match], box, atol=1)
                np.testing.assert_allclose(those.landmarks[match], landmarks, atol=1)
                assert those.scores[match] == pytest.approx(score, abs=0.01)
                faces += 1
    assert faces > 40


@pytest.mark.parametrize("kind", [YuNet, CenterFace])
def test_net_that_is_not_this_detector_is_an_error(kind: type[YuNet | CenterFace], tmp_path: Path) -> None:
    wrong = kind(open_session(convolution_net(tmp_path / "other.onnx")), width=320, threshold=0.5)
    with pytest.raises(ModelError, match="has no output"):
        wrong.detect(ArrayPicture(np.zeros((64, 64, 3), np.uint8)))


def assert_agrees_with_opencv(pixels: Pixels, width: int) -> int:
    """YuNet's decoding against OpenCV's own, on the same small picture. Returns the number of faces."""
    box = Letterbox.of(pixels.shape[1], pixels.shape[0], widest=width)
    small = ArrayPicture(pixels).pixels(box.width, box.height)
    theirs = cv2.FaceDetectorYN.create(str(weights("yunet")), "", (box.width, box.height), 0.6, 0.3, 5000)
    _, rows = theirs.detect(small)
    rows = np.zeros((0, 15), np.float32) if rows is None else rows
    ours = detector("yunet", width=width).detect(ArrayPicture(small))
    assert len(ours) == len(rows)
    boxes = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:4]], axis=1)
    overlaps = box_overlap(ours.boxes, boxes)
    if len(rows):
        match = overlaps.argmax(axis=1)
        assert sorted(match) == list(range(len(rows)))
        assert overlaps.max(axis=1).min() >= 0.95
        np.testing.assert_allclose(ours.scores, rows[match, 14], atol=0.01)
        np.testing.assert_allclose(ours.landmarks, rows[match, 4:14].reshape(-1, 5, 2), atol=0.5)
    return len(rows)


@pytest.mark.parametrize("width", [320, 640, 1000])
def test_yunet_agrees_with_opencv_on_the_demo_picture(crowd: Pixels, width: int) -> None:
    assert assert_agrees_with_opencv(crowd, width) == 5


def test_yunet_agrees_with_opencv_on_real_frames(shared: Path) -> None:
    paths = sorted((shared / "detection").glob("*.jpg"))
    assert sum(assert_agrees_with_opencv(read_picture(path), 640) for path in paths) > 100
