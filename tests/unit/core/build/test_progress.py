"""BuildKit's output becomes counts and sentences."""

from __future__ import annotations

import pytest

from slipway.core.build.progress import Progress, explain

DIGEST = "sha256:" + "a" * 64
CACHED = f"""\
#1 [internal] load build definition from Dockerfile
#1 {DIGEST}
#1 transferring dockerfile: 131B done
#1 DONE 0.0s
#4 [build 1/3] FROM docker.io/library/python:3.11-slim
#4 CACHED
#5 [build 2/3] COPY a b
#5 CACHED
#6 [build 3/3] RUN pip install .
#6 1.573 Collecting flask
#6 DONE 2.6s
#7 [stage-1 2/2] COPY --from=build /a /b
#7 DONE 0.1s
#8 exporting to image
"""


def seen(text: str) -> tuple[Progress, list[str]]:
    progress = Progress()
    shown = [line for line in map(progress.add, text.splitlines()) if line is not None]
    return progress, shown


def test_steps_are_counted_and_noise_is_left_out() -> None:
    progress, shown = seen(CACHED)
    assert (progress.cached, progress.total) == (1, 3)
    assert "#6 1.573 Collecting flask" in shown
    assert not any(DIGEST in line or "transferring" in line for line in shown)


FAILURES = {
    "an exit code": (
        "#5 [2/2] RUN make test\n#5 0.2 boom\n#5 ERROR: executor failed running [/bin/sh -c make test]: exit code: 3\n"
        "------\n > [2/2] RUN make test:\n------\nexecutor failed running [/bin/sh -c make test]: exit code: 3",
        "`RUN make test` ended with exit code 3",
    ),
    "an exit code in newer words": (
        '#5 [2/2] RUN make\n#5 ERROR: process "/bin/sh -c make" did not complete successfully: exit code: 2\n'
        'ERROR: failed to solve: process "/bin/sh -c make" did not complete successfully: exit code: 2',
        "`RUN make` ended with exit code 2",
    ),
    "a step with mounts and build variables": (
        "#5 [2/2] RUN --mount=type=cache,target=/c --mount=type=secret,id=T "
        'export T="$(cat /run/secrets/T 2>/dev/null)"; '
        "exec pip install x\n#5 ERROR: executor failed running [/bin/sh -c x]: exit code: 1",
        "`RUN pip install x` ended with exit code 1",
    ),
    "memory": (
        "#5 [2/2] RUN make\n#5 ERROR: executor failed running [/bin/sh -c make]: exit code: 137",
        "builds here may use 4 GB of memory together",
    ),
    "a base image": (
        "#3 [internal] load metadata for docker.io/library/nosuch:1\n#3 ERROR: failed to do request: no such host\n"
        "failed to solve with frontend dockerfile.v0: failed to create LLB definition: failed to do request",
        "the image nosuch:1 is not on this host and can't be pulled",
    ),
    "an image that is copied from": (
        "#6 FROM docker.io/acme/tools:latest\n#6 ERROR: failed to do request: Head: no such host",
        "the image acme/tools:latest is not on this host",
    ),
    "no more processes": (
        "#5 [2/2] RUN ./many\n#5 0.4 sh: 1: Cannot fork\n"
        "#5 ERROR: executor failed running [/bin/sh -c ./many]: exit code: 2",
        "`RUN ./many` could not start another process (exit code 2): builds here may have 512 together",
    ),
    "a file of the context": (
        '#6 [2/2] COPY missing /x\n#6 ERROR: "/missing" not found: not found\n'
        'failed to compute cache key: "/missing" not found: not found',
        "`COPY missing /x` asks for /missing, which is not there",
    ),
    "a file of another stage": (
        "#5 [2/2] COPY --from=a /no /b\n#5 ERROR: lstat /var/lib/docker/overlay2/e18/merged/no: no such file",
        "asks for /no, which is not there",
    ),
    "the Dockerfile itself": (
        "failed to solve with frontend dockerfile.v0: failed to create LLB definition: dockerfile parse error line 2: "
        "Unknown flag: link",
        "the build failed: line 2 of the Dockerfile can't be read (Unknown flag: link)",
    ),
}


@pytest.mark.parametrize("case", FAILURES)
def test_a_failure_has_a_sentence_and_a_remedy(case: str) -> None:
    output, sentence = FAILURES[case]
    failure = explain(seen(output)[0], memory="4 GB", processes=512, lines=output.splitlines())
    assert sentence in f"{failure.sentence}: {failure.cause}"
    assert failure.remedy


@pytest.mark.parametrize("words", ["rpc error: ", "failed to solve", "--mount=", "/merged"])
def test_words_as_long_as_a_dockerfile_hold_nothing_up(words: str) -> None:
    text = words * ((1 << 20) // len(words))
    output = f"#5 [2/2] RUN {text}\n#5 ERROR: lstat {text}"
    failure = explain(seen(output)[0], memory="4 GB", processes=512, lines=[])
    assert failure.remedy
