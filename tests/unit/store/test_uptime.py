"""When cameras were live, as intervals."""

from __future__ import annotations

from streamer.store.uptime import Interval, Uptime


def test_an_interval_grows_while_its_camera_is_live_and_ends_when_it_goes() -> None:
    uptime = Uptime()
    uptime.status("door", live=True, at=10.0)
    uptime.status("door", live=True, at=11.0)  # told again
    assert uptime.until(15.0) == [Interval("door", 10.0, 15.0)]
    uptime.stored()
    uptime.status("door", live=False, at=17.0)
    assert uptime.until(30.0) == [Interval("door", 10.0, 17.0)]
    uptime.stored()
    assert uptime.until(31.0) == []


def test_an_end_that_comes_between_writing_and_its_success_is_not_lost() -> None:
    uptime = Uptime()
    uptime.status("door", live=True, at=10.0)
    uptime.until(15.0)
    uptime.status("door", live=False, at=17.0)
    uptime.stored()
    assert uptime.until(20.0) == [Interval("door", 10.0, 17.0)]


def test_a_time_in_which_events_were_lost_is_no_uptime() -> None:
    uptime = Uptime()
    uptime.status("door", live=True, at=10.0)
    uptime.status("yard", live=True, at=10.0)
    uptime.lost(20.0)
    uptime.lost(21.0)
    uptime.status("yard", live=False, at=25.0)
    uptime.status("gate", live=True, at=26.0)
    assert uptime.until(30.0) == [Interval("door", 10.0, 20.0), Interval("yard", 10.0, 20.0)]
    uptime.stored()
    uptime.kept(40.0)
    assert sorted(uptime.until(41.0), key=lambda each: each.camera) == [
        Interval("door", 40.0, 41.0),
        Interval("gate", 40.0, 41.0),
    ]


def test_a_clock_that_goes_back_takes_nothing_away() -> None:
    uptime = Uptime()
    uptime.status("door", live=True, at=10.0)
    uptime.until(20.0)
    assert uptime.until(12.0) == [Interval("door", 10.0, 20.0)]
    uptime.status("door", live=False, at=5.0)
    assert uptime.until(12.0) == [Interval("door", 10.0, 20.0)]
