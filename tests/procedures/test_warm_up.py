"""The end of a queue: warm up, with every shutter closed."""

from labctl.core.messages import Acquire, Record, Set, Wait
from procedures.warm_up import WarmUp


def test_the_cryostat_is_warmed_up_and_no_beam_is_opened():
    p = WarmUp.Parameters(temperature="300 K")
    plan, messages, answer = WarmUp().plan(p), [], None
    try:
        while True:
            messages.append(plan.send(answer))
            answer = object()
    except StopIteration:
        pass
    assert messages[0] == Set("cryostat.temperature", 300.0)
    assert messages[1] == Wait("cryostat.temperature")
    assert isinstance(messages[-1], Record)
    assert not any(isinstance(one, Acquire) for one in messages)
