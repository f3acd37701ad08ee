"""The table of services, their ports, their locks: what `serve` and `urls` stand on."""

from __future__ import annotations

import os
import socket
import threading
from pathlib import Path

import pytest

from pki.bootstrap import ports
from pki.bootstrap.lock import Holder, HomeLock, holder
from pki.bootstrap.services import SERVICES, Service, base_port, listen_host, named, reachable
from pki.bootstrap.urls import running_urls
from pki.cli.main import main
from trust.errors import Conflict, Malformed, Missing, Unavailable


def test_the_base_port_is_8400_unless_the_environment_says_otherwise() -> None:
    """An empty variable says nothing."""
    assert base_port({}) == base_port({"SCEAU_BASE_PORT": ""}) == 8400
    assert base_port({"SCEAU_BASE_PORT": "9400"}) == 9400


@pytest.mark.parametrize("text", ["80", "65001", "-1", "x", "8400 ", "٨٤٠٠", "1e4", "999999999999"])
def test_a_base_port_that_leaves_no_room_is_refused(text: str) -> None:
    """Below 1024 it needs rights that no service should have; above 65000 the others do not fit."""
    with pytest.raises(Malformed, match="SCEAU_BASE_PORT is a number from 1024 to 65000"):
        base_port({"SCEAU_BASE_PORT": text})


def test_publication_answers_on_the_port_after_the_base() -> None:
    """As the public contract says."""
    publication = named("publication")
    assert publication.port(8400) == 8401
    assert publication.address(8400, "127.0.0.1") == "http://127.0.0.1:8401"
    assert publication.address(8400, "::1") == "http://[::1]:8401"
    assert named("issuer").address(8400, "127.0.0.1") is None


def test_no_two_services_share_a_name_or_a_port() -> None:
    """Nor a key in `sceau urls`."""
    offsets = [service.port_offset for service in SERVICES if service.port_offset is not None]
    keys = [key for service in SERVICES for key in service.urls]
    for values in ([service.name for service in SERVICES], offsets, keys):
        assert len(set(map(str, values))) == len(values)


def test_an_unknown_service_is_missing() -> None:
    """And the known ones are named."""
    with pytest.raises(Missing, match="known: issuer, publication"):
        named("printer")


def test_what_listens_everywhere_is_reached_on_the_loopback(tmp_path: Path) -> None:
    """The configuration says where publication listens; one that cannot be read counts as silent."""
    assert listen_host(tmp_path) == "127.0.0.1"
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "authority.toml").write_text('[publication]\nlisten = "0.0.0.0"\n')
    assert listen_host(tmp_path) == "0.0.0.0"
    assert reachable("0.0.0.0") == "127.0.0.1"
    (tmp_path / "config" / "authority.toml").write_bytes(b"\xff = [")
    assert listen_host(tmp_path) == "127.0.0.1"


def test_a_lock_is_held_once_and_says_by_whom(tmp_path: Path) -> None:
    """With the base port, so that `sceau urls` tells the truth from another shell."""
    assert holder(tmp_path, "issuer") is None
    with HomeLock(tmp_path, "issuer", 9000):
        assert holder(tmp_path, "issuer") == Holder(os.getpid(), 9000)
        with (
            pytest.raises(Conflict, match=rf"issuer already runs on .* \(process {os.getpid()}\)"),
            HomeLock(tmp_path, "issuer", 9000),
        ):
            pass
    assert holder(tmp_path, "issuer") is None


def test_asking_who_holds_a_lock_never_takes_it_from_somebody_who_starts(tmp_path: Path) -> None:
    """A script that polls `sceau urls` must not make `sceau serve` fail."""
    asking = threading.Event()

    def ask() -> None:
        while not asking.is_set():
            holder(tmp_path, "issuer")

    asker = threading.Thread(target=ask)
    asker.start()
    try:
        for _ in range(200):
            with HomeLock(tmp_path, "issuer", 9000):
                pass
    finally:
        asking.set()
        asker.join()


def test_a_lock_whose_content_is_damaged_is_still_held(tmp_path: Path) -> None:
    """The lock counts, not what the file says."""
    with HomeLock(tmp_path, "issuer", 9000):
        (tmp_path / "run" / "issuer.running").write_bytes(b"\xff{")
        assert holder(tmp_path, "issuer") == Holder(0, 0)
        assert running_urls(tmp_path) == {}


def test_a_home_that_cannot_be_written_is_unavailable(tmp_path: Path) -> None:
    """Said as such, not as a traceback."""
    (tmp_path / "run").write_text("a file where the folder should be")
    with pytest.raises(Unavailable, match="cannot write"), HomeLock(tmp_path, "issuer", 9000):
        pass


def test_a_free_port_is_not_refused_and_a_taken_one_names_its_owner() -> None:
    """The process, and the way out."""
    service = Service("door", "nowhere:serve", port_offset=1)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(Conflict, match=rf"port {port} \(door\) is taken by .* \(process {os.getpid()}\): stop it, or choose"):
            ports.refuse_taken(service, port - 1)
    ports.refuse_taken(service, port - 1)


def test_an_address_that_is_not_this_machine_s_is_named() -> None:
    """192.0.2.1 is documentation's."""
    with pytest.raises(Conflict, match=r"door cannot listen on 192\.0\.2\.1:9001"):
        ports.refuse_taken(Service("door", "nowhere:serve", port_offset=1), 9000, "192.0.2.1")


def test_nothing_answers_on_a_port_that_speaks_something_else() -> None:
    """A listener that is not a web server is not our service."""
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()

        def hang_up() -> None:
            connection, _ = mute.accept()
            connection.sendall(b"220 mail.example\r\n")
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        assert not ports.answers(Service("door", "nowhere:serve", port_offset=1), Path(), mute.getsockname()[1] - 1)
        thread.join()


def test_serving_a_home_that_is_not_there_says_how_to_make_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And makes nothing."""
    missing = tmp_path / "none"
    for only in ([], ["--only", "publication"]):
        assert main(["serve", "--home", str(missing), *only]) == 1
        assert (
            capsys.readouterr().err
            == f"sceau: missing: there is no authority in {missing}: `sceau init --home {missing}` makes one\n"
        )
    assert not missing.exists()


def test_urls_of_a_home_that_is_not_served_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty object for programs, the command to run for people."""
    assert main(["urls", "--home", str(tmp_path), "--json"]) == 0
    assert capsys.readouterr().out == "{}\n"
    assert main(["urls", "--home", str(tmp_path)]) == 0
    assert f"sceau serve --home {tmp_path}" in capsys.readouterr().out
