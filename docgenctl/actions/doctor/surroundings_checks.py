"""Checks of the surroundings: variables, proxies, certificates and programs that the shell brings along."""

import os
import shutil
import ssl
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from docgenctl.actions.doctor.scene import Scene
from docgenctl.model.diagnosis import Outcome, ok, problem, warning

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_CA_FILES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "PIP_CERT", "NODE_EXTRA_CA_CERTS")


def proxy(scene: Scene) -> Outcome:
    """Proxy variables are readable, agree, and leave this machine out."""
    environ = scene.environ
    found = {name: _both(environ, name) for name in _PROXIES}
    set_ = {name: values for name, values in found.items() if any(values)}
    if not set_:
        return ok("no proxy is set")
    wrong = [
        f"{name} is {_shown(value)!r}, which is no proxy address"
        for name, values in set_.items()
        for value in values
        if value and not _is_address(value)
    ]
    if wrong:
        return problem(
            wrong[0], *wrong[1:], fix=f"export {wrong[0].split()[0]}=http://proxy.example.com:3128"
        )
    differing = [name for name, (upper, lower) in set_.items() if upper and lower and upper != lower]
    if differing:
        name = differing[0]
        return warning(
            f"{name} and {name.lower()} differ: programs disagree on which they read",
            fix=f"unset {name.lower()}",
        )
    spared = {part.strip() for value in _both(environ, "NO_PROXY") for part in value.split(",")}
    told = tuple(f"{name}={_shown(upper or lower)}" for name, (upper, lower) in set_.items())
    missing = [host for host in ("localhost", "127.0.0.1") if host not in spared and "*" not in spared]
    if missing:
        return warning(
            f"NO_PROXY leaves out {' and '.join(missing)}: clients would look for the stack at the proxy;"
            " docgenctl itself does not",
            *told,
            fix="export NO_PROXY=localhost,127.0.0.1,$NO_PROXY",
        )
    return ok("a proxy is set, and this machine is left out of it", *told)


def _both(environ: Mapping[str, str], name: str) -> tuple[str, str]:
    return environ.get(name, ""), environ.get(name.lower(), "")


def _is_address(value: str) -> bool:
    try:
        parts = urlsplit(value if "://" in value else f"http://{value}")
        return bool(parts.hostname) and (parts.port or 1) > 0 and " " not in value
    except ValueError:
        return False


def _shown(value: str) -> str:
    """The address without a password."""
    scheme, mark, rest = value.rpartition("://")
    return f"{scheme}{mark}…@{rest.rpartition('@')[2]}" if "@" in rest else value


def certificates(scene: Scene) -> Outcome:
    """Certificate files that variables name are there, readable, and hold certificates that are valid."""
    told, wrong, worn = [], [], []
    for name in _CA_FILES:
        value = scene.environ.get(name, "")
        if not value:
            continue
        mistake, expired, count = _judge_bundle(Path(value))
        if mistake:
            wrong.append((name, f"{name}={value}: {mistake}"))
        else:
            told.append(f"{name}={value}: {count} certificates")
            # Every system's bundle has a few expired roots; one of which most have expired is forgotten.
            if 2 * expired > count:
                worn.append(f"{name}={value}: {expired} of {count} certificates have expired")
    folder = scene.environ.get("SSL_CERT_DIR", "")
    if folder and not any(Path(part).is_dir() for part in folder.split(":")):
        wrong.append(("SSL_CERT_DIR", f"SSL_CERT_DIR={folder}: no such directory"))
    if wrong:
        return problem(
            *(text for _, text in wrong), fix=f"unset {wrong[0][0]}, or name a bundle that is there"
        )
    if worn:
        return warning(*worn, fix="renew the bundle: sudo update-ca-certificates")
    return ok("; ".join(told) or "no variable names certificates; the system's are used")


def _judge_bundle(path: Path) -> tuple[str, int, int]:
    """What is wrong with a bundle, how many of its certificates have expired, and how many it has."""
    try:
        text = path.read_bytes()
    except OSError as error:
        return error.strerror or str(error), 0, 0
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=text.decode("ascii", "ignore"))
    except (ssl.SSLError, ValueError):
        return "it holds no certificate that can be read", 0, 0
    ends = [ssl.cert_time_to_seconds(str(each["notAfter"])) for each in context.get_ca_certs()]
    count = text.count(b"-----BEGIN CERTIFICATE-----")
    return "", sum(end < time.time() for end in ends), max(count, len(ends))


def variables(scene: Scene) -> Outcome:
    """Variables that steer `docker compose` in this shell, and not docgenctl."""
    found = [name for name in sorted(scene.environ) if name.startswith("COMPOSE_") and scene.environ[name]]
    steering = [
        name for name in found if name in ("COMPOSE_FILE", "COMPOSE_PROJECT_NAME", "COMPOSE_PROFILES")
    ]
    if steering:
        return warning(
            f"{', '.join(steering)} steer `docker compose` here, and docgenctl does not read them: both would"
            " speak of different stacks",
            fix=f"unset {' '.join(steering)}",
        )
    return ok(f"{', '.join(found)} do no harm" if found else "no variable of Compose is set")


def programs(scene: Scene) -> Outcome:
    """The `docker` that the shell finds is one that nobody else could have put there."""
    path = scene.environ.get("PATH", "")
    found = shutil.which("docker", path=path)
    if found is None:
        return ok("no docker program in PATH; docgenctl runs none")
    real = Path(os.path.realpath(found))
    doubts = []
    if not Path(found).is_absolute():
        doubts.append(f"it is found through {found!r}, relative to where one stands")
    for place in dict.fromkeys((Path(found).absolute().parent, real.parent, real)):
        mode = place.stat()
        if mode.st_mode & 0o002 and not (place.is_dir() and mode.st_mode & 0o1000):
            doubts.append(f"everybody may write to {place}")
        if mode.st_uid not in (0, os.geteuid()):
            doubts.append(f"{place} belongs to uid {mode.st_uid}")
    if real.is_relative_to(scene.workspace()):
        doubts.append("it lies in the workspace")
    if doubts:
        return warning(
            f"the docker program is {found}, and {doubts[0]}; docgenctl runs none, but you may",
            *doubts[1:],
            fix="take that directory out of PATH",
        )
    return ok(f"the docker program is {found}")
