import pytest

from labctl.core.errors import ConnectionFailed, NoReply, StorageError
from labctl.transport import open_adapter
from labctl.transport.transcript import ReplayLink, Transcript, read_transcript


class Replay:
    def __init__(self, link):
        self.link = link

    def open_link(self, resource, settings):
        return self.link

    def open_sdk(self, resource):
        raise NotImplementedError


def test_a_transcript_holds_every_byte_and_can_be_replayed(
    device, clock, settings, proofs, tmp_path
):
    path = tmp_path / "toy.jsonl"
    options = {"proofs": proofs, "name": "toy", "clock": clock}
    adapter = open_adapter(
        "toy://1", settings, backends={"toy": device}, transcript=path, **options
    )
    adapter.write("q1")
    assert adapter.read() == "a1"
    adapter.write("nonsense")
    with pytest.raises(NoReply):
        adapter.read()
    adapter.close()

    entries = list(read_transcript(path))
    assert [entry.direction for entry in entries[:2]] == [">", "<"]
    assert b"".join(e.data for e in entries if e.direction == ">") == b"who\nok\nq1\nnonsense\n"
    assert [e.monotonic_s for e in entries] == sorted(e.monotonic_s for e in entries)

    backends = {"old": Replay(ReplayLink(iter(entries)))}
    again = open_adapter("old://1", settings, backends=backends, **options)
    again.write("q1")
    assert again.read() == "a1"
    with pytest.raises(ConnectionFailed, match="where b'q2"):
        again.write("q2")


def test_bytes_that_are_no_text_survive_a_transcript(clock, tmp_path):
    path = tmp_path / "bytes.jsonl"
    transcript = Transcript(path, clock)
    transcript.add("<", bytes(range(256)))
    transcript.close()
    assert next(read_transcript(path)).data == bytes(range(256))


def test_a_transcript_that_cannot_be_written_is_refused(clock, tmp_path):
    with pytest.raises(StorageError, match="cannot be written"):
        Transcript(tmp_path / "missing" / "toy.jsonl", clock)
