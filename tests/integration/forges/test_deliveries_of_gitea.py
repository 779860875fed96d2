"""Pushes to a real Gitea are delivered and deployed, in each of the ways in which it delivers."""

from __future__ import annotations

import pytest

from slipway.models import Deployment
from tests.fixtures.waiting import eventually
from tests.integration.forges.conftest import SECRET, Hosted, Installation

QUEUES_FOR_S = 60
"""Gitea delivers a second or two after the push, also one that came before the hook."""


def deployments_of(installation: Installation, commit: str) -> list[Deployment]:
    """Once there are some."""

    def found() -> list[Deployment]:
        return [each for each in installation.deployments() if each.commit_sha == commit]

    there: list[Deployment] = eventually(found, within_s=QUEUES_FOR_S, what=f"a deployment of {commit[:7]} is there")
    return there


@pytest.mark.parametrize(
    ("kind", "content_type"), [("gitea", "json"), ("gitea", "form"), ("gogs", "json"), ("gogs", "form")]
)
def test_a_push_is_delivered_and_deployed(
    hosted: Hosted, installation: Installation, kind: str, content_type: str
) -> None:
    hosted.push("First", a__txt="a")
    hosted.gitea.add_hook(hosted.name, installation.address, SECRET, kind=kind, content_type=content_type)
    commit = hosted.push("Fix the cart total", a__txt="b")
    [deployment] = deployments_of(installation, commit)
    assert deployment.ref == "refs/heads/main"
    assert (deployment.message.strip(), deployment.pushed_by) == ("Fix the cart total", "dev")
    [delivery] = [each for each in installation.deliveries() if each.commit_sha == commit]
    assert (delivery.event, delivery.outcome, len(delivery.delivery_id)) == ("push", "deployed", 36)


def test_a_delivery_with_another_secret_is_refused(hosted: Hosted, installation: Installation) -> None:
    hosted.push("First", a__txt="a")
    hosted.gitea.add_hook(hosted.name, installation.address, "another")
    hosted.gitea.add_hook(hosted.name, installation.address, SECRET)
    commit = hosted.push("Second", a__txt="b")
    assert len(deployments_of(installation, commit)) == 1
    assert {each.outcome for each in installation.deliveries()} == {"deployed"}


def test_gitea_tries_a_hook_with_a_push_that_is_taken(hosted: Hosted, installation: Installation) -> None:
    hosted.push("First", a__txt="a")
    eventually(lambda: not hosted.gitea.is_empty(hosted.name), within_s=QUEUES_FOR_S, what="Gitea has seen the push")
    hook = hosted.gitea.add_hook(hosted.name, installation.address, SECRET)
    hosted.gitea.call("POST", f"/repos/dev/{hosted.name}/hooks/{hook}/tests")
    found = eventually(installation.deliveries, within_s=QUEUES_FOR_S, what="the delivery is there")
    assert {each.outcome for each in found} == {"deployed"}
