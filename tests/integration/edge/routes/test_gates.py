"""A gate is a row of one table: it is in force on both ways of a request, the rewrite phase and the access phase."""

from __future__ import annotations

import pytest
from edge_publisher import HOST, target
from edge_rig import running

from tests.fixtures.ports import free_port
from tests.fixtures.waiting import eventually

INIT = "init_by_lua_file lua/init.lua;"
GATE = """
init_by_lua_block {
  dofile(ngx.config.prefix() .. "lua/init.lua")
  local gates = require("slipway.gates.gates")
  local headers = require("slipway.gates.headers")
  local verdicts = require("slipway.gates.verdicts")

  local function check(ctx, entry)
    local asked = ngx.var.http_x_verdict or ""
    headers.set_for_app(ctx, "X-Slipway-Phase", ngx.get_phase())
    headers.set_for_client(ctx, "X-Phase", ngx.get_phase())
    headers.set_for_client(ctx, "Set-Cookie", "__Host-slipway_phase=" .. ngx.get_phase())
    if asked == "refuse" then
      return verdicts.REFUSE, "unknown-host"
    elseif asked == "refuse undescribed" then
      return verdicts.REFUSE, "no-such-code"
    elseif asked == "redirect" then
      return verdicts.REDIRECT, "https://login.localhost/?next=shop"
    elseif asked == "wait" and entry.name ~= "open" then
      return verdicts.WAIT, "app-busy"
    end
  end

  local gate = { name = "of a test", check = check }
  if WITH_PREDICATE then
    gate.passes_at_once = function(ctx, entry)
      return check(ctx, entry) == nil
    end
  end
  table.insert(gates, 5, gate)

  local function take(ctx)
    ctx.is_taken = true
    headers.set_for_client(ctx, "X-Taken", ngx.shared.slipway_state:incr("taken", 1, 0))
  end

  local function give_back(ctx)
    if ctx.is_taken then
      ctx.is_taken = nil
      ngx.shared.slipway_state:incr("taken", -1)
    end
  end

  local function passes_at_once(ctx)
    take(ctx)
    return true
  end

  table.insert(gates, 2, { name = "that takes", check = function(ctx) if not ctx.is_taken then take(ctx) end end,
    passes_at_once = passes_at_once, release = give_back })
}
"""
WAYS = [("GET", None), ("POST", b"x"), ("POST", b"x" * 200_000)]
"""Requests without a body pass the gates in the rewrite phase, where they can; all others in the access phase."""
PATIENT = {"waiting": {"timeout_s": 60}}  # no test waits for its end: a busy host may take long until all requests wait


@pytest.fixture(scope="module", params=["true", "false"], ids=["that may pass at once", "without a predicate"])
def gated(request):
    with running({}, conf={INIT: GATE.replace("WITH_PREDICATE", request.param)}) as rig:
        yield rig, request.param == "true"
        assert rig.edge.complaints == []


@pytest.fixture
def rig(gated):
    gated[0].unroute(HOST)
    return gated[0]


@pytest.fixture
def phase_of_get(gated):
    return "set" if gated[1] else "access"


@pytest.mark.parametrize(("method", "body"), WAYS)
def test_it_passes_a_request_and_sets_headers_for_the_app_and_for_the_client(rig, phase_of_get, backend, method, body):
    app = backend()
    rig.route(HOST, target(app.port))

    answer = rig.edge.ask(HOST, "/cookies", method, body=body, headers={"X-Slipway-Phase": "the client's"})

    phase = phase_of_get if method == "GET" else "access"
    assert (answer.status, answer.headers["x-phase"]) == (200, phase)
    assert set(answer.headers["set-cookie"].splitlines()) == {"mine=1", f"__Host-slipway_phase={phase}"}
    assert app.record.requests[0].headers["x-slipway-phase"] == phase


@pytest.mark.parametrize(("method", "body"), WAYS)
def test_it_refuses_a_request(rig, backend, method, body):
    app = backend()
    rig.route(HOST, target(app.port))

    answer = rig.edge.ask(HOST, "/", method, body=body, headers={"X-Verdict": "refuse"})

    assert (answer.status, answer.json["code"], answer.headers["x-phase"]) == (404, "unknown-host", "access")
    assert app.record.requests == []


@pytest.mark.parametrize(("method", "body"), WAYS)
def test_a_code_without_a_row_refuses_a_request_too_and_is_logged(rig, backend, method, body):
    app = backend()
    rig.route(HOST, target(app.port))

    answer = rig.edge.ask(HOST, "/", method, body=body, headers={"X-Verdict": "refuse undescribed"})

    assert (answer.status, answer.json["code"]) == (500, "internal")
    assert app.record.requests == []
    assert "a code that failures.lua does not have: no-such-code" in rig.edge.errors.read_text()


@pytest.mark.parametrize(("method", "body"), WAYS)
def test_it_redirects_a_request(rig, backend, method, body):
    app = backend()
    rig.route(HOST, target(app.port))

    answer = rig.edge.ask(HOST, "/", method, body=body, headers={"X-Verdict": "redirect"})

    assert (answer.status, answer.headers["location"]) == (302, "https://login.localhost/?next=shop")
    assert answer.headers["x-phase"] == "access"
    assert app.record.requests == []


@pytest.mark.parametrize(("method", "body"), WAYS)
def test_it_lets_a_request_wait(rig, backend, pool, app_id, method, body):
    app = backend()
    rig.route(HOST, target(app.port), app=app_id, **PATIENT)
    asked = pool.submit(rig.edge.ask, HOST, "/", method, body=body, headers={"X-Verdict": "wait"})
    rig.waits(app_id, 1)

    rig.route(HOST, target(app.port), app=app_id, name="open", **PATIENT)

    assert (asked.result().status, asked.result().json["length"]) == (200, len(body or b""))
    eventually(lambda: (rig.edge.status["inflight"], rig.edge.status["bodies"]) == ({}, {}))


def test_what_it_took_before_a_redirect_to_a_location_is_given_back(rig, backend):
    """A body of unknown length goes to a location where all gates are asked anew."""
    app = backend()
    rig.route(HOST, target(app.port))

    def ask():
        return rig.edge.ask(HOST, "/", "POST", body=iter([b"x"]), encode_chunked=True)

    eventually(lambda: ask().headers["x-taken"] == "1")


def test_it_is_asked_again_about_a_requeued_request(rig, backend, pool, app_id):
    rig.route(HOST, target(free_port()), app=app_id, **PATIENT)
    asked = pool.submit(rig.edge.ask, HOST)
    rig.waits(app_id, 1)

    another = backend()
    rig.route(HOST, target(another.port), app=app_id, **PATIENT)

    assert asked.result().status == 200
    assert another.record.requests[0].headers["x-slipway-phase"] == "access"
