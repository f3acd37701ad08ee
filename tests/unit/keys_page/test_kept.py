"""The list is kept whole, and read back as it was; what is no list is refused, and pages show that there is none."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pki.bootstrap.keylist import Behind, Concern, Judgement, Key, Keys, Place, Role, Signed, keep, kept, path_in
from trust.errors import Malformed, Missing
from trust.testing import FixedClock

NOW = FixedClock().now()
BEHIND = Behind("40" + "0" * 30, "ÉMETTRICE", "racine", "ca-emettrice", NOW, NOW + timedelta(days=9), "issued")
KEY = Key(
    label="personnes",
    role=Role.CA,
    ca="personnes",
    place=Place.TOKEN,
    where="PKCS#11 token, pkcs11:token=sceau",
    algorithm="P-256",
    uses=("certificate", "crl"),
    sha256="ab" * 32,
    certificates=(BEHIND,),
    retires=NOW + timedelta(days=9),
    full_until=NOW,
    full_profile="ps-signature",
    full_days=9,
    signed=(Signed("crl", 12, NOW),),
    last=NOW,
    judgements=(Judgement(Concern.RETIRES, "it retires", "prepare"),),
)
BARE = Key("x", Role.NONE, "", Place.SOFTWARE, "", "", (), "")
LIST = Keys(NOW, "issuer", "token", "away", "connect it", (KEY, BARE), ("ocsp-1",), {"issuer": NOW}, ("init",))
RECORD = LIST.record()["keys"][0]


def test_a_list_is_read_back_as_it_was_kept(tmp_path: Path) -> None:
    """Everything of it, for its owner alone."""
    keep(tmp_path, LIST)
    assert kept(tmp_path) == LIST
    assert path_in(tmp_path).stat().st_mode & 0o777 == 0o600
    assert [each["state"] for each in LIST.record()["keys"]] == ["warning", "ok"]
    assert LIST.is_wrong


def test_a_list_that_is_not_there_is_missing(tmp_path: Path) -> None:
    """And one that is a directory."""
    with pytest.raises(Missing):
        kept(tmp_path)
    path_in(tmp_path).mkdir(parents=True)
    with pytest.raises(Missing):
        kept(tmp_path)


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "keys/2"},
        {"at": "hier"},
        {"keys": {}},
        {"keys": [{}]},
        {"keys": [None]},
        {"keys": [RECORD | {"role": "boss"}]},
        {"keys": [RECORD | {"signed": [{"use": "crl", "count": "many", "last": "now"}]}]},
        {"keys": [RECORD | {"judgements": [{"concern": "?", "text": "", "remedy": ""}]}]},
        {"over": "ocsp-1"},
        {"since": []},
        {"damaged": None},
    ],
)
def test_what_is_no_list_is_malformed(tmp_path: Path, change: dict[str, Any]) -> None:
    """Whatever is wrong with it."""
    keep(tmp_path, LIST)
    path_in(tmp_path).write_text(json.dumps(LIST.record() | change), encoding="utf-8")
    with pytest.raises(Malformed):
        kept(tmp_path)


@pytest.mark.parametrize("content", [b"", b"\xff", b"[]", b"null", b"[" * 100_000])
def test_what_is_not_even_json_is_malformed(tmp_path: Path, content: bytes) -> None:
    """Never another error: the page of administrators reads this file."""
    path_in(tmp_path).parent.mkdir()
    path_in(tmp_path).write_bytes(content)
    with pytest.raises(Malformed):
        kept(tmp_path)
