-- What a gate may say of a request (gates.lua). It passes a request by returning nothing.
return {
  REFUSE = "refuse", -- with a failure's code (responses/failures.lua)
  REDIRECT = "redirect", -- with a URL, or with a location of apps.conf (`@name`) where the chain begins anew
  WAIT = "wait", -- with the code of the failure that waiting may end (waiting.lua)
}
