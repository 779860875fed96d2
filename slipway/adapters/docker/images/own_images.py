"""Which images of the Engine are an installation's own: what it built has its labels, what it pulled only its tag. A
promotion's tag names its own deployment, whatever the labels of the image say."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from docker import APIClient

from slipway.adapters.docker.containers import DEPLOYMENT_LABEL
from slipway.adapters.docker.networks import INSTANCE_LABEL
from slipway.core.build import image_names
from slipway.ports.runtime import OwnImage


def listed(api: APIClient, instance: str) -> list[OwnImage]:
    """All of them, by each of their tags."""
    namespace = image_names.pulled_namespace(instance)
    built = api.images(filters={"label": f"{INSTANCE_LABEL}={instance}"})
    pulled = api.images(filters={"reference": f"{namespace}/*"})
    return [*_built(built), *_pulled(pulled, f"{namespace}/")]


def _built(images: list[dict[str, Any]]) -> Iterator[OwnImage]:
    for image in images:
        deployment_id = (image["Labels"] or {}).get(DEPLOYMENT_LABEL, "")
        tags = [tag for tag in image["RepoTags"] or [] if tag != "<none>:<none>"]
        own = [tag for tag in tags if image_names.is_built(tag)]
        if deployment_id.isdecimal():
            for name in own or ([] if tags else [image["Id"]]):
                yield OwnImage(name, image["Id"], image_names.deployment_in(name) or int(deployment_id))


def _pulled(images: list[dict[str, Any]], namespace: str) -> Iterator[OwnImage]:
    for image in images:
        for tag in image["RepoTags"] or []:
            deployment_id = image_names.deployment_in(tag)
            if tag.startswith(namespace) and deployment_id is not None:
                yield OwnImage(tag, image["Id"], deployment_id)
