"""certificates: what the app's hosts are served with."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from slipway.cli.click_groups import noun
from slipway.cli.invocation import Invocation, app_option, command, listing, segment
from slipway.cli.output import one_line

_MOST_BYTES = 64 << 10
_STEP = 120
_FILE = click.Path(exists=True, dir_okay=False, allow_dash=False, path_type=Path)
_CONVERSIONS = {
    "--certificate": ("x509 -inform der -in FILE -out cert.pem", "-in FILE -nokeys -out fullchain.pem"),
    "--key": ("pkey -inform der -in FILE -out key.pem", "-in FILE -nocerts -nodes -out key.pem"),
}


@noun(instead="slipway certificates add {}")
@app_option
@command
def certificates(call: Invocation) -> None:
    """The certificates of the app's hosts."""
    if not listing():
        return
    listed = call.client.get(call.app_path("/domains"))["domains"]
    shown = [{"host": each["host"], "name": each["name"], "certificate": each["certificate"]} for each in listed]
    if call.out.as_json:
        call.out.document({"certificates": shown})
        return
    rows = [_row(each["name"], each["certificate"]) for each in shown if each["certificate"]]
    headings = ("host", "from", "state", "until", "next step")
    call.out.table(headings, rows, empty="None: this installation serves no HTTPS, or no host leads to the app.")


def _row(name: str, certificate: Mapping[str, Any]) -> tuple[str, ...]:
    state = f"{certificate['state']}: {certificate['reason']}" if certificate["reason"] else certificate["state"]
    until = certificate["not_after"][:10] if certificate["not_after"] else "-"
    alarm = " (alarm)" if certificate["alarm"] else ""
    return name, _giver(certificate), state, f"{until}{alarm}", one_line(certificate["next_step"], _STEP)


def _giver(certificate: Mapping[str, Any]) -> str:
    if certificate["source"] == "own":
        return one_line(f"own, signed by {certificate['issuer']}", 60)
    return "authority" if certificate["state"] != "none" else "-"


@certificates.command()
@click.argument("host")
@click.option(
    "--certificate", "certificate_file", type=_FILE, required=True, help="PEM: the host's own, then its chain in order."
)
@click.option("--key", "key_file", type=_FILE, required=True, help="PEM, not encrypted. Nobody is ever shown it.")
@app_option
@command
def add(call: Invocation, host: str, certificate_file: Path, key_file: Path) -> None:
    """Serve a host with a certificate of your own, or with the next one of it.

    \b
    slipway certificates add shop.example --certificate fullchain.pem --key key.pem

    It takes the place of the authority's within seconds, without an interruption. Slipway does not renew it: add the
    next one before it runs out.
    """
    body = {"certificate": _pem(certificate_file, "--certificate"), "key": _pem(key_file, "--key")}
    given = call.client.put(call.app_path(f"/domains/{segment(host)}/certificate"), body)
    for warning in given["warnings"]:
        call.out.hint(f"{warning}.")
    until = given["not_after"][:10]
    call.answer(given, f"{host} gets it within seconds; it is good until {until}. See: slipway certificates")


@certificates.command()
@click.argument("host")
@app_option
@command
def remove(call: Invocation, host: str) -> None:
    """Go back to the authority's certificate. Until that is there, the own one is served."""
    call.client.delete(call.app_path(f"/domains/{segment(host)}/certificate"))
    call.answer({"host": host}, f"{host} goes back to the authority's certificate. See: slipway certificates")


def _pem(file: Path, option: str) -> str:
    """The file's text. What is no text is no PEM."""
    content = file.read_bytes()[: _MOST_BYTES + 1]
    if len(content) > _MOST_BYTES:
        raise click.BadParameter(f"{file} has more than {_MOST_BYTES >> 10} KiB", param_hint=option)
    if b"-----BEGIN " not in content:
        raise click.BadParameter(f"{file} is no PEM. {_how_to_convert(option)}", param_hint=option)
    return content.decode("utf-8-sig", errors="replace").replace("\0", "")


def _how_to_convert(option: str) -> str:
    binary, archive = _CONVERSIONS[option]
    return f"Convert it: openssl {binary}, or of a .pfx or .p12: openssl pkcs12 {archive}"
