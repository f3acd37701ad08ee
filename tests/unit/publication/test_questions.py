"""A form read before is read again as the strict reader reads it."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pki.protocols.ocsp import read_request
from pki.status.model import HashForm
from tests.unit.status import toy
from trust import der
from trust.errors import Malformed
from web.publication.questions import Question, QuestionReader

FORMS = [HashForm(name, null) for name in ("sha1", "sha256") for null in (True, False)]
serials = st.binary(min_size=16, max_size=16)
nonces = st.binary(min_size=1, max_size=40)
OTHER = toy.extension(der.oid("1.2.3.4"), b"\x05\x00")


def read(reader: object, body: bytes) -> Question | str:
    """Read, or say why not."""
    try:
        return tuple(reader(body))  # type: ignore[operator]
    except Malformed:
        return "malformed"


@given(
    form=st.sampled_from(FORMS),
    asked=st.lists(st.tuples(serials, nonces), min_size=2, max_size=6),
    others=st.booleans(),
    flip=st.tuples(st.integers(0, 400), st.integers(1, 255)),
)
@example(form=FORMS[0], asked=[(b"\x41" * 16, b"n" * 16), (bytes(16), b"n" * 16)], others=False, flip=(0, 1))
@example(form=FORMS[0], asked=[(b"\x41" * 16, b"\x41" * 16), (b"\x42" * 16, b"\x41" * 16)], others=False, flip=(70, 1))
def test_it_says_what_the_strict_reader_says(
    form: HashForm, asked: list[tuple[bytes, bytes]], others: bool, flip: tuple[int, int]
) -> None:
    """Serials and nonces of all kinds, in a form learnt from the first; and with any octet changed."""
    reader = QuestionReader(read_request)
    for serial, nonce in asked:
        extensions = (toy.nonce_extension(nonce), *([OTHER] if others else []))
        body = toy.request(serial, form=form, extensions=extensions)
        assert read(reader, body) == read(read_request, body)
        changed = bytearray(body)
        changed[flip[0] % len(body)] ^= flip[1]
        assert read(reader, bytes(changed)) == read(read_request, bytes(changed))


def test_forms_made_up_on_purpose_do_not_fill_the_memory() -> None:
    """A form takes a place among few; the strict reader reads what finds none."""
    reader = QuestionReader(read_request)
    for number in range(2_000):
        extension = toy.extension(der.oid(f"1.2.3.{number}"), bytes(number % 100))
        body = toy.request(b"\x41" * 16, extensions=(toy.nonce_extension(b"n" * (1 + number % 50)), extension))
        assert read(reader, body) == read(read_request, body)

    assert sum(map(len, reader._forms.values())) <= 8 * 65
