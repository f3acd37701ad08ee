"""Links by mail: who has no address, or whose mail is not taken, has a letter; a server that is down is not asked for ever."""

from __future__ import annotations

from datetime import UTC, datetime

from trust.errors import Unavailable
from web.board.delivery import MOST_REFUSALS, How, masked, send
from web.board.letter_paper import Letter
from web.board.work import Work


def letters(count: int) -> list[Letter]:
    """Return some letters."""
    return [
        Letter("Camille ESSAI", "Médecin", "99700000013", f"https://sceau.example/{number}", "ABCD2345")
        for number in range(count)
    ]


def work() -> Work:
    """Return a piece of work that listens."""
    return Work("0", "letters", "cnom-1", "CNOM", datetime(2026, 11, 22, tzinfo=UTC))


def test_each_person_is_told_of_by_the_way_that_the_link_went() -> None:
    """One mail that is not taken stops no other."""
    taken = []

    def post(address: str, link: str) -> None:
        if address.startswith("plein"):
            raise Unavailable("the mailbox is full")
        taken.append((address, link))

    listens = work()
    hows = send(letters(4), ["a@x.example", "", "plein@x.example", "d@x.example"], post, listens)
    assert hows == [How.MAIL, How.NO_ADDRESS, How.NOT_TAKEN, How.MAIL]
    assert taken == [("a@x.example", "https://sceau.example/0"), ("d@x.example", "https://sceau.example/3")]
    assert (listens.done, listens.total) == (4, 4)


def test_a_server_that_takes_nothing_is_given_up() -> None:
    """Ten thousand people do not wait twenty seconds each: the rest goes by letter."""
    tried = []

    def post(address: str, link: str) -> None:
        tried.append(address)
        raise Unavailable("no answer")

    hows = send(letters(50), ["a@x.example"] * 50, post, work())
    assert set(hows) == {How.NOT_TAKEN} and len(tried) == MOST_REFUSALS


def test_an_address_is_shown_as_much_as_tells_it_from_another() -> None:
    """The first letter, and the domain."""
    assert [masked(each) for each in ("anne.martin@exemple.fr", "")] == ["a…@exemple.fr", ""]
