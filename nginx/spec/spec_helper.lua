-- Runs before all specs. A module that writes a global fails its spec: in nginx every worker's requests would share it.
setmetatable(_G, {
  __newindex = function(_, name)
    error("a global is written: " .. tostring(name), 2)
  end,
})
