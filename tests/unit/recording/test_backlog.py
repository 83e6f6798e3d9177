import threading

from suffice.recording.backlog import MAX_CONTENT, Backlog, RecorderCounts
from suffice.testing.outcomes import make_outcome


def test_outcomes_come_out_oldest_first_and_stay_until_they_are_settled() -> None:
    backlog = Backlog(10, batch_size=2)
    for n in range(3):
        backlog.put(make_outcome(n))

    first = backlog.front()
    backlog.settle(2, written=True)
    second = backlog.front()

    assert [outcome.request_id for outcome in first] == ["req-00000000", "req-00000001"]
    assert [outcome.request_id for outcome in second] == ["req-00000002"]
    assert backlog.counts == RecorderCounts(written=2, queued=1)


def test_a_full_backlog_drops_the_newest_and_counts_it() -> None:
    backlog = Backlog(2, batch_size=10)

    for n in range(5):
        backlog.put(make_outcome(n))

    assert backlog.counts == RecorderCounts(dropped=3, queued=2)
    assert [outcome.request_id for outcome in backlog.front()] == ["req-00000000", "req-00000001"]


def test_content_is_bounded_by_its_size_not_only_by_its_number() -> None:
    backlog = Backlog(10, batch_size=10)
    long = make_outcome(0)
    long.prompt = "x" * (MAX_CONTENT // 2)
    long.attempts[0].answer = "y" * (MAX_CONTENT // 2)
    short = make_outcome(1)
    short.prompt = "x"

    backlog.put(long)
    backlog.put(short)
    backlog.settle(1, written=True)
    backlog.put(short)

    assert backlog.counts == RecorderCounts(written=1, dropped=1, queued=1)


def test_outcomes_given_up_count_as_dropped() -> None:
    backlog = Backlog(10, batch_size=10)
    backlog.put(make_outcome())

    backlog.settle(1, written=False)

    assert backlog.counts == RecorderCounts(dropped=1)


def test_a_closed_backlog_takes_nothing_more() -> None:
    backlog = Backlog(10, batch_size=10)

    backlog.close()
    backlog.put(make_outcome())

    assert backlog.closed
    assert backlog.counts == RecorderCounts(dropped=1)


def test_flushing_an_empty_backlog_returns_at_once() -> None:
    assert Backlog(10, batch_size=10).flush(0.0)


def test_a_flush_that_nobody_answers_says_so() -> None:
    backlog = Backlog(10, batch_size=10)
    backlog.put(make_outcome())

    assert not backlog.flush(0.01)


def test_a_flush_ends_the_thread_s_pause() -> None:
    backlog = Backlog(10, batch_size=10)
    backlog.put(make_outcome())

    def settle_after_pause() -> None:
        backlog.pause(60.0)
        backlog.settle(1, written=True)

    thread = threading.Thread(target=settle_after_pause)
    thread.start()
    flushed = backlog.flush(30.0)
    thread.join(30.0)

    assert flushed


def test_a_full_batch_ends_the_thread_s_linger() -> None:
    backlog = Backlog(10, batch_size=2)
    thread = threading.Thread(target=backlog.linger, args=(60.0,))
    thread.start()

    backlog.put(make_outcome(0))
    backlog.put(make_outcome(1))
    thread.join(30.0)

    assert not thread.is_alive()
