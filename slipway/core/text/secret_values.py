"""Which of an app's variables are secret, so that the others' values stay readable: `production`, `python`, a port.

A value is secret when somebody marked it so, when its name says so, and when it looks as if nobody could guess it. Only
what is plainly made of words and small numbers is not. Of a URL with a login, the login is.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from urllib.parse import unquote, urlsplit

_SAYS_SO = re.compile(
    r"(?:^|_)(?:PASS|PASSWD|PASSWORD|PASSPHRASE|PASSCODE|PWD|PW|SECRETS?|TOKENS?|KEYS?|APIKEY|CREDENTIALS?|CREDS?|PRIVATE"
    r"|SALT|PEPPER|SIGNATURE|PIN|OTP|DSN|COOKIE|WEBHOOK|CERT|LICENSE|PAT|JWT|BEARER|AUTH)(?:_|\d*$)",
    re.IGNORECASE,
)
_SAYS_SO_ANYWHERE = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|APIKEY|(?:SECRET|TOKEN)S?\d*$|(?:DB|SQL|USER|MAIL|SMTP|REDIS|ADMIN|ROOT)PASS",
    re.IGNORECASE,
)
"""`PGPASSWORD`, `AUTHTOKEN`, `DBPASS`."""
_CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SEPARATORS = re.compile(r"[-_./:,=?&* \[\](){}\n\t]+")
_ADDRESS = re.compile(r"\+?[\w.-]+@[\w-]+(?:\.[\w-]+)+|\+\d[\d ]{5,20}")
"""Of somebody's mail, or telephone."""
_NUMBER = re.compile(r"\d{1,8}")
_WORD = re.compile(r"[a-z]{1,20}|[A-Z]{1,20}|[A-Z][a-z]{1,19}|[A-Za-z][a-z]{2,15}[A-Z][a-z]{2,15}")
_WORD_AND_NUMBER = re.compile(r"(?P<letters>[A-Za-z]{1,12})\d{1,3}[a-z]{0,2}|\d{1,4}(?:[a-z]{1,3}|[A-Z]{1,3})")
_LOCALE = re.compile(r"[a-z]{2,3}_[A-Z]{2}(?:\.[\w-]{1,12})?")
_CONSONANTS = re.compile(r"[bcdfghjklmnpqrstvwxz]{6,}", re.IGNORECASE)
_MOST_SEGMENTS = 40
_PASSPHRASE_WORDS = 4
"""So many words of small letters, and nothing else, are a passphrase rather than a name."""
_PASSPHRASE = re.compile(rf"[a-z]{{3,10}}(?:[ -][a-z]{{3,10}}){{{_PASSPHRASE_WORDS - 1},}}")
_SHORT_WORD, _LONG_WORD = 5, 8
_COMMON_PAIRS = frozenset(
    """
    lh oc ka af
    th he in er an re nd on en at ou ed ha to or it is hi es ng st ar te se al le ti nt ve co de ra ro li ri io ic
    ne ea me ce ll el ch si ta om la ur ma ns ss us em ec tr et ac rs di no pe lo so tt ho po as ol be we wa un pr
    ut pl ge ex od du uc ct ig up ub ad ap da ev op nv vi ir mo ot ca do ul ia sp im ag ab og am ef fa au ck ki ke
    ey ow ew il ie rt qu ui iz za bu ug su pa ni ty py yt id if fo lt ts mp ph gr gi fi fl br bl cr cl dr sh sc sk
    sq ql my ys sy nf av va ga na ay sa ba ob jo ja ok oo ee ai oa oi pi bi ci mi vo rv xt tp ht ps ls ff pp mm nn
    gg dd cc rr
    """.split()  # noqa: SIM905 - a list of so many is not to be read
)


def secret_values(variables: Mapping[str, str], marked: Collection[str] = ()) -> tuple[str, ...]:
    """What is to be masked of these variables. `marked`: the names that somebody marked as secret."""
    return tuple(found for name, value in variables.items() for found in _secrets(name, value, name in marked))


def _secrets(name: str, value: str, marked: bool) -> Iterator[str]:
    if marked or is_called_secret(name):
        yield value
    login, rest = _login(value)
    if login:
        yield from dict.fromkeys((login, unquote(login)))
    if not is_ordinary(rest):
        yield value


def is_called_secret(name: str) -> bool:
    """`clientSecret` says it as `CLIENT_SECRET` does."""
    return bool(_SAYS_SO.search(_CAMEL_CASE.sub("_", name)) or _SAYS_SO_ANYWHERE.search(name))


def _login(value: str) -> tuple[str, str]:
    """The password in a URL, and the URL without its login."""
    if "://" not in value or "@" not in value:
        return "", value
    try:
        parts = urlsplit(value.strip())
    except ValueError:
        return "", value
    login, at, host = parts.netloc.rpartition("@")
    if not at:
        return "", value
    user, colon, password = login.partition(":")
    return (password if colon else user), parts._replace(netloc=host).geturl()


def is_ordinary(value: str) -> bool:
    """Is it made of words and small numbers, as names, hosts, paths, versions and switches are?"""
    if _ADDRESS.fullmatch(value) or _LOCALE.fullmatch(value):
        return True
    segments = [segment for segment in _SEPARATORS.split(value) if segment]
    if len(segments) > _MOST_SEGMENTS or _PASSPHRASE.fullmatch(value):
        return False
    mixed = [segment for segment in segments if not _NUMBER.fullmatch(segment) and not _is_word(segment)]
    if mixed and len({style for segment in segments if (style := _case_of(segment))}) > 1:
        return False
    return len(mixed) <= 1 + len(segments) // 3 and all(map(_is_word_and_number, mixed))


def _case_of(segment: str) -> str:
    """Empty: it has no letters."""
    letters = "".join(filter(str.isalpha, segment))
    if not letters:
        return ""
    return "small" if letters.islower() else "large" if letters.isupper() else "both"


def _is_word(segment: str) -> bool:
    return bool(_WORD.fullmatch(segment)) and not _CONSONANTS.search(segment) and _reads_like_one(segment.lower())


def _reads_like_one(word: str) -> bool:
    """Most of a word's pairs of letters are common in English; of random letters a third is."""
    if len(word) < _SHORT_WORD:
        return True
    pairs = [word[at : at + 2] for at in range(len(word) - 1)]
    needed = 0.5 if len(word) < _LONG_WORD else 0.7
    return sum(pair in _COMMON_PAIRS for pair in pairs) >= needed * len(pairs)


def _is_word_and_number(segment: str) -> bool:
    """`python3`, `utf8`, `30s`."""
    found = _WORD_AND_NUMBER.fullmatch(segment)
    return found is not None and (not found["letters"] or _is_word(found["letters"]))
