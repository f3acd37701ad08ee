"""A real browser for journeys: Debian's Chromium, a phone's or a desk's screen, and an authenticator that is always touched.

The authenticator is the browser's own virtual one (Chrome DevTools Protocol, domain WebAuthn): it makes and shows passkeys as a
phone does, user verification included. Nothing else is simulated.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

CHROMIUM = shutil.which("chromium")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
DESK: dict[str, Any] = {"viewport": {"width": 1200, "height": 800}}
PATIENCE = 15_000
"""Milliseconds."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    assert CHROMIUM, "chromium is not installed (make setup)"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield browser
        finally:
            browser.close()


@dataclass
class Visitor:
    """Somebody in front of a browser of their own, with an authenticator in their hand."""

    page: Page
    session: CDPSession
    authenticator: str
    complaints: list[str] = field(default_factory=list)
    """What the browser reported: errors of scripts, things that the content security policy stopped."""

    @classmethod
    def arrive(cls, browser: Browser, screen: dict[str, Any], *, proposes: bool = False) -> Visitor:
        """Open a browser for somebody new; `proposes`: it shows passkeys in fields (and the finger is on the sensor already)."""
        page = browser.new_context(locale="fr-FR", **screen).new_page()
        page.set_default_timeout(PATIENCE)
        if not proposes:
            page.add_init_script("delete PublicKeyCredential.isConditionalMediationAvailable")
        session = page.context.new_cdp_session(page)
        session.send("WebAuthn.enable")
        options = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True}
        made = session.send("WebAuthn.addVirtualAuthenticator", {"options": options | {"isUserVerified": True}})
        visitor = cls(page, session, made["authenticatorId"])
        page.on("console", lambda message: visitor.complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: visitor.complaints.append(str(error)))
        return visitor

    def verified(self, is_it_them: bool) -> None:
        """Say whether the finger on the sensor is the owner's."""
        self.session.send("WebAuthn.setUserVerified", {"authenticatorId": self.authenticator, "isUserVerified": is_it_them})

    def touched(self, at_once: bool) -> None:
        """Say whether the authenticator is touched as soon as it asks, or not at all."""
        state = {"authenticatorId": self.authenticator, "enabled": at_once}
        self.session.send("WebAuthn.setAutomaticPresenceSimulation", state)

    def credentials(self) -> list[dict[str, Any]]:
        """Return what the authenticator holds."""
        found: list[dict[str, Any]] = self.session.send("WebAuthn.getCredentials", {"authenticatorId": self.authenticator})[
            "credentials"
        ]
        return found

    def picture(self, path: Path) -> None:
        """Keep what the screen shows, whole."""
        self.page.screenshot(path=path, full_page=True)

    def scrolls_sideways(self) -> bool:
        """Tell whether the page is wider than the screen."""
        wider: bool = self.page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        return wider
