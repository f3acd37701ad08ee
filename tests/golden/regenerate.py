"""One golden file for each profile of the demonstration: a whole certificate, byte for byte, and what the linters say of it.

The certificate is deterministic: specimen subject and key, fixed serial and dates, a test issuer whose private key comes from
a word, RFC 6979 signatures. A change in a profile, in the compiler, in pyca or in pkilint shows as a diff for somebody to read.
"""

from __future__ import annotations

import json
import textwrap
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from pki.lint.corpus import TRIAL_BASE_URL
from pki.lint.external import lint_certificate
from pki.lint.rules import check
from pki.profiles.compiled import CompiledProfile
from pki.profiles.model import IssuerView, Particulars, Profile
from pki.profiles.specimens import specimen_spki, specimen_subjects
from tests.builders.profiles import profiles
from trust import der
from trust.algorithms import ALGORITHMS
from trust.naming import AuthoritySubject

FOLDER = Path(__file__).parent / "profiles"
SUFFIX = ".golden"

ISSUER_KEY = ec.derive_private_key(int.from_bytes(b"sceau golden issuer"), ec.SECP256R1())
"""Known to everybody who reads this line: it signs golden files and nothing else."""

BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ISSUER_BEGIN, ISSUER_END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2046, 1, 1, tzinfo=UTC)
SERIAL = bytes.fromhex("4b1d5c0ffee0ddba115eed0123456789")


def golden_issuer(profile: Profile) -> IssuerView:
    """Return the issuer of golden certificates: the root for an authority, an issuing CA with shards and a delta for the rest."""
    ca_id = "racine" if profile.authority else "personnes" if profile.subject == "person" else "organisations"
    name = AuthoritySubject(f"SCEAU TEST {ca_id.upper()}", "SCEAU TEST")
    root = IssuerView.of_root(ca_id, name, ISSUER_KEY.public_key(), (ISSUER_BEGIN, ISSUER_END), base_url=TRIAL_BASE_URL)
    return root if profile.authority else replace(root, shards=4, delta=True)


def golden_certificate(profile: Profile) -> tuple[CompiledProfile, Particulars, bytes]:
    """Return a profile, compiled, what its golden certificate certifies, and the certificate, DER."""
    compiled = CompiledProfile(profile, golden_issuer(profile))
    subject = specimen_subjects(profile, compiled.issuer)[0]
    key = der.sequence() if profile.self_signed else specimen_spki(profile.subject_keys[0])
    begin = ISSUER_BEGIN if profile.self_signed else BEGIN
    end = min(begin + timedelta(days=profile.validity_days), ISSUER_END)
    particulars = Particulars(subject, key, SERIAL, begin, end, 2 if compiled.issuer.shards > 2 else 0)
    if profile.self_signed:
        particulars = next(compiled.particulars())._replace(serial=SERIAL)
    tbs = compiled.render(*particulars)
    signature = ISSUER_KEY.sign(tbs, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))
    return compiled, particulars, der.sequence(tbs, ALGORITHMS["P-256"].identifier, der.bit_string(signature))


def golden_text(profile: Profile) -> str:
    """Return the whole golden file of a profile."""
    compiled, particulars, certificate = golden_certificate(profile)
    tbs = compiled.render(*particulars)
    findings = check(tbs, compiled, particulars.not_before, particulars)
    findings += lint_certificate(certificate, profile.lint, profile.accepted)
    lines = [
        f"profile: {profile.id} ({profile.title})",
        f"digest: {compiled.digest}",
        f"issuer: {json.dumps(compiled.issuer.record(), ensure_ascii=False, sort_keys=True)}",
        f"subject: {json.dumps(particulars.subject.record(), ensure_ascii=False, sort_keys=True)}",
        f"rules: {profile.lint}",
        "",
        "-----BEGIN CERTIFICATE-----",
        *textwrap.wrap(b64encode(certificate).decode(), 64),
        "-----END CERTIFICATE-----",
        "",
        *sorted(map(str, findings)),
    ]
    return "\n".join(lines).rstrip() + "\n"


def main() -> None:
    """Write every golden file, and remove those of profiles that are no more."""
    wanted = {f"{profile_id}{SUFFIX}": golden_text(profile) for profile_id, profile in profiles().items()}
    for path in FOLDER.glob(f"*{SUFFIX}"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    print(f"{len(wanted)} golden files in {FOLDER.name}/")


if __name__ == "__main__":
    main()
