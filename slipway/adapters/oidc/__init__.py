"""What is spoken to an OpenID provider: discovery, keys, the sign-in of people, and what its tokens say.

Import it where sign-on is on: it costs memory."""
