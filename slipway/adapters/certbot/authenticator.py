"""certbot's plug-in `slipway-edge`: the edge answers the authority's challenges (http-01).

certbot finds it by its entry point in pyproject.toml, and runs it in certbot's process.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from acme import challenges
from certbot import achallenges, errors, interfaces
from certbot.plugins import common
from redis.exceptions import RedisError

from slipway import settings
from slipway.adapters.redis import work_queue
from slipway.adapters.redis.challenges import RedisChallenges


class Authenticator(common.Plugin, interfaces.Authenticator):
    """Writes what edges answer to Redis, where they read it at the moment they are asked."""

    description = "Slipway's edge answers the authority"

    @classmethod
    def add_parser_arguments(cls, add: Callable[..., None]) -> None:
        """None: what it needs is in the settings, since arguments can be read by everybody on the host."""

    def prepare(self) -> None:
        self._challenges = RedisChallenges(work_queue.connect(settings.load().redis_url))

    def more_info(self) -> str:
        return self.description

    def get_chall_pref(self, _identifier: str) -> Iterable[type[challenges.Challenge]]:
        return [challenges.HTTP01]

    def perform(self, achalls: list[achallenges.AnnotatedChallenge]) -> list[challenges.ChallengeResponse]:
        try:
            return [self._offer(each) for each in achalls]
        except RedisError as error:
            raise errors.PluginError(f"Redis does not answer: {error}") from error

    def _offer(self, challenge: Any) -> challenges.ChallengeResponse:
        response, key_authorization = challenge.response_and_validation()
        self._challenges.offer(challenge.identifier.value, challenge.chall.encode("token"), key_authorization)
        return response  # type: ignore[no-any-return]

    def cleanup(self, achalls: list[achallenges.AnnotatedChallenge]) -> None:
        try:
            for each in achalls:
                self._challenges.withdraw(each.chall.encode("token"))
        except RedisError as error:
            raise errors.PluginError(f"Redis does not answer: {error}") from error
