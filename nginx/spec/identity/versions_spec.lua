local nginx = require("fake_ngx")

describe("changes of identity", function()
  local fake, versions
  before_each(function()
    fake = nginx.start()
    versions = require("slipway.identity.versions")
  end)

  local function verdict(...)
    return { subjects = { ... }, version = versions.now(), seen_version = versions.now() }
  end

  it("end the verdicts of their subject alone", function()
    local ada, bob = verdict("person:ada", "session:1"), verdict("person:bob")
    versions.change("session:1")
    assert.is_false(versions.stands(ada))
    assert.is_true(versions.stands(bob))
    assert.is_true(versions.stands(bob))
    assert.is_true(versions.has_changed(ada))
  end)

  it("do not end a verdict that was asked for afterwards", function()
    versions.change("person:ada")
    assert.is_true(versions.stands(verdict("person:ada")))
  end)

  it("may end all verdicts", function()
    local ada, nobody = verdict("person:ada"), verdict()
    versions.change_all()
    assert.is_false(versions.stands(ada))
    assert.is_false(versions.stands(nobody))
    assert.is_false(versions.has_changed(ada))
    assert.is_true(versions.stands(verdict("person:ada")))
  end)

  it("end one that is asked for between a change's two writes", function()
    local state, during = fake.shared.slipway_state, nil
    local incr = state.incr
    rawset(state, "incr", function(...)
      during = verdict("person:ada")
      return incr(...)
    end)
    versions.change("person:ada")
    assert.is_false(versions.stands(during))
  end)

  it("end all verdicts where one does not fit into memory", function()
    local ada, bob = verdict("person:ada"), verdict("person:bob")
    rawset(fake.shared.slipway_identity, "safe_set", function()
      return nil, "no memory"
    end)
    versions.change("person:ada")
    assert.is_false(versions.stands(ada))
    assert.is_false(versions.stands(bob))
    assert.truthy(fake.logged[1]:find("ALARM", 1, true))
  end)

  describe("as records of the stream", function()
    local changes, version
    before_each(function()
      changes = require("slipway.identity.changes")
      version = verdict("person:ada")
    end)

    it("are about their subject", function()
      changes.apply({ "subject", "person:bob" })
      assert.is_true(versions.stands(version))
      changes.apply({ "subject", "person:ada" })
      assert.is_false(versions.stands(version))
    end)

    for _, fields in ipairs({
      { "subject", "all" }, { "subject", "group:7" }, { "subject", "person:" }, { "subject" }, {}, { "who", "ada" },
      { "subject", "person:bob", "at", "7" }, "person:bob",
    }) do
      it("are about everybody where they can't be understood otherwise", function()
        changes.apply(fields)
        assert.is_false(versions.stands(version))
      end)
    end
  end)
end)
