from __future__ import annotations

from screens.terminal.driver import BURST, RATE, TokenBucket


class Watch:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def taken(bucket: TokenBucket, tries: int) -> int:
    return sum(bucket.take() for _ in range(tries))


def test_a_burst_passes_and_a_flood_does_not() -> None:
    assert taken(TokenBucket(Watch()), 10_000) == BURST


def test_bucket_fills_again_at_its_rate_and_no_further_than_a_burst() -> None:
    watch = Watch()
    bucket = TokenBucket(watch)
    taken(bucket, 1000)
    watch.now += 0.5
    assert taken(bucket, 1000) == RATE * 0.5
    watch.now += 3600
    assert taken(bucket, 1000) == BURST


def test_a_clock_that_stands_still_gives_nothing() -> None:
    watch = Watch()
    bucket = TokenBucket(watch)
    taken(bucket, 1000)
    watch.now -= 50
    assert taken(bucket, 10) == 0


def test_a_flood_drains_it_for_a_moment() -> None:
    watch = Watch()
    bucket = TokenBucket(watch)
    assert not bucket.is_low
    taken(bucket, 1000)
    assert bucket.is_low
    watch.now += 1.0
    assert not bucket.is_low
