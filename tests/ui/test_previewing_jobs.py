from concurrent.futures import Future

from ui.previewing.jobs import Job, Priority, next_match
from ui.previewing.messages import Place

HERE, ELSEWHERE, OTHER = Place("census", "a"), Place("census", "b"), Place("another", "a")


def job(priority=Priority.KPIS, place=HERE, **more):
    return Job(ask=None, key=object(), place=place, priority=priority, waiters=[Future()], **more)


def test_figures_of_anybody_go_before_explanations_and_background():
    impact, slopes, kpis = job(Priority.IMPACT), job(Priority.BACKGROUND), job()
    assert next_match([impact, slopes, kpis], {0: ()}, True) == (kpis, 0)
    assert next_match([slopes, impact], {0: ()}, True) == (impact, 0)


def test_equally_urgent_questions_are_answered_in_the_order_they_were_asked():
    first, second = job(), job()
    assert next_match([second, first], {0: ()}, True) == (first, 0)


def test_a_question_goes_to_the_worker_that_has_least_to_compute():
    idle = {0: (), 1: (OTHER,), 2: (ELSEWHERE,), 3: (OTHER, HERE)}
    assert next_match([job()], idle, True)[1] == 3
    assert next_match([job()], {n: idle[n] for n in (0, 1, 2)}, True)[1] == 2
    assert next_match([job()], {n: idle[n] for n in (0, 1)}, True)[1] == 0


def test_what_is_not_urgent_waits_while_it_may_not_run():
    assert next_match([job(Priority.IMPACT)], {0: ()}, False) is None
    kpis = job()
    assert next_match([job(Priority.IMPACT), kpis], {0: ()}, False) == (kpis, 0)


def test_a_question_for_one_worker_waits_for_it():
    pinned, free = job(only_worker=1), job()
    assert next_match([pinned, free], {0: ()}, True) == (free, 0)
    assert next_match([pinned, free], {0: (), 1: ()}, True) == (pinned, 1)


def test_a_question_is_dropped_before_a_worker_has_it_and_not_afterwards():
    waiting = job()
    assert waiting.waiters[0].cancel()
    assert not waiting.wanted
    running = job().started()
    assert not running.waiters[0].cancel()
    late = Future()
    running.join(late)
    assert not late.cancel()
    assert running.wanted
