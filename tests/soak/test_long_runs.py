"""`make soak`: what the test run does briefly, for long."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest

from tests.e2e.test_kills import HITS, hit_in_every_state, running_rig
from tests.e2e.test_push import slow
from tests.e2e.test_rollouts_under_load import roll_out_under_load
from tests.fixtures.load.crowds import load
from tests.fixtures.stack import Stack
from tests.integration.agent.rollouts import test_push_histories, test_push_model

SEED = int(os.environ.get("SEED", "7"))
ROLLOUTS = int(os.environ.get("ROLLOUTS", "100"))
SOCKETS = 200
PAUSE_S = 0.01
ROUNDS = int(os.environ.get("ROUNDS", "40"))
PAIRS = int(os.environ.get("PAIRS", "10"))
APPS, RUNS_OF_EACH = int(os.environ.get("APPS", "5")), 10
MODELS = int(os.environ.get("MODELS", "10000"))


def test_a_hundred_rollouts_under_load_fail_no_request_and_cut_no_socket(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    with capsys.disabled():
        roll_out_under_load(stack, ROLLOUTS, SOCKETS, PAUSE_S, say=lambda line: print(line, flush=True))


def test_random_kills_at_random_moments_lose_no_push_and_fail_no_request(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each round pushes a version and kills one process at some moment of its deployment."""
    chance = random.Random(SEED)
    checkout = stack.app("chaos")
    stack.deploy("chaos", checkout, "v0")
    with load(stack.port, "chaos.localhost", streamers=1) as clients:
        for number in range(1, ROUNDS + 1):
            commit = checkout.commit(f"v{number}", VERSION=f"v{number}\n", Dockerfile=slow(1, f"v{number}"))
            checkout.push()
            after_s, victim = chance.uniform(0, 4), chance.choice(["worker", "agent", "webhook", "router"])
            with capsys.disabled():
                print(f"round {number} of {ROUNDS}: {victim} killed after {after_s:.2f} s", flush=True)
            time.sleep(after_s)
            stack.kill(victim)
            ended = stack.ended(stack.deployment_of("chaos", commit)["id"], within_s=180)
            assert ended["state"] == "live", (SEED, number, ended)
            assert stack.get("chaos").text == f"v{number}"
        tally = clients.stop()
    assert tally.failures == []
    assert len(stack.call("GET", "/apps/chaos/deployments?limit=100")["deployments"]) == ROUNDS + 1


def test_each_hit_alone_in_every_state_loses_no_deployment_and_fails_no_request() -> None:
    with running_rig() as rig:
        for hit in HITS:
            hit_in_every_state(rig, hit, hit)


def test_two_hits_at_once_in_every_state_lose_no_deployment_and_fail_no_request(
    capsys: pytest.CaptureFixture[str],
) -> None:
    chance = random.Random(SEED)
    with running_rig() as rig:
        for number in range(1, PAIRS + 1):
            pair = chance.sample(sorted(HITS), 2)
            with capsys.disabled():
                print(f"round {number} of {PAIRS}: {' and '.join(pair)}", flush=True)
            hit_in_every_state(rig, f"v{number}", *pair)


def test_what_is_live_after_random_histories_of_pushes_is_what_the_newest_head_asks_for(
    sqlite_template: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = range(SEED, SEED + APPS)
    with capsys.disabled():
        print(f"SEED={SEED}: {APPS} apps with {RUNS_OF_EACH} runs each", flush=True)
    with test_push_histories.running_world(sqlite_template) as world:
        rows = test_push_histories.play(world, seeds, RUNS_OF_EACH)
    assert test_push_histories.every_way_was_taken(rows)


def test_the_rules_of_pushes_are_right_in_random_histories(capsys: pytest.CaptureFixture[str]) -> None:
    with capsys.disabled():
        print(f"SEED={SEED}: {MODELS} histories", flush=True)
    test_push_model.play(range(SEED, SEED + MODELS))
