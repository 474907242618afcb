"""Names hidden from every tool and document, because files of that name tend to hold secrets."""

import re
from fnmatch import translate

_DIRECTORIES = frozenset(
    {".git", ".hg", ".svn", ".ssh", ".gnupg", ".aws", ".azure", ".kube", ".docker", ".terraform"}
)
_FILES_TEXT = """
    .netrc _netrc .pgpass .npmrc .pypirc .git-credentials .htpasswd .dockercfg credentials
    credentials.json credentials.yaml credentials.yml credentials.toml secrets.json secrets.yaml
    secrets.yml secrets.toml service-account.json .vault-token .authinfo .my.cnf terraform.tfstate
"""
_FILES = frozenset(_FILES_TEXT.split())
_PATTERNS_TEXT = """
    .env .env.* *.env .envrc *.pem *.key *.p12 *.pfx *.jks *.keystore *.kdbx *.ppk *.asc *.gpg
    id_rsa* id_dsa* id_ecdsa* id_ed25519* *.tfstate *.tfstate.backup *.tfvars .docgen-part-*
"""
_PATTERN = re.compile("|".join(translate(pattern) for pattern in _PATTERNS_TEXT.split()))
#: templates of secret files that people publish on purpose
_PUBLIC_SUFFIXES = (".example", ".sample", ".template", ".dist", ".pub")


def hides(name: str) -> bool:
    """Whether a file or directory called `name` is hidden. Case does not count: some disks ignore it."""
    folded = name.casefold()
    if folded in _DIRECTORIES or folded in _FILES:
        return True
    if folded.endswith(_PUBLIC_SUFFIXES):
        return False
    return _PATTERN.match(folded) is not None


def nothing(name: str) -> bool:  # noqa: ARG001 - a predicate of the same shape as `hides`
    """Hide nothing: for trees that only this server reads, such as the objects of a repository."""
    return False
