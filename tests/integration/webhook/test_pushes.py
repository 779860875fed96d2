"""A push becomes one deployment for each app that it concerns."""

from __future__ import annotations

from collections.abc import Callable

from tests.integration.webhook.sender import AFTER, Hooked, TestClientSender


def test_a_push_makes_a_deployment_of_its_exact_commit(
    sender: TestClientSender, hooked: Callable[..., Hooked]
) -> None:
    acme = hooked()
    answer = sender.send(acme.hook_id, delivery_id="d-1")
    assert answer.status_code == 202, answer.data
    (deployment,) = acme.deployments()
    assert answer.json == {
        "message": "2222222 is being deployed: hello",
        "delivery": "d-1",
        "deployments": [
            {"id": deployment.id, "app": "hello", "url": f"https://slipway.example/api/deployments/{deployment.id}"}
        ],
    }
    assert (deployment.kind, deployment.ref, deployment.commit_sha) == ("push", "refs/heads/main", AFTER)
