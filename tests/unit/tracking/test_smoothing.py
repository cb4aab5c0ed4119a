"""Age and gender from many looks: settled, honest about their spread, hard to fool."""

from __future__ import annotations

import sys
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamer.tracking import AttributeEstimate, AttributeSmoother
from streamer.tracking.smoothing import View
from streamer.types import FaceReading, Vocabulary


def look(age: float = 30.0, p_female: float = 0.9, quality: float = 0.8, spread: float = 6.0) -> FaceReading:
    return FaceReading(age, spread, p_female, quality)


def after(*readings: FaceReading, every: float = 1.0, smoother: AttributeSmoother | None = None) -> AttributeEstimate:
    """The estimate after these looks, so many seconds apart."""
    smoother = smoother or AttributeSmoother()
    for k, reading in enumerate(readings):
        smoother.add(reading, k * every)
    return smoother.estimate


def width(estimate: AttributeEstimate) -> float:
    """Years from one end of the age's range to the other."""
    assert estimate.age_low is not None
    assert estimate.age_high is not None
    return estimate.age_high - estimate.age_low


def test_nothing_is_known_before_the_first_look() -> None:
    assert AttributeSmoother().estimate == AttributeEstimate(None, None, None, "unknown", 0.0, 0)


def test_a_look_of_no_quality_says_nothing() -> None:
    assert after(look(quality=0)) == AttributeEstimate()
    assert after(look(30), look(80, quality=0), look(30)).samples == 2


# --- age


@pytest.mark.parametrize("age", [0.0, 0.25, 17.4, 64.9, 80.0, 130.0])
def test_one_look_gives_its_own_age(age: float) -> None:
    estimate = after(look(age))
    assert estimate.age == pytest.approx(age)
    assert estimate.samples == 1


def test_the_range_of_one_look_is_that_of_its_reading() -> None:
    estimate = after(look(32.0, spread=6.0))
    assert estimate.age_low == pytest.approx(26, abs=0.1)
    assert estimate.age_high == pytest.approx(38, abs=0.1)


@pytest.mark.parametrize("quality", [0.05, 0.4, 1.0])
def test_one_look_is_as_sure_of_the_gender_as_its_reading_whatever_its_quality(quality: float) -> None:
    estimate = after(look(p_female=0.9, quality=quality))
    assert estimate.p_female == pytest.approx(0.9)
    assert estimate.gender_confidence == pytest.approx(0.9)


def test_a_poor_look_has_to_be_surer_than_a_good_one_before_its_gender_is_told() -> None:
    assert after(look(p_female=0.85, quality=0.9)).gender == "female"
    assert after(look(p_female=0.85, quality=0.4)).gender == "unknown"
    assert after(look(p_female=0.97, quality=0.4)).gender == "female"


def test_a_good_look_counts_more_than_a_poor_one_in_the_gender() -> None:
    assert after(look(p_female=0.9, quality=0.9), look(p_female=0.1, quality=0.3)).p_female > 0.7


def test_many_looks_at_a_face_err_together_and_are_hardly_surer_than_one() -> None:
    confidences = [after(*[look(p_female=0.8)] * n).gender_confidence for n in (1, 3, 10, 1000)]
    assert confidences == sorted(confidences)
    assert confidences[-1] < 0.86  # of independent looks, three would be at 0.98


def test_no_age_is_below_nothing() -> None:
    assert after(look(1.0)).age_low == 0


def test_the_age_is_weighted_by_quality() -> None:
    age = after(look(30, quality=0.9), look(36, quality=0.3), every=10).age
    assert age == pytest.approx(31.5, abs=0.1)


@pytest.mark.parametrize("place", range(7))
def test_one_wild_look_moves_the_age_little_whenever_it_comes(place: int) -> None:
    ages = [30.0, 32.0, 29.0, 31.0, 30.5, 29.5]
    clean = after(*[look(age) for age in ages], every=10).age
    ages.insert(place, 75.0)
    wild = after(*[look(age) for age in ages], every=10).age
    assert clean is not None
    assert wild == pytest.approx(clean, abs=1.5)  # the plain mean would move by 6.4


def test_more_looks_narrow_the_range_but_not_to_nothing() -> None:
    widths = [width(after(*[look(30)] * n)) for n in (1, 3, 10, 100)]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] * 0.8 < widths[-1] < widths[0] * 0.9  # the share that all looks at one face have in common stays


def test_looks_that_disagree_widen_the_range() -> None:
    estimate = after(*[look(age) for age in (20, 40) * 3], every=10)
    assert estimate.age == pytest.approx(30, abs=0.1)
    assert width(estimate) > 1.1 * width(after(*[look(30)] * 6, every=10))


def test_looks_a_frame_apart_count_little_more_than_one() -> None:
    one, many = after(look(30)), after(*[look(30)] * 10, every=0.01)
    spaced = after(*[look(30)] * 10)
    assert width(one) > width(many) > width(spaced)
    assert width(many) > 0.95 * width(one)
    assert many.samples == 10


# --- gender


@pytest.mark.parametrize(
    ("readings", "gender"),
    [
        ([look(p_female=0.97)], "female"),
        ([look(p_female=0.03)], "male"),
        # undecided nets
        ([look(p_female=0.6)] * 20, "unknown"),
        # looks that contradict each other
        ([look(p_female=0.95), look(p_female=0.05)] * 5, "unknown"),
        # one poor look, however sure the nets are
        ([look(p_female=0.999, quality=0.2)], "unknown"),
        # several of them do tell something
        ([look(p_female=0.999, quality=0.2)] * 4, "female"),
        # one wild look among clear ones
        ([look(p_female=0.999)] + [look(p_female=0.05)] * 5, "male"),
    ],
)
def test_gender_needs_evidence(readings: list[FaceReading], gender: str) -> None:
    assert after(*readings).gender == gender


def test_gender_is_told_from_the_demanded_confidence_on() -> None:
    sure, unsure = AttributeSmoother(min_gender_confidence=0.6), AttributeSmoother(min_gender_confidence=0.95)
    reading = look(p_female=0.85, quality=1.0)
    assert after(reading, smoother=sure).gender == "female"
    assert after(reading, smoother=unsure).gender == "unknown"
    assert sure.estimate.gender_confidence == unsure.estimate.gender_confidence


def test_looks_a_frame_apart_do_not_make_a_gender_surer() -> None:
    reading = look(p_female=0.8)
    many, spaced = after(*[reading] * 10, every=0.01), after(*[reading] * 10)
    assert many.gender_confidence < after(reading).gender_confidence + 0.01
    assert spaced.gender_confidence > many.gender_confidence + 0.02


def test_a_settled_gender_changes_only_on_clear_opposite_evidence() -> None:
    smoother = AttributeSmoother()
    for k in range(3):
        smoother.add(look(p_female=0.95), k)
    told = [smoother.add(look(p_female=0.02, quality=1.0), k).gender for k in range(3, 20)]
    changes = [(a, b) for a, b in pairwise(told) if a != b]
    assert told[0] == "female"
    assert changes == [("female", "unknown"), ("unknown", "male")]


def views(*turns: float, size: float = 80.0) -> list[View]:
    """A face whose nose is turned aside by these parts of its size."""
    at = ((-0.2, -0.15), (0.2, -0.15), (0.0, 0.05), (-0.15, 0.25), (0.15, 0.25))
    return [View([complex(x + (turn if y == 0.05 else 0), y) for x, y in at], size) for turn in turns]


def test_looks_at_the_same_side_of_a_face_count_less_than_those_at_others() -> None:
    same, turning = AttributeSmoother(), AttributeSmoother()
    for k in range(6):
        same.add(look(p_female=0.8), k, views(0.0)[0])
        turning.add(look(p_female=0.8), k, views(0.1 * (k % 2))[0])
    assert turning.estimate.gender_confidence > same.estimate.gender_confidence + 0.005
    assert width(turning.estimate) < width(same.estimate)
    assert same.estimate.samples == turning.estimate.samples


def test_a_face_that_came_nearer_is_another_view() -> None:
    (far,), (near,) = views(0.0, size=40.0), views(0.0, size=80.0)
    assert near.news(far) > 0.99
    assert near.news(near) == 0


def test_a_gender_told_does_not_flicker_about_the_demanded_confidence() -> None:
    smoother = AttributeSmoother()
    smoother.add(look(p_female=0.9, quality=1.0), 0)
    told = [smoother.add(look(p_female=0.3 + 0.35 * (k % 2)), k).gender for k in range(1, 60)]
    assert len([pair for pair in pairwise(told) if pair[0] != pair[1]]) <= 1


looks_of_any_kind = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 10), st.floats(-0.2, 0.2)), min_size=1, max_size=120
)


@given(looks_of_any_kind, st.sampled_from([0.5, 0.6, 0.75, 0.95]))
@settings(max_examples=200, deadline=None)
def test_a_settled_gender_changes_once_at_most_whatever_is_read(
    looks: list[tuple[float, float, float, float]], demanded: float
) -> None:
    smoother, at, told = AttributeSmoother(min_gender_confidence=demanded), 0.0, list[str]()
    for p_female, quality, step, turn in looks:
        at += step
        told.append(smoother.add(look(p_female=p_female, quality=quality), at, views(turn)[0]).gender)
    genders = [gender for gender in told if gender != "unknown"]
    assert sum(one != other for one, other in pairwise(genders)) <= 1
    # told, taken back, told again: each time it takes more, so it ends
    assert sum(one != other for one, other in pairwise(told)) <= 13


# --- always


readings = st.builds(
    FaceReading, age=st.floats(0, 130), age_spread=st.floats(0, 40), p_female=st.floats(0, 1), quality=st.floats(0, 1)
)


@given(st.lists(st.tuples(readings, st.floats(-0.5, 5)), min_size=1, max_size=30))
@settings(max_examples=50, deadline=None)
def test_an_estimate_is_always_sound(looks: list[tuple[FaceReading, float]]) -> None:
    smoother, at = AttributeSmoother(min_gender_confidence=0.75), 0.0
    for reading, step in looks:
        at += step  # the clock may step back
        estimate = smoother.add(reading, at)
        assert estimate == smoother.estimate
        assert (estimate.age is None) == (estimate.samples == 0)
        if estimate.age is not None:
            assert estimate.age_low is not None
            assert estimate.age_high is not None
            assert 0 <= estimate.age_low <= estimate.age <= estimate.age_high
        assert 0 <= estimate.gender_confidence <= 1
        assert estimate.gender == "unknown" or estimate.gender_confidence >= 0.5


@given(st.lists(readings, min_size=1, max_size=12), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_the_age_does_not_depend_on_the_order_of_looks(looks: list[FaceReading], chance: object) -> None:
    shuffled = list(looks)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    one, other = after(*looks, every=100), after(*shuffled, every=100)
    assert one.age == pytest.approx(other.age, abs=1e-6)
    assert one.samples == other.samples


def test_memory_stays_the_same_however_long_the_visit() -> None:
    def size(smoother: AttributeSmoother) -> int:
        return sum(sys.getsizeof(value) for value in vars(smoother).values())

    short, long = AttributeSmoother(), AttributeSmoother()
    after(*[look(31.4)] * 10, smoother=short)
    after(*[look(20 + k % 40 + 0.3) for k in range(2000)], smoother=long)
    assert abs(size(long) - size(short)) < 64  # a larger integer, no more


# --- nets with words of their own

WORDS = Vocabulary("Female", "Male", ("(0-2)", "(25-32)", "(60-100)"))


def look_in_words(*p_groups: float, p_female: float = 0.5, quality: float = 0.8) -> FaceReading:
    return FaceReading(30.0, 9.0, p_female, quality, WORDS, p_groups)


def test_the_age_group_has_the_largest_sum_of_probabilities_not_of_votes() -> None:
    looks = [look_in_words(0.45, 0.40, 0.15), look_in_words(0.45, 0.40, 0.15), look_in_words(0.05, 0.9, 0.05)]
    assert after(*looks[:2], every=10).age_group == "(0-2)"
    assert after(*looks, every=10).age_group == "(25-32)"


def test_a_poor_look_weighs_little_in_the_age_group() -> None:
    looks = [look_in_words(0.1, 0.6, 0.3), look_in_words(0.9, 0.05, 0.05, quality=0.1)]
    assert after(*looks, every=10).age_group == "(25-32)"


def test_nets_that_read_years_have_no_age_group() -> None:
    assert after(look()).age_group is None


@pytest.mark.parametrize(("p_female", "gender"), [(0.51, "female"), (0.49, "male"), (0.99, "female")])
def test_words_without_one_for_doubt_tell_the_likelier_gender(p_female: float, gender: str) -> None:
    estimate = after(look_in_words(0.2, 0.5, 0.3, p_female=p_female))
    assert estimate.gender == gender
    assert 0.5 <= estimate.gender_confidence < 1
    assert after(look(p_female=0.51)).gender == "unknown"


def test_a_reading_has_a_probability_for_each_group() -> None:
    with pytest.raises(ValueError, match="2 probabilities for 3 age groups"):
        look_in_words(0.5, 0.5)
