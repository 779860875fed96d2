"""Cloud Native Buildpacks: https://github.com/buildpacks/spec/blob/main/platform.md"""

from __future__ import annotations

from collections.abc import Sequence

from slipway.core.build.named.builder import Builder
from slipway.core.build.templates.template import BaseImages, ending, text

_PLATFORM_API = "0.9"


def _buildpacks(images: BaseImages, names: Sequence[str]) -> str:
    """The lifecycle's phases, each as the builder's own user: detect, build, and what its exporter would put together.
    Layers that are for the build alone are left out."""
    secrets = "".join(f"--mount=type=secret,id={name},target=/platform/env/{name},mode=0444 " for name in names)
    phase = f"RUN {secrets}/cnb/lifecycle/{{}} -app /workspace -layers /layers -platform /platform"
    return text(
        [
            f"FROM {images.buildpacks_builder} AS build",
            "USER root",
            "COPY . /workspace",
            'RUN mkdir -p /layers /platform/env && chown -R "$CNB_USER_ID:$CNB_GROUP_ID" /workspace /layers /platform',
            f"ENV CNB_PLATFORM_API={_PLATFORM_API}",
            "USER ${CNB_USER_ID}:${CNB_GROUP_ID}",
            phase.format("detector"),
            phase.format("builder"),
            "USER root",
            'RUN for each in /layers/*/*.toml; do grep -Eq "^ *launch *= *true" "$each" || rm -rf "${each%.toml}"; done'
            " && mkdir -p /out/lifecycle /out/process && cp /cnb/lifecycle/launcher /out/lifecycle/"
            " && ln -s /cnb/lifecycle/launcher /out/process/web",
            f"FROM {images.buildpacks_run}",
            "COPY --from=build /out /cnb",
            "COPY --from=build /layers /layers",
            "COPY --from=build /workspace /workspace",
            "WORKDIR /workspace",
            f"ENV CNB_PLATFORM_API={_PLATFORM_API} CNB_APP_DIR=/workspace CNB_LAYERS_DIR=/layers",
            'ENTRYPOINT ["/cnb/lifecycle/launcher", "--"]',
            *ending(["/cnb/process/web"]),
        ]
    )


BUILDPACKS = Builder("buildpacks", ("buildpacks_builder", "buildpacks_run"), _buildpacks)
