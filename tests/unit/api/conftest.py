"""One authority with people and a structure, and programs before it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pki.register.invented import finess_of
from tests.builders.programs import Programs
from tests.world import World, doctor, nurse

DOCTOR, NURSE, NEWCOMER = doctor(1, "DUPONT"), nurse(2, "MARTIN"), doctor(3, "LEROY")
STRUCTURE, OTHER = "1" + finess_of(1), "1" + finess_of(2)


@pytest.fixture(scope="session")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Programs]:
    """A doctor and a nurse with certificates, a doctor without, an approved structure of each of two ordres."""
    world = World(tmp_path_factory.mktemp("api") / "home")
    world.apply_register([DOCTOR, NURSE, NEWCOMER])
    world.enrol(DOCTOR)
    world.enrol(NURSE)
    found = Programs(world)
    for number, board in ((STRUCTURE, "cnom"), (OTHER, "oni")):
        asked = {"number": number, "name": "CABINET FICTIF", "department": "Essai (99)", "domains": ["cabinet.example"]}
        assert found.act("prepareDeclaration", "declare", f"{board}-1", asked).status_code == 201
        assert found.act("prepareStructureApproval", "approveStructure", f"{board}-2", number=number).status_code == 200
    yield found
    world.close()
