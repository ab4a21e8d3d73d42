"""Row ids: UUIDs of version 7 that ascend, so that a list's order is its key's order."""

import threading
import time
import uuid

from portico.store.ids import new_id


def test_ids_are_uuids_of_version_7() -> None:
    for _ in range(1000):
        made = uuid.UUID(new_id())
        assert made.version == 7
        assert made.variant == uuid.RFC_4122


def test_ids_ascend_as_text_however_fast_they_are_made() -> None:
    made = [new_id() for _ in range(50_000)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)


def test_an_id_tells_the_millisecond_it_was_made_in() -> None:
    before = time.time_ns() // 1_000_000
    stamp = uuid.UUID(new_id()).int >> 80
    # Ids made in a burst run ahead of the clock by a fraction of a millisecond each.
    assert before <= stamp <= time.time_ns() // 1_000_000 + 1000


def test_the_last_62_bits_cannot_be_guessed() -> None:
    tails = [uuid.UUID(new_id()).int & ((1 << 62) - 1) for _ in range(5000)]
    assert len(set(tails)) == len(tails)
    assert all(2000 < sum(tail >> bit & 1 for tail in tails) < 3000 for bit in range(62))


def test_ids_made_in_several_threads_differ() -> None:
    made: list[list[str]] = [[] for _ in range(4)]

    def work(own: list[str]) -> None:
        own.extend(new_id() for _ in range(5000))

    threads = [threading.Thread(target=work, args=(own,)) for own in made]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({each for own in made for each in own}) == 20_000
