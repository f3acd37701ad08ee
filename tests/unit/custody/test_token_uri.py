"""A PKCS#11 URI names a token, and nothing else."""

from __future__ import annotations

import pytest

from hsm.pkcs11.uri import parse
from trust.errors import Malformed


def test_a_uri_names_a_token_by_what_it_says() -> None:
    """What it does not say may be anything; words are percent-decoded."""
    uri = parse("pkcs11:token=Sceau%20demo;serial=7e4e")
    assert uri.matches("Sceau demo", "7e4e", "SoftHSM project", "SoftHSM v2")
    assert not uri.matches("Sceau demo", "7e4f", "SoftHSM project", "SoftHSM v2")
    assert not uri.matches("autre", "7e4e", "SoftHSM project", "SoftHSM v2")
    assert str(uri) == "pkcs11:token=Sceau demo;serial=7e4e"
    assert parse("pkcs11:serial=7e4e;manufacturer=M;model=X").matches("n'importe", "7e4e", "M", "X")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "pkcs11:",
        "pkcs11:token",
        "token=sceau",
        "PKCS11:token=sceau",
        "pkcs11:manufacturer=SoftHSM",
        "pkcs11:token=a;token=b",
        "pkcs11:token=a;object=cle",
        "pkcs11:token=a?pin-value=1234",
        "pkcs11:token=a?pin-source=/etc/pin",
        "pkcs11:token=%FF%FE",
        "pkcs11:token=é",
        "pkcs11:token=a\n",
        "pkcs11:token=" + "a" * 600,
    ],
)
def test_anything_else_is_malformed(text: str) -> None:
    """A PIN in a URI above all: it would stand in a configuration file."""
    with pytest.raises(Malformed):
        parse(text)
