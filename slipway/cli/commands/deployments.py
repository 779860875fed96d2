"""deploy, promote, deployments, rollback: what runs, and how it came to run."""

from __future__ import annotations

import click

from slipway.cli.checkout.branch_head import deployment_of_head, follow_on, just_failed, made_by_hand
from slipway.cli.click_groups import noun
from slipway.cli.completion import complete_app
from slipway.cli.invocation import Invocation, app_option, command, listing
from slipway.cli.numbers import DEPLOYMENT
from slipway.cli.output import ago, one_line, state, version
from slipway.cli.streams import build_log
from slipway.cli.streams.following import follow, timeout_option, watch_options
from slipway.cli.streams.transcript import Deployment, whole
from slipway.cli.streams.watching import address
from slipway.core.deployment.ordering import rolled_back_by
from slipway.core.deployment.states import State
from slipway.core.text.amounts import seconds


@click.command()
@app_option
@click.option("--ref", metavar="REF", help="Branch, tag or commit to deploy; else the app's branch.")
@click.option("--image", metavar="REF", help="Image to deploy, which becomes the app's once live; else the app's.")
@click.option("--rebuild", is_flag=True, help="Make it anew also when it is live already.")
@watch_options
@command
def deploy(
    call: Invocation, ref: str | None, image: str | None, rebuild: bool, watch: bool | None, timeout: float
) -> None:
    """Deploy the head of the app's branch, or what is named.

    Without --ref, --image and --rebuild: what is under way for exactly the branch's head is followed. Right after a
    push its delivery is waited for, five seconds at most; then the head is deployed by hand. What is superseded
    meanwhile is followed by what makes the new head live. A push that changes nothing under the app's paths is done
    when it is skipped; --ref with the branch's name deploys it all the same. A commit that is live already, or an image
    whose tag has not moved, is skipped, unless what its build takes was changed since.

    A CI job that has no SLIPWAY_TOKEN deploys with its own token, where the app trusts it: slipway publishers.
    """
    given = {"ref": ref, "image": image, "rebuild": rebuild}
    wanted = {name: value for name, value in given.items() if value}
    if wanted or call.is_ci_job:
        follow(call, made_by_hand(call, wanted), watch, timeout)
        return
    found = deployment_of_head(call)
    if just_failed(found):
        again = f"slipway deploy -a {call.app} --ref {_ref(found)}"
        call.out.hint(f"The push has just failed. To deploy it again: {again}")
        watch = True
    watch = True if found["state"] == State.SKIPPED else watch
    follow(call, found, watch, timeout, go_on=lambda ended: follow_on(call, ended))


@click.command()
@app_option
@click.option("--to", metavar="APP", required=True, shell_complete=complete_app, help="The app that gets the image.")
@watch_options
@command
def promote(call: Invocation, to: str, watch: bool | None, timeout: float) -> None:
    """Deploy what serves one app as another, without a build.

    The very image that serves staging, say, goes to production. Variables, settings, scale and domains stay those of
    the app that gets it.
    """
    made = call.client.post(call.app_path("/promote"), {"to": to})
    follow(call, made, watch, timeout, what=f"brings {to} what serves {call.app} and ")


@click.command()
@app_option
@click.option("--to", metavar="N", help="Release to go back to, such as 12 or v12; else the one before.")
@watch_options
@command
def rollback(call: Invocation, to: str | None, watch: bool | None, timeout: float) -> None:
    """Go back to an earlier release, without a build.

    Image and configuration come back together.
    """
    values = {"to": _release(to)} if to else {}
    made = call.client.post(call.app_path("/rollback"), values)
    for each in _cancelled_by(call, made):
        which = version(each) or _ref(each)
        call.out.hint(f"It cancels deployment {each['id']} ({each['kind']}{f' of {which}' if which else ''}).")
    back_to = f"v{made['release']['number']}" + (f" ({version(made)})" if version(made) else "")
    follow(call, made, watch, timeout, what=f"goes back to {back_to} and ")


@noun(instead="slipway deployments show {}")
@app_option
@click.option(
    "--limit", type=click.IntRange(1, 100), metavar="N", default=20, show_default=True, help="How many, newest first."
)
@command
def deployments(call: Invocation, limit: int) -> None:
    """What was deployed, newest first."""
    if not listing():
        return
    listed = call.client.get(call.app_path("/deployments"), limit=limit)
    if call.out.as_json:
        call.out.document(listed)
        return
    rows = [_row(each) for each in listed["deployments"]]
    headings = ("id", "state", "release", "version", "kind", "when", "took", "message")
    call.out.table(headings, rows, empty=f"{call.app} was never deployed: git push, or slipway deploy -a {call.app}")


@deployments.command("show")
@click.argument("number", type=DEPLOYMENT)
@app_option
@click.option("--watch", is_flag=True, help="Follow it to its end.")
@timeout_option
@command
def show_deployment(call: Invocation, number: int, watch: bool, timeout: float) -> None:
    """Steps, times and outcome of one deployment."""
    found = call.client.get(f"/deployments/{number}", app=call.app_given)
    if watch:
        follow(call, found, watch, timeout)
    elif call.out.as_json:
        call.out.document(found)
    else:
        for line in whole(found, **address(call.client, found)):
            call.out.line(line)


@deployments.command()
@click.argument("number", type=DEPLOYMENT)
@app_option
@command
def cancel(call: Invocation, number: int) -> None:
    """Stop a deployment that is not live yet."""
    stopped = call.client.post(f"/deployments/{number}/cancel", query={"app": call.app_given})
    call.answer(stopped, f"Deployment {number} is being cancelled.")


@deployments.command()
@click.argument("number", type=DEPLOYMENT)
@app_option
@click.option("-f", "--follow", is_flag=True, help="Go on until it ends.")
@command
def log(call: Invocation, number: int, follow: bool) -> None:
    """A deployment's build log."""
    build_log.show(call, number, follow=follow)


def _cancelled_by(call: Invocation, rollback: Deployment) -> list[Deployment]:
    """What was under way before a rollback: asked to stop by it, or stopped already. Only people ask for it."""
    if not call.out.for_people:
        return []
    listed = call.client.get(call.app_path("/deployments"), limit=20)["deployments"]
    earlier = [each for each in listed if each["sequence"] < rollback["sequence"]]
    return [each for each in earlier if each["stopping"] or each["detail"] == rolled_back_by(rollback["id"])]


def _ref(deployment: Deployment) -> str:
    return str(deployment["ref"]).removeprefix("refs/heads/")


def _row(deployment: Deployment) -> tuple[str, ...]:
    release = f"v{deployment['release']['number']}" if deployment["release"] else ""
    took = sum(step["seconds"] or 0 for step in deployment["steps"]) if deployment["steps"] else None
    return (
        str(deployment["id"]),
        state(deployment["state"]),
        release,
        version(deployment) or one_line(_asked_for(deployment), 20),
        deployment["kind"],
        ago(deployment["created_at"]),
        f"{seconds(took):>8}",
        one_line(deployment["message"].partition("\n")[0], 50),
    )


def _asked_for(deployment: Deployment) -> str:
    """For a deployment whose commit or digest no worker has found out."""
    return _ref(deployment).rpartition("/")[2] if deployment["source"] == "image" else _ref(deployment)


def _release(text: str) -> int:
    digits = text.removeprefix("v")
    if not digits.isdigit():
        raise click.BadParameter(f"{text!r} is not a release; give it as 12 or v12", param_hint="--to")
    return int(digits)
