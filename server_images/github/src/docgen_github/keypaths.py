"""Where in docgen.yaml the settings of this server stand, so that every message can name the fix."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KeyPaths:
    """Key paths below the entry of this server, whatever the user called it."""

    server: str

    def option(self, name: str) -> str:
        """One of the options."""
        return f"servers/{self.server}/options/{name}"

    @property
    def token(self) -> str:
        """The variable that the token is read from, as far as the server can know."""
        own = "" if self.server == "github" else f" (or what servers/{self.server}/secrets names for it)"
        return f"GITHUB_TOKEN{own}"

    @property
    def repositories(self) -> str:
        """The allowlist of repositories."""
        return f"servers/{self.server}/options/repositories"

    @property
    def api_url(self) -> str:
        """The base URL of the REST API."""
        return f"servers/{self.server}/options/api_url"

    @property
    def egress(self) -> str:
        """Further hosts that the egress proxy lets this server reach."""
        return f"servers/{self.server}/egress/allow"
